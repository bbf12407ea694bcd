"""Windows of freezes as an iCalendar file (RFC 5545). Pure."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from django.conf import settings
from icalendar import Calendar, Event

from locks.models import Effect, Pass, Window

# How often a program that obeys comes back.
REFRESH = timedelta(hours=1)
STOPS: dict[str, str] = {
    Effect.BLOCK: "Stops every deployment.",
    Effect.BLOCK_AUTOMATION: "Stops automation; people may deploy.",
    Effect.WARN: "Stops nobody, it warns.",
}
PASSES = {Pass.ROLLBACK: "Rollbacks pass.", Pass.HOLDER: "Its holder passes, in person."}


def calendar_of(windows: Iterable[Window], now: datetime) -> bytes:
    """Each window is an event of its own, in UTC: what its rule and zone mean was reckoned here, as the gate does."""
    calendar = Calendar()
    calendar.add("prodid", "-//Portcullis//Freezes//EN")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("name", "Deployment freezes")
    calendar.add("x-wr-calname", "Deployment freezes")
    calendar.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", "PT1H")
    for window in windows:
        calendar.add_component(_event(window, now))
    return bytes(calendar.to_ical())


def _event(window: Window, now: datetime) -> Event:
    freeze = window.freeze
    starts, ends = window.starts_at.astimezone(UTC), window.ends_at.astimezone(UTC)
    event = Event()
    # The same for the same window each time, so that a program knows it again.
    event.add("uid", f"{freeze.public_id}-{starts:%Y%m%dT%H%M%SZ}@portcullis")
    event.add("dtstamp", now.astimezone(UTC).replace(microsecond=0))
    event.add("dtstart", starts)
    event.add("dtend", ends)
    event.add("summary", clean(f"{'Warning' if freeze.effect == Effect.WARN else 'Freeze'}: {freeze.title}"))
    event.add("location", clean(freeze.covers))
    event.add("description", clean(_told(window)))
    event.add("url", settings.BASE_URL + freeze.get_absolute_url())
    event.add("categories", ["Freeze"])
    event.add("transp", "TRANSPARENT")  # nobody is busy because of it
    return event


def _told(window: Window) -> str:
    freeze = window.freeze
    passes = [PASSES[each] for each in Pass if each in freeze.allows]
    lines = [
        freeze.reason,
        f"Covers {freeze.covers}.",
        " ".join([STOPS[freeze.effect], *passes]),
        f"By {freeze.holder_name}.",
    ]
    return "\n".join([*lines, freeze.link] if freeze.link else lines)


def clean(text: str) -> str:
    """Without the control characters that RFC 5545 forbids."""
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f]", "", text.replace("\r\n", "\n").replace("\r", "\n"))
