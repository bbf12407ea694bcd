"""Made-up histories in real git repositories, and an oracle that asks git itself where a commit is.

Each commit of work adds one file of its own, so that the tree of what is deployed says whether the work is in it, whatever
its commits are called. Branches are merged, squashed, picked to releases; work is taken back and brought again.
"""

import random
import subprocess
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

EPOCH = 1_760_000_000  # of the first commit
PEOPLE = ("Dana", "Priya", "Alice", "Bob")


@dataclass
class Made:
    """A commit of a history, by its mark. `work` are the files it adds; a revert names the mark that it takes back."""

    mark: int
    message: str
    parents: list[int]
    work: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    reverts: int = 0


@dataclass
class History:
    """`main` and `releases` are what may be deployed, in their order; `branches` the heads of branches of work."""

    made: list[Made] = field(default_factory=list)
    main: list[int] = field(default_factory=list)
    releases: list[list[int]] = field(default_factory=list)
    branches: list[int] = field(default_factory=list)


class Author:
    """Writes a history, a step at a time."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.history = History()
        self.request = 100
        self.commit("Begin", [])
        self.history.main.append(1)

    def commit(self, message: str, parents: list[int], **more) -> Made:
        made = Made(len(self.history.made) + 1, message, parents, **more)
        self.history.made.append(made)
        return made

    def plain(self, parent: int) -> Made:
        number = len(self.history.made) + 1
        title = f"WORK-{number % 97 + 1}: Do the part numbered {number}"
        return self.commit(title, [parent], work=(f"f{number}",))

    def on_main(self, made: Made) -> None:
        self.history.main.append(made.mark)

    @property
    def head(self) -> int:
        return self.history.main[-1]

    def branch(self, squashed: bool) -> None:
        """Begun a little in the past, as branches are."""
        at = self.chance.choice(self.history.main[-6:])
        own = []
        for _ in range(self.chance.randint(1, 4)):
            own.append(self.plain(own[-1].mark if own else at))
        self.history.branches.append(own[-1].mark)
        self.request += 1
        work = tuple(name for each in own for name in each.work)
        if squashed:
            body = "\n\n".join(f"* {each.message}" for each in own)
            title = f"WORK-{own[0].mark}: All of it (#{self.request})"
            self.on_main(self.commit(f"{title}\n\n{body}", [self.head], work=work))
        else:
            title = f"Merge pull request #{self.request} from shop/WORK-{own[0].mark}-x"
            self.on_main(self.commit(title, [self.head, own[-1].mark], work=work))

    def revert(self) -> None:
        known = {each.reverts for each in self.history.made}
        near = [self.history.made[mark - 1] for mark in self.history.main[-25:]]
        fit = [each for each in near if len(each.parents) == 1 and each.mark not in known and (each.work or each.gone)]
        if fit:
            of = self.chance.choice(fit)
            title = f'Revert "{of.message.splitlines()[0]}"\n\nThis reverts commit <{of.mark}>.'
            self.on_main(self.commit(title, [self.head], work=of.gone, gone=of.work, reverts=of.mark))

    def release(self) -> None:
        """A branch from the past, with some later work picked to it: half of the picks say so."""
        begun = self.chance.randrange(max(0, len(self.history.main) - 30), len(self.history.main))
        line = [self.history.main[begun]]
        later = [self.history.made[mark - 1] for mark in self.history.main[begun + 1 :]]
        fit = [each for each in later if each.work and len(each.parents) == 1 and not each.reverts]
        for of in self.chance.sample(fit, min(len(fit), self.chance.randint(1, 3))):
            said = f"\n\n(cherry picked from commit <{of.mark}>)" if self.chance.random() < 0.5 else ""
            line.append(self.commit(of.message + said, [line[-1]], work=of.work).mark)
        if len(line) > 1:
            self.history.releases.append(line[1:])

    def write(self, count: int) -> History:
        while len(self.history.made) < count:
            kind = self.chance.random()
            if kind < 0.62:
                self.on_main(self.plain(self.head))
            elif kind < 0.74:
                self.branch(squashed=False)
            elif kind < 0.86:
                self.branch(squashed=True)
            elif kind < 0.95:
                self.revert()
            else:
                self.release()
        return self.history


def git(folder: Path, *words: str, told: bytes | None = None) -> str:
    done = subprocess.run(["git", *words], cwd=folder, input=told, capture_output=True, check=True)
    return done.stdout.decode()


def imported(history: History, folder: Path) -> dict[int, str]:
    """The history as a repository; the shas by their marks. Messages name shas, so those are written as they are known."""
    git(folder, "init", "-q", "-b", "main")
    feed = subprocess.Popen(
        ["git", "fast-import", "--quiet", "--force"], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert feed.stdin and feed.stdout
    shas: dict[int, str] = {}
    for each in history.made:
        message = each.message
        for of in {each.reverts, *(mark for mark in shas if f"<{mark}>" in message)} - {0}:
            message = message.replace(f"<{of}>", shas[of])
        feed.stdin.write(_commit(each, message.encode()))
        feed.stdin.write(f"get-mark :{each.mark}\n".encode())
        feed.stdin.flush()
        shas[each.mark] = feed.stdout.readline().decode().strip()
    feed.stdin.write(f"reset refs/heads/main\nfrom :{history.main[-1]}\n\n".encode())
    feed.stdin.close()
    assert feed.wait() == 0
    return shas


def _commit(each: Made, message: bytes) -> bytes:
    who, when = PEOPLE[each.mark % len(PEOPLE)], EPOCH + 600 * each.mark
    lines = [f"commit refs/made/{each.mark}", f"mark :{each.mark}"]
    lines += [f"committer {who} <{who.lower()}@example.org> {when} +0000", f"data {len(message)}"]
    parents = [f"{word} :{mark}" for word, mark in zip(("from", "merge"), each.parents, strict=False)]
    files = [f"M 100644 inline {name}\ndata {len(_text(name))}\n{_text(name)}" for name in each.work]
    files += [f"D {name}" for name in each.gone]
    head = "\n".join(lines).encode() + b"\n" + message + b"\n"
    return head + "\n".join([*parents, *files, ""]).encode() + b"\n"


def _text(name: str) -> str:
    return "".join(f"line {number} of {name}\n" for number in range(3))


class Oracle:
    """Where a commit is, asked of git: by ancestry, by equal patches, and by the files that are there."""

    def __init__(self, history: History, shas: dict[int, str], folder: Path) -> None:
        self.history, self.shas, self.folder = history, shas, folder
        self._above: dict[str, set[str]] = {}
        self._files: dict[str, set[str]] = {}

    @cached_property
    def patches(self) -> dict[str, str]:
        log = git(self.folder, "log", "-p", "--all", "--no-merges").encode()
        lines = git(self.folder, "patch-id", "--stable", told=log).splitlines()
        return {sha: patch for patch, sha in (line.split() for line in lines)}

    @cached_property
    def by_patch(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = defaultdict(set)
        for sha, patch in self.patches.items():
            found[patch].add(sha)
        return found

    def above(self, head: str) -> set[str]:
        if head not in self._above:
            self._above[head] = set(git(self.folder, "rev-list", head).split())
        return self._above[head]

    def files(self, head: str) -> set[str]:
        if head not in self._files:
            self._files[head] = set(git(self.folder, "ls-tree", "-r", "--name-only", head).split())
        return self._files[head]

    def state(self, made: Made, head: str) -> str:
        """in, copied, reverted or out. A merge, which adds nothing of its own, is in by ancestry alone."""
        sha = self.shas[made.mark]
        is_above = sha in self.above(head)
        if len(made.parents) != 1:
            return "in" if is_above else "out"
        if made.reverts:
            back = bool(made.gone) and not self.files(head).isdisjoint(made.gone)
            done = back or (bool(made.work) and not self.files(head).issuperset(made.work))
            return ("reverted" if done else "in") if is_above else "out"
        works = self.files(head).issuperset(made.work)
        if is_above:
            return "in" if works else "reverted"
        if works:
            return "copied"
        return "reverted" if self.by_patch[self.patches[sha]] & self.above(head) else "out"
