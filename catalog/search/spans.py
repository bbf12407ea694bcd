"""A stretch of time cut into intervals of somebody's calendar. PostgreSQL does the cutting, so it knows every zone's clock changes."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection, models
from django.db.models import Expression, F, Func, Value

from catalog.search.instants import PRESETS, span_of
from portal.kit.errors import Invalid

Json = dict[str, Any]

# What clients call them, and what PostgreSQL does.
INTERVALS = {"hour": "hour", "day": "day", "isoWeek": "week", "month": "month", "quarter": "quarter"}
PAST = [preset for preset in PRESETS if not preset.startswith("next") and preset != "tomorrow"]
# Years are shown by quarters only: no chart has room for more.
LONG = ("last2Years", "last3Years")


@dataclass(frozen=True)
class Span:
    """`start` and `end` are both included; `zone` is a name such as Europe/Berlin."""

    start: datetime
    end: datetime
    interval: str
    zone: str = "UTC"

    def begin(self, moment: Expression | F) -> Func:
        """The beginning of the interval that the moment is in."""
        cut = (Value(INTERVALS[self.interval]), moment, Value(self.zone))
        return Func(*cut, function="date_trunc", output_field=models.DateTimeField())

    def beginnings(self) -> list[datetime]:
        """Of all its intervals, in order."""
        # Steps that no interval is shorter than, even where a clock is put forward by half an hour.
        step = "30 minutes" if self.interval == "hour" else "12 hours"
        with connection.cursor() as cursor:
            cursor.execute(
                "select distinct date_trunc(%s, moment, %s) as beginning from ("
                "select generate_series(%s::timestamptz, %s::timestamptz, %s::interval) union select %s::timestamptz"
                ") as steps(moment) order by beginning",
                [INTERVALS[self.interval], self.zone, self.start, self.end, step, self.end],
            )
            return [beginning for (beginning,) in cursor.fetchall()]


def read(body: Json, now: datetime) -> Span:
    """`{"timeRange": {"preset", "timeZone"}, "timeInterval"}`. Raises Invalid with the path of the fault."""
    wished = body.get("timeRange")
    if not isinstance(wished, dict):
        raise Invalid.at("timeRange", 'must be an object such as {"preset": "lastWeek"}')
    preset, interval = wished.get("preset"), body.get("timeInterval")
    if preset not in PAST:
        raise Invalid.at("timeRange.preset", f"must be one of {', '.join(PAST)}")
    if not isinstance(interval, str) or interval not in INTERVALS:
        raise Invalid.at("timeInterval", f"must be one of {', '.join(INTERVALS)}")
    if preset in LONG and interval != "quarter":
        raise Invalid.at("timeInterval", f'must be "quarter" for {preset}')
    zone = _zone(wished.get("timeZone"))
    return Span(*span_of(preset, now, zone), interval, zone.key)


def _zone(name: Any) -> ZoneInfo:
    try:
        zone = ZoneInfo(name or "UTC")
    except (KeyError, ValueError, TypeError, OSError) as error:
        raise Invalid.at("timeRange.timeZone", "must be a zone's name such as Europe/Berlin") from error
    if not _known(zone.key):
        raise Invalid.at("timeRange.timeZone", "is not a zone that the database knows")
    return zone


def _known(name: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("select exists (select from pg_timezone_names where name = %s)", [name])
        return bool(cursor.fetchone()[0])
