"""The health of a place as rows for the templates, and a tick where what was reported runs."""

from datetime import datetime
from functools import lru_cache
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.timezone import get_current_timezone_name

from deployments.health.dots import LOUD, dot, word
from deployments.running import Verified
from portal.kit.templatetags.kit import icon

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


@lru_cache(maxsize=4096)
def tick(verified: str, runs: str) -> SafeString:
    """Nothing where nobody can tell."""
    if verified == Verified.VERIFIED:
        return _mark("check", "good", f"Verified: {runs} runs, as reported", "")
    if verified == Verified.NOT_YET:
        return _mark("hourglass", "busy", f"Not yet: {runs} still runs", "")
    if verified == Verified.MISMATCH:
        return _mark("alert-triangle", "warn", f"Something else runs than was reported: {runs}", f"runs {runs}")
    return mark_safe("")


def _mark(name: str, tone: str, title: str, said: str) -> SafeString:
    beside = format_html("<span>{}</span>", said) if said else ""
    return format_html(
        '<span class="verified verified-{}" title="{}">{}{}</span>', tone, title, icon(name, title), beside
    )
