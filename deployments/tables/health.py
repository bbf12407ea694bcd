"""The health of a place as rows for the templates."""

from datetime import datetime
from typing import Any

from django.utils.safestring import mark_safe
from django.utils.timezone import get_current_timezone_name

from deployments.tables.dots import LOUD, dot, tick, word

Row = dict[str, Any]
NONE = mark_safe("")


def health_row(told: Row | None) -> Row:
    """Of what `healths.told()` answers for a config."""
    if told is None:
        return {"health": "", "health_dot": NONE, "health_word": "", "health_tick": NONE}
    state, since = told["health"], datetime.fromisoformat(told["healthSince"])
    return {
        "health": state,
        "health_since": since,
        "health_dot": dot(state, int(since.timestamp()), get_current_timezone_name()),
        "health_word": "" if state in LOUD else word(state),
        "health_tick": tick(told["healthVerified"], told["runs"]),
    }
