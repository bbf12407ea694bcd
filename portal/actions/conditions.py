"""What automations ask of an event before they run."""

from collections.abc import Sequence
from typing import Any

from portal.actions.models import Action
from portal.kit import jq
from portal.kit.errors import Invalid

Json = dict[str, Any]


def held(actions: Sequence[Action], event: Json) -> list[bool | Invalid]:
    """Of each whether it runs, or what is wrong with an expression that says neither true nor false.

    `event` as `events.told` has it. All expressions of all of them are asked in one go.
    """
    asked = [_expressions(action) for action in actions]
    programs = list(dict.fromkeys(program for each in asked for program in each))
    [row] = jq.evaluate(programs, [event])
    outcomes = dict(zip(programs, row, strict=True))
    return [_held(action, [outcomes[program] for program in each]) for action, each in zip(actions, asked, strict=True)]


def _expressions(action: Action) -> list[str]:
    return list((action.trigger.get("condition") or {}).get("expressions") or [])


def _held(action: Action, outcomes: Sequence[jq.Outcome]) -> bool | Invalid:
    try:
        said = [_said(n, outcome) for n, outcome in enumerate(outcomes)]
    except Invalid as fault:
        return fault
    either = (action.trigger.get("condition") or {}).get("combinator") == "or"
    return not said or (any(said) if either else all(said))


def _said(n: int, outcome: jq.Outcome) -> bool:
    """Nothing is false: so a property that is not there does not hold."""
    if outcome.error:
        raise Invalid.at(f"trigger.condition.expressions.{n}", outcome.error)
    if outcome.value is not None and not isinstance(outcome.value, bool):
        raise Invalid.at(f"trigger.condition.expressions.{n}", "says neither true nor false")
    return bool(outcome.value)
