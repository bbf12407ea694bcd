"""From an entity to the entity that a mapping of jq programs makes of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from catalog import queries
from catalog.commands.entities import entity_write
from catalog.models import Entity
from catalog.schema.validate import check_shape
from catalog.wishes import parse
from portal.kit import jq
from portal.kit.by import By
from portal.kit.errors import Invalid, PortalError

Json = dict[str, Any]

_TEXT = {"type": "string", "minLength": 1}
_TEXTS = {"type": "object", "additionalProperties": _TEXT}
_ENTITY = {
    "type": "object",
    "properties": {
        **dict.fromkeys(("identifier", "title", "icon", "team"), _TEXT),
        "properties": _TEXTS,
        "relations": _TEXTS,
    },
    "additionalProperties": False,
}
SHAPE: Json = {
    "type": "object",
    "properties": {"blueprint": _TEXT, "filter": _TEXT, "itemsToParse": _TEXT, "entity": _ENTITY},
    "required": ["entity"],
    "additionalProperties": False,
}
MOST_ITEMS = 500


def check_mapping(mapping: Any) -> None:
    """Raises Invalid with the path of whatever is no jq."""
    check_shape(SHAPE, mapping, "mapping")
    for path, program in {**_frame(mapping), **_programs(mapping["entity"])}.items():
        if fault := jq.check(program):
            raise Invalid.at(f"mapping.{path}", fault)


def _frame(mapping: Json) -> dict[str, str]:
    return {key: mapping[key] for key in ("filter", "itemsToParse") if key in mapping}


def _programs(entity: Json) -> dict[str, str]:
    """By path: `entity.properties.tier`."""
    plain = {f"entity.{key}": each for key, each in entity.items() if isinstance(each, str)}
    nested = {
        f"entity.{group}.{name}": each
        for group in ("properties", "relations")
        for name, each in entity.get(group, {}).items()
    }
    return plain | nested


@dataclass(frozen=True)
class Mapping:
    source: str
    mapping: Json

    def write(self, rows: list[Entity], *, by: By) -> Iterator[str | None]:
        """For each row why it was not written, or nothing. One that the filter leaves out is no fault.

        All programs have run before anything is written: nobody waits for them.
        """
        values = queries.properties_of(rows)
        read = [self._read(queries.told_to_jq(row, values[row.pk])) for row in rows]
        for row, found in zip(rows, read, strict=True):
            try:
                with transaction.atomic():
                    self._write(found, by)
            except PortalError as error:
                yield f"{row.identifier}: {error.message}"
            else:
                yield None

    def _write(self, found: list[Json] | PortalError, by: By) -> None:
        if isinstance(found, PortalError):
            raise found
        for body in found:
            entity_write(parse(self.mapping.get("blueprint") or self.source, body, mode="merge"), by=by)

    def _read(self, given: Json) -> list[Json] | PortalError:
        """The bodies that the row comes to, or what is wrong with it."""
        try:
            return self._bodies(self._contexts(given))
        except PortalError as error:
            return error

    def _contexts(self, given: Json) -> list[Json]:
        if "filter" in self.mapping and self._value("filter", given) is not True:
            return []
        if "itemsToParse" not in self.mapping:
            return [given]
        items = self._value("itemsToParse", given)
        if not isinstance(items, list) or len(items) > MOST_ITEMS:
            raise Invalid.at("itemsToParse", f"must give a list of at most {MOST_ITEMS}")
        return [given | {"item": item} for item in items]

    def _value(self, key: str, given: Json) -> Any:
        [[outcome]] = jq.evaluate([self.mapping[key]], [given])
        if outcome.error:
            raise Invalid.at(key, outcome.error)
        return outcome.value

    def _bodies(self, contexts: list[Json]) -> list[Json]:
        programs = _programs(self.mapping["entity"])
        rows = jq.evaluate(list(programs.values()), contexts)
        return [
            self._body(context, dict(zip(programs, row, strict=True)))
            for context, row in zip(contexts, rows, strict=True)
        ]

    def _body(self, context: Json, outcomes: dict[str, jq.Outcome]) -> Json:
        body: Json = {"identifier": context["identifier"]}
        for path, outcome in outcomes.items():
            if outcome.error:
                raise Invalid.at(path, outcome.error)
            _set(body, path.split(".", 2)[1:], outcome.value)
        return body


def _set(body: Json, where: list[str], value: Any) -> None:
    """What a program gives nothing for is not spoken of."""
    if value is None:
        return
    if len(where) == 1:
        body[where[0]] = value
    else:
        body.setdefault(where[0], {})[where[1]] = value
