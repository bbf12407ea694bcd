"""Which commits are copies of each other, and which take others back."""

from collections import defaultdict
from collections.abc import Sequence

from django.db.models import Q

from deployments.messages import same_commit
from deployments.models import Commit

MOST_COPIES = 20
SHORTEST_TITLE = 10  # by which the message of a squash is taken to name a commit


class Kin:
    """Of one service: the commits asked about, their copies, and what takes any of these back."""

    def __init__(self, service_id: int, commits: Sequence[Commit], others: Sequence[Commit]) -> None:
        self.service_id = service_id
        self.rows = {each.sha: each for each in [*others, *commits]}
        self._by_start: dict[str, list[Commit]] = defaultdict(list)
        self._by_patch: dict[str, list[Commit]] = defaultdict(list)
        self._by_origin: dict[str, list[Commit]] = defaultdict(list)
        self._by_reverted: dict[str, list[Commit]] = defaultdict(list)
        self._squashes: dict[str, list[Commit]] = defaultdict(list)
        self._by_line: dict[str, list[Commit]] = defaultdict(list)
        self._copies: dict[str, list[Commit]] = {}
        for each in self.rows.values():
            self._file(each)

    def _file(self, commit: Commit) -> None:
        self._by_start[commit.sha[:7]].append(commit)
        # A revert of a revert has the patch of what it brings back, and is no copy of it: that it is there itself says so.
        if commit.patch_id and not commit.reverts:
            self._by_patch[commit.patch_id].append(commit)
        if commit.picked_from:
            self._by_origin[commit.picked_from[:7]].append(commit)
        if commit.is_squash:
            self._squashes[commit.pull_request].append(commit)
            for line in commit.message.splitlines()[1:]:
                self._by_line[line.lstrip("*- ")].append(commit)
        for sha in commit.reverts:
            self._by_reverted[sha if sha.startswith("#") else sha[:7]].append(commit)

    @property
    def shas(self) -> list[str]:
        return list(self.rows)

    def copies(self, commit: Commit) -> list[Commit]:
        """The same change under another sha: picked from it or it from them, of the same patch, or squashed with others."""
        if commit.sha not in self._copies:
            self._copies[commit.sha] = self._found(commit)
        return self._copies[commit.sha]

    def _found(self, commit: Commit) -> list[Commit]:
        found = {commit.sha: commit}
        left = [commit]
        while left:
            for other in self._next(left.pop()):
                if len(found) > MOST_COPIES:
                    return list(found.values())[1:]
                if other.sha not in found:
                    found[other.sha] = other
                    left.append(other)
        return list(found.values())[1:]

    def _next(self, commit: Commit) -> list[Commit]:
        same = self._by_patch[commit.patch_id] if commit.patch_id and not commit.reverts else []
        found = same[: MOST_COPIES + 1]  # itself among them
        found += [each for each in self._by_origin[commit.sha[:7]] if same_commit(each.picked_from, commit.sha)]
        if commit.picked_from:
            origins = self._by_start[commit.picked_from[:7]]
            found += [each for each in origins if same_commit(each.sha, commit.picked_from)]
        if commit.pull_request and not (commit.is_squash or commit.is_merge):
            found += self._squashes[commit.pull_request]
        if not commit.is_merge and len(commit.title) >= SHORTEST_TITLE:
            found += self._by_line[commit.title]
        return found

    def reverters(self, commit: Commit) -> list[Commit]:
        named = [
            each
            for each in self._by_reverted[commit.sha[:7]]
            if any(same_commit(sha, commit.sha) for sha in each.reverts)
        ]
        whole = self._by_reverted[f"#{commit.pull_request}"] if commit.pull_request and not commit.reverts else []
        return [each for each in [*named, *whole] if each.sha != commit.sha]


def kin(commits: Sequence[Commit]) -> dict[int, Kin]:
    """The relatives of these commits, by service."""
    services = {each.service_id for each in commits}
    patches = {each.patch_id for each in commits if each.patch_id}
    requests = {each.pull_request for each in commits if each.pull_request}
    origins = {each.picked_from for each in commits if each.picked_from}
    odd = ~Q(reverts=[]) | ~Q(picked_from="")
    related = odd | Q(patch_id__in=patches) | Q(pull_request__in=requests) | Q(sha__in=origins)
    others = list(Commit.objects.filter(related, service__in=services)) if services else []
    return {
        service: Kin(
            service,
            [each for each in commits if each.service_id == service],
            [each for each in others if each.service_id == service],
        )
        for service in services
    }
