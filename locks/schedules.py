"""When a calendar rule is on. Pure: rules are in the wall time of their zone, what comes out are instants.

A moment is inside a window exactly when the clock on the wall of that zone shows a time inside it. So a time that the
spring skips begins with the first minute after the gap, and an hour that comes twice in autumn is inside both times.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import MAXYEAR, UTC, date, datetime, timedelta
from functools import cache, lru_cache
from zoneinfo import ZoneInfo, available_timezones

from dateutil.rrule import rrule, rrulestr

from portal.kit.errors import Invalid

Span = tuple[datetime, datetime]

LONGEST = timedelta(days=366)
MOST = 3000  # windows from now to the horizon
DAY = timedelta(days=1)
# No zone has ever moved its clock by more than a day.
MARGIN = timedelta(hours=38)
STEP = timedelta(hours=6)
FREQUENCIES = ("YEARLY", "MONTHLY", "WEEKLY", "DAILY")


@dataclass(frozen=True)
class Holiday:
    """A window with a name, out of a calendar file. `starts` is wall time."""

    name: str
    starts: datetime
    length: timedelta
    rrule: str = ""


@dataclass(frozen=True)
class Schedule:
    """`starts` (wall time, to the minute) and `length` make the window, `rrule` repeats it.

    `exceptions` are days (2026-12-25) or moments (2026-12-25T17:00) on which no window begins.
    """

    timezone: str
    starts: datetime | None
    length: timedelta | None
    rrule: str = ""
    exceptions: tuple[str, ...] = ()
    holidays: tuple[Holiday, ...] = ()

    @property
    def zone(self) -> ZoneInfo:
        return zone(self.timezone)

    @property
    def repeated(self) -> list[Holiday]:
        own = [Holiday("", self.starts, self.length, self.rrule)] if self.starts and self.length else []
        return own + list(self.holidays)


def zone(name: str) -> ZoneInfo:
    """Raises Invalid for a name that the time zone database does not have: it is never taken for UTC."""
    if name not in _zones():
        raise Invalid.at("timezone", "must be a time zone's name such as Europe/Dublin or UTC")
    return ZoneInfo(name)


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def spans(schedule: Schedule, since: datetime, until: datetime) -> list[Span]:
    """The instants between `since` and `until` at which it is on: whole windows, those that touch made one, in order."""
    found: list[Span] = []
    for each in schedule.repeated:
        for starts in _starts(each, schedule, since, until):
            found += wall_spans(schedule.zone, starts, starts + each.length)
    return _joined(span for span in found if span[1] > since and span[0] < until)


def _starts(each: Holiday, schedule: Schedule, since: datetime, until: datetime) -> Iterator[datetime]:
    low = since.astimezone(schedule.zone).replace(tzinfo=None) - each.length - DAY
    high = until.astimezone(schedule.zone).replace(tzinfo=None) + DAY
    excepted = set(schedule.exceptions)
    for starts in [each.starts] if not each.rrule else _rule(each, schedule.timezone):
        if starts > high:
            return
        if starts >= low and not excepted & {starts.date().isoformat(), moment(starts)}:
            yield starts


def moment(wall: datetime) -> str:
    """`2026-12-18T17:00`."""
    return wall.isoformat(timespec="minutes")


def wall_spans(place: ZoneInfo, starts: datetime, ends: datetime) -> list[Span]:
    """The instants at which the wall shows a time from `starts` up to `ends`."""
    low, high = starts.replace(tzinfo=UTC) - MARGIN, ends.replace(tzinfo=UTC) + MARGIN
    turns = [turn for year in range(low.year, high.year + 1) for turn in _turns(place, year) if low < turn < high]
    found = []
    for begin, end in zip([low, *turns], [*turns, high]):
        offset = begin.astimezone(place).utcoffset() or timedelta()
        first, last = max(begin, starts.replace(tzinfo=UTC) - offset), min(end, ends.replace(tzinfo=UTC) - offset)
        if first < last:
            found.append((first, last))
    return _joined(found)


@lru_cache(maxsize=4096)
def _turns(place: ZoneInfo, year: int) -> tuple[datetime, ...]:
    """The instants of that year (UTC) at which the zone's clock is moved."""
    found, at, end = [], datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
    while at < end:
        if _offset(place, at) != _offset(place, at + STEP):
            found.append(_turn(place, at, at + STEP))
        at += STEP
    return tuple(found)


def _turn(place: ZoneInfo, low: datetime, high: datetime) -> datetime:
    before = _offset(place, low)
    while high - low > timedelta(seconds=1):
        middle = low + timedelta(seconds=(high - low) // timedelta(seconds=2))
        low, high = (middle, high) if _offset(place, middle) == before else (low, middle)
    return high


def _offset(place: ZoneInfo, at: datetime) -> timedelta | None:
    return at.astimezone(place).utcoffset()


def _joined(found: Iterable[Span]) -> list[Span]:
    joined: list[Span] = []
    for starts, ends in sorted(found):
        if joined and starts <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], ends))
        else:
            joined.append((starts, ends))
    return joined


def _rule(each: Holiday, timezone: str) -> rrule:
    """An end that is given as an instant is taken as what the wall of the zone shows then."""

    def wall(match: re.Match[str]) -> str:
        instant = datetime.strptime(match[1], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        return "UNTIL=" + instant.astimezone(zone(timezone)).strftime("%Y%m%dT%H%M%S")

    text = re.sub(r"UNTIL=(\d{8}T\d{6}Z)", wall, each.rrule.upper())
    rule = rrulestr(text, dtstart=each.starts)
    assert isinstance(rule, rrule)  # several rules in one text were refused
    return rule


def check(schedule: Schedule) -> None:
    """Raises Invalid with every fault."""
    zone(schedule.timezone)
    faults = []
    for number, each in enumerate(schedule.repeated):
        path = f"holidays.{number - bool(schedule.starts)}." if each.name else ""
        if not timedelta() < each.length <= LONGEST:
            faults.append(
                {"path": f"{path}duration", "message": f"must be more than nothing, and {LONGEST.days} days at most"}
            )
        if not 1971 <= each.starts.year <= 2900:
            faults.append({"path": f"{path}starts", "message": "lies too far away"})
        elif each.rrule and (fault := _rule_fault(each, schedule.timezone)):
            faults.append({"path": f"{path}rrule", "message": fault})
    if not schedule.repeated:
        faults.append({"path": "starts", "message": "say when the first window starts, or send holidays in ics"})
    faults += [
        {"path": f"exceptions.{number}", "message": "must be a day (2026-12-25) or a moment (2026-12-25T17:00)"}
        for number, text in enumerate(schedule.exceptions)
        if not _is_exception(text)
    ]
    if faults:
        raise Invalid.of(faults)


def _rule_fault(each: Holiday, timezone: str) -> str:
    text = each.rrule.upper()
    if not re.fullmatch(r"[A-Z0-9=,;:+\-]{1,500}", text):
        return "must be one rule of RFC 5545, such as FREQ=WEEKLY;BYDAY=FR"
    parts = dict(part.partition("=")[::2] for part in text.split(";"))
    if parts.get("FREQ") not in FREQUENCIES:
        return f"needs FREQ, one of {', '.join(FREQUENCIES)}; for times of the day use BYHOUR"
    if "BYEASTER" in parts or int(re.sub(r"\D", "", parts.get("INTERVAL", "1")) or 0) not in range(1, 101):
        return "takes an INTERVAL from 1 to 100, and only what RFC 5545 knows"
    try:
        first = next(iter(_rule(each, timezone).replace(count=1, until=None, dtstart=_late(each, parts))), None)
    except (ValueError, TypeError, OverflowError, KeyError, IndexError):
        return "must be one rule of RFC 5545, such as FREQ=WEEKLY;BYDAY=FR"
    if not first:
        return "never happens"
    # A calendar file may hold what is long over; a freeze that is never on would only seem to protect.
    return "" if each.name or next(iter(_rule(each, timezone)), None) else "ends before it first happens"


def _late(each: Holiday, parts: dict[str, str]) -> datetime:
    """Where to look for whether it ever happens: the calendar repeats itself, and the library searches to its very end."""
    if parts["FREQ"] == "YEARLY":
        return each.starts
    return each.starts.replace(year=MAXYEAR - 60 + each.starts.year % 4, day=min(each.starts.day, 28))


def _is_exception(text: str) -> bool:
    try:
        return text in (date.fromisoformat(text[:10]).isoformat(), moment(datetime.fromisoformat(text)))
    except ValueError:
        return False


def wall_time(value: object, path: str) -> datetime:
    """Reads `2026-12-18T17:00`; an offset is refused, because the freeze's zone says what it means."""
    try:
        read = datetime.fromisoformat(str(value))
    except ValueError:
        read = None
    if not isinstance(value, str) or read is None or read.tzinfo or read.second or read.microsecond:
        raise Invalid.at(path, "must be a day and time without an offset, such as 2026-12-18T17:00")
    return read
