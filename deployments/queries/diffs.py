"""What lies between two deployments of a service, two environments, or two instants."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import overload

from django.db.models import prefetch_related_objects

from catalog.builtin import TIERS
from catalog.models import Entity
from catalog.queries import tier_of
from deployments.messages import same_commit
from deployments.models import Commit, Deployment, DeploymentConfig, Status
from deployments.queries.lineage import Between, Graph, between, graphs
from deployments.queries.order import Step, steps
from deployments.queries.past import put_back
from deployments.queries.places import deployments, visible
from portal.accounts.policy import require
from portal.kit.by import By
from portal.kit.errors import Conflict, Missing

SETTINGS = (Deployment.Kind.CONFIG.value, Deployment.Kind.FLAG.value)
MOST_SETTINGS = 200
# Of what is live in thousands of places: the rest, such as the changes, is large.
SHOWN = (
    "public_id",
    "version",
    "commit",
    "environment_identifier",
    "status",
    "actor",
    "started_at",
    "finished_at",
    "reported_at",
)
TICK = timedelta(microseconds=1)  # an instant counts what ended at it


@dataclass(frozen=True)
class Count:
    """How many commits a step brings and takes away. Not `known`: about so many, or nobody has told anything if both are 0."""

    added: int = 0
    removed: int = 0
    known: bool = False


@dataclass(frozen=True)
class Diff:
    """From one deployment of a service to another; `old` is None before the first, which changes nothing that could be named.
    `commits` is None there, and where one of them has no commit. `settings` are the changes of settings and flags on the newer one's pair in between, newest first."""

    old: Deployment | None
    new: Deployment
    service: Entity
    commits: Between | None
    settings: list[Deployment]

    @property
    def added(self) -> list[Commit]:
        return self.commits.added if self.commits else []

    @property
    def removed(self) -> list[Commit]:
        return self.commits.removed if self.commits else []


@dataclass(frozen=True)
class Change:
    """One service in one environment between two states: what was live and what is."""

    service: Entity
    environment: Entity
    old: Deployment | None
    new: Deployment | None
    count: Count
    passed: tuple[Step, ...] = ()

    @property
    def rolled_back(self) -> bool:
        """Something that had been live before was brought back on the way."""
        return any(step.rollback for step in self.passed)


def diff(by: By, old: Deployment | None, new: Deployment) -> Diff:
    """Raises Conflict for deployments of two services, and Missing for one whose config is gone."""
    if new.config is None or (old and old.config is None):
        raise Missing("The service or the environment of this deployment has been deleted.")
    service = new.config.service
    if old and old.config and old.config.service_id != service.pk:
        raise Conflict(
            f"One is of {old.service_identifier} and one of {new.service_identifier}; "
            "only deployments of one service can be compared.",
            code="two_services",
        )
    commits = between(service.pk, old.commit, new.commit) if old and old.commit and new.commit else None
    if commits:
        prefetch_related_objects([*commits.added, *commits.removed], "tickets")
    return Diff(old, new, service, commits, _settings(by, old, new))


def _settings(by: By, old: Deployment | None, new: Deployment) -> list[Deployment]:
    """Nothing changes between places by a setting, and nothing before the first deployment counts."""
    if old is None or old.config_id != new.config_id or not (old.finished_at and new.finished_at):
        return []
    ends = sorted((old.finished_at, new.finished_at))
    rows = deployments(by).filter(config=new.config_id, kind__in=SETTINGS, status=Status.SUCCESS)
    found = rows.filter(finished_at__gt=ends[0], finished_at__lte=ends[1]).select_related("entity")
    return list(found.order_by("-finished_at", "-id")[:MOST_SETTINGS])


def succeeded(by: By, service: Entity, *, most: int) -> list[Deployment]:
    """The deployments of a service that can be compared, the newest first."""
    rows = deployments(by).filter(config__service=service, kind__in=Deployment.DEPLOYS, status=Status.SUCCESS)
    return list(rows.defer("changes", "extra").order_by("-finished_at", "-id")[:most])


def same(old: Deployment | None, new: Deployment | None) -> bool:
    """The same is live in both: they share version or commit, and contradict each other in neither."""
    if old is None or new is None:
        return old is new
    commits, versions = old.commit and new.commit, old.version and new.version
    if (commits and not same_commit(old.commit, new.commit)) or (versions and old.version != new.version):
        return False
    return bool(commits or versions)


def counted(graph: Graph, old: Deployment | None, new: Deployment | None) -> Count:
    if not (old and new and old.commit and new.commit):
        return Count()
    first, last = graph.name(old.commit), graph.name(new.commit)
    if not first or not last:
        return Count()
    left, right = graph.reach([first]), graph.reach([last])
    added, removed = right - left, left - right
    known = not graph.holes(added | removed)
    # One that descends from the other is certain; where each has something of its own, what is missing may be the rest.
    return Count(len(added), len(removed), known) if known or not (added and removed) else Count()


def lives(
    by: By,
    *,
    service: str = "",
    team: str = "",
    tiers: Collection[str] = (),
    among: Collection[int] = (),
    at: datetime | None = None,
) -> list[DeploymentConfig]:
    """Every place that was ever deployed to, with what is live there or was at an instant, by service and tier. `tiers` and
    `among`, environments by their keys, leave out those of others; empty they leave out none."""
    require(by, "catalog.read")
    rows = visible(by, DeploymentConfig.objects.all())
    if service:
        rows = rows.filter(service__identifier=service)
    if team:
        rows = rows.filter(service__team__contains=[team])
    if among:
        rows = rows.filter(environment__in=among)
    found = list(rows)
    places = Entity.objects.in_bulk({each.environment_id for each in found})
    tier = {pk: tier_of(each) for pk, each in places.items()}
    found = [each for each in found if not tiers or tier[each.environment_id] in tiers]
    if at:
        put_back(found, at)
    services = Entity.objects.in_bulk({each.service_id for each in found})
    current = Deployment.objects.only(*SHOWN).in_bulk({each.current_id for each in found if each.current_id})
    for each in found:
        each.service, each.environment = services[each.service_id], places[each.environment_id]
        each.current = current.get(each.current_id)
    order = {name: place for place, name in enumerate(reversed(TIERS))}
    return sorted(
        found, key=lambda each: (each.service.identifier, order[tier[each.environment_id]], each.environment.identifier)
    )


@dataclass(frozen=True)
class Pair:
    """A place, or a service in two environments, where something else was live than is. `config`: of which to tell the steps."""

    service: Entity
    environment: Entity
    old: Deployment | None
    new: Deployment | None
    config: int | None = None

    @property
    def edge(self) -> str:
        """What leads to those that follow."""
        return f"{self.service.pk}.{self.environment.pk}"


class Changes(Sequence[Change]):
    """In their order. What lies between is counted for those that are taken out, a slice in a fixed number of statements."""

    def __init__(self, pairs: Sequence[Pair], since: datetime | None = None, until: datetime | None = None) -> None:
        self.pairs, self._since, self._until = pairs, since, until

    def __len__(self) -> int:
        return len(self.pairs)

    @overload
    def __getitem__(self, wanted: int) -> Change: ...
    @overload
    def __getitem__(self, wanted: slice) -> list[Change]: ...
    def __getitem__(self, wanted: int | slice) -> Change | list[Change]:
        if isinstance(wanted, slice):
            return self._counted(self.pairs[wanted])
        return self._counted([self.pairs[wanted]])[0]

    def __iter__(self) -> Iterator[Change]:
        return iter(self[:])

    def _counted(self, pairs: Sequence[Pair]) -> list[Change]:
        """The graphs of all services are read in one statement."""
        known = graphs([*{each.service.pk for each in pairs}])
        passed = self._passed([each.config for each in pairs if each.config])
        counts: dict[tuple[str, ...], Count] = {}
        found = []
        for each in pairs:
            # One step is the same in every environment.
            step = (each.service.identifier, each.old.commit if each.old else "", each.new.commit if each.new else "")
            if step not in counts:
                counts[step] = counted(known[each.service.pk], each.old, each.new)
            steps_of = tuple(passed[each.config or 0])
            found.append(Change(each.service, each.environment, each.old, each.new, counts[step], steps_of))
        return found

    def _passed(self, configs: list[int]) -> dict[int, list[Step]]:
        passed: dict[int, list[Step]] = defaultdict(list)
        if configs and self._since and self._until:
            for step in steps(configs, since=self._since + TICK, until=self._until + TICK):
                passed[step.config].append(step)
        return passed


def changed(by: By, since: datetime, until: datetime, *, service: str = "", team: str = "", tier: str = "") -> Changes:
    """What was live in each place at two instants, where that differs, by service and environment."""
    tiers = [tier] if tier else []
    older, newer = (lives(by, service=service, team=team, tiers=tiers, at=at) for at in (since, until))
    then = {each.pk: each for each in older}
    found = [(then[each.pk], each) for each in newer if each.pk in then and then[each.pk].current_id != each.current_id]
    pairs = [Pair(new.service, new.environment, old.current, new.current, new.pk) for old, new in found]
    return Changes(pairs, since, until)


def differing(by: By, one: Entity, other: Entity, *, at: datetime | None = None) -> Changes:
    """The services of which something else is live in one environment than in the other, by service."""
    pairs: dict[Entity, dict[int, Deployment | None]] = defaultdict(dict)
    for each in lives(by, at=at, among=[one.pk, other.pk]):
        pairs[each.service][each.environment_id] = each.current
    both = [Pair(service, other, here.get(one.pk), here.get(other.pk)) for service, here in pairs.items()]
    return Changes([each for each in both if not same(each.old, each.new)])
