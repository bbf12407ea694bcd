"""The four keys of a scope in a span, with their trend by week."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, timedelta
from functools import cached_property
from math import ceil
from operator import attrgetter
from statistics import median

from deployments.models import DeploymentDay
from deployments.queries.dora.facts import KEYS, Judged, judged
from deployments.queries.dora.leads import Lead, leads
from deployments.queries.dora.scope import Scope, Span, days_of, of_scope
from portal.kit.by import By


@dataclass(frozen=True)
class Lengths:
    """Of the lengths in seconds: how many, and the smallest that half, nine tenths, nineteen twentieths do not exceed."""

    count: int = 0
    median: float | None = None
    p90: float | None = None
    p95: float | None = None
    most: float | None = None

    @classmethod
    def of(cls, seconds: list[float]) -> "Lengths":
        """The median is the middle one, of an even number the mean of the two in the middle; percentiles by nearest rank."""
        if not seconds:
            return cls()
        ranked = sorted(seconds)
        return cls(
            len(ranked), float(median(ranked)), *(ranked[ceil(len(ranked) * part) - 1] for part in (0.9, 0.95, 1))
        )


@dataclass(frozen=True)
class Week:
    """From a Monday; `whole` where the span holds all of it."""

    starts: date
    whole: bool
    deployed: int
    days: int
    changes: int
    failed: int
    lead_time: Lengths
    restore: Lengths

    @property
    def failure_rate(self) -> float | None:
        return self.failed / self.changes if self.changes else None


@dataclass(frozen=True)
class Numbers:
    """`left_out` says of each key how many rows it leaves out for which reason."""

    span: Span
    deployed: int
    changes: int
    failed: int
    lead_time: Lengths
    restore: Lengths
    weeks: list[Week]
    bucket: str
    left_out: dict[str, dict[str, int]]

    @property
    def per_day(self) -> float:
        return self.deployed / self.span.days

    @property
    def failure_rate(self) -> float | None:
        return self.failed / self.changes if self.changes else None


@dataclass
class _Day:
    deployed: int = 0
    changes: int = 0
    failed: int = 0
    mended: list[float] = field(default_factory=list)
    leads: list[float] = field(default_factory=list)


def dora(by: By, scope: Scope, span: Span) -> "Found":
    """A fixed number of statements, however many rows there are."""
    rows = of_scope(by, scope)
    found = judged(rows, span)
    return Found(span, found, lambda: leads(rows, found, span.since), days_of(by, scope, span))


@dataclass(frozen=True)
class Found:
    """The rows of a scope and a span, what is rolled up of it, and the numbers that both make. Lead times, which cost as
    much as all the rest, are read where they are asked for."""

    span: Span
    rows: list[Judged]
    leads: Callable[[], Lead]
    rolled: list[DeploymentDay] = field(default_factory=list)

    @cached_property
    def lead(self) -> Lead:
        return self.leads()

    @cached_property
    def numbers(self) -> Numbers:
        days = self._days()
        whole = _sum(days.values())
        weeks = [_week(starts, days, self.span) for starts in self.span.mondays]
        deployed = {day for day, each in days.items() if each.deployed}
        return Numbers(
            self.span, whole.deployed, whole.changes, whole.failed, Lengths.of(whole.leads), Lengths.of(whole.mended),
            weeks, bucket(self.span, deployed), self._left_out(),
        )  # fmt: skip

    def _days(self) -> dict[date, _Day]:
        days: dict[date, _Day] = defaultdict(_Day)
        for row in self.rows:
            if row.change_failure == "":
                day = days[row.at.astimezone(UTC).date()]
                day.deployed += row.frequency == ""
                day.changes += 1
                day.failed += row.failed
                if row.restore == "" and row.mended_after is not None:
                    day.mended.append(row.mended_after)
        for each in self.lead.counted:
            days[each.deployment.at.astimezone(UTC).date()].leads.append(each.seconds)
        for one in self.rolled:
            day = days[one.day]
            day.deployed += one.keys["frequency"].get("", 0)
            day.changes += one.keys["change_failure"].get("", 0)
            day.failed += one.keys["failed"]
            day.mended += one.mended
            day.leads += one.leads
        return days

    def rolled_up(self, key: str, reason: str = "") -> int:
        """How many of the rows of a key are rolled up, and so cannot be shown any more."""
        found: int = sum(each.keys[key].get(reason, 0) for each in self.rolled)
        return found

    def counted(self, key: str) -> int:
        """How many rows of the key count."""
        if key == "lead_time":
            return len(self.lead.counted) + sum(len(each.leads) for each in self.rolled)
        reasons = map(attrgetter(key), self.rows)
        return [*reasons].count("") + self.rolled_up(key)

    @property
    def failed(self) -> int:
        own = sum(row.failed for row in self.rows if row.change_failure == "")
        rolled: int = sum(each.keys["failed"] for each in self.rolled)
        return own + rolled

    def _left_out(self) -> dict[str, dict[str, int]]:
        return {key: self.left_out(key) for key in KEYS}

    def left_out(self, key: str) -> dict[str, int]:
        """How many rows of the key are left out, by the reason."""
        counts = Counter(self.lead.left_out if key == "lead_time" else map(attrgetter(key), self.rows))
        for each in self.rolled:
            counts.update(each.keys[key])
        return {reason: number for reason, number in counts.items() if reason and number}


def _week(starts: date, days: Mapping[date, _Day], span: Span) -> Week:
    within = [days[day] for day in (starts + timedelta(days=n) for n in range(7)) if day in days]
    found = _sum(within)
    return Week(
        starts, span.holds_week(starts), found.deployed, sum(bool(each.deployed) for each in within), found.changes,
        found.failed, Lengths.of(found.leads), Lengths.of(found.mended),
    )  # fmt: skip


def _sum(days: Iterable[_Day]) -> _Day:
    whole = _Day()
    for each in days:
        whole.deployed += each.deployed
        whole.changes += each.changes
        whole.failed += each.failed
        whole.mended += each.mended
        whole.leads += each.leads
    return whole


def bucket(span: Span, days: set[date]) -> str:
    """As Four Keys puts it, by the days with a deployment: `daily` where the median whole week has three or more,
    `weekly` where it has one, `monthly` where the median month (of four weeks, back from the end) has one, else `yearly`;
    none where there is no whole week to tell by.
    """
    weeks = [_number(days, each, 7) for each in span.mondays if span.holds_week(each)]
    if not weeks:
        return ""
    if median(weeks) >= 3:
        return "daily"
    if median(weeks) >= 1:
        return "weekly"
    last = (span.until - timedelta(microseconds=1)).astimezone(UTC).date()
    months = [_number(days, last - timedelta(days=28 * n - 1), 28) for n in range(1, max(int(span.days) // 28, 1) + 1)]
    return "monthly" if median(months) >= 1 else "yearly"


def _number(days: set[date], first: date, length: int) -> int:
    return sum(first + timedelta(days=n) in days for n in range(length))
