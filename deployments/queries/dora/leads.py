"""How long each commit took from being committed to the first success that contains it on the pair.

What a success brings is all that its commit contains, by the ancestry that is known (`queries.lineage`), and that no
earlier success of the pair contains, of whatever time. So a commit is counted once for each pair. Those that the first
success of a pair, a redeploy or a rollback contains are never counted.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby

from django.db import connection
from django.db.models import Q, QuerySet

from deployments.messages import sha_of
from deployments.models import Deployment, DeploymentConfig, Ran, Status
from deployments.queries.dora.facts import Judged
from deployments.queries.lineage import Graph, graphs

_COMMITS = """
    select service_id, sha, id, committed_at from deployments_commit where service_id = any(%s) and sha = any(%s::text[])
"""
_Brought = list[tuple[Judged, set[str]]]


@dataclass(frozen=True)
class Change:
    """A commit that came with a deployment. `row` is its key where it has a row; `reason` why it is left out, if it is."""

    deployment: Judged
    sha: str
    row: int | None
    committed_at: datetime | None
    reason: str

    @property
    def seconds(self) -> float:
        return (self.deployment.at - self.committed_at).total_seconds() if self.committed_at else 0.0


@dataclass(frozen=True)
class Lead:
    """The changes, newest first; `without` are the deployments that bring none, each with its reason."""

    changes: list[Change]
    without: list[tuple[Judged, str]]

    @property
    def counted(self) -> list[Change]:
        return [each for each in self.changes if not each.reason]

    @property
    def left_out(self) -> Counter[str]:
        """How many commits or deployments, by the reason."""
        return Counter([each.reason for each in self.changes if each.reason] + [reason for _, reason in self.without])


def leads(rows: QuerySet[Deployment], judged: Sequence[Judged], since: datetime) -> Lead:
    """Five statements, however many rows and pairs there are. `rows` are those of the scope, of whatever time."""
    without = [(each, each.lead_time) for each in judged if each.lead_time]
    live = sorted((each for each in judged if each.place), key=lambda each: (each.config, each.place))
    services = dict(DeploymentConfig.objects.filter(pk__in={each.config for each in live}).values_list("pk", "service"))
    known, before = graphs(sorted(set(services.values()))), _before(rows, list(services), since)
    brought: _Brought = []
    for config, some in groupby(live, key=lambda each: each.config):
        brought += _brought(some, before[config], known[services[config]])
    without += [(each, "no_change" if sha_of(each.commit) else "no_commit") for each, shas in brought if not shas]
    return Lead(_changes(brought, services, known), without)


def _before(rows: QuerySet[Deployment], configs: list[int], since: datetime) -> dict[int, list[str]]:
    """The commits of each pair's successes before the span, and of those that are rolled up."""
    earlier = Q(finished_at__lt=since) | Q(rolled_up=True)
    ended = rows.filter(earlier, config__in=configs, status=Status.SUCCESS, kind__in=Deployment.DEPLOYS)
    gone = Ran.objects.filter(config__in=configs)
    found = defaultdict(list)
    for each in (ended, gone):
        for config, commit in each.exclude(commit="").values_list("config", "commit").distinct():
            found[config].append(commit)
    return found


def _brought(live: Iterator[Judged], before: list[str], graph: Graph) -> Iterator[tuple[Judged, set[str]]]:
    """What each success of one pair brings, in their order; only of those that count."""
    there = graph.reach(map(graph.name, before))
    for each in live:
        fresh = graph.reach([graph.name(each.commit)], there)
        there |= fresh
        if not each.lead_time:
            yield each, fresh


def _changes(brought: _Brought, services: dict[int, int], known: dict[int, Graph]) -> list[Change]:
    rows = _rows({(services[each.config], sha) for each, shas in brought for sha in shas}, known)
    found = []
    for each, shas in brought:
        for sha in shas:
            row, committed_at = rows.get((services[each.config], sha), (None, None))
            late = committed_at is not None and committed_at > each.at
            reason = "no_time" if committed_at is None else "negative" if late else ""
            found.append(Change(each, sha, row, committed_at, reason))
    return sorted(found, key=_order, reverse=True)


def _order(change: Change) -> tuple[datetime, int, datetime, str]:
    committed = change.committed_at or datetime.min.replace(tzinfo=UTC)
    return change.deployment.at, change.deployment.deployment, committed, change.sha


def _rows(
    wanted: set[tuple[int, str]], known: dict[int, Graph]
) -> dict[tuple[int, str], tuple[int | None, datetime | None]]:
    """The key and the time of each commit, by service and name; of a short and a long row what either tells."""
    shorts = {
        (service, short)
        for service, graph in known.items()
        for short, long in graph.longs.items()
        if (service, long) in wanted
    }
    shas = {sha for _, sha in wanted | shorts}
    with connection.cursor() as cursor:
        # One parameter for all: a placeholder for each costs more than the commits do.
        cursor.execute(_COMMITS, [list(known), list(shas)])
        rows = cursor.fetchall()
    found: dict[tuple[int, str], tuple[int | None, datetime | None]] = {}
    for service, sha, pk, committed_at in sorted(rows, key=lambda row: len(row[1])):
        name = service, known[service].longs.get(sha, sha)
        found[name] = pk, committed_at or found.get(name, (None, None))[1]
    return found
