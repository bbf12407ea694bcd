from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Q

from catalog.models import Entity
from catalog.queries import Place, place_of, tier_of
from locks.decisions import Bar, Decision, covers_of, weigh
from locks.models import Claim, Freeze, Lock, Override, ScopeKind, Window, cover
from portal.accounts.policy import require
from portal.kit.by import Actor, By
from portal.kit.clock import database_now
from portal.kit.errors import Refused

AUTOMATION = Actor("credential", "", "any program")

# One statement, so that everything is seen at one instant. A freeze's windows never touch: the first that has not
# ended yet is the only one that can be on.
SIGHT = """
with moment as (select coalesce(%(at)s, statement_timestamp()) as at)
select at,
    array(
        select id from locks_lock where released_at is null and cover = any(%(covers)s)
            and coalesce(expires_at, 'infinity') > at and (starts_at <= at or starts_at <= created_at)
    ),
    array(
        select (select w.id from locks_window w where w.freeze_id = f.id and w.ends_at > at order by w.ends_at limit 1)
        from locks_freeze f where withdrawn_at is null and cover = any(%(covers)s) and known_until > at
            and (select w.starts_at from locks_window w where w.freeze_id = f.id and w.ends_at > at
                 order by w.ends_at limit 1) <= at
    ),
    array(select id from locks_freeze where withdrawn_at is null and cover = any(%(covers)s) and known_until <= at),
    (
        select id from locks_claim where service_id = %(service)s and environment_id = %(environment)s
            and finished_at is null and lease_until > at
    ),
    array(
        select run from locks_ticket where service_id = %(service)s and environment_id = %(environment)s
            and ended_at is null and lease_until > at order by id
    )
from moment
"""


@dataclass(frozen=True)
class Sight:
    """What was on at an instant and covers a place. `unlaid` are freezes whose windows were not laid that far.

    `claim` is the one that runs, `line` are the runs that wait, in order of arrival.
    """

    at: datetime
    locks: list[int]
    windows: list[int]
    unlaid: list[int]
    claim: int | None
    line: list[str]

    def bars(self) -> list[Bar]:
        found: list[Bar] = list(Lock.objects.filter(pk__in=self.locks)) if self.locks else []
        if self.windows:
            found += Window.objects.filter(pk__in=self.windows).select_related("freeze")
        if self.unlaid:
            found += on(Freeze.objects.filter(pk__in=self.unlaid), self.at)
        return found

    def before(self, run: str) -> tuple[Claim | None, int]:
        """The claim of another run, and how many wait in line before this one. Nobody is before who deploys already."""
        claim = Claim.objects.get(pk=self.claim) if self.claim else None
        if claim and run and claim.run == run:
            return None, 0
        return claim, self.line.index(run) if run in self.line else len(self.line)


def keys_of(place: Place) -> dict[str, Any]:
    return {"covers": covers_of(place), "service": place.service_id, "environment": place.environment_id}


def sight(place: Place, at: datetime | None = None) -> Sight:
    """The instant is PostgreSQL's, of this very statement, unless it is given."""
    with connection.cursor() as cursor:
        cursor.execute(SIGHT, keys_of(place) | {"at": at})
        return Sight(*cursor.fetchone())


def decide(
    place: Place,
    *,
    by: By,
    intent: str = "deploy",
    run: str = "",
    commit: str = "",
    override: Override | None = None,
    now: datetime | None = None,
) -> Decision:
    """May `by` deploy here, at this instant? Every door asks this one function.

    `run` has to wait for nobody but those before it. An `override` that is no good raises Refused; a good one opens
    if it names all that denies. The instant is PostgreSQL's; `now` is for commands that hold the pair, tests, previews.
    """
    require(by, "gate.ask")
    seen = sight(place, now)
    if override:
        check_override(override, place, commit, seen.at)
    claim, before = seen.before(run)
    return weigh(
        place,
        seen.bars(),
        actor=by.actor,
        intent=intent,
        at=seen.at,
        later=_Calendar(place).windows,
        claim=claim,
        ahead=before,
        override=override,
    )


def check_override(override: Override, place: Place, commit: str, at: datetime) -> None:
    """Raises Refused unless it is good for this commit, here and now."""
    fault = override.fault(at)
    if (override.service_id, override.environment_id) != (place.service_id, place.environment_id):
        fault = f"it is for {override.where}"
    elif override.commit != commit:
        fault = f"it is for the commit {override.commit}, not {commit or 'for none'}"
    if fault:
        raise override_refused(fault)


def override_refused(why: str) -> Refused:
    return Refused(f"The override opens nothing: {why}.", code="override_refused")


class _Calendar:
    """The freezes of a place, read when first asked for."""

    def __init__(self, place: Place) -> None:
        self.freezes = Freeze.objects.filter(withdrawn_at=None, cover__in=covers_of(place))

    def windows(self, since: datetime, until: datetime) -> list[Window]:
        return [window for freeze in self.freezes for window in freeze.windows(since, until)]


def on(freezes: Iterable[Freeze], at: datetime) -> list[Window]:
    """The windows, reckoned, that are on at the instant."""
    return [window for freeze in freezes for window in freeze.windows(at, at + timedelta(microseconds=1))]


def decide_many(
    places: Iterable[Place], *, actor: Actor = AUTOMATION, now: datetime | None = None
) -> dict[tuple[int, int], Decision]:
    """The same decision for many places in a fixed number of queries, by (service id, environment id).

    `next_open_at` does not look ahead to freezes that follow.
    """
    at = now or database_now()
    board = _Board.of_now(at)
    return {
        (place.service_id, place.environment_id): weigh(
            place, board.covering(place), actor=actor, intent="deploy", at=at
        )
        for place in places
    }


def decided_at(places: Iterable[Place], *, actor: Actor = AUTOMATION, now: datetime) -> dict[tuple[int, int], Decision]:
    """What `decide_many` would have said at an instant of the past, as far as the rows tell: of a lock or a freeze that was
    changed meanwhile, what it is now."""
    board = _Board.of_the_past(now)
    return {
        (place.service_id, place.environment_id): weigh(
            place, board.covering(place), actor=actor, intent="deploy", at=now
        )
        for place in places
    }


def windows_held(at: datetime) -> list[Window]:
    """Every freeze's window that was on at an instant of the past."""
    stood = Q(freeze__withdrawn_at=None) | Q(freeze__withdrawn_at__gt=at)
    laid = Window.objects.filter(stood, starts_at__lte=at, ends_at__gt=at, freeze__created_at__lte=at)
    return list(laid.select_related("freeze"))


def denied_by(
    services: Sequence[Entity], environments: Sequence[Entity], *, now: datetime, past: bool = False
) -> dict[tuple[int, int], Bar]:
    """What denies any program first in each of these places where something does, as `decide_many` says it, or in the
    past `decided_at`.

    Where the same things are on, they are weighed once: of thousands of places most have nothing, and the rest alike.
    """
    board = _Board.of_the_past(now) if past else _Board.of_now(now)
    weighed: dict[tuple[int, ...], Bar | None] = {}
    found = {}
    for place in board.met(services, environments):
        bars = board.covering(place)
        key = tuple(map(id, bars))
        if key not in weighed:
            decision = weigh(place, bars, actor=AUTOMATION, intent="deploy", at=now)
            weighed[key] = decision.denying[0] if decision.denies else None
        if bar := weighed[key]:
            found[place.service_id, place.environment_id] = bar
    return found


def windows_on(at: datetime) -> list[Window]:
    """Every freeze's window that is on at the instant."""
    laid = Window.objects.filter(
        starts_at__lte=at, ends_at__gt=at, freeze__withdrawn_at=None, freeze__known_until__gt=at
    )
    unlaid = Freeze.objects.filter(Q(known_until__lte=at), withdrawn_at=None)
    return [*laid.select_related("freeze"), *on(unlaid, at)]


class _Board:
    """All that is on, found by what it covers without a query each."""

    def __init__(self, locks: Iterable[Lock], windows: Iterable[Window]) -> None:
        self._by_cover: dict[str, list[Bar]] = defaultdict(list)
        self._pairs: set[tuple[int | None, int | None]] = set()
        for lock in locks:
            self._lay(lock, lock)
        for window in windows:
            self._lay(window.freeze, window)

    def _lay(self, scoped: Lock | Freeze, bar: Bar) -> None:
        self._by_cover[scoped.cover].append(bar)
        if scoped.scope_kind == ScopeKind.PAIR:
            self._pairs.add((scoped.service_id, scoped.environment_id))

    @classmethod
    def of_now(cls, at: datetime) -> "_Board":
        return cls(Lock.objects.active(at), windows_on(at))

    @classmethod
    def of_the_past(cls, at: datetime) -> "_Board":
        return cls(Lock.objects.held(at), windows_held(at))

    def met(self, services: Sequence[Entity], environments: Sequence[Entity]) -> Iterator[Place]:
        """The places that anything covers; quick where nothing does."""
        wide = [(each, each.pk, self._on(_covers_of_environment(each))) for each in environments]
        for service in services:
            key, whole = service.pk, self._on(_covers_of_service(service))
            for environment, place, all_of_it in wide:
                if whole or all_of_it or (key, place) in self._pairs:
                    yield place_of(service, environment)

    def _on(self, covers: Iterable[str]) -> bool:
        return any(each in self._by_cover for each in covers)

    def covering(self, place: Place) -> list[Bar]:
        return [bar for cover in covers_of(place) for bar in self._by_cover.get(cover, ())]


def _covers_of_service(service: Entity) -> list[str]:
    return [cover(ScopeKind.SERVICE, service.pk), *(cover(ScopeKind.TEAM, team=team) for team in service.team)]


def _covers_of_environment(environment: Entity) -> list[str]:
    return [
        cover(ScopeKind.ENVIRONMENT, environment=environment.pk),
        cover(ScopeKind.TIER, tier=tier_of(environment)),
        cover(ScopeKind.EVERYTHING),
    ]
