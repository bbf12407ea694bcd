"""Readings become hours, and hours days; what is in them is kept no longer."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import connection, transaction

from deployments.health.commands.readings import KEPT
from deployments.health.figures import HOUR, Figures, day_of, figures_of, hour_of
from deployments.health.models import Maintenance, Probe, Prober, Reading, Summary
from deployments.health.queries.probes import figures_in

HOURS_KEPT = timedelta(days=90)
# An hour is summed up so long after its end: what came late is mostly in.
SETTLED = timedelta(minutes=5)
AT_ONCE = 5000  # rows that go in one statement
MOST_HOURS = 24 * 8  # of one probe in one pass
FIELDS = ("probe_id", "at", "outcome", "ms")


def readings_roll_up(*, now: datetime) -> int:
    """Sums up the hours that are over, each probe in a transaction of its own. How many."""
    until = hour_of(now - SETTLED)
    waiting = Probe.objects.exclude(summed_until__gte=until)
    return sum(_hours(pk, until, now) for pk in list(waiting.values_list("pk", flat=True)))


def readings_forget(*, now: datetime, at_once: int = AT_ONCE) -> int:
    """Deletes readings that are summed up and older than a week, and makes days of old hours. How many rows went."""
    gone = 0
    oldest = hour_of(now - KEPT)
    for probe in Probe.objects.filter(summed_until__isnull=False).only("pk", "summed_until"):
        gone += _delete(probe.pk, min(oldest, probe.summed_until), at_once)
    gone += _days(day_of(now - HOURS_KEPT))
    Prober.objects.filter(seen_at__lt=now - timedelta(days=1)).delete()
    Maintenance.objects.filter(ends_at__lt=now - HOURS_KEPT, settled_at__isnull=False).delete()
    return gone


@transaction.atomic
def _hours(pk: int, until: datetime, now: datetime) -> int:
    # The row is held: a reading that comes late sets it back afterwards, and not in between.
    probe = Probe.objects.select_for_update(skip_locked=True, of=("self",)).filter(pk=pk).first()
    if probe is None:
        return 0
    first = Reading.objects.filter(probe=probe).order_by("at").values_list("at", flat=True).first()
    start = probe.summed_until or (hour_of(first) if first else until)
    start = max(start, hour_of(now - KEPT))
    hours = [start + HOUR * n for n in range(min(MOST_HOURS, (until - start) // HOUR))]
    if hours:
        made = [_summary(probe, Summary.Span.HOUR, at, found) for at, found in _summed(probe, hours)]
        _keep(made)
    probe.summed_until = max(hours[-1] + HOUR, start) if hours else max(start, probe.summed_until or start)
    probe.save(update_fields=["summed_until"])
    return len(hours)


def _summed(probe: Probe, hours: list[datetime]) -> Iterable[tuple[datetime, Figures]]:
    earlier = Reading.objects.filter(probe=probe, at__lt=hours[0]).order_by("-at").only(*FIELDS).first()
    rows = Reading.objects.filter(probe=probe, at__gte=hours[0], at__lt=hours[-1] + HOUR).order_by("at").only(*FIELDS)
    of_hour: dict[datetime, list[Reading]] = {}
    for each in rows:
        of_hour.setdefault(hour_of(each.at), []).append(each)
    for hour in hours:
        found = of_hour.get(hour, [])
        yield hour, figures_of(found, hour, hour + HOUR, hold=probe.hold, before=earlier)
        earlier = found[-1] if found else earlier


def _days(before: datetime) -> int:
    """A day takes the place of its hours in one transaction."""
    gone = 0
    old = Summary.objects.filter(span=Summary.Span.HOUR, at__lt=before)
    for pk in list(old.order_by().values_list("probe_id", flat=True).distinct()):
        with transaction.atomic():
            probe = Probe.objects.select_for_update(of=("self",)).filter(pk=pk).first()
            if probe is None:
                continue
            hours = list(old.filter(probe=probe))
            of_day: dict[datetime, Figures] = {}
            for each in hours:
                day = day_of(each.at)
                of_day[day] = of_day.get(day, Figures()) + figures_in(each)
            _keep([_summary(probe, Summary.Span.DAY, day, found) for day, found in of_day.items()])
            old.filter(pk__in=[each.pk for each in hours]).delete()
            gone += len(hours)
    return gone


def _summary(probe: Probe, span: str, at: datetime, found: Figures) -> Summary:
    return Summary(probe=probe, span=span, at=at, **found.json())


def _keep(made: list[Summary]) -> None:
    Summary.objects.bulk_create(
        made,
        update_conflicts=True,
        unique_fields=["probe", "span", "at"],
        update_fields=["counts", "lasted", "histogram"],
    )


def _delete(probe: int, before: datetime, at_once: int) -> int:
    gone = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                "delete from health_reading where id = any(array(select id from health_reading"
                " where probe_id = %s and at < %s order by at limit %s))",
                [probe, before, at_once],
            )
            count = int(cursor.rowcount)
            gone += count
            if count < at_once:
                return gone
