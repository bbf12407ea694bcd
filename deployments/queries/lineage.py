"""How a service's commits descend from each other, as far as reports have told.

A service's whole graph is read in one go and walked in memory: 100,000 commits take about a second, and most
services have a few hundred.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import pairwise

from django.db import connection

from deployments.messages import sha_of
from deployments.models import Commit

LONG = (40, 64)  # digits of a whole sha
MOST = 1000  # commits that one step lists


@dataclass
class Graph:
    """`below` are the commits that each one stands on; one that is not in `known` is a hole: nobody has told of its parents.

    Short shas are taken for the only long one that begins with them.
    """

    below: dict[str, list[str]] = field(default_factory=dict)
    known: set[str] = field(default_factory=set)
    longs: dict[str, str] = field(default_factory=dict)

    @cached_property
    def names(self) -> list[str]:
        return sorted(self._named)

    @cached_property
    def shorts(self) -> set[str]:
        return {sha for sha in self._named if len(sha) not in LONG}

    def name(self, text: str) -> str:
        """The commit that a sha, short or long, means here; "" for no sha."""
        sha = sha_of(text)
        if sha in self.below or not sha:
            return sha
        if len(sha) not in LONG:
            return self.longs.get(sha) or _longest(sha, self.names)
        return next((sha[:size] for size in range(len(sha) - 1, 6, -1) if sha[:size] in self.shorts), sha)

    def reach(self, heads: Iterable[str], without: frozenset[str] | set[str] = frozenset()) -> set[str]:
        """The heads and all that they stand on; not what is in `without`, nor what only that stands on."""
        seen = {head for head in heads if head and head not in without}
        left = list(seen)
        while left:
            for sha in self.below.get(left.pop(), ()):
                if sha not in seen and sha not in without:
                    seen.add(sha)
                    left.append(sha)
        return seen

    @cached_property
    def order(self) -> list[str]:
        """All commits, each after those that it stands on; what stands on itself, which no git makes, comes last."""
        above: dict[str, list[str]] = {}
        left: dict[str, int] = {}
        for sha, below in self.below.items():
            left[sha] = len(below)
            for each in below:
                above.setdefault(each, []).append(sha)
        order = [sha for sha in above if sha not in left] + [sha for sha, count in left.items() if not count]
        for sha in order:  # it grows meanwhile
            for each in above.get(sha, ()):
                left[each] -= 1
                if not left[each]:
                    order.append(each)
        return order + [sha for sha, count in left.items() if count > 0]

    def foot(self, sha: str) -> str:
        """The hole at the end of a single line of commits; "" where the line forks, or ends with a root."""
        line: dict[str, None] = {}
        while sha in self.known and sha not in line and sha not in self._feet:
            line[sha] = None
            below = self.below.get(sha, [])
            sha = below[0] if len(below) == 1 else ""
        found = self._feet.get(sha, "" if sha in self.known else sha)
        self._feet.update(dict.fromkeys(line, found))
        return found

    @cached_property
    def _feet(self) -> dict[str, str]:
        return {}

    @cached_property
    def _named(self) -> set[str]:
        return set(self.below).union(*self.below.values())

    def masks(self, marked: Sequence[str]) -> dict[str, int]:
        """For every commit which of the marked ones it contains, itself included, as bits: one walk for all of them."""
        bits: dict[str, int] = {}
        for place, sha in enumerate(marked):
            bits[sha] = bits.get(sha, 0) | 1 << place
        for sha in self.order:
            mask = bits.get(sha, 0)
            for each in self.below.get(sha, ()):
                mask |= bits.get(each, 0)
            bits[sha] = mask
        return bits

    def holes(self, shas: Iterable[str]) -> set[str]:
        return {sha for sha in shas if sha not in self.known}

    def newest_first(self, shas: set[str], heads: Iterable[str]) -> list[str]:
        """Each before those that it stands on; a branch that was merged before the line that it was merged into."""
        order: list[str] = []
        done: set[str] = set()
        for head in heads:
            left = [(head, False)] if head in shas else []
            while left:
                sha, is_left = left.pop()
                if is_left:
                    order.append(sha)
                elif sha not in done:
                    done.add(sha)
                    left.append((sha, True))
                    # The first parent is walked first: turned round, it comes after what was merged into it.
                    below = reversed(self.below.get(sha, []))
                    left += [(each, False) for each in below if each in shas and each not in done]
        return order[::-1]


@dataclass(frozen=True)
class Between:
    """What a step from one commit to another brings and takes away, newest first; of very many the newest, and how many.

    Not `complete`: the walk met a commit of which nobody has told what it stands on, so there may be more, or fewer.
    """

    added: list[Commit]
    removed: list[Commit]
    complete: bool
    added_count: int
    removed_count: int


def between(service_id: int, old: str, new: str, graph: Graph | None = None) -> Between:
    """By ancestry: what `new` contains and `old` does not, and the other way round. "" is before the first commit."""
    graph = graph or graphs([service_id])[service_id]
    first, last = graph.name(old), graph.name(new)
    left, right = graph.reach([first]), graph.reach([last])
    added, removed = right - left, left - right
    complete = bool(last) and bool(first or not old) and not graph.holes(added | removed)
    order = [graph.newest_first(shas, [head])[:MOST] for shas, head in ((added, last), (removed, first))]
    rows = _rows(service_id, [*order[0], *order[1]], graph)
    found = [[rows[sha] for sha in each if sha in rows] for each in order]
    return Between(found[0], found[1], complete, len(added), len(removed))


def contains(service_id: int, head: str, commit: str, graph: Graph | None = None) -> bool | None:
    """Whether `commit` is `head` or one of its ancestors; None where what is known does not tell."""
    graph = graph or graphs([service_id])[service_id]
    top, wanted = graph.name(head), graph.name(commit)
    if not top or not wanted:
        return None
    above = graph.reach([top])
    if wanted in above:
        return True
    # It cannot be further down than what it stands on itself.
    return False if wanted in graph.known and graph.holes(above) <= graph.reach([wanted]) else None


@dataclass(frozen=True)
class Success:
    """A deployment that went live, by its key and that of its config."""

    deployment: int
    config: int
    commit: str
    previous_commit: str
    finished_at: datetime


def assumed(graph: Graph, places: Sequence[Sequence[Success]]) -> Graph | None:
    """The graph with what the order of deployments suggests where no report tells: a commit that went live for the first
    time stands on the one that was live there before. None where there is nothing to suggest. `places`: the last first.
    """
    first: dict[str, datetime] = {}
    for one in (each for place in places for each in place):
        name = graph.name(one.commit)
        first[name] = min(first.get(name, one.finished_at), one.finished_at)
    steps: dict[tuple[str, str], None] = {}
    for place in places:
        for new, old in pairwise(place):
            top, below = graph.name(new.commit), graph.name(old.commit)
            if new.previous_commit or not top or not below or first[below] >= first[top]:
                continue
            foot = graph.foot(top)
            if foot and foot != below:
                steps[foot, below] = None
    found: dict[str, list[str]] = {}
    bits = {foot: 1 << place for place, foot in enumerate(dict.fromkeys(foot for foot, _ in steps))}
    masks = graph.masks(list(bits))
    for foot, below in steps:
        if not masks.get(below, 0) & bits[foot]:
            found.setdefault(foot, []).append(below)
    return Graph(graph.below | found, graph.known | found.keys(), graph.longs) if found else None


# One text for each service: a row or an array for each commit would cost more than the walk.
_GRAPHS = """
    select service_id, string_agg(
        sha || case when parents is not null then ' t' when chained <> '{}' then ' c' else ' h' end
        || array_to_string(array[''] || coalesce(parents, chained) || reaches, ' '), E'\\n')
    from deployments_commit where service_id = any(%s) group by service_id
"""


def graphs(services: Sequence[int]) -> dict[int, Graph]:
    """The graph of each service, by its key."""
    found = {service: Graph() for service in services}
    if found:
        with connection.cursor() as cursor:
            cursor.execute(_GRAPHS, [list(found)])
            for service, text in cursor.fetchall():
                found[service] = _graph(text)
    return found


def _graph(text: str) -> Graph:
    lines = [line.split(" ") for line in text.split("\n")]
    below = {line[0]: line[2:] for line in lines}
    known = {line[0] for line in lines if line[1] != "h"}
    if all(len(each) in LONG for line in lines for each in (line[0], *line[2:])):
        return Graph(below, known)
    return _unfolded(below, known, {line[0] for line in lines if line[1] == "t"})


def _unfolded(below: dict[str, list[str]], known: set[str], told: set[str]) -> Graph:
    """With each short sha taken for its long one. What is told of either counts before what was chained."""
    names = sorted(set(below).union(*below.values()))
    longs = {sha: long for sha in names if len(sha) not in LONG and (long := _longest(sha, names)) != sha}
    merged: dict[str, list[str]] = {}
    sure: set[str] = set()
    for sha in sorted(below, key=lambda each: each not in told):
        whole = longs.get(sha, sha)
        if whole in sure and sha not in told:
            continue
        sure |= {whole} if sha in told else set()
        edges = [longs.get(each, each) for each in below[sha]]
        merged[whole] = [*merged.get(whole, ()), *(each for each in edges if each != whole)]
    return Graph(merged, {longs.get(sha, sha) for sha in known}, longs)


def _longest(sha: str, names: list[str]) -> str:
    """The only longest of the sorted names that begins with it; itself where there is none, or where two differ."""
    if not sha:
        return ""
    start = bisect_left(names, sha)
    longest = sha
    for name in names[start:]:
        if not name.startswith(sha):
            break
        if not name.startswith(longest):
            return sha
        longest = name
    return longest


def _rows(service_id: int, shas: Sequence[str], graph: Graph) -> dict[str, Commit]:
    """By the name that the graph knows each by; of a short and a long row the long one."""
    wanted = set(shas)
    asked = [*shas, *(short for short, long in graph.longs.items() if long in wanted)]
    found = Commit.objects.filter(service=service_id, sha__in=asked)
    return {graph.longs.get(row.sha, row.sha): row for row in sorted(found, key=lambda row: len(row.sha))}
