"""What the pages draw of probes: a day by the hour, uptimes, and the course of the response times."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from deployments.health.figures import HOUR, Figures, figures_of, hour_of
from deployments.health.models import Probe, Reading
from deployments.health.states import Outcome
from portal.kit.shared import Shared

HOURS = 24
DAYS = (1, 7, 30, 90)
KNOWN = (Outcome.OK, Outcome.DEGRADED, Outcome.FAILED)

_SUMMED = """
    select probe_id, case when at >= %(day)s then at end as hour, array[
        sum(ok) filter (where at >= %(day)s), sum(off) filter (where at >= %(day)s), sum(bad) filter (where at >= %(day)s),
        sum(ok) filter (where at >= %(week)s), sum(off) filter (where at >= %(week)s), sum(bad) filter (where at >= %(week)s),
        sum(ok) filter (where at >= %(month)s), sum(off) filter (where at >= %(month)s), sum(bad) filter (where at >= %(month)s),
        sum(ok), sum(off), sum(bad)]::float8[]
    from (
        select probe_id, at, coalesce((lasted ->> 'ok')::float8, 0) as ok, coalesce((lasted ->> 'degraded')::float8, 0) as off,
            coalesce((lasted ->> 'failed')::float8, 0) as bad
        from health_summary where probe_id = any(%(probes)s) and at >= %(quarter)s and at < %(end)s
    ) summed group by 1, 2
"""


@dataclass
class Picture:
    """`hours`: of each of the last 24, the newest last, the shares of the hour that were ok, degraded and failed.
    `uptimes`: by days, from 0 to 1 of the time of which something is known, or None."""

    hours: list[tuple[float, float, float]] = field(default_factory=list)
    uptimes: dict[int, float | None] = field(default_factory=dict)


PICTURES: Shared[dict[int, Picture]] = Shared(seconds=20, most=64)


def pictures(probes: Sequence[Probe], now: datetime) -> dict[int, Picture]:
    """To the hour at its far end. Two queries, however many; the same for all who ask within some seconds."""
    keys = tuple(sorted(each.pk for each in probes))
    return PICTURES.get((keys, int(now.timestamp() // 20)), lambda: _pictures(probes, now)) if keys else {}


def _pictures(probes: Sequence[Probe], now: datetime) -> dict[int, Picture]:
    start = hour_of(now) - HOUR * (HOURS - 1)
    by_hour: dict[int, dict[datetime, list[float]]] = {each.pk: {} for each in probes}
    sums = {each.pk: [0.0] * (3 * len(DAYS)) for each in probes}
    for pk, hour, found in _summed(probes, now, start):
        sums[pk] = [old + (new or 0) for old, new in zip(sums[pk], found, strict=True)]
        if hour:
            by_hour[pk][hour] = [value or 0 for value in found[:3]]
    for each, hour, figures in _since(probes, now, start):
        lasted = [float(figures.lasted[outcome]) for outcome in KNOWN]
        sums[each.pk] = [old + new for old, new in zip(sums[each.pk], lasted * len(DAYS), strict=True)]
        by_hour[each.pk][hour] = lasted
    return {each.pk: _picture(by_hour[each.pk], sums[each.pk], start, now) for each in probes}


def _picture(by_hour: dict[datetime, list[float]], sums: list[float], start: datetime, now: datetime) -> Picture:
    hours = []
    for place in range(HOURS):
        # Of the hour that is not over, the shares are of what is over of it.
        length = max(min(HOUR, now - start - HOUR * place).total_seconds() * 1000, 1.0)
        ok, off, bad = (min(value / length, 1.0) for value in by_hour.get(start + HOUR * place, [0.0, 0.0, 0.0]))
        hours.append((ok, off, bad))
    uptimes = {}
    for place, days in enumerate(DAYS):
        ok, off, bad = sums[3 * place : 3 * place + 3]
        uptimes[days] = (ok + off) / (ok + off + bad) if ok + off + bad else None
    return Picture(hours, uptimes)


def _summed(
    probes: Sequence[Probe], now: datetime, start: datetime
) -> list[tuple[int, datetime | None, list[float | None]]]:
    day, week, month, quarter = (hour_of(now) - timedelta(days=days) + HOUR for days in DAYS)
    values: dict[str, Any] = {"day": day, "week": week, "month": month, "quarter": quarter, "end": now}
    with connection.cursor() as cursor:
        cursor.execute(_SUMMED, values | {"probes": [each.pk for each in probes]})
        return list(cursor.fetchall())


def _since(probes: Sequence[Probe], now: datetime, start: datetime) -> list[tuple[Probe, datetime, Figures]]:
    """What is not summed up yet, by the hour: what came before is known by its last reading only."""
    first = {each.pk: max(each.summed_until or start, start) for each in probes}
    oldest = min(first.values())
    rows: dict[int, list[Reading]] = {}
    found = Reading.objects.filter(probe__in=first, at__gte=oldest - timedelta(minutes=5)).order_by("at", "id")
    for row in found.only("probe_id", "at", "outcome", "ms"):
        rows.setdefault(row.probe_id, []).append(row)
    made = []
    for each in probes:
        hour, own = first[each.pk], rows.get(each.pk, [])
        while hour < now:
            end = min(hour + HOUR, now)
            before = next((row for row in reversed(own) if row.at < hour), None)
            within = [row for row in own if hour <= row.at < end]
            made.append((each, hour, figures_of(within, hour, end, hold=each.hold, before=before)))
            hour += HOUR
    return made


_COURSE = """
    select floor(extract(epoch from at) / %(step)s)::bigint * %(step)s, avg(ms)::float8,
        max(case outcome when 'failed' then 2 when 'degraded' then 1 when 'ok' then 0 else -1 end), count(*)
    from health_reading where probe_id = %(probe)s and at >= %(since)s and at < %(until)s group by 1 order by 1
"""


@dataclass(frozen=True)
class Step:
    """Of some time beginning at `at`, in seconds since 1970: its mean response time, and the worst that came:
    2 failed, 1 degraded, 0 ok, -1 nothing known."""

    at: int
    ms: float | None
    worst: int


def course(probe: Probe, since: datetime, until: datetime, *, step: int) -> list[Step]:
    with connection.cursor() as cursor:
        values: dict[str, Any] = {"probe": probe.pk, "since": since, "until": until, "step": step}
        cursor.execute(_COURSE, values)
        return [Step(int(at), ms, worst) for at, ms, worst, _ in cursor.fetchall()]
