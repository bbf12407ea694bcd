from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.postgres.search import TrigramSimilarity
from django.db import connection
from django.db.models import Q, QuerySet

from catalog import permissions
from catalog.builtin import TIERS
from catalog.models import Entity
from portal.kit.by import By
from portal.kit.errors import Invalid, Missing

Json = dict[str, Any]

TRUE_NAMES = """
select b.identifier, e.id, e.identifier, e.title, e.team, e.properties ->> 'tier'
from catalog_blueprint b join catalog_entity e on e.blueprint_id = b.id
where (b.identifier = 'service' and e.identifier = %s) or (b.identifier = 'environment' and e.identifier = %s)
"""


@dataclass(frozen=True)
class Place:
    """One service in one environment, with what a decision about it depends on.

    `tier` is production where the environment has none: when in doubt, the strictest rules.
    `teams` own the service or the environment.
    """

    service_id: int
    service: str
    service_title: str
    service_teams: tuple[str, ...]
    environment_id: int
    environment: str
    environment_title: str
    environment_teams: tuple[str, ...]
    tier: str

    @property
    def teams(self) -> frozenset[str]:
        return frozenset(self.service_teams + self.environment_teams)


def tier_of(environment: Entity) -> str:
    return tier_in(environment.properties)


def tier_in(properties: Json) -> str:
    """A tier that is missing, or that the portal does not know, is as strict as the strictest."""
    tier = str(properties.get("tier"))
    return tier if tier in TIERS else "production"


def owner_teams(entity: Entity) -> list[str]:
    """The teams that own it: its own, or those at the end of the path along which its blueprint inherits ownership."""
    ownership = entity.blueprint.ownership or {}
    if entity.team or ownership.get("type") != "Inherited":
        return list(entity.team)
    owner: Entity | None = entity
    for name in str(ownership.get("path", "")).split("."):
        arrows = owner.arrows.filter(name__in=owner.blueprint.names_stored(name)) if owner else None
        arrow = arrows.select_related("target__blueprint").first() if arrows is not None else None
        owner = arrow.target if arrow else None
    return list(owner.team) if owner else []


def tier_called(environment: str) -> str:
    """The tier of the environment with this name; production when there is none."""
    found = Entity.objects.filter(blueprint__identifier="environment", identifier=environment).first()
    return tier_of(found) if found else "production"


def place_of(service: Entity, environment: Entity) -> Place:
    return Place(
        service.pk,
        service.identifier,
        str(service),
        tuple(service.team),
        environment.pk,
        environment.identifier,
        str(environment),
        tuple(environment.team),
        tier_of(environment),
    )


def place(service: str, environment: str) -> Place:
    """The one resolver of names, for the gate and for reports. Raises Missing with the nearest names."""
    return _by_true_names(service, environment) or place_of(service_named(service), environment_named(environment))


def _by_true_names(service: str, environment: str) -> Place | None:
    """In one statement, without the rest of the two rows: every deployment asks this. None for aliases and typos."""
    if not (isinstance(service, str) and isinstance(environment, str)):
        return None
    with connection.cursor() as cursor:
        cursor.execute(TRUE_NAMES, [service, environment])
        rows = cursor.fetchall()
    found = {kind: (key, name, title or name, team, tier) for kind, key, name, title, team, tier in rows}
    return place_told(found["service"], found["environment"]) if len(found) == 2 else None


def place_told(service: Sequence[Any], environment: Sequence[Any]) -> Place:
    """Of two rows as a statement tells them: key, identifier, title, team, tier."""
    ends = [(key, name, title, tuple(team)) for key, name, title, team, _ in (service, environment)]
    return Place(*ends[0], *ends[1], tier_in({"tier": environment[4]}))


def places_called(names: Collection[tuple[str, str]]) -> list[Place]:
    """Of pairs of identifiers, service and environment, all in two queries; those that are gone are left out."""
    services = _called("service", {service for service, _ in names})
    environments = _called("environment", {environment for _, environment in names})
    return [
        place_of(services[service], environments[environment])
        for service, environment in names
        if service in services and environment in environments
    ]


def _called(kind: str, names: Collection[str]) -> dict[str, Entity]:
    found = Entity.objects.filter(blueprint__identifier=kind, identifier__in=names)
    return {each.identifier: each for each in found}


def place_by_keys(service: int, environment: int) -> Place | None:
    """As the two are at this statement; None when either is gone."""
    found = Entity.objects.in_bulk([service, environment])
    return place_of(found[service], found[environment]) if len(found) == 2 else None


def service_named(name: str, *, by: By | None = None) -> Entity:
    """`by`: only one that he may see."""
    found = _candidates("service", name, Q(identifier=name), by).first()
    if found is None:
        raise _unknown("service", name, by)
    return found


def is_service(name: str) -> bool:
    return Entity.objects.filter(blueprint__identifier="service", identifier=name).exists()


def environment_named(name: str, *, by: By | None = None) -> Entity:
    """By identifier (case counts), else by alias (case does not)."""
    either = Q(identifier=name) | Q(aliases__folded=str(name).strip().casefold())
    found = sorted(_candidates("environment", name, either, by), key=lambda each: each.identifier != name)
    if not found:
        raise _unknown("environment", name, by)
    return found[0]


def is_called(environment: Entity, name: str) -> bool:
    """Whether the name is the environment's identifier or one of its aliases."""
    aliases = environment.properties.get("aliases") or []
    return environment.identifier == name or name.strip().casefold() in {each.strip().casefold() for each in aliases}


def _candidates(kind: str, name: str, condition: Q, by: By | None) -> QuerySet[Entity]:
    if not isinstance(name, str) or not name.strip():
        raise Invalid.at(kind, f"name the {kind}")
    rows = Entity.objects.filter(condition, blueprint__identifier=kind).select_related("blueprint")
    return (permissions.readable(by, rows) if by else rows).distinct()


def _unknown(kind: str, name: str, by: By | None) -> Missing:
    alike = nearest(kind, name, by=by)
    hint = f" Did you mean {' or '.join(alike)}?" if alike else ""
    return Missing(f"There is no {kind} called “{name}”.{hint}", nearest=alike, kind=kind)


def services_of_repository(address: str) -> list[str]:
    """Identifiers of the services whose property `repository` is this address, with or without an end of .git or /."""
    plain = address.rstrip("/").removesuffix(".git")
    same = Q()
    for end in ("", "/", ".git"):
        same |= Q(properties__repository__iexact=plain + end)
    found = Entity.objects.filter(same, blueprint__identifier="service").order_by("identifier")
    return list(found.values_list("identifier", flat=True))


def nearest(blueprint: str, name: str, *, by: By | None = None) -> list[str]:
    """Up to three identifiers that are spelled alike, of those the one who asks may see.

    Where nobody knows who asks, none of a blueprint that some may not see.
    """
    rows = Entity.objects.filter(blueprint__identifier=blueprint)
    seen = permissions.bounds(by) if by else ~Q(blueprint__in=permissions.restricted())
    alike = (
        (rows if seen is None else rows.filter(seen))
        .annotate(likeness=TrigramSimilarity("identifier", name[:100]))
        .filter(likeness__gt=0.15)
        .order_by("-likeness", "identifier")
    )
    return list(alike.values_list("identifier", flat=True)[:3])
