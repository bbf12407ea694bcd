"""Holds the definition of an action against the contract."""

from collections.abc import Iterator
from typing import Any

from catalog.schema.identifiers import check_identifier
from catalog.schema.validate import check_shape
from catalog.search import parse
from portal.actions.schema import words
from portal.actions.schema.inputs import check_input
from portal.kit import jq
from portal.kit.errors import Invalid

Json = dict[str, Any]

LONGEST = 200
RESERVED = {"runs"}
# What the portal says of an action, and clients send back when they copy one.
OURS = {"id", "createdAt", "createdBy", "updatedAt", "updatedBy", "lastError", "paused"}


def parsed(body: Json) -> Json:
    """The definition that the body holds. Null is the same as absent. Raises Invalid with the path of each fault."""
    definition = {name: value for name, value in body.items() if value is not None and name not in OURS}
    check_shape(words.ACTION, definition)
    _check_identifier(definition["identifier"])
    trigger = definition["trigger"]
    _check_self_service(trigger) if trigger["type"] == "self-service" else _check_automation(trigger)
    check_kind(words.METHODS, definition["invocationMethod"], "invocationMethod")
    if isinstance(definition.get("requiredApproval"), dict):
        check_shape(words.APPROVAL, definition["requiredApproval"], "requiredApproval")
    if "approvalNotification" in definition:
        check_kind(words.NOTIFICATIONS, definition["approvalNotification"], "approvalNotification")
    return definition


def blueprints_of(definition: Json) -> Iterator[tuple[str, str]]:
    """Each path that names a blueprint, and the name."""
    trigger = definition["trigger"]
    for path, part in (
        ("trigger", trigger),
        ("trigger.event", trigger.get("event") or {}),
        ("invocationMethod", definition["invocationMethod"]),
    ):
        if part.get("blueprintIdentifier"):
            yield f"{path}.blueprintIdentifier", part["blueprintIdentifier"]
    for name, declared in ((trigger.get("userInputs") or {}).get("properties") or {}).items():
        path = f"trigger.userInputs.properties.{name}"
        for where, part in ((path, declared), (f"{path}.items", declared.get("items") or {})):
            if part.get("blueprint"):
                yield f"{where}.blueprint", part["blueprint"]


def check_kind(kinds: dict[str, Json], part: Json, path: str) -> None:
    """The shape that its `type` asks for."""
    kind = part.get("type")
    if not isinstance(kind, str) or kind not in kinds:
        raise Invalid.at(f"{path}.type", f"must be one of {', '.join(kinds)}")
    check_shape(kinds[kind], part, path)


def _check_identifier(identifier: str) -> None:
    check_identifier(identifier, "identifier", longest=LONGEST, also="=")
    if "/" in identifier or "\\" in identifier:
        raise Invalid.at("identifier", "may not hold a slash")
    if identifier in RESERVED:
        raise Invalid.at("identifier", f"may not be {identifier}, which is a route of its own")


def _check_self_service(trigger: Json) -> None:
    check_shape(words.SELF_SERVICE, trigger, "trigger")
    condition = trigger.get("condition")
    if condition is not None:
        if trigger["operation"] == "CREATE" or not trigger.get("blueprintIdentifier"):
            raise Invalid.at("trigger.condition", "is for actions on an entity: DAY-2 or DELETE, of a blueprint")
        parse(condition, path="trigger.condition")
    _check_inputs(trigger["userInputs"])


def _check_automation(trigger: Json) -> None:
    check_shape(words.AUTOMATION, trigger, "trigger")
    check_kind(words.EVENTS, trigger["event"], "trigger.event")
    for n, program in enumerate((trigger.get("condition") or {}).get("expressions") or []):
        if fault := jq.check(program):
            raise Invalid.at(f"trigger.condition.expressions.{n}", fault)


def _check_inputs(inputs: Json) -> None:
    path = "trigger.userInputs"
    check_shape(words.USER_INPUTS, inputs, path)
    if "order" in inputs and "steps" in inputs:
        raise Invalid.at(path, "has either order or steps, not both")
    declared = inputs["properties"]
    for name, definition in declared.items():
        check_input(definition, declared, f"{path}.properties.{name}")
    placed = declared.keys() | (inputs.get("titles") or {}).keys()
    _check_names(inputs.get("required"), declared.keys(), f"{path}.required")
    _check_names(inputs.get("order"), placed, f"{path}.order")
    for number, step in enumerate(inputs.get("steps") or []):
        _check_names(step.get("order"), placed, f"{path}.steps.{number}.order")


def _check_names(names: Any, known: Any, path: str) -> None:
    for place, name in enumerate(names if isinstance(names, list) else []):
        if name not in known:
            raise Invalid.at(f"{path}.{place}", f"{name!r} is not an input of this action")
