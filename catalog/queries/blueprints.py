from dataclasses import dataclass
from typing import Any

from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from catalog import kinds, permissions, search
from catalog.models import Blueprint, Entity, Relation
from catalog.schema.paths import Known
from portal.accounts.policy import require
from portal.kit.by import By
from portal.kit.errors import Missing
from portal.kit.locking import advisory_lock

Json = dict[str, Any]


def blueprint(identifier: str) -> Blueprint:
    found = Blueprint.objects.filter(identifier=identifier).first()
    if found is None:
        raise Missing(f'Blueprint with identifier "{identifier}" was not found')
    return found


def blueprint_to_fill(identifier: str) -> Blueprint:
    """For whoever writes its entities: its schema stays as it is until the transaction ends."""
    advisory_lock("schema", identifier, shared=True)
    return blueprint(identifier)


def readable_blueprint(by: By, identifier: str) -> Blueprint:
    require(by, "catalog.read")
    return blueprint(identifier)


def known_blueprints() -> dict[str, Known]:
    """What the paths of other blueprints' definitions may walk along, by identifier."""
    return {
        each.identifier: Known(each.relations, each.declared, each.ownership or {}) for each in Blueprint.objects.all()
    }


def pinned(rule: search.Rule) -> Blueprint | None:
    """The blueprint that a query names among rules which are all true."""
    named = search.blueprint_in(rule.rules) if isinstance(rule, search.Every) else ""
    return Blueprint.objects.filter(identifier=named).first() if named else None


def blueprints(by: By) -> QuerySet[Blueprint]:
    require(by, "catalog.read")
    return Blueprint.objects.order_by("title", "id")


def blueprints_known() -> list[str]:
    """Their identifiers."""
    return list(Blueprint.objects.values_list("identifier", flat=True))


def blueprints_pointing_at(identifier: str, *aside: str) -> list[str]:
    """Titles of other blueprints, some set aside, that have this one as the target of a relation or of an aggregation."""
    grown = [each.identifier for each in kinds.growing()]  # which let go by themselves
    others = Blueprint.objects.exclude(identifier__in=[identifier, *aside, *grown]).order_by("title")
    return [each.title for each in others if identifier in _targets(each)]


def _targets(blueprint: Blueprint) -> set[str]:
    return {each["target"] for each in [*blueprint.relations.values(), *blueprint.aggregation_properties.values()]}


def blueprints_counted(by: By) -> QuerySet[Blueprint]:
    """With how many entities of each the viewer may see."""
    seen = permissions.bounds(by)
    if seen is None:
        return blueprints(by).annotate(count=Count("entities"))
    own = Entity.objects.filter(seen, blueprint=OuterRef("pk")).order_by().values("blueprint")
    counts = own.annotate(count=Count("pk")).values("count")
    return blueprints(by).annotate(count=Coalesce(Subquery(counts), 0))


def computed_definitions(blueprint: Blueprint) -> dict[str, Json]:
    """What the portal computes, each defined like a property: a mirror as what it shows of another blueprint.

    One query for each step of the longest mirror's path.
    """
    known = _blueprints_on_the_way(blueprint)
    mirrors = {
        name: _mirrored(blueprint, each, known) | ({"title": each["title"]} if each.get("title") else {})
        for name, each in blueprint.mirror_properties.items()
    }
    sums = {name: {"type": "number"} | each for name, each in blueprint.aggregation_properties.items()}
    return mirrors | dict(blueprint.calculation_properties) | sums


def _blueprints_on_the_way(blueprint: Blueprint) -> dict[str, Blueprint]:
    known = {blueprint.identifier: blueprint}
    paths = [each.get("path", "").split(".")[:-1] for each in blueprint.mirror_properties.values()]
    for depth in range(max(map(len, paths), default=0)):
        wanted = {_target(blueprint, path[: depth + 1], known) for path in paths} - known.keys() - {""}
        known |= {each.identifier: each for each in Blueprint.objects.filter(identifier__in=wanted)} if wanted else {}
    return known


def _target(blueprint: Blueprint, path: list[str], known: dict[str, Blueprint]) -> str:
    """The blueprint at the end of the path, empty where the path leads nowhere."""
    name = blueprint.identifier
    for step in path:
        at = known.get(name)
        name = at.relations.get(step, {}).get("target", "") if at else ""
    return name


def _mirrored(blueprint: Blueprint, mirror: Json, known: dict[str, Blueprint]) -> Json:
    *path, name = mirror.get("path", "").split(".")
    at, several = blueprint, False
    for step in path:
        declared = at.relations.get(step, {})
        several |= bool(declared.get("many"))
        found = known.get(declared.get("target", ""))
        if found is None:
            return {"type": "string"}
        at = found
    definition = at.declared.get(name, {"type": "string"})
    return {"type": "array", "items": definition} if several else definition


@dataclass(frozen=True)
class Loss:
    """What a change of a blueprint would take away, and from how many entities. What would not fit is refused instead."""

    what: str
    count: int


def losses(blueprint: Blueprint, definition: Json) -> list[Loss]:
    kind = kinds.kind(blueprint.identifier)
    if kind:
        definition = kinds.merge(kind.whole(), definition)
    properties = (definition.get("schema") or {}).get("properties") or {}
    found = [_loss_of_property(blueprint, name, properties.get(name)) for name in blueprint.properties]
    relations = definition.get("relations") or {}
    found += [_loss_of_relation(blueprint, name, relations.get(name)) for name in blueprint.relations]
    return [loss for loss in found if loss.count]


def _loss_of_property(blueprint: Blueprint, name: str, wished: Json | None) -> Loss:
    title = blueprint.properties[name].get("title") or name
    held = blueprint.entities.filter(properties__has_key=name)
    return Loss(f"“{title}” goes, and its value", held.count() if wished is None else 0)


def _loss_of_relation(blueprint: Blueprint, name: str, wished: Json | None) -> Loss:
    title = blueprint.relations[name].get("title") or name
    sources = Relation.objects.filter(source__blueprint=blueprint, name=name).order_by().values("source")
    return Loss(
        f"the relation “{title}” goes, and what it points at", sources.distinct().count() if wished is None else 0
    )
