"""The repeating rules that people choose from, to and fro between RFC 5545, a form and words. Pure."""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from locks.schedules import DAY, Schedule
from portal.kit.clock import in_words

DAYS = {
    "MO": "Monday",
    "TU": "Tuesday",
    "WE": "Wednesday",
    "TH": "Thursday",
    "FR": "Friday",
    "SA": "Saturday",
    "SU": "Sunday",
}
FREQUENCIES = {"day": "DAILY", "week": "WEEKLY", "month": "MONTHLY", "year": "YEARLY"}
ORDINALS = ["first", "second", "third", "fourth", "fifth"]
WORKDAYS = "MO,TU,WE,TH,FR"
LAST = "T235959"  # so that what begins on the last day still begins


@dataclass(frozen=True)
class Repeat:
    """`every` is day, week, month or year. `days` are for weeks: none is the day of the first window.

    `on` is for months: the same date, the same weekday (second Friday), its last (last Friday), last_day, last_workday.
    `until` is the last day on which a window may begin.
    """

    every: str
    interval: int = 1
    days: tuple[str, ...] = ()
    on: str = "date"
    until: date | None = None

    def rrule(self, starts: datetime) -> str:
        parts = [f"FREQ={FREQUENCIES[self.every]}"]
        if self.interval > 1:
            parts.append(f"INTERVAL={self.interval}")
        if self.every == "week" and self.days:
            parts.append("BYDAY=" + ",".join(day for day in DAYS if day in self.days))
        if self.every == "month" and self.on != "date":
            parts.append(_monthly(starts)[self.on])
        if self.until:
            parts.append(f"UNTIL={self.until:%Y%m%d}{LAST}")
        return ";".join(parts)

    def words(self, starts: datetime) -> str:
        """`every 2 weeks on Monday and Friday`."""
        many = self.interval > 1
        unit = f"every {self.interval} {self.every}s" if many else f"every {self.every}"
        if self.every == "week":
            days = _listed([DAYS[day] for day in self.days or (_day(starts),)])
            unit = f"{unit} on {days}" if many else f"every {days}"
        if self.every == "month":
            unit = f"{unit} on {_month_words(starts)[self.on]}"
        if self.every == "year":
            unit = f"{unit} on {starts.day} {starts:%B}"
        return unit


def read(rrule: str, starts: datetime) -> Repeat | None:
    """None for a rule that says more than a Repeat can."""
    parts = _parts(rrule)
    every = next((name for name, freq in FREQUENCIES.items() if freq == parts.get("FREQ")), "")
    if not every:
        return None
    until = re.fullmatch(rf"(\d{{8}}){LAST}", parts.get("UNTIL", ""))
    interval = parts.get("INTERVAL", "1")
    found = Repeat(
        every,
        int(interval) if interval.isdigit() else 1,
        tuple(parts["BYDAY"].split(",")) if every == "week" and "BYDAY" in parts else (),
        next((on for on, rule in _monthly(starts).items() if _parts(rule).items() <= parts.items()), "date"),
        datetime.strptime(until[1], "%Y%m%d").date() if until else None,
    )
    # What did not fit into it is missing when it is written down again.
    return found if _parts(found.rrule(starts)) == parts else None


def _parts(rrule: str) -> dict[str, str]:
    """Of a rule; what says nothing is left out, and days stand in their order."""
    parts = dict(part.partition("=")[::2] for part in rrule.upper().split(";"))
    days = parts.get("BYDAY", "").split(",")
    if set(days) <= set(DAYS):
        parts["BYDAY"] = ",".join(sorted(set(days), key=list(DAYS).index))
    return {name: value for name, value in parts.items() if (name, value) != ("INTERVAL", "1")}


def _monthly(starts: datetime) -> dict[str, str]:
    return {
        "weekday": f"BYDAY={(starts.day - 1) // 7 + 1}{_day(starts)}",
        "last": f"BYDAY=-1{_day(starts)}",
        "last_day": "BYMONTHDAY=-1",
        "last_workday": f"BYDAY={WORKDAYS};BYSETPOS=-1",
    }


def _month_words(starts: datetime) -> dict[str, str]:
    day = DAYS[_day(starts)]
    return {
        "date": f"day {starts.day}",
        "weekday": f"the {ORDINALS[(starts.day - 1) // 7]} {day}",
        "last": f"the last {day}",
        "last_day": "its last day",
        "last_workday": "its last working day",
    }


def _day(wall: datetime) -> str:
    return list(DAYS)[wall.weekday()]


def _listed(words: list[str]) -> str:
    if words == list(DAYS.values())[:5]:
        return "Monday to Friday"
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def words(schedule: Schedule) -> str:
    """When it is on: `every Friday 17:00 to Monday 08:00, and on 9 holidays`. In the wall time of its zone."""
    said = []
    if schedule.starts and schedule.length:
        said.append(_own(schedule.starts, schedule.length, schedule.rrule))
    if schedule.holidays:
        number = len(schedule.holidays)
        said.append(f"on {number} {'holiday' if number == 1 else 'holidays'} of a calendar file")
    days = [excepted(each) for each in schedule.exceptions]
    without = f", except on {_listed(days)}" if len(days) < 4 else f", except on {len(days)} days"
    return ", and ".join(said) + (without if days else "")


def _own(starts: datetime, length: timedelta, rrule: str) -> str:
    ends = starts + length
    if not rrule:
        return f"once, {dated(starts)} {starts:%H:%M} to {_end(starts, ends)}"
    repeat = read(rrule, starts)
    if repeat is None:
        return f"by the rule {rrule}, {_span(starts, ends)}"
    until = f", until {dated(repeat.until)}" if repeat.until else ""
    if repeat.every == "week" and len(repeat.days) < 2 and DAY < length < 7 * DAY:
        last = ends if not repeat.days else ends + (list(DAYS).index(repeat.days[0]) - starts.weekday()) * DAY
        return f"{repeat.words(starts)} {starts:%H:%M} to {last:%A %H:%M}{until}"
    return f"{repeat.words(starts)}, {_span(starts, ends)}{until}"


def _span(starts: datetime, ends: datetime) -> str:
    """`22:00 to 06:00` where that is within a day, else `from 17:00 for 2 days 15 h`."""
    if starts.hour == starts.minute == 0 and ends - starts == DAY:
        return "all day"
    if ends - starts < DAY:
        return f"{starts:%H:%M} to {ends:%H:%M}"
    return f"from {starts:%H:%M} for {in_words(ends - starts)}"


def _end(starts: datetime, ends: datetime) -> str:
    return f"{ends:%H:%M}" if starts.date() == ends.date() else f"{dated(ends)} {ends:%H:%M}"


def dated(day: date) -> str:
    """`4 Dec 2026`."""
    return f"{day.day} {day:%b %Y}"


def excepted(text: str) -> str:
    day = datetime.fromisoformat(text)
    return f"{dated(day)} {day:%H:%M}" if len(text) > 10 else dated(day)
