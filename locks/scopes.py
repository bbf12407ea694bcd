from dataclasses import dataclass, replace
from typing import Any

from django.db import connection

from catalog import queries as catalog
from catalog.builtin import TIERS
from catalog.models import Entity
from catalog.queries import Place
from locks.decisions import covers_of
from locks.models import Freeze, Lock, ScopeKind, cover
from portal.accounts.models import Team
from portal.kit.errors import Invalid, Missing
from portal.kit.locking import Moved, advisory_lock, advisory_lock_within

HELD = "lock scope"
# Wider scopes are waited for first, so that two can never wait for each other.
ORDER = [
    ScopeKind.EVERYTHING,
    ScopeKind.TIER,
    ScopeKind.TEAM,
    ScopeKind.ENVIRONMENT,
    ScopeKind.SERVICE,
    ScopeKind.PAIR,
]


@dataclass(frozen=True)
class Scope:
    """What a lock covers. `kind` says which of the others are set, and all that it needs are."""

    kind: ScopeKind
    service: Entity | None = None
    environment: Entity | None = None
    tier: str = ""
    team: str = ""

    def columns(self) -> dict[str, Any]:
        """The columns of a Lock that hold this scope."""
        return {
            "scope_kind": self.kind,
            "service": self.service,
            "service_identifier": self.service.identifier if self.service else "",
            "environment": self.environment,
            "environment_identifier": self.environment.identifier if self.environment else "",
            "tier": self.tier,
            "team": self.team,
        }

    @property
    def strictest_tier(self) -> str:
        """Whose limits apply: a scope that may reach production obeys production's."""
        if self.tier:
            return self.tier
        return catalog.tier_of(self.environment) if self.environment else "production"

    def owner_teams(self) -> list[str]:
        """Teams that own what it names."""
        entities = [team for each in (self.service, self.environment) if each for team in each.team]
        return [*entities, self.team] if self.team else entities

    def hold(self) -> None:
        """Waits until nobody else takes, widens or passes this scope; ends with the transaction."""
        advisory_lock(HELD, self.cover)

    def kept(self) -> "Scope":
        """The scope as it is now; what it names is kept from changing until the transaction ends. Missing when it is gone."""
        keys = [each.pk for each in (self.service, self.environment) if each]
        rows = Entity.objects.select_for_update(no_key=True, of=("self",)).select_related("blueprint")
        held = {each.pk: each for each in rows.filter(pk__in=keys).order_by("pk")}
        if len(held) < len(keys):
            raise Missing("What the lock names has just been deleted.", nearest=[])
        return replace(
            self,
            service=self.service and held[self.service.pk],
            environment=self.environment and held[self.environment.pk],
        )

    @property
    def cover(self) -> str:
        keys = (each.pk if each else None for each in (self.service, self.environment))
        return cover(self.kind, *keys, tier=self.tier, team=self.team)


def hold(place: Place) -> Place:
    """Waits until nobody takes or widens a lock or freeze of any scope that holds the place, and nobody else is at the
    pair itself; until the transaction ends. The place as it is now, kept from changing. What was seen before this is
    worth nothing: only the next statement sees what the others have written."""
    wide = [(HELD, each) for each in sorted(covers_of(place), key=_width)]
    advisory_lock_within(wide[:-1], wide[-1])
    with connection.cursor() as cursor:
        keys = [place.service_id, place.environment_id]
        cursor.execute("select id from catalog_entity where id = any(%s) order by id for share", [keys])
    now = catalog.place_by_keys(place.service_id, place.environment_id)
    if now is None:
        raise Missing("The service or the environment has just been deleted.", nearest=[])
    if covers_of(now) != covers_of(place):
        raise Moved("The place has just been moved to another tier or team.")
    return now


def hold_pair(service: int | None, environment: int | None) -> None:
    """Waits until nobody else is at the pair, for who changes nothing but what goes on there."""
    advisory_lock(HELD, cover(ScopeKind.PAIR, service, environment))


def _width(held: str) -> tuple[int, str]:
    return (ORDER.index(ScopeKind(held.partition(":")[0])), held)


def scope_of(row: Lock | Freeze) -> Scope:
    return Scope(ScopeKind(row.scope_kind), row.service, row.environment, row.tier, row.team)


def pair(place: Place) -> Scope:
    found = Entity.objects.in_bulk([place.service_id, place.environment_id])
    return Scope(ScopeKind.PAIR, found[place.service_id], found[place.environment_id])


def named(kind: str, *, service: str = "", environment: str = "", tier: str = "", team: str = "") -> Scope:
    """Resolves the names that `kind` needs; a missing one is refused, and so is one too many."""
    if kind not in ScopeKind.values:
        raise Invalid.at("scope", f"must be one of {', '.join(ScopeKind.values)}")
    needed = {
        "pair": {"service", "environment"},
        "service": {"service"},
        "environment": {"environment"},
        "tier": {"tier"},
        "team": {"team"},
        "everything": set(),
    }[kind]
    given = {"service": service, "environment": environment, "tier": tier, "team": team}
    faults = [
        {
            "path": name,
            "message": f"the scope “{kind}” needs it" if name in needed else f"has no place in the scope “{kind}”",
        }
        for name, value in given.items()
        if bool(value) != (name in needed)
    ]
    if faults:
        raise Invalid.of(faults)
    if tier and tier not in TIERS:
        raise Invalid.at("tier", f"must be one of {', '.join(TIERS)}")
    if team and not (
        Team.objects.filter(identifier=team).exists() or Entity.objects.filter(team__contains=[team]).exists()
    ):
        raise Missing(f"There is no team called “{team}”.", nearest=[], kind="team")
    return Scope(
        ScopeKind(kind),
        catalog.service_named(service) if service else None,
        catalog.environment_named(environment) if environment else None,
        tier,
        team,
    )
