"""Values and arrows of a blueprint's entities change their name, or go, or are filled in, or run as timers: a batch of
rows at a time.

A batch holds the rows that it changes until its transaction ends, and nothing else: others read and write meanwhile.
What was written under the new name since then stays; the old value gives way.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import orjson
from django.db import connection

from catalog.models import Blueprint, Entity, Relation

Json = dict[str, Any]
Part = Literal["properties", "computed", "relations"]

AT_ONCE = 1000


@dataclass(frozen=True)
class Move:
    """`new` is empty when what is called `old` goes."""

    part: Part
    old: str
    new: str = ""

    def json(self) -> Json:
        return {"part": self.part, "old": self.old, "new": self.new}


@dataclass(frozen=True)
class Fill:
    name: str
    value: Any

    def json(self) -> Json:
        return {"name": self.name, "value": self.value}


@dataclass(frozen=True)
class Arm:
    """The values of a property that is a timer from now on run."""

    name: str

    def json(self) -> Json:
        return {"name": self.name}


Work = Move | Fill | Arm


@dataclass(frozen=True)
class Batch:
    """`last` is the key of the last entity looked at, None when there are no more; `changed` counts rows of `keys`."""

    last: int | None
    changed: int
    keys: list[int]


_ROWS = (
    "select id from catalog_entity where blueprint_id = %(blueprint)s and id > %(after)s order by id limit %(limit)s"
)
_RENAMED = (
    "case when {0} ? %(new)s then {0} - %(old)s else ({0} - %(old)s) || jsonb_build_object(%(new)s, {0} -> %(old)s) end"
)
_VALUES = """
with held as (
    select id from catalog_entity where id = any(%(rows)s) and {column} ? %(old)s order by id for no key update)
update catalog_entity e set {column} = {value} from held where e.id = held.id"""
_FILLED = """
with held as (
    select id from catalog_entity where id = any(%(rows)s) and not properties ? %(name)s order by id for no key update)
update catalog_entity e set properties = properties || jsonb_build_object(%(name)s, %(value)s::jsonb)
from held where e.id = held.id"""
# The year 9999 of a zone may be 10000 here, which no Python reads.
DUE = "least(greatest(pc_ts({0}), '1000-01-01'::timestamptz), '9999-12-30'::timestamptz)"
_ARMED = f"""
with held as (
    select id, blueprint_id, properties -> %(name)s as value from catalog_entity
    where id = any(%(rows)s) and properties ? %(name)s order by id for no key update)
insert into catalog_timer (blueprint, entity, property, value, due_at)
select blueprint_id, id, %(name)s, value #>> '{{}}', {DUE.format("value")} from held where pc_ts(value) is not null
on conflict (entity, property, due_at) do nothing"""
# Whoever points at something under the new name already has said what he wants.
_SUPERSEDED = """
delete from catalog_relation r where r.source_id = any(%(rows)s) and r.name = %(old)s and (
    %(new)s = '' or exists (select from catalog_relation n where n.source_id = r.source_id and n.name = %(new)s))"""
_ARROWS = "update catalog_relation set name = %(new)s where source_id = any(%(rows)s) and name = %(old)s"


def batch(blueprint: Blueprint, work: Work, *, after: int, limit: int = AT_ONCE) -> Batch:
    """The next rows after the key `after`, in the caller's transaction."""
    with connection.cursor() as cursor:
        cursor.execute(_ROWS, {"blueprint": blueprint.pk, "after": after, "limit": limit})
        rows = [key for (key,) in cursor.fetchall()]
    return Batch(rows[-1] if len(rows) == limit else None, _apply(rows, work) if rows else 0, rows)


def _apply(rows: list[int], work: Work) -> int:
    if isinstance(work, Arm):
        return arm_all(rows, work.name)
    if isinstance(work, Fill):
        return _run(_FILLED, rows, name=work.name, value=orjson.dumps(work.value).decode())
    if work.part == "relations":
        gone = _run(_SUPERSEDED, rows, old=work.old, new=work.new)
        return gone + (_run(_ARROWS, rows, old=work.old, new=work.new) if work.new else 0)
    value = (_RENAMED if work.new else "{0} - %(old)s").format(f"e.{work.part}")
    return _run(_VALUES.format(column=work.part, value=value), rows, old=work.old, new=work.new)


def arm_all(rows: Sequence[int], name: str) -> int:
    """Starts the timers of what these entities have under that name. Their rows are held."""
    return _run(_ARMED, list(rows), name=name)


def _run(statement: str, rows: list[int], **names: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"rows": rows, **names})
        return int(cursor.rowcount)


def moving(blueprint: Blueprint) -> list[Move]:
    return [Move(part, old, new or "") for part, names in blueprint.moving.items() for old, new in names.items()]


def shown(blueprint: Blueprint, values: Json, part: Part = "properties") -> Json:
    """The values under the names that they have now, whether a worker has come by yet or not."""
    names = blueprint.moving.get(part)
    if not names or names.keys().isdisjoint(values):
        return values
    kept = {name: value for name, value in values.items() if name not in names}
    moved = {names[name]: value for name, value in values.items() if names.get(name)}
    return moved | kept


def settle(entities: Sequence[Entity]) -> None:
    """Before somebody writes them, all of one blueprint: what is on the move has arrived."""
    if not entities or not entities[0].blueprint.moving:
        return
    blueprint = entities[0].blueprint
    for each in entities:
        each.properties = shown(blueprint, each.properties)
    for old, new in blueprint.moving.get("relations", {}).items():
        arrows = Relation.objects.filter(source__in=entities, name=old)
        arrows.update(name=new) if new else arrows.delete()
