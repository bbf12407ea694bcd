"""The instant of the past that somebody asks to look at."""

from datetime import UTC, datetime

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from portal.kit.clock import database_now
from portal.kit.errors import Invalid

OLDEST = datetime(1970, 1, 1, tzinfo=UTC)


def past(value: str, path: str) -> datetime:
    """Reads an instant of the past; one without an offset is on the viewer's wall. Raises Invalid."""
    try:
        found = parse_datetime(value)
        if found is not None:
            found = (timezone.make_aware(found) if found.tzinfo is None else found).astimezone(UTC)
    except (ValueError, OverflowError):
        found = None
    if found is None or found < OLDEST:
        raise Invalid.at(path, "must be a date and a time, such as 2026-01-31T15:40 or 2026-01-31T15:40:00Z")
    return happened(found, path)


def happened(at: datetime, path: str) -> datetime:
    if at > database_now():
        raise Invalid.at(path, "lies in the future; only what has happened can be looked at")
    return at


def stamp(at: datetime) -> str:
    """`2026-01-31T15:40:00Z`, as addresses write it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
