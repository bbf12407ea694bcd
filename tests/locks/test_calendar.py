"""The months of freezes: every minute that is frozen lies under a bar of its day, in the viewer's zone."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from locks.models import Freeze, Window
from locks.tables.calendar import Month, month_of, month_rows

HOUR = timedelta(hours=1)
DECEMBER = Month(date(2026, 12, 1))
NOW = datetime(2026, 12, 8, tzinfo=UTC)


def window(starts, ends, title="Weekend"):
    freeze = Freeze(title=title, scope_kind="everything", effect="block")
    return Window(freeze=freeze, starts_at=starts, ends_at=ends)


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


def drawn(month, *windows):
    """{day of the month: [what lies there]}: a bar where it begins in its week, `…` where it goes on."""
    days = [day for week in month_rows(month, windows, NOW)["weeks"] for day in week if day["here"]]
    return {
        day["day"].day: [
            (f"{slot['from']}|{slot['to']}|{slot['late']}{slot['early']}" if slot["here"] else "…") if slot else None
            for slot in day["slots"]
        ]
        for day in days
        if day["slots"]
    }


def test_a_weekend_lies_across_its_days_and_goes_on_in_the_next_week():
    weekend = window(utc(2026, 12, 4, 17), utc(2026, 12, 7, 8))
    assert drawn(DECEMBER, weekend) == {4: ["17:00||30"], 5: ["…"], 6: ["…"], 7: ["to 08||00"]}


def test_a_night_lies_on_the_day_that_it_begins_and_on_the_first_of_the_month_when_it_began_before():
    nights = [window(utc(2026, 11, 30, 22), utc(2026, 12, 1, 6)), window(utc(2026, 12, 1, 22), utc(2026, 12, 2, 6))]
    assert drawn(DECEMBER, *nights) == {1: ["to 06||00", "22–06||00"]}
    assert drawn(DECEMBER.turned(-1), *nights) == {30: ["22–06||00"]}


def test_midnight_belongs_to_the_day_before():
    whole = window(utc(2026, 12, 25), utc(2026, 12, 26))
    two = window(utc(2026, 12, 8), utc(2026, 12, 10))
    assert drawn(DECEMBER, whole, two) == {8: ["||00"], 9: ["…"], 25: ["||00"]}


def test_what_overlaps_lies_below_and_what_has_no_room_is_counted():
    many = [window(utc(2026, 12, 8, hour), utc(2026, 12, 8, hour + 2)) for hour in range(6)]
    days = [day for week in month_rows(DECEMBER, many, NOW)["weeks"] for day in week]
    assert [(len(day["slots"]), day["more"]) for day in days if day["day"] == date(2026, 12, 8)] == [(4, 2)]
    assert sum(day["more"] for day in days) == 2
    assert len(month_rows(DECEMBER, many, NOW)["windows"]) == 6


def test_a_free_lane_is_kept_free_for_what_goes_on_below():
    long, short, late = (
        window(utc(2026, 12, 8), utc(2026, 12, 10)),
        window(utc(2026, 12, 8), utc(2026, 12, 12)),
        window(utc(2026, 12, 11), utc(2026, 12, 12)),
    )
    assert drawn(DECEMBER, long, short, late)[10] == ["…"]
    assert drawn(DECEMBER, long, short, late)[9] == ["…", "…"]
    assert drawn(DECEMBER, long, short, late)[11] == ["…", "||00"]


def test_the_days_are_those_of_the_viewer():
    evening = window(utc(2026, 12, 31, 20), utc(2026, 12, 31, 22))
    with timezone.override(ZoneInfo("Pacific/Auckland")):
        assert drawn(DECEMBER, evening) == {}
        assert drawn(DECEMBER.turned(1), evening) == {1: ["09–11||00"]}


@pytest.mark.parametrize("zone", ["Australia/Lord_Howe", "America/New_York", "Europe/Dublin", "Asia/Beirut", "UTC"])
def test_every_frozen_hour_of_a_year_lies_under_a_bar_of_its_day_or_of_the_night_before(zone):
    place, since = ZoneInfo(zone), utc(2027, 1, 1)
    windows = [window(since + n * 53 * HOUR, since + n * 53 * HOUR + (5 + n % 7 * 9) * HOUR) for n in range(160)]
    with timezone.override(place):
        month = Month(date(2026, 12, 1))
        barred = set()
        for turn in range(14):
            rows = month_rows(month.turned(turn), windows, NOW)
            days = [day for week in rows["weeks"] for day in week if day["here"]]
            barred |= {day["day"] for day in days if day["more"] or any(day["slots"])}
        for each in windows:
            length = each.ends_at.astimezone(place).replace(tzinfo=None) - each.starts_at.astimezone(place).replace(
                tzinfo=None
            )
            at = each.starts_at
            while at < each.ends_at:
                wall = at.astimezone(place)
                begun = each.starts_at.astimezone(place).date()
                assert wall.date() in barred or (length < timedelta(days=1) and begun in barred), (zone, at)
                at += HOUR


def test_a_month_has_its_days_once_and_in_order_wherever_the_clock_is_moved():
    with timezone.override(ZoneInfo("America/Santiago")):  # at midnight
        month = Month(date(2026, 9, 1))
        days = [day["day"].day for week in month_rows(month, [], NOW)["weeks"] for day in week if day["here"]]
        since, until = (each.astimezone(UTC) for each in month.span)
    assert days == list(range(1, 31))
    assert until - since == timedelta(days=30) - HOUR


@pytest.mark.parametrize("asked", ["", None, "2026-13", "soon", "0001-01", "9999-12", "2026-12-01"])
def test_a_month_that_cannot_be_is_this_month(asked):
    assert month_of(asked) == Month(timezone.localdate().replace(day=1))


def test_months_turn_over_the_year():
    assert (DECEMBER.turned(1).key, DECEMBER.turned(-12).key, DECEMBER.turned(13).name) == (
        "2027-01",
        "2025-12",
        "January 2028",
    )
