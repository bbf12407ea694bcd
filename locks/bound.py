"""Boolean properties of any blueprint that are a lock's switch, as recipes for the commercial portal use them.

A blueprint tells of them in `lockProperties`, beside what the contract knows:

    {"lockProperties": {"frozen_in_eu": {"environment": "eu", "reason": "frozen_reason"}}}

The service is the entity itself where the blueprint is `service`, else the end of its relation `service`. Without an
`environment` that is the end of the relation `environment`. `reason` names a text property that says why.
What is in SHIPPED is bound as soon as a blueprint declares it as a boolean.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import models, transaction
from django.db.models import Expression, F, Func, OuterRef, Subquery, Value

from catalog import queries as catalog
from catalog.kinds import Live
from catalog.models import Blueprint, Entity, Relation
from catalog.queries import Place, place_of
from locks import live, queries
from portal.kit.by import By
from portal.kit.errors import Conflict, Invalid, PortalError

Json = dict[str, Any]


@dataclass(frozen=True)
class Binding:
    """`environment` is a name, or empty for the relation's end; `reason` is a property, or empty."""

    environment: str = ""
    reason: str = ""


SHIPPED = {
    "service": {
        "locked_in_prod": Binding("prod", "locked_reason_prod"),
        "locked_in_test": Binding("test", "locked_reason_test"),
    },
    "running_service": {"locked": Binding()},
}


def bindings(blueprint: Blueprint) -> dict[str, Binding]:
    """By property; only those that the blueprint declares as booleans, with reasons that it declares as texts."""
    told = blueprint.extra.get("lockProperties")
    own = {
        name: Binding(str(each.get("environment") or ""), str(each.get("reason") or ""))
        for name, each in (told.items() if isinstance(told, dict) else ())
        if isinstance(each, dict)
    }
    known = SHIPPED.get(blueprint.identifier, {}) | own
    if not known:
        return {}  # as of nearly every blueprint, for each of its entities that is written
    types = {name: each.get("type") for name, each in blueprint.properties.items()}
    return {
        name: each if types.get(each.reason) == "string" else replace(each, reason="")
        for name, each in known.items()
        if types.get(name) == "boolean"
    }


def live_of(blueprint: Blueprint, registered: Live | None) -> Live | None:
    """All live properties of the blueprint, those that are registered for it included."""
    bound = bindings(blueprint)
    if not bound or blueprint.identifier == live.LOCKED.blueprint:
        return registered
    reasons = {each.reason: name for name, each in bound.items() if each.reason}
    is_service = blueprint.identifier == "service"

    def load(entities: Sequence[Entity]) -> dict[int, Json]:
        found: dict[int, Json] = {each.pk: {} for each in entities}
        for name, binding in bound.items():
            for pk, shown in _shown(entities, binding, is_service).items():
                found[pk][name] = shown["locked"]
                if binding.reason and shown.get("lockedReason"):
                    found[pk][binding.reason] = shown["lockedReason"]
        return found

    @transaction.atomic
    def write(entity: Entity, wished: Json, by: By) -> None:
        if registered and (others := {name: value for name, value in wished.items() if name in registered.properties}):
            registered.write(entity, others, by)
        for name, binding in bound.items():
            if wished.get(name) is not None:
                _switch(entity, name, binding, wished, is_service, by)

    def expression(name: str) -> Expression:
        if name not in bound and name not in reasons:
            return Value(None, output_field=models.JSONField())
        binding = bound[reasons.get(name, name)]
        return _Key(_in_sql(binding, is_service), Value("locked" if name in bound else "lockedReason"))

    names = bound.keys() | reasons.keys() | (registered.properties if registered else frozenset())
    return Live(blueprint.identifier, frozenset(names), load, write, expression=expression)


def _places(entities: Sequence[Entity], binding: Binding, is_service: bool) -> dict[int, Place]:
    """Of those that have a place; none when there is no such environment."""
    if not binding.environment and not is_service:
        return live.places_of(entities)
    try:
        environment = catalog.environment_named(binding.environment)
    except PortalError:
        return {}
    if is_service:
        return {each.pk: place_of(each, environment) for each in entities}
    arrows = Relation.objects.filter(source__in=entities, name="service").select_related("target")
    return {arrow.source_id: place_of(arrow.target, environment) for arrow in arrows}


def _shown(entities: Sequence[Entity], binding: Binding, is_service: bool) -> dict[int, Json]:
    places = _places(entities, binding, is_service)
    decisions = queries.decide_many(places.values())
    return {each.pk: live.values(places.get(each.pk), decisions) for each in entities}


def _switch(entity: Entity, name: str, binding: Binding, wished: Json, is_service: bool, by: By) -> None:
    locked, reason = wished[name], wished.get(binding.reason) if binding.reason else None
    if not isinstance(locked, bool):
        raise Invalid.at(f"properties.{name}", "must be true or false")
    place = _places([entity], binding, is_service).get(entity.pk)
    if place is None and locked:
        return  # it reads as locked already
    if place is None:
        raise Conflict("It names no service and environment, so its gate stays closed.", code="no_place")
    try:
        live.switch(place, {"locked": locked} | ({"lockedReason": reason} if reason is not None else {}), by)
    except Invalid as wrong:
        named = {
            "properties.lockedReason": f"properties.{binding.reason or name}",
            "properties.lockedUntil": f"properties.{name}",
        }
        faults = [each | {"path": named.get(each["path"], each["path"])} for each in wrong.details["errors"]]
        raise Invalid.of(faults) from wrong


class _Key(Func):
    template = "(%(expressions)s::text)"
    arg_joiner = " -> "
    output_field = models.JSONField()


def _in_sql(binding: Binding, is_service: bool) -> Func:
    if not binding.environment and not is_service:
        return Func(F("pk"), function="locks_locked", output_field=models.JSONField())
    arrow = Relation.objects.filter(source=OuterRef("pk"), name="service").values("target")[:1]
    service = F("pk") if is_service else Subquery(arrow)
    return Func(service, Value(binding.environment), function="locks_bound", output_field=models.JSONField())
