"""Which entities a change of their blueprint would leave with data that it no longer allows. Counted in SQL."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson
from django.db import connection
from django.db.models import Count

from catalog.models import Blueprint, Entity, Relation
from catalog.schema.types import json_schema
from catalog.schema.validate import wrong

Json = dict[str, Any]


@dataclass(frozen=True)
class Misfit:
    """`count` entities stand against the change at `path`."""

    path: str
    count: int
    message: str


def misfits(blueprint: Blueprint, definition: Json) -> list[Misfit]:
    """Values that would not fit, missing ones that would be required without a default, relations that would not hold."""
    entities = blueprint.entities.count()
    if not entities:
        return []
    found = [
        *_values(blueprint, definition),
        *_required(blueprint, definition),
        *_relations(blueprint, definition, entities),
    ]
    return [each for each in found if each.count]


def _values(blueprint: Blueprint, definition: Json) -> Iterator[Misfit]:
    for name, declared in definition["schema"]["properties"].items():
        old = blueprint.schema["properties"].get(name, {})
        if json_schema(declared) != json_schema(old):
            yield _unfit(blueprint, name, declared, kept=declared.get("type") == old.get("type"))


def _unfit(blueprint: Blueprint, name: str, declared: Json, *, kept: bool) -> Misfit:
    """Each different value is looked at once, however many entities have it."""
    count, example, fault = 0, "", ""
    for text, holders in _different(blueprint, name):
        said = wrong(declared, orjson.loads(text))
        if said:
            count, example, fault = count + holders, example or text, fault or said
    path = f"schema.properties.{name}" + ("" if kept else ".type")
    return Misfit(
        path, count, f"{_entities(count)} a value that would not fit, such as {example[:60]} ({fault}). {_ADVICE[kept]}"
    )


_ADVICE = {
    True: "Change these values first",
    False: "Make a new property, move the values there, delete this one, then rename the new one",
}


def _different(blueprint: Blueprint, name: str) -> Iterator[tuple[str, int]]:
    with connection.chunked_cursor() as cursor:
        cursor.execute(
            "select (properties -> %(name)s)::text, count(*) from catalog_entity"
            " where blueprint_id = %(blueprint)s and properties ? %(name)s group by 1",
            {"name": name, "blueprint": blueprint.pk},
        )
        yield from cursor


def _required(blueprint: Blueprint, definition: Json) -> Iterator[Misfit]:
    schema = definition["schema"]
    for name in sorted(set(schema.get("required", [])) - set(blueprint.schema["required"])):
        if schema["properties"][name].get("default") is None:
            count = lacking(blueprint, name)
            message = f"{_entities(count)} no “{name}”. Give it a default, or fill it in first"
            yield Misfit("schema.required", count, message)


def lacking(blueprint: Blueprint, name: str) -> int:
    return blueprint.entities.exclude(properties__has_key=name).count()


def _relations(blueprint: Blueprint, definition: Json, entities: int) -> Iterator[Misfit]:
    for name, wished in (definition.get("relations") or {}).items():
        old = blueprint.relations.get(name)
        arrows = Relation.objects.filter(source__blueprint=blueprint, name=name).order_by()
        path = f"relations.{name}"
        if old and wished["target"] != old["target"]:
            count = arrows.values("source").distinct().count()
            yield Misfit(
                f"{path}.target", count, f"{_entities(count)} one that points at {old['target']}. Clear it first"
            )
        if old and old.get("many") and not wished.get("many"):
            count = arrows.values("source").annotate(several=Count("pk")).filter(several__gt=1).count()
            yield Misfit(f"{path}.many", count, f"{_entities(count)} several. Leave each one of them first")
        if wished.get("required") and not (old and old.get("required")):
            count = entities - Entity.objects.filter(pk__in=arrows.values("source")).count()
            yield Misfit(f"{path}.required", count, f"{_entities(count)} none. Make it optional, or point them first")


def _entities(count: int) -> str:
    return "1 entity has" if count == 1 else f"{count:,} entities have"
