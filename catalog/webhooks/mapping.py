"""From a payload to entities: what the mappings of a webhook make of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from catalog.commands import Written, entities_delete, entities_write
from catalog.commands.entities import BUSY
from catalog.webhooks.shapes import leaves
from catalog.wishes import Wish, parse
from portal.audit.subscribers import RetryLater
from portal.kit import jq
from portal.kit.by import By
from portal.kit.errors import Invalid, PortalError

Json = dict[str, Any]

MOST_ITEMS = 500


@dataclass
class Outcome:
    """What became of one item under one mapping. `problems` are parts that came to nothing: the rest was written without them."""

    mapping: int
    item: int
    blueprint: str
    operation: str
    identifier: str = ""
    status: str = "written"  # or deleted, failed
    error: str = ""
    problems: list[str] = field(default_factory=list)

    def fail(self, error: str) -> None:
        self.status, self.error = "failed", error


def apply(mappings: Sequence[Json], context: Json, *, by: By, dry: bool = False) -> list[Outcome]:
    """Each mapping in turn, its items in turn; one that fails does not hold up the others. `dry`: nothing is written."""
    return write(read(mappings, context), by=by, dry=dry)


def read(mappings: Sequence[Json], context: Json) -> "list[Step]":
    """What each mapping makes of the payload. Its programs take their time, so no transaction may wait for them."""
    found = (_Mapping(n, mapping) for n, mapping in enumerate(mappings))
    return [(each, each.bodies(context)) for each in found]


def write(steps: "Sequence[Step]", *, by: By, dry: bool = False) -> list[Outcome]:
    return [outcome for mapping, bodies in steps for outcome in mapping.apply(bodies, by, dry)]


class _Mapping:
    def __init__(self, number: int, definition: Json) -> None:
        self.number = number
        self.blueprint = definition["blueprint"]
        operation = definition.get("operation") or "create"
        plain: Json = operation if isinstance(operation, dict) else {"type": operation}
        self.operation: str = plain["type"]
        # The plain word takes the dependents along, as the compatible API has it.
        self.dependents: bool = plain.get("deleteDependents", not isinstance(operation, dict))
        self.filter = definition.get("filter")
        self.items = definition.get("itemsToParse")
        self.entity = definition["entity"]

    def bodies(self, context: Json) -> list[tuple[Outcome, Json]]:
        """One for each item; those that failed already have an empty one."""
        try:
            return self._bodies(self._contexts(context))
        except Invalid as fault:
            failed = self._outcome(0)
            failed.fail(fault.message)
            return [(failed, {})]

    def apply(self, bodies: list[tuple[Outcome, Json]], by: By, dry: bool) -> list[Outcome]:
        return self._delete(bodies, by, dry) if self.operation == "delete" else self._write(bodies, by, dry)

    def _contexts(self, context: Json) -> list[Json]:
        """One for each item; none when the filter does not want the payload."""
        if self.filter and _value(self.filter, context, "filter") is not True:
            return []
        if not self.items:
            return [context]
        items = _value(self.items, context, "itemsToParse")
        if not isinstance(items, list):
            raise Invalid.at("itemsToParse", f"came to {_kind(items)}, and has to be a list")
        return [context | {"item": item} for item in items[:MOST_ITEMS]]

    def _bodies(self, contexts: list[Json]) -> list[tuple[Outcome, Json]]:
        places = list(leaves(self.entity))
        rows = jq.evaluate([program for _, program in places], contexts)
        found = []
        for item, row in enumerate(rows):
            outcome = self._outcome(item)
            values = dict(zip((path for path, _ in places), row, strict=True))
            outcome.problems = [f"{path}: {each.error}" for path, each in values.items() if each.error]
            body = _without_holes(_filled(self.entity, values, ""))
            if isinstance(body["identifier"], int) and not isinstance(body["identifier"], bool):
                body["identifier"] = str(body["identifier"])
            if isinstance(body["identifier"], str) and body["identifier"]:
                outcome.identifier = body["identifier"]
            elif not isinstance(body["identifier"], dict):
                why = values["identifier"].error or f"came to {_kind(body['identifier'])}, and has to be a text"
                outcome.fail(f"identifier: {why}")
            found.append((outcome, body))
        return found

    def _write(self, bodies: list[tuple[Outcome, Json]], by: By, dry: bool) -> list[Outcome]:
        wishes: list[tuple[Outcome, Wish]] = []
        for outcome, body in bodies:
            if outcome.status == "failed":
                continue
            try:
                wishes.append((outcome, parse(self.blueprint, body, mode="merge")))
            except PortalError as fault:
                outcome.fail(fault.message)
        written = entities_write([wish for _, wish in wishes], dry=dry, by=by)
        for (outcome, _), fate in zip(wishes, written, strict=True):
            if isinstance(fate, Written):
                outcome.identifier = fate.entity.identifier
            elif fate.code == BUSY and not dry:
                raise RetryLater(fate.message)
            else:
                outcome.fail(fate.message)
        return [outcome for outcome, _ in bodies]

    def _delete(self, bodies: list[tuple[Outcome, Json]], by: By, dry: bool) -> list[Outcome]:
        for outcome, _ in bodies:
            if outcome.status == "failed":
                continue
            outcome.status = "deleted"
            if not dry:
                try:
                    entities_delete(self.blueprint, [outcome.identifier], dependents=self.dependents, by=by)
                except PortalError as fault:
                    outcome.fail(fault.message)
        return [outcome for outcome, _ in bodies]

    def _outcome(self, item: int) -> Outcome:
        return Outcome(self.number, item, self.blueprint, self.operation)


Step = tuple[_Mapping, list[tuple[Outcome, Json]]]


def _value(program: str, context: Json, path: str) -> Any:
    [[outcome]] = jq.evaluate([program], [context])
    if outcome.error:
        raise Invalid.at(path, outcome.error)
    return outcome.value


def _filled(value: Any, values: dict[str, jq.Outcome], path: str) -> Any:
    """The same shape with what each program came to in its place."""
    if isinstance(value, str):
        return values[path].value
    if isinstance(value, dict):
        return {key: _filled(inner, values, f"{path}.{key}" if path else key) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, values, f"{path}.{n}") for n, inner in enumerate(value)]
    return value


def _without_holes(body: Json) -> Json:
    """`[.item.team]` where there is no team names nobody."""
    relations = body.get("relations") or {}
    names = {name: _there(value) for name, value in relations.items()}
    return body | ({"team": _there(body["team"])} if "team" in body else {}) | ({"relations": names} if names else {})


def _there(value: Any) -> Any:
    return [each for each in value if each is not None] if isinstance(value, list) else value


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "a truth value", type(None): "null"}
    return names.get(type(value), "a number")
