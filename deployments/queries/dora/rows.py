"""The deployments and commits behind a number: those that it counts, and those that it leaves out for one reason."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from deployments.models import Commit, Deployment
from deployments.queries.dora.definitions import OF_COMMITS
from deployments.queries.dora.facts import Judged
from deployments.queries.dora.leads import Change
from deployments.queries.dora.numbers import Found
from deployments.queries.places import deployments
from portal.kit.by import By

AT_ONCE = 500


@dataclass(frozen=True)
class Row:
    """`change` and `commit` where the row is a commit; nobody may have told more of one than its sha."""

    deployment: Deployment
    judged: Judged
    change: Change | None = None
    commit: Commit | None = None

    @property
    def edge(self) -> str:
        """What leads to the rows that follow."""
        return f"{self.deployment.public_id}.{self.change.sha if self.change else ''}"


@dataclass(frozen=True)
class Edge:
    """The last row of the page before."""

    at: datetime
    deployment: int
    sha: str


def rows_of(found: Found, key: str, *, reason: str = "", failed: bool = False) -> Sequence[Judged | Change]:
    """Newest first. `reason` empty: those that count; of these only what failed where `failed`.

    The lead time counts commits; the others, and most of what it leaves out, are deployments.
    """
    if key == "lead_time":
        if not reason or reason in OF_COMMITS:
            return [each for each in found.lead.changes if each.reason == reason]
        return sorted((each for each, why in found.lead.without if why == reason), key=_at, reverse=True)
    return [each for each in found.rows if each.reason(key) == reason and (each.failed or not failed)]


def edge(by: By, text: str) -> Edge | None:
    """The `edge` of a row, read again; None for what is none, or is of no deployment that the viewer may see."""
    public_id, _, sha = text.partition(".")
    try:
        found = deployments(by).filter(public_id=UUID(public_id)).first()
    except ValueError:
        return None
    return Edge(found.happened_at, found.pk, sha) if found else None


def page_of(rows: Sequence[Judged | Change], *, after: Edge | None, size: int) -> tuple[list[Row], bool]:
    """Those that follow the row `after`, and whether there are more. It may have gone meanwhile: then what is older."""
    start = _following(rows, after) if after else 0
    return list(with_deployments(rows[start : start + size])), len(rows) > start + size


def _following(rows: Sequence[Judged | Change], edge: Edge) -> int:
    """The place of the first row behind the edge."""
    same = next((place for place, each in enumerate(rows) if _key(each) == (edge.deployment, edge.sha)), None)
    if same is not None:
        return same + 1
    older = (place for place, each in enumerate(rows) if _at(each) < (edge.at, edge.deployment))
    return next(older, len(rows))


def _at(row: Judged | Change) -> tuple[datetime, int]:
    judged = row.deployment if isinstance(row, Change) else row
    return judged.at, judged.deployment


def _key(row: Judged | Change) -> tuple[int, str]:
    return (row.deployment.deployment, row.sha) if isinstance(row, Change) else (row.deployment, "")


def with_deployments(rows: Sequence[Judged | Change]) -> Iterator[Row]:
    """With all that a table shows of each, read some hundred at once."""
    related = ("entity", "config__entity", "config__service", "config__environment")
    for start in range(0, len(rows), AT_ONCE):
        some = rows[start : start + AT_ONCE]
        known = Deployment.objects.select_related(*related).in_bulk({_key(each)[0] for each in some})
        commits = Commit.objects.in_bulk({each.row for each in some if isinstance(each, Change) and each.row})
        for each in some:
            deployment = known.get(_key(each)[0])
            if deployment and isinstance(each, Change):
                yield Row(deployment, each.deployment, each, commits.get(each.row or 0))
            elif deployment and isinstance(each, Judged):
                yield Row(deployment, each)
