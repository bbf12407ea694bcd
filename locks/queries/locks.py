from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import TypeVar
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import Count, Q, QuerySet

from catalog import permissions
from catalog import queries as catalog
from catalog.builtin import TIERS
from catalog.models import Entity
from catalog.queries import Place
from locks.decisions import severity
from locks.models import Freeze, KeptDecision, Lock, ScopeKind
from locks.queries.claims import seen_by_names
from portal.accounts.models import Team
from portal.accounts.policy import require
from portal.audit import queries as audit
from portal.audit.models import Event
from portal.kit import rows
from portal.kit.by import By
from portal.kit.clock import database_now
from portal.kit.errors import Missing

Scoped = TypeVar("Scoped", Lock, Freeze)

LOWER = [tier for tier in TIERS if tier != "production"]
# A banner tells of a freeze this long before it begins.
SOON = timedelta(hours=4)


def locks(
    by: By,
    *,
    state: str = "active",
    service: str = "",
    environment: str = "",
    scope: str = "",
    text: str = "",
    now: datetime | None = None,
) -> QuerySet[Lock]:
    """`state` is active, mine (active and held by the viewer), expiring (within an hour), history or all.

    `text` is a part of the reason, of the holder's name, or of what is locked.
    """
    require(by, "lock.read")
    at = now or database_now()
    found = visible(Lock.objects.select_related("service", "environment"), by)
    if state == "history":
        found = found.ended(at).order_by("-id")  # type: ignore[attr-defined]
    elif state != "all":
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
    return found.filter(_says(text)) if text else found


def _says(text: str) -> Q:
    named = ("reason", "holder_name", "service_identifier", "environment_identifier", "tier", "team")
    return Q.create([(f"{each}__icontains", text) for each in named], connector=Q.OR)


def locks_in(by: By, environment: Entity, *, now: datetime) -> QuerySet[Lock]:
    """Active ones that hold something in the environment. Teams' locks are left out: they follow services, not places."""
    return locks(by, now=now).filter(inside(environment))


def inside(environment: Entity) -> Q:
    wider = Q(scope_kind=ScopeKind.TIER, tier=catalog.tier_of(environment)) | Q(scope_kind=ScopeKind.EVERYTHING)
    return Q(environment=environment) | wider


def lock(by: By, public_id: str | UUID) -> Lock:
    require(by, "lock.read")
    try:
        found = visible(Lock.objects.select_related("service", "environment"), by).filter(public_id=public_id).first()
    except (ValidationError, ValueError):
        found = None
    if found is None:
        raise Missing(f"There is no lock with the id {public_id}.")
    return found


def visible(rows: QuerySet[Scoped], by: By) -> QuerySet[Scoped]:
    """Those that name no service and no environment which the viewer may not see. The gate names what it must."""
    seen = permissions.bounds(by)
    if seen is None:
        return rows
    known = Entity.objects.filter(seen).values("pk")
    return rows.filter(
        Q(service=None) | Q(service__in=known),
        Q(environment=None) | Q(environment__in=known),
    )


def lock_by_key(by: By, pk: int) -> Lock:
    found = locks(by, state="all").filter(pk=pk).first()
    if found is None:
        raise Missing("There is no such lock.")
    return found


def severest(locks: Iterable[Lock]) -> list[Lock]:
    """The most severe and most particular first, as a decision names them."""
    return sorted(locks, key=severity)


def counts(by: By, *, now: datetime) -> dict[str, int]:
    """How many locks are in each state that people act upon."""
    soon = Q(expires_at__lte=now + timedelta(hours=1))
    mine = Q(holder_key=by.actor.key)
    found: dict[str, int] = locks(by, now=now).aggregate(
        active=Count("pk"), mine=Count("pk", filter=mine), expiring=Count("pk", filter=soon)
    )
    return found


def denials(by: By, *, of: Lock | Freeze | None = None) -> QuerySet[KeptDecision]:
    """What the gate has refused, because `of` it if that is given, at places that the viewer may see; newest first."""
    require(by, "lock.read")
    found = denials_of(of) if of else KeptDecision.objects.filter(outcome="deny").order_by("-id")
    return found.filter(seen_by_names(by))


def named_by(denials: Sequence[KeptDecision]) -> dict[object, Lock | Freeze]:
    """The locks and freezes that stopped them, by public id."""
    locks = Lock.objects.filter(public_id__in={each for denial in denials for each in denial.lock_ids})
    freezes = Freeze.objects.filter(public_id__in={each for denial in denials for each in denial.freeze_ids})
    return {each.public_id: each for each in (*locks, *freezes)}


def history_of(held: Lock | Freeze) -> QuerySet[Event]:
    """What happened to it, oldest first."""
    noun = held.noun()
    return audit.events(noun=noun.kind).filter(noun_id=noun.id).order_by("id")


def held_on(scope_columns: dict[str, object], at: datetime) -> Lock | None:
    """An active manual lock of exactly this scope."""
    found: Lock | None = Lock.objects.active(at).filter(kind=Lock.Kind.MANUAL, **scope_columns).first()
    return found


@dataclass(frozen=True)
class Names:
    """What a lock's scope can be given."""

    services: list[str]
    environments: list[str]
    teams: list[str]


def scope_names(by: By) -> Names:
    """Services are cut at a thousand: the field takes any name, these are only offered."""
    require(by, "lock.read")
    tiers = list(TIERS)
    environments = sorted(
        _entities(by, "environment"),
        key=lambda each: (tiers.index(tier) if (tier := catalog.tier_of(each)) in tiers else 0, each.identifier),
    )
    services = _entities(by, "service").order_by("identifier")
    return Names(
        list(services.values_list("identifier", flat=True)[:1000]),
        [each.identifier for each in environments],
        list(Team.objects.values_list("identifier", flat=True)),
    )


def _entities(by: By, kind: str) -> QuerySet[Entity]:
    rows = Entity.objects.filter(blueprint__identifier=kind)
    seen = permissions.bounds(by)
    return rows if seen is None else rows.filter(seen)


@dataclass(frozen=True)
class Reach:
    """What a lock would stop: `count` places, of which `places` are the first few."""

    count: int
    places: list[tuple[str, str]]


def reach(
    by: By,
    kind: str,
    *,
    service: Entity | None = None,
    environment: Entity | None = None,
    tier: str = "",
    team: str = "",
) -> Reach:
    services = _entities(by, "service").order_by("identifier")
    if service:
        services = services.filter(pk=service.pk)
    if kind == ScopeKind.TEAM:
        services = services.filter(team__contains=[team])
    environments = list(_entities(by, "environment").order_by("identifier"))
    if environment:
        environments = [environment]
    if kind == ScopeKind.TIER:
        environments = [each for each in environments if catalog.tier_of(each) == tier]
    few = [each.identifier for each in services[:4]]
    places = [(name, each.identifier) for name in few for each in environments]
    return Reach(services.count() * len(environments), places[:4])


def places_of(by: By, service: Entity) -> list[Place]:
    """The service in every environment that the viewer may see, production first; one that is called as its tier before the
    others of it."""
    environments = _entities(by, "environment").order_by("identifier")
    tiers = list(TIERS)
    places = [catalog.place_of(service, each) for each in environments]
    return sorted(
        places,
        key=lambda place: (tiers.index(place.tier) if place.tier in tiers else 0, place.environment != place.tier),
    )


def denials_of(held: Lock | Freeze) -> QuerySet[KeptDecision]:
    """What the gate has refused because of it, newest first."""
    column = "lock_ids" if isinstance(held, Lock) else "freeze_ids"
    found = KeptDecision.objects.filter(outcome="deny", **{f"{column}__contains": [held.public_id]})
    return found.order_by("-id")


# In one statement: every page that is open asks each two seconds.
BEAT = """
with moment as (select statement_timestamp() as at)
select
    (select max(expires_at) from locks_lock where released_at is null and expires_at <= at),
    (select max(starts_at) from locks_lock where released_at is null and starts_at <= at),
    (select max(starts_at) from locks_window where starts_at <= at),
    (select max(starts_at) from locks_window where starts_at <= at + make_interval(secs => %s)),
    (select max(ends_at) from locks_window where ends_at <= at),
    {newest},
    {moments}
    at
from moment
"""


@cache
def _beat() -> str:
    """Once all apps have registered what else they know of."""
    return BEAT.format(newest=audit.NEWEST, moments=audit.moments())


def beat() -> str:
    """Changes with every event and whenever a lock or freeze begins, comes near or ends, or a health goes stale, by the clock alone, with no
    worker alive."""
    return beat_and_clock()[0]


def beat_and_clock() -> tuple[str, datetime]:
    """And the instant by the database's clock."""
    ((*told, now),) = rows.prepared(_beat(), [SOON.total_seconds()])
    return str(told), now
