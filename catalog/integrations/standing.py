"""How an integration stands: what its last resync came to, and whether anything is heard of it at all."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from django.utils.dateparse import parse_datetime

from catalog.integrations.models import Integration

Word = Literal["silent", "running", "completed", "failed", "aborted", "pending", "never synced"]

# Of those that say how often they resync, two rounds may be missed; an hour is no silence for anybody.
LEAST = timedelta(hours=1)
WITHOUT_INTERVAL = timedelta(days=1)
STATES: dict[str, Word] = {
    "running": "running",
    "completed": "completed",
    "failed": "failed",
    "aborted": "aborted",
    "pending": "pending",
}


@dataclass(frozen=True)
class Standing:
    """`heard_at` is None before it said anything; `silent_for` where it should have said something."""

    word: Word
    began_at: datetime | None
    ended_at: datetime | None
    next_at: datetime | None
    heard_at: datetime | None
    silent_for: timedelta | None


def standing(integration: Integration, *, now: datetime) -> Standing:
    told = integration.resync_state
    quiet = now - (integration.heard_at or integration.created_at)
    is_silent = quiet > _patience(told)
    return Standing(
        word="silent" if is_silent else STATES.get(told.get("status", ""), "never synced"),
        began_at=_instant(told.get("lastResyncStart")),
        ended_at=_instant(told.get("lastResyncEnd")),
        next_at=_instant(told.get("nextResync")),
        heard_at=integration.heard_at,
        silent_for=quiet if is_silent else None,
    )


def _patience(told: dict[str, Any]) -> timedelta:
    minutes = told.get("intervalInMinuets")
    if told.get("status") == "running":
        return LEAST
    if isinstance(minutes, int | float) and not isinstance(minutes, bool) and 0 < minutes < 1e6:
        return max(LEAST, 2 * timedelta(minutes=minutes))
    return WITHOUT_INTERVAL


def _instant(text: object) -> datetime | None:
    """As it was told: with an odd clock, or none."""
    try:
        found = parse_datetime(text) if isinstance(text, str) else None
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC) if found else None
    except (ValueError, OverflowError):
        return None
