"""What an automation asks of an event before it runs."""

from typing import Any

from portal.actions.models import Action
from portal.kit import jq
from portal.kit.errors import Invalid

Json = dict[str, Any]


def holds(action: Action, event: Json) -> bool:
    """`event` as `events.told` has it. Raises Invalid for an expression that says neither true nor false."""
    condition = action.trigger.get("condition") or {}
    programs = list(condition.get("expressions") or [])
    if not programs:
        return True
    [outcomes] = jq.evaluate(programs, [event])
    said = [_said(n, outcome) for n, outcome in enumerate(outcomes)]
    return any(said) if condition.get("combinator") == "or" else all(said)


def _said(n: int, outcome: jq.Outcome) -> bool:
    """Nothing is false: so a property that is not there does not hold."""
    if outcome.error:
        raise Invalid.at(f"trigger.condition.expressions.{n}", outcome.error)
    if outcome.value is not None and not isinstance(outcome.value, bool):
        raise Invalid.at(f"trigger.condition.expressions.{n}", "says neither true nor false")
    return bool(outcome.value)
