"""Health in a glance: a dot whose form says it as well as its colour."""

from datetime import UTC, datetime
from functools import lru_cache

from django.utils.html import format_html
from django.utils.safestring import SafeString

from deployments.health.states import State
from portal.kit.templatetags.kit import absolute

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
