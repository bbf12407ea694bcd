"""What a definition would compute, found out before it is saved."""

from dataclasses import dataclass
from typing import Any

from django.db import transaction

from catalog import compute, permissions
from catalog.commands.blueprints.write import blueprint_update
from catalog.models import Blueprint, Entity
from portal.kit.by import By

Json = dict[str, Any]

MOST_TRIED = 3


@dataclass(frozen=True)
class Tried:
    """Of one computed property, for each of the entities its value, or what is said against it."""

    name: str
    definition: Json
    values: list[tuple[Any, str]]


@dataclass(frozen=True)
class Trial:
    entities: list[Entity]
    rows: list[Tried]


def blueprint_try(blueprint: Blueprint, definition: Json, *, by: By) -> Trial:
    """Saves it, computes for the entities that were written last, and takes it all back.

    Refuses what saving it would refuse.
    """
    with transaction.atomic():
        trial = _tried(blueprint_update(blueprint, definition, by=by), by)
        transaction.set_rollback(True)
    return trial


def _tried(blueprint: Blueprint, by: By) -> Trial:
    rows = permissions.readable(by, Entity.objects.filter(blueprint=blueprint), blueprint)
    entities = list(rows.order_by("-updated_at", "-pk")[:MOST_TRIED])
    values, faults = compute.computed(blueprint, [each.pk for each in entities])
    tried = [
        Tried(
            name,
            compute.defined(blueprint, name),
            [(values[each.pk].get(name), faults.get((each.pk, name), "")) for each in entities],
        )
        for name in blueprint.computed_properties
    ]
    return Trial(entities, tried)
