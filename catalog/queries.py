from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

from django.contrib.postgres.search import TrigramSimilarity
from django.db.models import Count, F, Prefetch, Q, QuerySet, Window
from django.db.models.functions import RowNumber

from catalog import kinds
from catalog.builtin import TIERS
from catalog.models import Blueprint, Entity, Relation
from portal.accounts.policy import require
from portal.kit.by import By
from portal.kit.errors import Invalid, Missing

Json = dict[str, Any]


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
        arrow = owner.arrows.filter(name=name).select_related("target").first() if owner else None
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
    return place_of(service_named(service), environment_named(environment))


def service_named(name: str) -> Entity:
    found = _candidates("service", name, Q(identifier=name)).first()
    if found is None:
        raise _unknown("service", name)
    return found


def environment_named(name: str) -> Entity:
    """By identifier (case counts), else by alias (case does not)."""
    either = Q(identifier=name) | Q(aliases__folded=str(name).strip().casefold())
    found = sorted(_candidates("environment", name, either), key=lambda each: each.identifier != name)
    if not found:
        raise _unknown("environment", name)
    return found[0]


def _candidates(kind: str, name: str, condition: Q) -> QuerySet[Entity]:
    if not isinstance(name, str) or not name.strip():
        raise Invalid.at(kind, f"name the {kind}")
    if "\0" in name:  # PostgreSQL has no such text
        return Entity.objects.none()
    return Entity.objects.filter(condition, blueprint__identifier=kind).select_related("blueprint").distinct()


def _unknown(kind: str, name: str) -> Missing:
    alike = nearest(kind, name)
    hint = f" Did you mean {' or '.join(alike)}?" if alike else ""
    return Missing(f"There is no {kind} called “{name}”.{hint}", nearest=alike, kind=kind)


def nearest(blueprint: str, name: str) -> list[str]:
    """Up to three identifiers that are spelled alike."""
    name = name.replace("\0", "")
    alike = (
        Entity.objects.filter(blueprint__identifier=blueprint)
        .annotate(likeness=TrigramSimilarity("identifier", name[:100]))
        .filter(likeness__gt=0.15)
        .order_by("-likeness", "identifier")
    )
    return list(alike.values_list("identifier", flat=True)[:3])


def blueprint(identifier: str) -> Blueprint:
    found = Blueprint.objects.filter(identifier=identifier.replace("\0", "")).first()
    if found is None:
        raise Missing(f'Blueprint with identifier "{identifier}" was not found')
    return found


def blueprints(by: By) -> QuerySet[Blueprint]:
    require(by, "catalog.read")
    return Blueprint.objects.order_by("title", "id")


def blueprints_pointing_at(identifier: str) -> list[str]:
    """Titles of other blueprints with a relation whose target is this one."""
    others = Blueprint.objects.exclude(identifier=identifier).order_by("title")
    return [each.title for each in others if identifier in {r["target"] for r in each.relations.values()}]


def entities(by: By, blueprint: Blueprint) -> QuerySet[Entity]:
    """All of a blueprint's, by identifier, with their relations at hand."""
    require(by, "catalog.read")
    return _with_relations(Entity.objects.filter(blueprint=blueprint)).order_by("identifier", "id")


def found(entities: QuerySet[Entity], text: str) -> QuerySet[Entity]:
    """Those whose identifier or title holds the text."""
    text = text.strip().replace("\0", "")
    if not text:
        return entities
    return entities.filter(Q(identifier__icontains=text) | Q(title__icontains=text))


def blueprints_counted(by: By) -> QuerySet[Blueprint]:
    return blueprints(by).annotate(count=Count("entities"))


@dataclass(frozen=True)
class Related:
    """One group of an entity's neighbours: `count` in all, of which `entities` are the first."""

    blueprint: str
    name: str
    incoming: bool
    count: int
    entities: list[Entity]


def related(entity: Entity, *, each: int = 12) -> list[Related]:
    """Its neighbours by relation, those it points at first. A fixed number of queries, however many there are."""
    return [*_neighbours(entity, incoming=False, each=each), *_neighbours(entity, incoming=True, each=each)]


def _neighbours(entity: Entity, *, incoming: bool, each: int) -> list[Related]:
    own, other = ("target", "source") if incoming else ("source", "target")
    arrows = Relation.objects.filter(**{own: entity})
    keys = (f"{other}__blueprint__identifier", "name")
    counts = arrows.order_by().values_list(*keys).annotate(count=Count("pk")).order_by(*keys)
    order = [f"{other}__identifier"] if incoming else ["position", "id"]
    place = Window(RowNumber(), partition_by=[F(key) for key in keys], order_by=order)
    groups: dict[tuple[str, str], list[Entity]] = {}
    first = arrows.annotate(place=place).filter(place__lte=each).select_related(f"{other}__blueprint").order_by("place")
    for arrow in first:
        neighbour = getattr(arrow, other)
        groups.setdefault((neighbour.blueprint.identifier, arrow.name), []).append(neighbour)
    return [
        Related(blueprint, name, incoming, count, groups.get((blueprint, name), []))
        for blueprint, name, count in counts
    ]


def entity(by: By, kind: str, identifier: str) -> Entity:
    require(by, "catalog.read")
    return entity_to_write(kind, identifier)


def _with_relations(rows: QuerySet[Entity]) -> QuerySet[Entity]:
    arrows = Relation.objects.select_related("target").order_by("position", "id")
    return rows.select_related("blueprint").prefetch_related(Prefetch("arrows", queryset=arrows))


def relations_of(entity: Entity) -> Json:
    """`{name: identifier, or a list of them where the blueprint says many}`; unset relations are left out."""
    found: dict[str, list[str]] = {}
    prefetched = "arrows" in getattr(entity, "_prefetched_objects_cache", {})
    arrows: Iterable[Relation] = (
        entity.arrows.all() if prefetched else entity.arrows.select_related("target").order_by("position", "id")
    )
    for arrow in arrows:
        found.setdefault(arrow.name, []).append(arrow.target.identifier)
    declared = entity.blueprint.relations
    return {
        name: targets if declared[name].get("many") else targets[0]
        for name, targets in sorted(found.items())
        if name in declared
    }


def properties_of(entities: Sequence[Entity]) -> dict[int, Json]:
    """Each entity's properties as they are now: stored, computed and live. A fixed number of queries."""
    values = {each.pk: each.properties | each.computed for each in entities}
    for identifier in {each.blueprint.identifier for each in entities}:
        owner = kinds.live(identifier)
        if owner:
            for pk, live in owner.load([each for each in entities if each.blueprint.identifier == identifier]).items():
                values[pk] |= live
    return values


def with_dependents(entity: Entity) -> list[Entity]:
    """The entity, then all that need it by a required relation, however far, each once."""
    found = {entity.pk: entity}
    frontier = [entity]
    while frontier:
        arrows = Relation.objects.filter(target__in=frontier).select_related("source__blueprint").order_by("source_id")
        needing = [
            arrow.source
            for arrow in arrows
            if arrow.source.blueprint.relations.get(arrow.name, {}).get("required") and arrow.source_id not in found
        ]
        frontier = list({each.pk: each for each in needing}.values())
        found |= {each.pk: each for each in frontier}
    return list(found.values())


def entity_to_write(kind: str, identifier: str) -> Entity:
    """For a command that checks by itself who may."""
    here = Entity.objects.filter(blueprint=blueprint(kind), identifier=identifier.replace("\0", ""))
    found = _with_relations(here).first()
    if found is None or found.identifier != identifier:
        raise Missing(f'Entity with identifier "{identifier}" was not found', nearest=nearest(kind, identifier))
    return found


@dataclass(frozen=True)
class Loss:
    """What a change of a blueprint would take away, and from how many entities."""

    what: str
    count: int


def losses(blueprint: Blueprint, definition: Json) -> list[Loss]:
    kind = kinds.kind(blueprint.identifier)
    if kind:
        definition = kinds.merge(kind.definition, definition)
    properties = (definition.get("schema") or {}).get("properties") or {}
    found = [_loss_of_property(blueprint, name, properties.get(name)) for name in blueprint.properties]
    relations = definition.get("relations") or {}
    found += [_loss_of_relation(blueprint, name, relations.get(name)) for name in blueprint.relations]
    return [loss for loss in found if loss.count]


def _loss_of_property(blueprint: Blueprint, name: str, wished: Json | None) -> Loss:
    """Its values, when it goes; those that are no longer allowed, when an enum gets narrower."""
    old = blueprint.properties[name]
    title = old.get("title") or name
    if wished is None:
        count = blueprint.entities.filter(properties__has_key=name).count()
        return Loss(f"“{title}” goes, and its value", count)
    gone = [value for value in old.get("enum", []) if value not in (wished.get("enum") or old["enum"])]
    values = ", ".join(str(value) for value in gone)
    held = reduce(or_, (Q(properties__contains={name: value}) for value in gone), Q(pk__in=[]))
    return Loss(f"“{title}” no longer allows {values}", blueprint.entities.filter(held).count() if gone else 0)


def _loss_of_relation(blueprint: Blueprint, name: str, wished: Json | None) -> Loss:
    old = blueprint.relations[name]
    title = old.get("title") or name
    arrows = Relation.objects.filter(source__blueprint=blueprint, name=name)
    sources = arrows.order_by().values("source")
    if wished is None:
        return Loss(f"the relation “{title}” goes, and what it points at", sources.distinct().count())
    if wished.get("target") != old["target"]:
        return Loss(f"the relation “{title}” points at another blueprint", sources.distinct().count())
    if old.get("many") and not wished.get("many"):
        several = sources.annotate(count=Count("pk")).filter(count__gt=1)
        return Loss(f"the relation “{title}” keeps one of several", several.count())
    return Loss("", 0)
