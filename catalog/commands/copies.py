"""Entities that only show what a typed row of an app above says."""

from typing import Any

from django.utils import timezone

from catalog import compute
from catalog.models import Entity
from portal.kit import rows
from portal.kit.by import By
from portal.kit.locking import Moved
from portal.kit.rows import Row, Statement

Json = dict[str, Any]

_COPY = """
    with made as (
        insert into catalog_entity (blueprint_id, identifier, title, icon, team, properties, computed, datasource,
            created_at, created_by, updated_at, updated_by)
        select id, case when exists (
                select from catalog_entity e where e.blueprint_id = b.id and e.identifier = %(identifier)s
            ) then %(otherwise)s else %(identifier)s end, %(title)s, '', '{}', %(properties)s::jsonb, '{}', %(datasource)s,
            %(now)s, %(name)s, %(now)s, %(name)s
        from catalog_blueprint b where identifier = %(blueprint)s
        on conflict (blueprint_id, identifier) do nothing returning id, blueprint_id, identifier
    ), drawn as (
        insert into catalog_relation (source_id, name, target_id, position)
        select made.id, arrow.name, arrow.target, 0
        from made, unnest(%(names)s::text[], %(targets)s::bigint[]) as arrow (name, target)
    ), marked as (
        insert into catalog_stale (kind, blueprint, entity, names, old, cursor)
        select 'changed', made.blueprint_id, made.id, %(marked)s::text[], '{}', 0
        from made join catalog_blueprint b on b.id = made.blueprint_id
        where b.derived ? 'plan' or b.derived -> 'watched' ?| (%(marked)s::text[] || '*'::text)
        returning 1
    ) select id, blueprint_id, identifier, (select count(*) from marked) from made
"""


def entity_copying(
    blueprint: str,
    names: tuple[str, str],
    title: str,
    properties: Json,
    relations: dict[str, Entity],
    *,
    by: By,
) -> Statement:
    """What makes the new entity under the first of two names, or under the second where that is taken, and answers it.
    Raises Moved when somebody takes that at this moment.

    No rule of the blueprint is asked, and no event is told: the owner of the row tells of the row.
    """
    now = timezone.now()
    values: Json = {
        "blueprint": blueprint,
        "identifier": names[0],
        "otherwise": names[1],
        "title": title,
        "properties": rows.text_of(properties),
        "datasource": by.agent[:300],
        "now": now,
        "name": by.actor.name,
        "names": list(relations),
        "marked": [f"relations.{name}" for name in relations],
        "targets": [each.pk for each in relations.values()],
    }

    def read(made: list[Row]) -> Entity:
        if not made:
            raise Moved("Somebody has just taken the identifier.")
        pk, blueprint_id, identifier, marks = made[0]
        if marks:
            compute.rouse()
        return rows.part(
            Entity, id=pk, blueprint_id=blueprint_id, identifier=identifier, title=title, properties=properties
        )

    return Statement(_COPY, values, read)
