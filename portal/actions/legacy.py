"""The first shape of an action's definition, which the routes below a blueprint still take.

There `trigger` is the operation, and the inputs stand beside it.
"""

from typing import Any

Json = dict[str, Any]

MOVED = ("trigger", "userInputs", "condition")


def modern(body: Json, blueprint: str) -> Json:
    """The same in today's shape. What is in it already keeps its shape and gets the blueprint."""
    trigger = body.get("trigger")
    if isinstance(trigger, dict):
        return body | {"trigger": {"blueprintIdentifier": blueprint} | trigger}
    inputs = body.get("userInputs")
    told = {"type": "self-service", "operation": trigger, "blueprintIdentifier": blueprint}
    told["userInputs"] = {"properties": {}} if inputs is None else inputs
    if "condition" in body:
        told["condition"] = body["condition"]
    return {name: value for name, value in body.items() if name not in MOVED} | {"trigger": told}
