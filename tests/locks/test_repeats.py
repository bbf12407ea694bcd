"""Rules in the words of people: what is chosen is what is written, and what cannot be said stays a rule."""

from datetime import date, datetime, timedelta
from itertools import product

import pytest

from locks.repeats import DAYS, Repeat, read, words
from locks.schedules import Holiday, Schedule, check

FRIDAY = datetime(2026, 1, 2, 17)
DAYS_CHOSEN = [(), ("FR",), ("MO", "WE"), tuple(DAYS)]
ENDS = [None, date(2027, 12, 31)]
CHOICES = [
    *(Repeat("day", n, until=end) for n, end in product((1, 3), ENDS)),
    *(Repeat("week", n, days, until=end) for n, days, end in product((1, 2), DAYS_CHOSEN, ENDS)),
    *(Repeat("month", 2, on=on) for on in ("date", "weekday", "last", "last_day", "last_workday")),
    Repeat("year"),
]


@pytest.mark.parametrize("repeat", CHOICES, ids=lambda each: each.rrule(FRIDAY))
def test_what_is_chosen_is_a_rule_and_comes_back_as_the_choice(repeat):
    rrule = repeat.rrule(FRIDAY)
    check(Schedule("UTC", FRIDAY, timedelta(hours=1), rrule))
    assert read(rrule, FRIDAY) == repeat


@pytest.mark.parametrize(
    "rrule",
    [
        "FREQ=WEEKLY;COUNT=3",
        "FREQ=YEARLY;BYMONTH=2",
        "FREQ=MONTHLY;BYDAY=2TU",
        "FREQ=WEEKLY;BYDAY=FR;BYHOUR=9",
        "FREQ=DAILY;UNTIL=20271231T170000Z",
        "FREQ=WEEKLY;INTERVAL=2;WKST=SU",
        "FREQ=HOURLY",
    ],
)
def test_a_rule_that_says_more_stays_a_rule(rrule):
    assert read(rrule, FRIDAY) is None


def said(length, rrule="", starts=FRIDAY, **more):
    return words(Schedule("UTC", starts, timedelta(hours=length), rrule, **more))


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ((63, "FREQ=WEEKLY;BYDAY=FR"), "every Friday 17:00 to Monday 08:00"),
        ((63, "FREQ=WEEKLY;BYDAY=MO"), "every Monday 17:00 to Thursday 08:00"),
        ((2, "FREQ=WEEKLY;BYDAY=FR,MO"), "every Monday and Friday, 17:00 to 19:00"),
        ((63, "FREQ=WEEKLY;INTERVAL=2"), "every 2 weeks on Friday 17:00 to Monday 08:00"),
        ((15, "FREQ=DAILY"), "every day, 17:00 to 08:00"),
        ((24, "FREQ=DAILY"), "every day, from 17:00 for 1 day"),
        ((24, "FREQ=YEARLY", datetime(2026, 12, 25)), "every year on 25 December, all day"),
        ((14, "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1"), "every month on its last working day, 17:00 to 07:00"),
        ((1, "FREQ=MONTHLY;BYDAY=1FR;UNTIL=20271231T235959"), "every month on the first Friday, 17:00 to 18:00, until 31 Dec 2027"),
        ((1, "FREQ=WEEKLY;COUNT=3"), "by the rule FREQ=WEEKLY;COUNT=3, 17:00 to 18:00"),
        ((3,), "once, 2 Jan 2026 17:00 to 20:00"),
        ((63,), "once, 2 Jan 2026 17:00 to 5 Jan 2026 08:00"),
    ],
)  # fmt: skip
def test_a_rule_in_words(rule, expected):
    assert said(*rule) == expected


def test_exceptions_and_holidays_in_words():
    assert said(1, "FREQ=DAILY", exceptions=("2026-12-25",)).endswith(", except on 25 Dec 2026")
    assert said(1, "FREQ=DAILY", exceptions=("2026-12-25T17:00",)).endswith("except on 25 Dec 2026 17:00")
    assert said(1, "FREQ=DAILY", exceptions=("2026-12-25",) * 4).endswith("except on 4 days")
    easter = Holiday("Easter", datetime(2026, 4, 5), timedelta(days=1))
    assert words(Schedule("UTC", None, None, holidays=(easter,))) == "on 1 holiday of a calendar file"
    assert said(3, holidays=(easter, easter)).endswith("20:00, and on 2 holidays of a calendar file")
