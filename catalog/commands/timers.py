"""Timers follow the entities that have them, and expire once each.

A write of an entity keeps its rows, in the same transaction; a blueprint without a timer costs it nothing. Workers take
what is due, by the database's clock; a row that one of them holds is passed over by the others.
"""

import time
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any

from django.db import connection, transaction

from catalog import moves, queries
from catalog.models import Blueprint, Entity, Timer
from catalog.schema.definition import timers_of
from portal.audit.record import Entry, record_many
from portal.kit.by import system
from portal.kit.locking import retried
from portal.kit.rows import prepared

Json = dict[str, Any]

AT_ONCE = 500

# A value that has expired stays: written again, it does not expire again.
_STOP = """
delete from catalog_timer t using unnest(%s::bigint[], %s::text[]) as given (entity, property)
where t.entity = given.entity and t.property = given.property and t.expired_at is null"""
_RUN = f"""
insert into catalog_timer (blueprint, entity, property, value, due_at)
select blueprint, entity, property, value, {moves.DUE.format("to_jsonb(value)")}
from unnest(%s::bigint[], %s::bigint[], %s::text[], %s::text[]) as given (blueprint, entity, property, value)
where pc_ts(to_jsonb(value)) is not null on conflict (entity, property, due_at) do nothing"""
_REMEMBER = f"""
update catalog_timer t set expired_at = statement_timestamp()
from unnest(%s::text[], %s::text[]) as given (property, value)
where t.entity = %s and t.property = given.property and t.due_at = {moves.DUE.format("to_jsonb(given.value)")}"""
_DUE = """
select id, entity, property, value from catalog_timer where expired_at is null and due_at <= statement_timestamp()
order by due_at, id limit %s for update skip locked"""
_EXPIRED = "update catalog_timer set expired_at = statement_timestamp() where id = any(%s)"


def timers_keep(changed: Iterable[tuple[Entity, Json]]) -> None:
    """For entities whose rows the caller holds, each with its properties as they were. Two statements at most."""
    found = [
        (entity, name, before.get(name), entity.properties.get(name))
        for entity, before in changed
        for name in timers_of(entity.blueprint.schema)
        if entity.properties.get(name) != before.get(name)
    ]
    _run(_STOP, [(entity.pk, name) for entity, name, old, _ in found if isinstance(old, str)])
    _run(_RUN, [(entity.blueprint_id, entity.pk, name, new) for entity, name, _, new in found if isinstance(new, str)])


def _run(statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """A column of `rows` is a list that the statement takes apart."""
    if rows:
        prepared(statement, [list(each) for each in zip(*rows, strict=True)])


def timers_go(doomed: Sequence[Entity]) -> dict[int, Json]:
    """With their entities. Answers by key what had expired, `{property: value}`, for whoever makes them again."""
    keys = [each.pk for each in doomed if timers_of(each.blueprint.schema)]
    if not keys:
        return {}
    rows = Timer.objects.filter(entity__in=keys)
    found: dict[int, Json] = {}
    for each in rows.exclude(expired_at=None).order_by("due_at"):
        found.setdefault(each.entity, {})[each.property] = each.value
    rows.delete()
    return found


def timers_remember(entity: Entity, expired: Mapping[str, str]) -> None:
    """An entity that is made as it was: these values of it had expired, and do not again."""
    if expired:
        with connection.cursor() as cursor:
            cursor.execute(_REMEMBER, [list(expired), list(expired.values()), entity.pk])


def timers_drop(blueprint: Blueprint, names: Set[str]) -> None:
    """These properties are timers no more."""
    if names:
        Timer.objects.filter(blueprint=blueprint.pk, property__in=names).delete()


def timers_rename(blueprint: Blueprint, old: str, new: str) -> None:
    Timer.objects.filter(blueprint=blueprint.pk, property=old).update(property=new)


def timers_expire(seconds: float = 2.0) -> bool:
    """Tells of what is due, for about so long; answers whether there is more. Any number of workers may."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if _expire_some() < AT_ONCE:
            return False
    return True


@retried
@transaction.atomic
def _expire_some() -> int:
    """All in one transaction: a worker that dies has told of nothing, and the rows are due as before."""
    with connection.cursor() as cursor:
        cursor.execute(_DUE, [AT_ONCE])
        due = cursor.fetchall()
        if not due:
            return 0
        cursor.execute(_EXPIRED, [[key for key, *_ in due]])
    entities = _entities({entity for _, entity, _, _ in due})
    entries = [_entry(entities[entity], name, value) for _, entity, name, value in due if entity in entities]
    record_many(entries, by=system("clock"))
    return len(due)


def _entities(keys: Set[int]) -> dict[int, Entity]:
    return {each.pk: each for each in queries.with_relations(Entity.objects.filter(pk__in=keys))}


def _entry(entity: Entity, name: str, value: str) -> Entry:
    facts = entity.facts(queries.relations_of(entity))
    facts["properties"] = moves.shown(entity.blueprint, entity.properties)
    return Entry("timer.expired", entity.noun(), after=facts, payload={"property": name, "value": value})
