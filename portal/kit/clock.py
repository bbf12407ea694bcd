"""Instants and durations as people and programs write them."""

import re
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db import connection
from django.utils.dateparse import parse_datetime

from portal.kit.errors import Invalid

LONGEST = timedelta(days=3660)
# Beyond these an instant cannot be shown in every time zone, nor anything be reckoned from it.
EARLIEST, LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


def instant(value: object, path: str) -> datetime:
    """Reads RFC 3339 such as `2026-01-31T15:40:00Z`, from EARLIEST to LATEST; one without an offset is refused."""
    if isinstance(value, str):
        try:
            parsed = parse_datetime(value)
        except ValueError:  # no such day
            parsed = None
        if parsed is not None and parsed.tzinfo is not None:
            if EARLIEST <= parsed < LATEST:
                return parsed.astimezone(UTC)
            raise Invalid.at(path, f"must lie between the years {EARLIEST.year} and {LATEST.year}")
    raise Invalid.at(path, "must be an instant with an offset, such as 2026-01-31T15:40:00Z")


def duration(value: object, path: str) -> timedelta:
    """Reads `90m`, `2h`, `1d`, `1w` and sums such as `1d12h`."""
    text = str(value).strip().lower()
    if re.fullmatch(r"(\d{1,6}[mhdw]){1,9}", text):
        total = sum((int(n) * _UNITS[unit] for n, unit in re.findall(r"(\d+)([mhdw])", text)), timedelta())
        if total > LONGEST:
            raise Invalid.at(path, f"is longer than {LONGEST.days} days")
        if total:
            return total
    raise Invalid.at(path, "must be a length of time such as 90m, 2h, 1d or 1d12h")


def in_words(length: timedelta) -> str:
    """`3 days`, `1 h 30 min`: the two greatest units, for sentences."""
    minutes = max(0, round(length.total_seconds() / 60))
    days, rest = divmod(minutes, 24 * 60)
    hours, minutes = divmod(rest, 60)
    if days:
        return f"{days} day{'s' if days > 1 else ''}" + (f" {hours} h" if hours else "")
    if hours:
        return f"{hours} h" + (f" {minutes} min" if minutes else "")
    return f"{minutes} min"


def iso(moment: datetime | None) -> str | None:
    """`2026-01-31T15:40:00.000Z`, as every answer of /v1 writes it."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def spoken(moment: datetime | None, *, now: datetime, zone: tzinfo = UTC) -> str:
    """`15:40 UTC` today, `Tue 3 Feb 15:40 UTC` on another day."""
    if moment is None:
        return "it is released"
    there = moment.astimezone(zone)
    if there.date() == now.astimezone(zone).date():
        return there.strftime("%H:%M %Z")
    return f"{there:%a} {there.day} {there:%b %H:%M %Z}"


def zone_of(name: str) -> ZoneInfo:
    """UTC for one that the time zone database knows no more: it stops nobody's clock."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def database_now() -> datetime:
    """PostgreSQL's statement clock: the only clock that decides about a lock."""
    with connection.cursor() as cursor:
        cursor.execute("select statement_timestamp()")
        now: datetime = cursor.fetchone()[0]
        return now
