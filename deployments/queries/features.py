"""How far the commits of a ticket have come, service by service."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from catalog.models import Entity
from deployments.models import Commit, Deployment, DeploymentConfig
from deployments.queries.kin import Kin, kin
from deployments.queries.presence import Presence, State, nowhere, presences
from deployments.queries.search import commits
from portal.kit.by import By

MOST = 500  # commits of one ticket
BEST = [State.IN, State.COPIED, State.REVERTED, State.UNKNOWN, State.OUT]


@dataclass(frozen=True)
class Change:
    """One change under all its shas: as it was committed, squashed, picked. `commit` is the one that stands for them."""

    commit: Commit
    others: list[Commit]
    places: list[Presence]

    @property
    def is_nowhere(self) -> bool:
        return nowhere(self.places)


@dataclass(frozen=True)
class Reach:
    """How many of a ticket's changes are in one place. What was taken back there is not counted among them.

    `since` is the deployment that brought the last of them.
    """

    config: DeploymentConfig
    there: int
    reverted: int
    unknown: int
    total: int
    since: Deployment | None
    assumed: bool

    @property
    def tier(self) -> str:
        return Presence(self.config, State.OUT).tier

    @property
    def state(self) -> str:
        """all, some, none, reverted or unknown."""
        wanted = self.total - self.reverted
        if wanted <= 0:
            return "reverted"
        if self.there == wanted:
            return "all"
        return "some" if self.there else "unknown" if self.unknown else "none"


@dataclass(frozen=True)
class ServiceReach:
    service: Entity
    changes: list[Change]
    reverts: list[Commit]
    places: list[Reach]

    @property
    def in_production(self) -> list[Reach]:
        return [each for each in self.places if each.tier == "production"]

    @property
    def is_done(self) -> bool:
        """It has all that is wanted of it in every place of production that it has, and it has one."""
        places = self.in_production
        return bool(places) and all(each.state == "all" for each in places)


@dataclass(frozen=True)
class Feature:
    """`more`: there are further commits that were not looked at."""

    key: str
    services: list[ServiceReach]
    more: bool

    @property
    def is_done(self) -> bool:
        return bool(self.services) and all(each.is_done for each in self.services)


def feature(by: By, key: str, *, at: datetime | None = None) -> Feature:
    rows = list(commits(by).filter(tickets__key=key).prefetch_related("tickets").order_by("-id")[: MOST + 1])
    known, relatives = presences(by, rows[:MOST], at=at), kin(rows[:MOST])
    services = {each.service_id: each.service for each in rows[:MOST]}
    found = []
    for pk, service in sorted(services.items(), key=lambda each: each[1].identifier):
        own = [each for each in rows[:MOST] if each.service_id == pk]
        found.append(_service(service, own, relatives[pk], known))
    return Feature(key, found, len(rows) > MOST)


def _service(service: Entity, own: list[Commit], relatives: Kin, known: dict[int, list[Presence]]) -> ServiceReach:
    reverts = [each for each in own if each.reverts]
    plain = [each for each in own if not each.reverts]
    # A merge stands for what it brings, and counts only where nothing else does.
    changes = [each for each in plain if not each.is_merge] or plain
    made = [_change(group, known) for group in _groups(changes, relatives)]
    places = [_reach(config, made) for config in _configs(made)]
    return ServiceReach(service, made, reverts, places)


def _groups(changes: Sequence[Commit], relatives: Kin) -> list[list[Commit]]:
    """Copies together."""
    group: dict[str, list[Commit]] = {each.sha: [each] for each in changes}
    for each in changes:
        for copy in relatives.copies(each):
            one, other = group[each.sha], group.get(copy.sha)
            if other is not None and other is not one:
                one += other
                group |= {commit.sha: one for commit in other}
    return list({id(each): each for each in group.values()}.values())


def _change(group: list[Commit], known: dict[int, list[Presence]]) -> Change:
    first = min(group, key=lambda each: (not each.is_squash, bool(each.picked_from), each.pk))
    by_place: dict[int, list[Presence]] = {}
    for each in group:
        for one in known[each.pk]:
            by_place.setdefault(one.config.pk, []).append(one)
    best = [min(all_of, key=lambda one: BEST.index(one.state)) for all_of in by_place.values()]
    return Change(first, [each for each in group if each is not first], best)


def _configs(changes: list[Change]) -> list[DeploymentConfig]:
    return list({one.config.pk: one.config for each in changes for one in each.places}.values())


def _reach(config: DeploymentConfig, changes: list[Change]) -> Reach:
    here = [one for each in changes for one in each.places if one.config.pk == config.pk]
    there = [one for one in here if one.state.is_there]
    told = [one.since for one in here if one.since and (one.state.is_there or not there)]
    return Reach(
        config,
        len(there),
        sum(one.state == State.REVERTED for one in here),
        sum(one.state == State.UNKNOWN for one in here),
        len(changes),
        max(told, key=lambda each: each.finished_at or each.reported_at, default=None),
        any(one.assumed for one in there),
    )
