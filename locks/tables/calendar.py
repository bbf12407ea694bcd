"""Freezes as the months of a calendar: what templates/locks/_month.html shows."""

from calendar import Calendar, monthrange
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import count
from typing import Any

from django.utils import timezone

from locks.models import Window
from locks.tables.freezes import LOOKS, span_words
from locks.tables.locks import capital

Json = dict[str, Any]

DAY = timedelta(days=1)
LANES = 4  # windows of a day that are drawn; the list below has them all
YEARS = 5  # how far one can turn the pages, either way


@dataclass(frozen=True)
class Month:
    first: date

    @property
    def name(self) -> str:
        return f"{self.first:%B %Y}"

    @property
    def key(self) -> str:
        return f"{self.first:%Y-%m}"

    def turned(self, months: int) -> "Month":
        years, month = divmod(self.first.month - 1 + months, 12)
        return Month(date(self.first.year + years, month + 1, 1))

    @property
    def last(self) -> date:
        return self.first.replace(day=monthrange(self.first.year, self.first.month)[1])

    @property
    def span(self) -> tuple[datetime, datetime]:
        """From midnight to midnight on the viewer's wall."""
        return _midnight(self.first), _midnight(self.last + DAY)


def month_of(text: str | None) -> Month:
    """`2026-12`; this month for what is none, or is too far away."""
    today = timezone.localdate()
    try:
        asked = Month(datetime.strptime(text or "", "%Y-%m").date())
    except ValueError:
        return Month(today.replace(day=1))
    return asked if abs(asked.first.year - today.year) <= YEARS else Month(today.replace(day=1))


@dataclass(frozen=True)
class Bar:
    """The part of a window that is drawn in one week: days (0 is Monday) `first` to `last`, with its neighbours' edges.

    `late` and `early`: quarters of its first and last day that it leaves free.
    """

    window: Window
    first: int
    last: int
    late: int
    early: int
    begins: bool
    ends: bool


def month_rows(month: Month, windows: Sequence[Window], now: datetime) -> Json:
    """Of the windows that touch the month, in order."""
    since, until = month.span
    inside = [each for each in windows if each.starts_at < until and each.ends_at > since]
    weeks = Calendar().monthdatescalendar(month.first.year, month.first.month)
    return {
        "name": month.name,
        "key": month.key,
        "weeks": [_week(days, month, inside) for days in weeks],
        "windows": [_listed(each, now) for each in inside],
    }


def _listed(window: Window, now: datetime) -> Json:
    freeze = window.freeze
    return {
        "url": freeze.get_absolute_url(),
        "title": freeze.title,
        "covers": freeze.covers,
        "when": span_words(window.starts_at, window.ends_at),
        "look": LOOKS[freeze.effect],
        "on": window.starts_at <= now < window.ends_at,
    }


def _week(days: list[date], month: Month, windows: Sequence[Window]) -> list[Json]:
    lanes = _lanes(bar for window in windows if (bar := _bar(window, days, month)))
    return [_day(number, day, month, lanes) for number, day in enumerate(days)]


def _day(number: int, day: date, month: Month, lanes: list[list[Bar]]) -> Json:
    bars = [next((bar for bar in lane if bar.first <= number <= bar.last), None) for lane in lanes]
    drawn = bars[:LANES]
    while drawn and drawn[-1] is None:
        drawn.pop()
    return {
        "day": day,
        "here": month.first <= day <= month.last,
        "today": day == timezone.localdate(),
        "slots": [_slot(bar, number) for bar in drawn],
        "more": sum(bar is not None for bar in bars[LANES:]),
    }


def _slot(bar: Bar | None, number: int) -> Json | None:
    if bar is None:
        return None
    freeze = bar.window.freeze
    return {
        "url": freeze.get_absolute_url(),
        "title": freeze.title,
        "covers": capital(freeze.covers),
        "when": span_words(bar.window.starts_at, bar.window.ends_at),
        "look": LOOKS[freeze.effect],
        "here": number == bar.first,
        "days": bar.last - bar.first + 1,
        "late": bar.late,
        "early": bar.early,
        "begins": bar.begins,
        "ends": bar.ends,
        **_edges(bar),
    }


def _edges(bar: Bar) -> Json:
    """The times that are written into it; midnight goes without saying, and so does what there is no room for."""
    begins, ends = (_clock(timezone.localtime(each)) for each in (bar.window.starts_at, bar.window.ends_at))
    if bar.first < bar.last:
        room = (bar.last - bar.first + 1) * 4 - bar.late - bar.early > 6
        return {"from": begins if bar.begins else "", "to": ends if bar.ends and room else ""}
    if bar.begins and bar.ends and begins + ends:
        hours = all(not each or each.endswith(":00") for each in (begins, ends))
        return {"from": f"{begins[:2] or '00'}–{ends[:2] or '24'}" if hours else begins or f"to {ends}", "to": ""}
    return {"from": begins if bar.begins else f"to {ends.removesuffix(':00')}" if bar.ends and ends else "", "to": ""}


def _clock(moment: datetime) -> str:
    return "" if moment.hour == moment.minute == 0 else f"{moment:%H:%M}"


def _lanes(bars: Iterator[Bar]) -> list[list[Bar]]:
    """Each bar in the first lane that is free on its days; the long ones first, so that they lie above."""
    lanes: list[list[Bar]] = []
    for bar in sorted(bars, key=lambda each: (each.first, each.first - each.last)):
        for number in count():
            if number == len(lanes):
                lanes.append([])
            if not lanes[number] or lanes[number][-1].last < bar.first:
                lanes[number].append(bar)
                break
    return lanes


def _bar(window: Window, days: list[date], month: Month) -> Bar | None:
    """None when nothing of it is in this week of the month."""
    starts, ends = (timezone.localtime(each).replace(tzinfo=None) for each in (window.starts_at, window.ends_at))
    last = max(starts, ends - timedelta(microseconds=1)).date()
    left, right = max(days[0], month.first), min(days[-1], month.last)
    if ends - starts < DAY and starts.date() >= month.first:
        last = starts.date()  # a night is drawn on the day that it begins: two halves of a day say less
    first, final = max(starts.date(), left), min(last, right)
    if first > final:
        return None
    begins, over, wide = first == starts.date(), final == last, first < final
    return Bar(
        window,
        days.index(first),
        days.index(final),
        late=_quarters(starts) if begins and wide else 0,
        early=4 - max(1, round(ends.hour / 6)) if over and wide and ends.time() > time() else 0,
        begins=begins,
        ends=over,
    )


def _quarters(wall: datetime) -> int:
    """Of the day that are past, rounded; never the whole day, so that something of it is seen."""
    return min(3, round(wall.hour / 6))


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time()))
