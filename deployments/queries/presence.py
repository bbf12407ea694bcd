"""Where a commit is: in which environments of its service, since when, and by which deployment.

A commit is in what descends from it. It is there by a copy where one with the same patch is, and it is there no longer
where a later commit takes it back.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.db import connection

from catalog.builtin import TIERS
from catalog.queries import tier_of
from deployments.models import Commit, Deployment, DeploymentConfig
from deployments.queries.kin import Kin, kin
from deployments.queries.lineage import Graph, Success, assumed, graphs
from deployments.queries.order import LATEST_FIRST, SUCCESS
from deployments.queries.places import deployments, visible
from portal.kit.by import By

MOST_SUCCESSES = 1000  # of one place: older ones are not looked at
MOST_REVERTS = 20  # one upon the other


class State(StrEnum):
    IN = "in"
    COPIED = "copied"  # by a cherry-pick, or squashed with others
    REVERTED = "reverted"
    OUT = "out"
    UNKNOWN = "unknown"

    @property
    def is_there(self) -> bool:
        return self in (State.IN, State.COPIED)


@dataclass(frozen=True)
class Presence:
    """How a commit stands in one place. `since` is the deployment that brought it about: the commit, or its end there.

    `through` is the copy that came for it, or what takes it back. `assumed`: told by the order of deployments alone,
    because no report says how the commits descend from each other.
    """

    config: DeploymentConfig
    state: State
    since: Deployment | None = None
    through: Commit | None = None
    assumed: bool = False

    @property
    def tier(self) -> str:
        return tier_of(self.config.environment)

    @property
    def was_there(self) -> bool:
        """A deployment of something older has taken it away."""
        return self.state == State.OUT and self.since is not None


Past = dict[int, list[Success]]


def presences(by: By, commits: Sequence[Commit], *, at: datetime | None = None) -> dict[int, list[Presence]]:
    """By the commits' keys; the places from development to production. `at`: as of an instant."""
    services = sorted({each.service_id for each in commits})
    places = _places(by, services)
    past = successes([each.pk for each in places], at=at)
    lines, relatives = graphs(services), kin(commits)
    told = {service: _Told(lines[service], relatives[service], places, past) for service in services}
    found = {each.pk: told[each.service_id].presences(each) for each in commits}
    return _with_deployments(by, found)


def _places(by: By, services: Sequence[int]) -> list[DeploymentConfig]:
    order = list(reversed(TIERS))
    rows = visible(by, DeploymentConfig.objects.filter(service__in=services))
    found = rows.select_related("entity", "service", "environment")
    return sorted(found, key=lambda each: (order.index(tier_of(each.environment)), each.environment.identifier))


_SUCCESSES = f"""
    select d.id, d.config_id, d.commit, d.previous_commit, d.finished_at
    from unnest(%(configs)s::bigint[]) as one(id) cross join lateral (
        select * from deployments_deployment d
        where d.config_id = one.id and {SUCCESS.format("d")} and (%(at)s::timestamptz is null or d.finished_at <= %(at)s)
        order by {LATEST_FIRST.format("d")} limit {MOST_SUCCESSES}
    ) d order by d.config_id, {LATEST_FIRST.format("d")}
"""


def successes(configs: Sequence[int], *, at: datetime | None = None) -> Past:
    """What was live in each place, the last first."""
    found: Past = {each: [] for each in configs}
    with connection.cursor() as cursor:
        cursor.execute(_SUCCESSES, {"configs": list(configs), "at": at})
        for row in cursor.fetchall():
            found[row[1]].append(Success(*row))
    return found


class _Told:
    """All that is asked of one service's commits at once."""

    def __init__(self, graph: Graph, relatives: Kin, places: list[DeploymentConfig], past: Past) -> None:
        self.places = [each for each in places if each.service_id == relatives.service_id and past[each.pk]]
        self.past = {each.pk: past[each.pk] for each in self.places}
        self.sure = _Marked(graph, relatives)
        guessed = assumed(graph, list(self.past.values()))
        self.guess = _Marked(guessed, relatives) if guessed else None

    def presences(self, commit: Commit) -> list[Presence]:
        return [self._presence(commit, place) for place in self.places]

    def _presence(self, commit: Commit, place: DeploymentConfig) -> Presence:
        past = self.past[place.pk]
        state, through, is_assumed = self._state(commit, past[0].commit)
        began, before = past[0], None
        for each in past[1:]:
            other = _sort(self._state(commit, each.commit)[0])
            if other != _sort(state):
                before = other
                break
            began = each
        # What is out from the start is out since nothing.
        since = began if _sort(state) != "out" or (before and state == State.OUT) else None
        return Presence(place, state, _ref(since), through, is_assumed)

    def _state(self, commit: Commit, head: str) -> tuple[State, Commit | None, bool]:
        state, through = self.sure.state(commit, head)
        if state != State.UNKNOWN or self.guess is None:
            return state, through, False
        state, through = self.guess.state(commit, head)
        return state, through, state != State.UNKNOWN


def _sort(state: State) -> str:
    return "there" if state.is_there else "reverted" if state == State.REVERTED else "out"


def _ref(success: Success | None) -> Deployment | None:
    """Only its key, until all of them are read together."""
    return Deployment(pk=success.deployment) if success else None


class _Marked:
    """A graph in which it is marked which commits contain which of the wanted ones, and how far down each is known."""

    def __init__(self, graph: Graph, relatives: Kin) -> None:
        self.graph, self.kin = graph, relatives
        wanted = [graph.name(sha) for sha in relatives.shas]
        holes = sorted(graph.holes(graph.order))
        self.bit = {sha: 1 << place for place, sha in enumerate(wanted)}
        self.holes = ((1 << len(holes)) - 1) << len(wanted)
        self.masks = graph.masks([*wanted, *holes])
        self.known: dict[tuple[int, int], tuple[State, Commit | None]] = {}
        # Each is looked at once: commits that take each other back are soon too many ways to walk.
        self.taken_back: dict[tuple[int, int], Commit | None] = {}

    def state(self, commit: Commit, head: str) -> tuple[State, Commit | None]:
        top = self.graph.name(head)
        if not top:
            return State.UNKNOWN, None
        mask = self.masks.get(top)
        if mask is None:  # of this head nothing is told but that it was live
            return State.UNKNOWN, None
        key = commit.pk, mask
        if key not in self.known:
            self.known[key] = self._state(commit, mask)
        return self.known[key]

    def _state(self, commit: Commit, mask: int) -> tuple[State, Commit | None]:
        family = [commit, *self.kin.copies(commit)]
        there = [each for each in family if self._has(mask, each)]
        for each in there:
            if not self._reverter(each, mask):
                return (State.IN, None) if each.pk == commit.pk else (State.COPIED, each)
        if there:
            return State.REVERTED, self._reverter(there[0], mask)
        below = self.masks.get(self.graph.name(commit.sha))
        if below is None or self.graph.name(commit.sha) not in self.graph.known:
            return State.UNKNOWN, None
        # What nobody has told the parents of might hold it, unless it stands on that itself.
        return (State.UNKNOWN if mask & self.holes & ~below else State.OUT), None

    def _has(self, mask: int, commit: Commit) -> bool:
        return bool(mask & self.bit.get(self.graph.name(commit.sha), 0))

    def _reverter(self, commit: Commit, mask: int, above: tuple[int, ...] = ()) -> Commit | None:
        """What takes it back there and is not itself taken back. In a ring of reverts the one asked about first stands."""
        key = commit.pk, mask
        if key in self.taken_back:
            return self.taken_back[key]
        if commit.pk in above or len(above) > MOST_REVERTS:
            return None
        above = (*above, commit.pk)
        found = (each for each in self.kin.reverters(commit) if self._has(mask, each))
        self.taken_back[key] = next((each for each in found if not self._reverter(each, mask, above)), None)
        return self.taken_back[key]


def _with_deployments(by: By, found: dict[int, list[Presence]]) -> dict[int, list[Presence]]:
    """With the deployments that they name, where the viewer may see them."""
    wanted = {each.since.pk for all_of in found.values() for each in all_of if each.since}
    rows: dict[int, Any] = deployments(by).select_related("entity").defer("changes", "extra").in_bulk(wanted)
    return {
        key: [
            Presence(one.config, one.state, rows.get(one.since.pk) if one.since else None, one.through, one.assumed)
            for one in all_of
        ]
        for key, all_of in found.items()
    }


def nowhere(presences: Iterable[Presence]) -> bool:
    return not any(each.state.is_there or each.state == State.REVERTED for each in presences)
