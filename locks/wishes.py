"""What a client asks a freeze to be, parsed once, with every fault at once."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from icalendar import Calendar, Event

from locks import schedules
from locks.limits import LINK, check_reason
from locks.models import Effect, Freeze, Pass
from locks.schedules import Schedule
from portal.kit.clock import duration
from portal.kit.errors import Invalid

Json = dict[str, Any]

MOST_HOLIDAYS = 500
MOST_EXCEPTIONS = 500
COLUMNS = ("title", "reason", "link", "effect", "allows", "timezone", "starts", "duration", "rrule", "exceptions", "holidays")  # fmt: skip


@dataclass(frozen=True)
class FreezeWish:
    """The columns of a Freeze that a client may choose, checked."""

    columns: Json

    @property
    def schedule(self) -> Schedule:
        return Freeze(**self.columns).schedule


def parse(body: Json, *, base: Freeze | None = None) -> FreezeWish:
    """Reads `{"title", "reason", "timezone", "starts", "duration", "rrule", "exceptions", "ics", "effect", "allows", "link"}`.

    With `base` only what is given changes. Raises Invalid.
    """
    columns: Json = {name: getattr(base, name) for name in COLUMNS} if base else {"timezone": "UTC"}
    faults: list[dict[str, str]] = []
    for name, read in READERS.items():
        if name in body and (base is None or body[name] is not None or name not in ("title", "reason", "timezone")):
            try:
                columns[name] = read(body[name])
            except Invalid as wrong:
                faults += wrong.details["errors"]
    needed = {"title": "give it a name", "reason": "say why"}
    if columns.get("starts") or columns.get("duration"):
        needed |= {"starts": "say when it first begins", "duration": "say how long it lasts"}
    wrong_already = {each["path"] for each in faults}
    faults += [
        {"path": name, "message": words}
        for name, words in needed.items()
        if not columns.get(name) and name not in wrong_already
    ]
    if faults:
        raise Invalid.of(faults)
    columns["holidays"] = _holidays(body, columns)
    wish = FreezeWish(columns)
    schedules.check(wish.schedule)
    return wish


def _title(value: Any) -> str:
    return _text("title", value, 200)


def _reason(value: Any) -> str:
    return check_reason(_text("reason", value, 2000))


def _link(value: Any) -> str:
    link = _text("link", value, 2000)
    if link and not LINK.fullmatch(link):
        raise Invalid.at("link", "must start with https:// or http://, without blanks, |, < and >")
    return link


def _effect(value: Any) -> str:
    if value not in Effect.values:
        raise Invalid.at("effect", f"must be one of {', '.join(Effect.values)}")
    return str(value)


def read_allows(value: Any) -> list[str]:
    """Raises Invalid unless it is a list of what a lock or freeze can let through."""
    if not isinstance(value or [], list) or any(each not in Pass.values for each in value or []):
        raise Invalid.at("allows", f"must be a list of {', '.join(Pass.values)}")
    return sorted(set(value or []))


def _timezone(value: Any) -> str:
    if not isinstance(value, str):
        raise Invalid.at("timezone", "must be a time zone's name such as Europe/Dublin or UTC")
    return schedules.zone(value).key


def _starts(value: Any) -> str:
    return "" if value is None else schedules.moment(schedules.wall_time(value, "starts"))


def _duration(value: Any) -> timedelta | None:
    return None if value is None else duration(value, "duration")


def _rrule(value: Any) -> str:
    return _text("rrule", value, 500).removeprefix("RRULE:")


def _exceptions(value: Any) -> list[str]:
    if not isinstance(value or [], list) or any(not isinstance(each, str) or len(each) > 16 for each in value or []):
        raise Invalid.at("exceptions", "must be a list of days (2026-12-25) and moments (2026-12-25T17:00)")
    if len(value or []) > MOST_EXCEPTIONS:
        raise Invalid.at("exceptions", f"holds {len(value)}; {MOST_EXCEPTIONS} are allowed")
    return list(value or [])


def _text(path: str, value: Any, longest: int) -> str:
    if not isinstance(value or "", str):
        raise Invalid.at(path, "must be a text")
    if len(value or "") > longest:
        raise Invalid.at(path, f"is {len(value)} characters long; {longest} are allowed")
    return str(value or "").strip()


READERS = {
    "title": _title,
    "reason": _reason,
    "link": _link,
    "effect": _effect,
    "allows": read_allows,
    "timezone": _timezone,
    "starts": _starts,
    "duration": _duration,
    "rrule": _rrule,
    "exceptions": _exceptions,
}


def _holidays(body: Json, columns: Json) -> list[Json]:
    """Out of `ics`, the text of a calendar file; `holidays` come back as they are read from a freeze, or are taken out
    by an empty list."""
    if body.get("ics") is not None:
        return holidays_of(body["ics"], columns["timezone"])
    if body.get("holidays") == []:
        return []
    kept: list[Json] = columns.get("holidays") or []
    if "holidays" in body and (body["holidays"] or []) != kept:
        raise Invalid.at("holidays", "come from a calendar file: send its text in ics, or [] to take them out")
    return kept


def holidays_of(text: Any, timezone: str) -> list[Json]:
    """The events of a calendar file as windows in the freeze's zone. A day without a time is that whole day there."""
    try:
        calendar = Calendar.from_ical(text)
        events = [_event(each, timezone) for each in calendar.events]
    except (ValueError, TypeError, AttributeError, KeyError, IndexError) as error:
        raise Invalid.at("ics", "must be the text of an iCalendar file whose events have a start and an end") from error
    if not 0 < len(events) <= MOST_HOLIDAYS:
        raise Invalid.at("ics", f"holds {len(events)} events; from 1 to {MOST_HOLIDAYS} are allowed")
    return events


def _event(event: Event, timezone: str) -> Json:
    starts, ends = _wall(event.start, timezone), _wall(event.end, timezone)
    if ends == starts and not isinstance(event.start, datetime):
        ends += timedelta(days=1)
    rule = event.get("RRULE")
    known = {
        "name": str(event.get("SUMMARY") or "Holiday")[:200],
        "starts": schedules.moment(starts),
        "minutes": int((ends - starts).total_seconds() // 60),
    }
    return known | ({"rrule": rule.to_ical().decode()} if rule else {})


def _wall(value: date | datetime, timezone: str) -> datetime:
    if not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day)
    if value.tzinfo is None:
        return value
    return value.astimezone(UTC).astimezone(schedules.zone(timezone)).replace(tzinfo=None)
