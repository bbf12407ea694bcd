"""Freeze windows against an oracle that looks at the clock on the wall, at every minute of two years, and knows no rules of
RFC 5545."""

from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest

from locks import schedules
from locks.schedules import Schedule, spans
from portal.kit.errors import Invalid
from tests.locks.mutants import plant

ZONES = [
    "Australia/Lord_Howe",
    "Pacific/Chatham",
    "Europe/Dublin",
    "Africa/Casablanca",
    "America/New_York",
    "UTC",
]
SINCE, UNTIL = datetime(2027, 1, 1, tzinfo=UTC), datetime(2029, 1, 1, tzinfo=UTC)
WALL = datetime(2026, 12, 31)  # no wall is further behind
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def weekend(wall):
    """From Friday 17:00 to Monday 08:00."""
    return (wall.weekday(), wall.hour) >= (4, 17) or (wall.weekday(), wall.hour) < (0, 8)


def last_working_day(day):
    following = day + DAY
    while following.month == day.month:
        if following.weekday() < 5:
            return False
        following += DAY
    return day.weekday() < 5


# name: (the rule, whether it is on when the wall shows this)
RULES = {
    "weekend": (("2026-01-02T17:00", "63h", "FREQ=WEEKLY;BYDAY=FR"), weekend),
    "small hours, in the very hour that comes twice or not at all": (
        ("2026-01-01T01:30", "1h", "FREQ=DAILY"),
        lambda wall: (1, 30) <= (wall.hour, wall.minute) < (2, 30),
    ),
    "over midnight on working days": (
        ("2026-01-01T22:15", "4h", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"),
        lambda wall: (
            (wall.weekday() < 5 and (wall.hour, wall.minute) >= (22, 15))
            or ((wall - DAY).weekday() < 5 and (wall.hour, wall.minute) < (2, 15))
        ),
    ),
    "leap day": (
        ("2024-02-29T00:00", "1d", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29"),
        lambda wall: (wall.month, wall.day) == (2, 29),
    ),
    "the turn of the year": (
        ("2020-12-20T12:00", "14d", "FREQ=YEARLY"),
        lambda wall: wall >= datetime(wall.year, 12, 20, 12) or wall < datetime(wall.year, 1, 3, 12),
    ),
    "last working day of the month, at half past two": (
        ("2026-01-30T02:30", "30m", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1"),
        lambda wall: last_working_day(wall.date()) and wall.hour == 2 and wall.minute >= 30,
    ),
}


def schedule(zone, starts, length, rule="", **more):
    from portal.kit.clock import duration

    return Schedule(zone, datetime.fromisoformat(starts), duration(length, "duration"), rule, **more)


@cache
def shown_on(name):
    """For each minute that a wall anywhere can show in these years, whether the rule is on then."""
    on = RULES[name][1]
    return bytearray(on(WALL + minute * MINUTE) for minute in range((UNTIL - SINCE) // MINUTE + 2 * 24 * 60))


@cache
def walls(zone):
    """What the wall shows at each minute since SINCE, as the number of minutes since WALL."""
    place, whole = ZoneInfo(zone), range(0, (UNTIL - SINCE) // MINUTE, 15)
    shown = ((SINCE + minute * MINUTE).astimezone(place).replace(tzinfo=None) for minute in whole)
    return [(wall - WALL) // MINUTE for wall in shown]


def disagreements(zone, name, found):
    """Numbers of minutes at which the windows that were found say otherwise than the wall."""
    closed, shown = bytearray((UNTIL - SINCE) // MINUTE), shown_on(name)
    for starts, ends in found:
        first, last = max(0, (starts - SINCE) // MINUTE), min(len(closed), (ends - SINCE) // MINUTE)
        closed[first:last] = b"\1" * (last - first)
    told = b"".join(shown[wall : wall + 15] for wall in walls(zone))
    return [minute for minute, pair in enumerate(zip(closed, told, strict=True)) if pair[0] != pair[1]]


@pytest.mark.parametrize("zone", ZONES)
def test_windows_agree_with_the_clock_on_the_wall(zone):
    for name, (rule, _) in RULES.items():
        wrong = disagreements(zone, name, spans(schedule(zone, *rule), SINCE, UNTIL))
        assert not wrong, f"{name}: {len(wrong)} minutes, the first {SINCE + wrong[0] * MINUTE}"


@pytest.mark.parametrize("zone", ZONES)
def test_the_wall_is_turned_at_quarters_of_an_hour(zone):
    """So that within one the wall counts on minute by minute, as the oracle has it."""
    place = ZoneInfo(zone)
    for quarter, first in enumerate(walls(zone)):
        last = SINCE + (quarter * 15 + 14) * MINUTE
        assert (last.astimezone(place).replace(tzinfo=None) - WALL) // MINUTE == first + 14, last


def test_the_oracle_notices_windows_that_are_reckoned_by_one_offset(monkeypatch):
    def by_the_offset_of_the_start(place, starts, ends):
        offset = starts.replace(tzinfo=place).utcoffset()
        return [(starts.replace(tzinfo=UTC) - offset, ends.replace(tzinfo=UTC) - offset)]

    monkeypatch.setattr(schedules, "wall_spans", by_the_offset_of_the_start)
    rule, _ = RULES["weekend"]
    assert disagreements("Europe/Dublin", "weekend", spans(schedule("Europe/Dublin", *rule), SINCE, UNTIL))


BUGS = {
    "the clock on the wall is never turned": (schedules.wall_spans, "if low < turn < high", "if False"),
    "a window that began before is not seen": (schedules._starts, "- each.length - DAY", ""),
    "an end is the start and its length in seconds": (
        schedules.wall_spans,
        "return _joined(found)",
        "return [(found[0][0], found[0][0] + (ends - starts))] if found else []",
    ),
}


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_noticed(monkeypatch, bug):
    plant(monkeypatch, *BUGS[bug])
    place = "America/New_York"
    assert any(
        disagreements(place, name, spans(schedule(place, *rule), SINCE, UNTIL)) for name, (rule, _) in RULES.items()
    )


def test_an_hour_that_comes_twice_is_frozen_both_times():
    found = spans(schedule("America/New_York", "2027-11-07T01:00", "30m"), SINCE, UNTIL)
    assert [(a.hour, a.minute, b.hour, b.minute) for a, b in found] == [(5, 0, 5, 30), (6, 0, 6, 30)]


def test_a_start_that_the_spring_skips_is_the_first_minute_after_the_gap():
    (found,) = spans(schedule("America/New_York", "2027-03-14T02:30", "2h"), SINCE, UNTIL)
    assert found == (datetime(2027, 3, 14, 7, tzinfo=UTC), datetime(2027, 3, 14, 8, 30, tzinfo=UTC))


def test_an_exception_takes_out_the_window_that_begins_that_day():
    rule = ("2027-01-01T22:00", "4h", "FREQ=DAILY;COUNT=4")
    found = spans(schedule("UTC", *rule, exceptions=("2027-01-02", "2027-01-04T22:00")), SINCE, UNTIL)
    assert [starts.day for starts, _ in found] == [1, 3]


def test_windows_that_touch_are_one():
    found = spans(schedule("UTC", "2027-01-01T00:00", "1d", "FREQ=DAILY;COUNT=3"), SINCE, UNTIL)
    assert found == [(SINCE, SINCE + 3 * DAY)]


def test_an_end_given_as_an_instant_is_what_the_wall_shows_then():
    rule = ("2027-01-01T18:00", "1h", "FREQ=DAILY;UNTIL=20270103T235900Z")
    assert len(spans(schedule("America/New_York", *rule), SINCE, UNTIL)) == 3


@pytest.mark.parametrize(
    ("zone", "starts", "length", "rule", "path"),
    [
        ("Mars/Olympus", "2027-01-01T00:00", "1h", "", "timezone"),
        ("../etc/passwd", "2027-01-01T00:00", "1h", "", "timezone"),
        ("UTC", "2027-01-01T00:00", "400d", "", "duration"),
        ("UTC", "9999-01-01T00:00", "1d", "", "starts"),
        ("UTC", "2027-01-01T00:00", "1h", "FREQ=HOURLY", "rrule"),
        ("UTC", "2027-01-01T00:00", "1h", "FREQ=SECONDLY", "rrule"),
        ("UTC", "2027-01-01T00:00", "1h", "FREQ=DAILY;INTERVAL=0", "rrule"),
        ("UTC", "2027-01-01T00:00", "1h", "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "rrule"),
        ("UTC", "2027-01-01T00:00", "1h", "FREQ=YEARLY;BYEASTER=0", "rrule"),
        ("UTC", "2027-01-01T00:00", "1h", "every Friday", "rrule"),
        ("UTC", "2027-01-01T00:00", "1h", "FREQ=WEEKLY;UNTIL=20260101T000000Z", "rrule"),
        ("UTC", "2027-01-01T00:00", "1h", "FREQ=WEEKLY;BYDAY=XX", "rrule"),
        ("UTC", "2027-01-01T00:00", "1h", "FREQ=DAILY\nRRULE:FREQ=WEEKLY", "rrule"),
    ],
)
def test_a_rule_that_nobody_can_reckon_is_refused(zone, starts, length, rule, path):
    with pytest.raises(Invalid) as refusal:
        schedules.check(schedule(zone, starts, length, rule))
    assert [fault["path"] for fault in refusal.value.details["errors"]] == [path]
