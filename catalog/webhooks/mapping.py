"""From a payload to entities: what the mappings of a webhook make of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from catalog.commands import Written, entities_delete, entities_write
from catalog.commands.entities import BUSY
from catalog.commands.lookups import settled
from catalog.webhooks.shapes import leaves
from catalog.wishes import Wish, parse
from portal.audit.subscribers import RetryLater
from portal.kit import jq
from portal.kit.by import By
from portal.kit.errors import Invalid, PortalError

Json = dict[str, Any]

MOST_ITEMS = 500


STATUSES = ("created", "updated", "unchanged", "deleted", "absent", "refused", "filtered")
# Those that did, or found done, what the payload wanted.
WELL = frozenset({"created", "updated", "unchanged", "deleted", "absent"})


@dataclass
class Outcome:
    """What became of one item under one mapping; `filtered`: the filter did not want the payload.

    `errors` say why it was refused, each with its place in the webhook's definition where it has one. `problems` are
    parts that came to nothing: the rest was written without them.
    """

    mapping: int
    item: int
    blueprint: str
    operation: str
    identifier: str = ""
    status: str = "created"
    error: str = ""
    problems: list[str] = field(default_factory=list)
    errors: list[Json] = field(default_factory=list)

    def fail(self, error: str, *errors: Json) -> None:
        self.status, self.error, self.errors = "refused", error, list(errors)


def read(mappings: Sequence[Json], context: Json) -> "list[Step]":
    """What each mapping makes of the payload. Its programs take their time, so no transaction may wait for them."""
    found = (_Mapping(n, mapping) for n, mapping in enumerate(mappings))
    return [(each, each.bodies(context)) for each in found]


def write(steps: "Sequence[Step]", *, by: By) -> list[Outcome]:
    """Each mapping in turn, its items in turn; one that fails does not hold up the others.

    Raises RetryLater when too many write the same entities at once.
    """
    return [outcome for mapping, bodies in steps for outcome in mapping.apply(bodies, by)]


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
        """One for each item; those that failed already, or are not wanted, have an empty one."""
        try:
            wanted = not self.filter or _value(self.filter, context, "filter") is True
            return self._bodies(*self._contexts(context)) if wanted else [(self._filtered(), {})]
        except Invalid as fault:
            failed = self._outcome(0)
            failed.fail(fault.message, *(self._placed(each) for each in fault.details["errors"]))
            return [(failed, {})]

    def apply(self, bodies: list[tuple[Outcome, Json]], by: By) -> list[Outcome]:
        open_ones = [(outcome, body) for outcome, body in bodies if outcome.status == "created"]
        if self.operation == "delete":
            self._delete(open_ones, by)
        else:
            self._write(open_ones, by)
        return [outcome for outcome, _ in bodies]

    def _filtered(self) -> Outcome:
        outcome = self._outcome(0)
        outcome.status = "filtered"
        return outcome

    def _contexts(self, context: Json) -> tuple[list[Json], int]:
        """One for each item, and how many items were left out."""
        if not self.items:
            return [context], 0
        items = _value(self.items, context, "itemsToParse")
        if not isinstance(items, list):
            raise Invalid.at("itemsToParse", f"came to {_kind(items)}, and has to be a list")
        return [context | {"item": item} for item in items[:MOST_ITEMS]], len(items[MOST_ITEMS:])

    def _bodies(self, contexts: list[Json], left_out: int) -> list[tuple[Outcome, Json]]:
        places = list(leaves(self.entity))
        rows = jq.evaluate([program for _, program in places], contexts)
        found = []
        for item, row in enumerate(rows):
            values = dict(zip((path for path, _ in places), row, strict=True))
            found.append(self._body(self._outcome(item), values))
        if found and left_out:
            found[0][0].problems.append(f"itemsToParse: {left_out:,} items after the first {MOST_ITEMS} were left out")
        return found

    def _body(self, outcome: Outcome, values: "dict[str, jq.Outcome]") -> tuple[Outcome, Json]:
        outcome.problems = [f"{path}: {each.error}" for path, each in values.items() if each.error]
        body = _without_holes(_filled(self.entity, values, ""))
        name = body["identifier"]
        if isinstance(name, int) and not isinstance(name, bool):
            name = body["identifier"] = str(name)
        if isinstance(name, str) and name:
            outcome.identifier = name
        elif not isinstance(name, dict):
            why = values["identifier"].error or f"came to {_kind(name)}, and has to be a text"
            outcome.fail(f"identifier: {why}", self._placed({"path": "entity.identifier", "message": why}))
        return outcome, body

    def _write(self, bodies: list[tuple[Outcome, Json]], by: By) -> None:
        wishes: list[tuple[Outcome, Wish]] = []
        for outcome, body in bodies:
            try:
                wishes.append((outcome, parse(self.blueprint, body, mode="merge")))
            except PortalError as fault:
                self._refuse(outcome, fault)
        written = entities_write([wish for _, wish in wishes], by=by)
        for (outcome, _), fate in zip(wishes, written, strict=True):
            if isinstance(fate, Written):
                outcome.identifier = fate.entity.identifier
                outcome.status = "created" if fate.created else "unchanged" if fate.same else "updated"
            elif fate.code == BUSY:
                raise RetryLater(fate.message)
            else:
                self._refuse(outcome, fate)

    def _delete(self, bodies: list[tuple[Outcome, Json]], by: By) -> None:
        for outcome, body in bodies:
            try:
                if isinstance(body["identifier"], dict):
                    named = {"identifier": body["identifier"]}
                    outcome.identifier = settled(parse(self.blueprint, named, mode="merge"), by=by).identifier
                gone = entities_delete(self.blueprint, [outcome.identifier], dependents=self.dependents, by=by)
                outcome.status = "deleted" if gone else "absent"
                others = len(gone) - 1
                outcome.problems += [f"identifier: {others} that needed it went with it"] if others > 0 else []
            except PortalError as fault:
                self._refuse(outcome, fault)

    def _refuse(self, outcome: Outcome, fault: PortalError) -> None:
        found = fault.details.get("errors") or []
        outcome.fail(fault.message, *(self._placed(each | {"path": f"entity.{each['path']}"}) for each in found))

    def _placed(self, error: Json) -> Json:
        """At the expression that it is about, else at the mapping."""
        steps = str(error["path"]).split(".")
        known: Any = {"filter": self.filter, "itemsToParse": self.items, "entity": self.entity}
        depth = 0
        while depth < len(steps) and isinstance(known, dict) and known.get(steps[depth]) is not None:
            known, depth = known[steps[depth]], depth + 1
        rest = ".".join(steps[depth:])
        path = ".".join(["mappings", str(self.number), *steps[:depth]])
        return {"path": path, "message": f"{rest}: {error['message']}" if rest else error["message"]}

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
