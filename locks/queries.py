from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import Max, Q, QuerySet

from catalog.queries import Place
from locks.decisions import Decision, weigh
from locks.models import Denial, Lock, ScopeKind
from portal.accounts.policy import require
from portal.audit import queries as audit
from portal.kit.by import Actor, By
from portal.kit.clock import database_now
from portal.kit.errors import Missing

AUTOMATION = Actor("credential", "", "any program")


def decide(place: Place, *, by: By, intent: str = "deploy", now: datetime | None = None) -> Decision:
    """May `by` deploy here, at this instant? Every door asks this one function.

    The instant is PostgreSQL's; `now` is for tests and previews.
    """
    require(by, "gate.ask")
    at = now or database_now()
    return weigh(place, covering(place, at), actor=by.actor, intent=intent, at=at)


def decide_many(
    places: Iterable[Place], *, actor: Actor = AUTOMATION, now: datetime | None = None
) -> dict[tuple[int, int], Decision]:
    """The same decision for many places in two queries, by (service id, environment id)."""
    at = now or database_now()
    board = _Board(Lock.objects.active(at))
    return {
        (place.service_id, place.environment_id): weigh(
            place, board.covering(place), actor=actor, intent="deploy", at=at
        )
        for place in places
    }


def covering(place: Place, at: datetime) -> QuerySet[Lock]:
    """Active locks whose scope holds the place."""
    here = (
        Q(scope_kind=ScopeKind.PAIR, service=place.service_id, environment=place.environment_id)
        | Q(scope_kind=ScopeKind.SERVICE, service=place.service_id)
        | Q(scope_kind=ScopeKind.ENVIRONMENT, environment=place.environment_id)
        | Q(scope_kind=ScopeKind.TIER, tier=place.tier)
        | Q(scope_kind=ScopeKind.EVERYTHING)
    )
    if place.service_teams:
        here |= Q(scope_kind=ScopeKind.TEAM, team__in=place.service_teams)
    found: QuerySet[Lock] = Lock.objects.active(at).filter(here)
    return found


class _Board:
    """All active locks, found by what they cover without a query each."""

    def __init__(self, locks: Iterable[Lock]) -> None:
        self._by_cover: dict[tuple[object, ...], list[Lock]] = defaultdict(list)
        for lock in locks:
            cover = (lock.scope_kind, lock.service_id, lock.environment_id, lock.tier, lock.team)
            self._by_cover[cover].append(lock)

    def covering(self, place: Place) -> list[Lock]:
        covers: list[tuple[object, ...]] = [
            (ScopeKind.PAIR, place.service_id, place.environment_id, "", ""),
            (ScopeKind.SERVICE, place.service_id, None, "", ""),
            (ScopeKind.ENVIRONMENT, None, place.environment_id, "", ""),
            (ScopeKind.TIER, None, None, place.tier, ""),
            (ScopeKind.EVERYTHING, None, None, "", ""),
            *((ScopeKind.TEAM, None, None, "", team) for team in place.service_teams),
        ]
        return [lock for cover in covers for lock in self._by_cover.get(cover, ())]


def locks(
    by: By, *, state: str = "active", service: str = "", environment: str = "", scope: str = "", now: datetime | None = None
) -> QuerySet[Lock]:
    """`state` is active, mine (active and held by the viewer), expiring (within an hour) or history."""
    require(by, "lock.read")
    at = now or database_now()
    found: QuerySet[Lock] = Lock.objects.select_related("service", "environment")
    if state == "history":
        found = found.ended(at).order_by("-id")  # type: ignore[attr-defined]
    else:
        found = found.active(at).order_by("-id")  # type: ignore[attr-defined]
    if state == "mine":
        found = found.filter(holder_key=by.actor.key)
    if state == "expiring":
        found = found.filter(expires_at__lte=at + timedelta(hours=1)).order_by("expires_at", "id")
    if service:
        found = found.filter(service_identifier=service)
    if environment:
        found = found.filter(environment_identifier=environment)
    if scope:
        found = found.filter(scope_kind=scope)
    return found


def lock(by: By, public_id: str | UUID) -> Lock:
    require(by, "lock.read")
    try:
        found = Lock.objects.select_related("service", "environment").filter(public_id=public_id).first()
    except (ValidationError, ValueError):
        found = None
    if found is None:
        raise Missing(f"There is no lock with the id {public_id}.")
    result: Lock = found
    return result


def wide_locks(at: datetime) -> QuerySet[Lock]:
    """Active locks that a banner on every page tells of: everything, a production tier or environment."""
    wide = Q(scope_kind=ScopeKind.EVERYTHING) | Q(scope_kind=ScopeKind.TIER, tier="production")
    production = Q(scope_kind=ScopeKind.ENVIRONMENT) & (
        Q(environment__properties__tier="production") | ~Q(environment__properties__has_key="tier")
    )
    found: QuerySet[Lock] = Lock.objects.active(at).filter(wide | production, effect=Lock.Effect.BLOCK).order_by("-id")
    return found


def denials_of(lock: Lock) -> QuerySet[Denial]:
    return Denial.objects.filter(lock_ids__contains=[lock.public_id]).order_by("-id")


def covering_any(entities: Sequence[int], at: datetime) -> QuerySet[Lock]:
    """Active locks whose scope names one of these entities."""
    found: QuerySet[Lock] = Lock.objects.active(at).filter(Q(service__in=entities) | Q(environment__in=entities))
    return found


def beat() -> str:
    """Changes with every event and whenever a lock begins or ends by the clock alone, with no worker alive."""
    at = database_now()
    ends = Lock.objects.filter(released_at=None, expires_at__lte=at).aggregate(last=Max("expires_at"))["last"]
    starts = Lock.objects.filter(released_at=None, starts_at__lte=at).aggregate(last=Max("starts_at"))["last"]
    return f"{audit.beat()}|{ends}|{starts}"
