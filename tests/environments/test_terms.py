"""Lengths, warnings and quiet hours, without a database."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from deployments.environments import terms
from deployments.environments.models import Environment, Template
from portal.kit.errors import Conflict, Invalid

NOW = datetime(2026, 2, 3, 15, 40, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
OFFICE = {"from": "09:00", "to": "18:00", "days": [0, 1, 2, 3, 4]}


def template(**more):
    lengths = {"default_ttl": 8 * HOUR, "greatest_ttl": 3 * DAY, "soft_cap": 7 * DAY, "hard_cap": 10 * DAY}
    return Template(title="Preview", **lengths | more)


def environment(ends=8 * HOUR, **more):
    kind = template(**more)
    return Environment(
        name="demo", template=kind, requested_at=NOW, expires_at=NOW + ends, hard_until=NOW + kind.hard_cap
    )


def test_without_a_word_it_lives_as_long_as_its_template_says():
    assert terms.first_end(template(), "", None, NOW) == NOW + 8 * HOUR
    own = template(team_limits={"payments": {"default_ttl": "2h", "greatest_ttl": "4h"}})
    assert terms.first_end(own, "payments", None, NOW) == NOW + 2 * HOUR
    with pytest.raises(Invalid, match="4 h at a time"):
        terms.first_end(own, "payments", 5 * HOUR, NOW)
    assert terms.first_end(own, "search", 5 * HOUR, NOW) == NOW + 5 * HOUR


@pytest.mark.parametrize("ttl", [timedelta(minutes=1), timedelta(0), -DAY, 4 * DAY, timedelta.max])
def test_lengths_that_are_too_short_or_too_long_are_refused(ttl):
    with pytest.raises(Invalid):
        terms.first_end(template(), "", ttl, NOW)
    with pytest.raises(Invalid):
        terms.extended_end(environment(), ttl, "because", NOW)


def test_an_extension_counts_from_now_and_stops_at_the_hard_cap():
    assert terms.extended_end(environment(), DAY, "", NOW + HOUR) == NOW + HOUR + DAY
    late = NOW + 9 * DAY
    assert terms.extended_end(environment(ends=9 * DAY + HOUR), 3 * DAY, "because", late) == NOW + 10 * DAY
    with pytest.raises(Conflict) as refused:
        terms.extended_end(environment(ends=10 * DAY), 3 * DAY, "because", late)
    assert refused.value.code == "hard_cap"
    with pytest.raises(Conflict) as refused:
        terms.extended_end(environment(ends=2 * DAY), DAY, "", NOW + HOUR)
    assert refused.value.code == "not_longer"


def test_past_the_soft_cap_an_extension_takes_a_reason():
    old, now = environment(ends=6 * DAY), NOW + 6 * DAY - HOUR
    assert terms.extended_end(old, DAY, "", now) == now + DAY
    with pytest.raises(Invalid, match="reason"):
        terms.extended_end(old, 2 * DAY, "  ", now)
    assert terms.extended_end(old, 2 * DAY, "a demo for the board", now) == now + 2 * DAY


def test_each_warning_is_due_once_its_time_has_come_and_only_the_last_of_several():
    end = NOW + 3 * DAY
    due = [terms.warning_due(end, NOW, end - left) for left in (25 * HOUR, DAY, 3 * HOUR, HOUR, HOUR / 4, HOUR / 60)]
    assert due == [None, 1440, 1440, 120, 15, 15]
    assert terms.warning_due(end, NOW, end) is None


def test_what_was_due_before_the_end_was_set_is_no_warning():
    end = NOW + HOUR
    assert terms.warning_due(end, NOW, NOW) is None
    assert terms.next_warning(end, NOW, NOW) == end - HOUR / 4
    assert terms.next_warning(end, NOW, end - HOUR / 4) is None


@pytest.mark.parametrize(
    "zone", ["UTC", "America/New_York", "Australia/Lord_Howe", "Pacific/Chatham", "Europe/Dublin", "Africa/Casablanca"]
)
@pytest.mark.parametrize("hours", [("09:00", "18:00"), ("22:00", "06:30"), ("01:15", "02:45"), ("00:00", "23:59")])
def test_quiet_hours_end_when_the_wall_clock_says_so_whatever_it_jumps(zone, hours):
    """Compared with the wall clock, minute by minute, over the days around each jump of a year."""
    quiet = {"from": hours[0], "to": hours[1], "days": [0, 2, 5, 6]}
    first = datetime(2026, 1, 1, tzinfo=UTC)
    offsets = [(first + DAY * n, (first + DAY * n).astimezone(ZoneInfo(zone)).utcoffset()) for n in range(366)]
    jumps = [day for (_, one), (day, other) in zip(offsets, offsets[1:]) if one != other] or [first]
    for jump in jumps[:2]:
        minutes = [jump - 2 * DAY + terms.MINUTE * n for n in range(3 * 24 * 60)]
        walls = [each.astimezone(ZoneInfo(zone)) for each in minutes]
        on = [is_within(wall.weekday(), wall.strftime("%H:%M"), *hours, quiet["days"]) for wall in walls]
        for n in range(0, 2 * 24 * 60, 53):
            end = terms.quiet_until(quiet, zone, minutes[n])
            following = next((m for m in range(n, len(on)) if not on[m]), None)
            assert (end is None) == (not on[n])
            assert end is None or following is None or end == minutes[following]


def is_within(day, clock, begin, end, days):
    if begin < end:
        return day in days and begin <= clock < end
    return (day in days and clock >= begin) or ((day - 1) % 7 in days and clock < end)


def test_quiet_hours_that_never_end_have_no_end():
    always = {"from": "00:00", "to": "23:59", "days": [0, 1, 2, 3, 4, 5, 6]}
    assert terms.quiet_until(always, "UTC", NOW) == NOW.replace(hour=23, minute=59)
    assert terms.quiet_until({}, "UTC", NOW) is None


@pytest.mark.parametrize(
    "hours",
    [
        {"from": "9:00", "to": "18:00", "days": [0]},
        {"from": "09:00", "to": "24:00", "days": [0]},
        {"from": "09:00", "to": "09:00", "days": [0]},
        {"from": "09:00", "to": "18:00", "days": []},
        {"from": "09:00", "to": "18:00", "days": [7]},
        {"from": "09:00", "to": "18:00", "days": [True]},
        {"from": "09:00", "to": "18:00", "days": ["\x00"]},
        {"from": None, "to": "18:00", "days": [0]},
        {"from": "09:00"},
        ["09:00"],
    ],
)
def test_quiet_hours_that_make_no_sense_are_refused(hours):
    with pytest.raises(Invalid):
        terms.check_quiet_hours(hours)


def test_quiet_hours_are_kept_as_they_are_meant():
    assert terms.check_quiet_hours(OFFICE | {"days": [4, 0, 0]}) == OFFICE | {"days": [0, 4]}
    assert terms.check_quiet_hours(None) == {}
