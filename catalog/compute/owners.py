"""The teams that own entities: their own, or those at the end of the path along which their blueprint inherits ownership."""

from collections.abc import Sequence

from django.db import connection

from catalog.models import Entity
from catalog.search.values import inherited


def owners(entities: Sequence[Entity]) -> dict[int, list[str]]:
    """By key. One query for each blueprint that inherits."""
    found = {each.pk: list(each.team) for each in entities}
    for blueprint in {each.blueprint.pk: each.blueprint for each in entities}.values():
        ownerless = [each.pk for each in entities if each.blueprint_id == blueprint.pk and not each.team]
        if ownerless and inherited(blueprint):
            found |= _inherited(inherited(blueprint), ownerless)
    return found


def _inherited(path: list[str], keys: list[int]) -> dict[int, list[str]]:
    last = len(path) - 1
    joins = "".join(
        f" join catalog_relation r{number} on r{number}.source_id = r{number - 1}.target_id and r{number}.name = %s"
        for number in range(1, len(path))
    )
    query = (
        f"select r0.source_id, e.team from catalog_relation r0{joins} join catalog_entity e on e.id = r{last}.target_id"
        " where r0.source_id = any(%s) and r0.name = %s"
    )
    with connection.cursor() as cursor:
        cursor.execute(query, [*path[1:], keys, path[0]])
        return {pk: list(team) for pk, team in cursor.fetchall()}
