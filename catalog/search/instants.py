"""Dates as queries give them: ISO texts and presets. A date without a zone is in UTC, as the database reads it too."""

import re
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Any

# Years the database and Python both know.
_SHAPE = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?)?", re.ASCII)

# Days from the start of the span to its end, counted from now; whole days of the calendar are apart.
_DAYS = {
    "lastDay": (-1, 0),
    "lastWeek": (-7, 0),
    "last2Weeks": (-14, 0),
    "lastMonth": (-30, 0),
    "last3Months": (-90, 0),
    "last6Months": (-180, 0),
    "last12Months": (-365, 0),
    "last2Years": (-730, 0),
    "last3Years": (-1095, 0),
    "nextDay": (0, 1),
    "nextWeek": (0, 7),
    "next2Weeks": (0, 14),
    "nextMonth": (0, 30),
    "next3Months": (0, 90),
    "next6Months": (0, 180),
    "next12Months": (0, 365),
}
_CALENDAR = {"yesterday": -1, "today": 0, "tomorrow": 1}
PRESETS = [*_CALENDAR, *_DAYS]


def span_of(preset: str, now: datetime, zone: tzinfo = UTC) -> tuple[datetime, datetime]:
    """From and to, both included. A day of the calendar begins at the zone's midnight."""
    if preset in _CALENDAR:
        day = now.astimezone(zone).date() + timedelta(days=_CALENDAR[preset])
        start, end = (datetime.combine(each, time(), zone).astimezone(UTC) for each in (day, day + timedelta(days=1)))
        return start, end - timedelta(microseconds=1)
    first, last = _DAYS[preset]
    return now + timedelta(days=first), now + timedelta(days=last)


def instant_of(value: Any) -> datetime | None:
    """None for what is not an ISO date."""
    if not isinstance(value, str) or not _SHAPE.fullmatch(value):
        return None
    try:
        instant = datetime.fromisoformat(value)
        return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
