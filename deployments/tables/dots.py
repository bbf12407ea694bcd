"""Health in a glance: a dot whose form says it as well as its colour, and a tick where what was reported runs."""

from datetime import UTC, datetime
from functools import lru_cache

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from deployments.health.states import State
from deployments.running import Verified
from portal.kit.templatetags.kit import absolute, icon

WORDS = {
    State.UNKNOWN: "unknown",
    State.HEALTHY: "healthy",
    State.DEGRADED: "degraded",
    State.FAILING: "failing",
    State.DOWN: "down",
    State.PAUSED: "paused",
    State.MAINTENANCE: "in maintenance",
    State.PROBER_DOWN: "prober down",
}
# Whose word stands beside the dot, where there is room.
LOUD = frozenset({State.DEGRADED, State.FAILING, State.DOWN})


@lru_cache(maxsize=4096)
def dot(state: str, since: int | None = None, zone: str = "") -> SafeString:
    """`since` in seconds since 1970; `zone` is the viewer's, in which the title says it."""
    said = word(state)
    at = f" since {absolute(datetime.fromtimestamp(since, UTC))}" if since else ""
    label = f"{said[:1].upper()}{said[1:]}{at}"
    mark = format_html(
        '<i class="health-dot health-{}" role="img" aria-label="{}" title="{}"></i>', state, label, label
    )
    if state not in LOUD:
        return mark
    return format_html(
        '<span class="health-said">{}<span class="health-word ink-{}">{}</span></span>', mark, state, said
    )


def word(state: str) -> str:
    return WORDS.get(State(state), state) if state in State.values else state


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
