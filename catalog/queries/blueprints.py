from dataclasses import dataclass
from typing import Any

from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from catalog import compute, kinds, permissions, search
from catalog.models import Blueprint, Entity, Relation
from catalog.schema.paths import Known
from portal.accounts.policy import require
from portal.kit import rows
from portal.kit.by import By
from portal.kit.errors import Missing
from portal.kit.locking import advisory_lock

Json = dict[str, Any]


def blueprint(identifier: str) -> Blueprint:
    found = rows.one(Blueprint, identifier=identifier)
    if found is None:
        raise Missing(f'Blueprint with identifier "{identifier}" was not found')
    return found


def require_blueprint(identifier: str) -> None:
    """Raises Missing where there is none, for who needs nothing more of it."""
    if not rows.prepared("select 1 from catalog_blueprint where identifier = %s", [identifier]):
        blueprint(identifier)


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
    """What the portal computes, each defined like a property: a mirror as what it shows of another blueprint."""
    return {name: compute.defined(blueprint, name) for name in blueprint.computed_properties}


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
