"""Computed values as a reader sees them: always as they are now, whether a worker has come by or not."""

import json
from collections.abc import Iterable, Sequence, Set
from typing import Any

from django.db import connection, transaction

from catalog import moves
from catalog.compute.values import World, made_anew, settle, stored_anew
from catalog.models import Blueprint, Entity, Json
from portal.kit.locking import retried

# In one statement, so that the values are right where there is no mark.
_STORED = """
    select e.id, e.computed, exists (select from catalog_stale s where s.blueprint = any(%(reads)s))
    from catalog_entity e where e.id = any(%(keys)s)
"""


# Some lists have no end: what is computed for them is in memory for so many at a time.
AT_ONCE = 1000


def shown(entities: Sequence[Entity]) -> dict[int, Json]:
    """By key. One query for each blueprint that has computed properties; a few more where something changed just now."""
    values: dict[int, Json] = {}
    for first in range(0, len(entities), AT_ONCE):
        values |= _shown(entities[first : first + AT_ONCE])
    return values


def _shown(entities: Sequence[Entity]) -> dict[int, Json]:
    values: dict[int, Json] = {}
    world: World | None = None
    for blueprint in {each.blueprint.pk: each.blueprint for each in entities}.values():
        own = [each for each in entities if each.blueprint_id == blueprint.pk]
        derived = blueprint.derived
        if "plan" not in derived:
            values |= {each.pk: _declared(blueprint, each.computed) for each in own}
            continue
        keys = [each.pk for each in own]
        stored, is_stale = _stored(blueprint, keys)
        values |= stored
        if is_stale or derived["live"]:
            world = world or World([blueprint])
            if blueprint.identifier in world.among:
                fresh = world.of(blueprint.identifier, keys, None if is_stale else derived["live"])
                values |= {pk: fresh[pk] if is_stale else stored.get(pk, {}) | fresh[pk] for pk in keys}
    return {each.pk: values.get(each.pk, {}) for each in entities}


def _stored(blueprint: Blueprint, keys: list[int]) -> tuple[dict[int, Json], bool]:
    with connection.cursor() as cursor:
        cursor.execute(_STORED, {"reads": blueprint.derived["reads"], "keys": keys})
        found = cursor.fetchall()
    values = {pk: _declared(blueprint, _json(computed)) for pk, computed, _ in found}
    return values, any(is_stale for *_, is_stale in found)


def _declared(blueprint: Blueprint, computed: Json) -> Json:
    """What has just been taken out of the definition is no longer shown."""
    names = blueprint.computed_properties
    now = moves.shown(blueprint, computed, "computed")
    return {name: value for name, value in now.items() if name in names}


def _json(value: Any) -> Json:
    found: Json = json.loads(value) if isinstance(value, str) else value
    return found


def own(entities: Sequence[Entity]) -> None:
    """Within their write, once they are stored with their arrows: their own values are stored with them."""
    computing = [each for each in entities if "plan" in each.blueprint.derived]
    if computing:
        stored_anew(computing, _world(computing))


def own_first(entities: Sequence[Entity], targets: Set[int]) -> list[Entity]:
    """The same of new ones that have their keys and their arrows but no rows yet, so that the rows come with the values.

    Answers those that it left out: where another new one is at the end of an arrow, or something computed reads them,
    they are computed once they are there. `targets`: keys at the ends of their arrows.
    """
    if not targets.isdisjoint(each.pk for each in entities):
        return list(entities)
    computing = [each for each in entities if "plan" in each.blueprint.derived]
    first = [each for each in computing if _stands_apart(each.blueprint)]
    if first:
        made_anew(first, _world(first))
    return [each for each in computing if not _stands_apart(each.blueprint)]


def _stands_apart(blueprint: Blueprint) -> bool:
    """Whether nothing that is computed for its entities looks for their rows."""
    return not (blueprint.aggregation_properties or blueprint.derived.get("watched"))


def _world(entities: Iterable[Entity]) -> World:
    return World({each.blueprint_id: each.blueprint for each in entities}.values())


@retried
@transaction.atomic
def refresh(entities: Sequence[Entity]) -> None:
    """After it the `computed` of these entities is right, in the database and in these objects; what depends on the clock
    is only in the objects."""
    for blueprint in {each.blueprint.pk: each.blueprint for each in entities}.values():
        keys = [each.pk for each in entities if each.blueprint_id == blueprint.pk]
        if "plan" in blueprint.derived and _stored(blueprint, keys)[1]:
            settle(keys)
    values = shown(entities)
    for each in entities:
        each.computed = values[each.pk]
