from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet

from catalog import permissions
from catalog.models import Entity
from deployments.health.figures import HOUR, Figures, figures_of, hour_of
from deployments.health.models import Flip, Kind, Maintenance, Probe, Reading, Standing, Summary
from portal.accounts.policy import require
from portal.kit.by import By
from portal.kit.clock import database_now
from portal.kit.errors import Missing
from portal.kit.ids import hashed

KEPT = timedelta(days=7)
ENDS = ("service", "environment", "entity")


def probes(
    by: By, *, service: str = "", environment: str = "", blueprint: str = "", entity: str = "", state: str = ""
) -> QuerySet[Probe]:
    """Those whose place the viewer may see, with it at hand. `state` is the verdict of their results."""
    require(by, "probe.read")
    found = visible(by, Probe.objects.select_related(*ENDS))
    named = {
        "service_identifier": service,
        "environment_identifier": environment,
        "entity_blueprint": blueprint,
        "entity_identifier": entity,
        "state": state,
    }
    found = found.filter(**{column: value for column, value in named.items() if value})
    return found.order_by("service_identifier", "environment_identifier", "entity_identifier", "name", "id")


def probes_of(by: By, service: int, environment: int) -> QuerySet[Probe]:
    """Of a place, by its entities' keys."""
    return probes(by).filter(service=service, environment=environment)


def places(by: By, *, service: str = "", environment: str = "") -> QuerySet[Standing]:
    """Of places that the viewer may see, with their entities at hand."""
    require(by, "probe.read")
    found = Standing.objects.select_related("service", "environment")
    if service:
        found = found.filter(service__identifier=service)
    if environment:
        found = found.filter(environment__identifier=environment)
    seen = permissions.bounds(by)
    if seen is not None:
        known = Entity.objects.filter(seen).values("pk")
        found = found.filter(service__in=known, environment__in=known)
    return found.order_by("service__identifier", "environment__identifier", "id")


def probe(by: By, public_id: str | UUID) -> Probe:
    require(by, "probe.read")
    try:
        found = visible(by, Probe.objects.select_related(*ENDS)).filter(public_id=public_id).first()
    except (ValidationError, ValueError):
        found = None
    if found is None:
        raise Missing(f"There is no probe with the id {public_id}.")
    return found


def visible(by: By, rows: QuerySet[Probe]) -> QuerySet[Probe]:
    seen = permissions.bounds(by)
    if seen is None:
        return rows
    known = Entity.objects.filter(seen).values("pk")
    return rows.filter(*(Q(**{name: None}) | Q(**{f"{name}__in": known}) for name in ENDS))


def heartbeat_at(token: str) -> Probe:
    """The probe with this address. One that is gone, or has another by now, is not there."""
    found: Probe | None = Probe.objects.filter(token_hash=hashed(token), kind=Kind.HEARTBEAT).first()
    if found is None:
        raise Missing("There is no heartbeat at this address.")
    return found


def told_from_outside(source: str, names: Collection[str], *, rows: QuerySet[Probe]) -> dict[str, list[Probe]]:
    """Of `rows`, by the names under which the other side knows them; one name may stand for several."""
    known = rows.filter(kind=Kind.OUTSIDE, spec__source=source, spec__id__in=list(names), paused=False)
    found: dict[str, list[Probe]] = {}
    for each in known.order_by("pk"):
        found.setdefault(str(each.spec["id"]), []).append(each)
    return found


def flips(by: By, *, probe: Probe | None = None, since: datetime | None = None, until: datetime | None = None) -> QuerySet[Flip]:  # fmt: skip
    """The newest first, each with its probe, of those that the viewer may see."""
    require(by, "probe.read")
    found = Flip.objects.filter(probe__in=visible(by, Probe.objects.all()).values("pk")).select_related("probe")
    if probe:
        found = found.filter(probe=probe)
    if since:
        found = found.filter(at__gte=since)
    if until:
        found = found.filter(at__lt=until)
    return found.order_by("-at", "-id")


def history(probe: Probe, since: datetime, until: datetime | None = None) -> QuerySet[Reading]:
    """Its readings, the oldest first; no more than a week of them is kept."""
    found = Reading.objects.filter(probe=probe, at__gte=since)
    return (found.filter(at__lt=until) if until else found).order_by("at", "id")


def maintenance(by: By, *, now: datetime | None = None) -> QuerySet[Maintenance]:
    """What is on or still to come, and names nothing that the viewer may not see."""
    require(by, "probe.read")
    found = Maintenance.objects.filter(ends_at__gt=now or database_now()).select_related(
        "probe", "service", "environment"
    )
    seen = permissions.bounds(by)
    if seen is not None:
        known = Entity.objects.filter(seen).values("pk")
        mine = visible(by, Probe.objects.all()).values("pk")
        found = found.filter(
            Q(service=None) | Q(service__in=known),
            Q(environment=None) | Q(environment__in=known),
            Q(probe=None) | Q(probe__in=mine),
        )
    return found.order_by("starts_at", "id")


def maintenance_window(by: By, public_id: str | UUID) -> Maintenance:
    try:
        found = maintenance(by).filter(public_id=public_id).first()
    except (ValidationError, ValueError):
        found = None
    if found is None:
        raise Missing(f"There is no maintenance with the id {public_id}, or it is over.")
    return found


def uptime(probe: Probe, start: datetime, end: datetime) -> Figures:
    return uptimes([probe], start, end)[probe.pk]


def uptimes(probes: Sequence[Probe], start: datetime, end: datetime) -> dict[int, Figures]:
    """Of each probe from `start`, or its own beginning, to `end`, neither later than now: exactly within the last week, to the
    hour beyond it, and to the day beyond 90 days."""
    spans = {each.pk: _Span.of(each, start, end) for each in probes}
    found = {each.pk: Figures() for each in probes}
    day = timedelta(days=1)
    rows = Summary.objects.filter(probe__in=found, at__gt=hour_of(start) - day, at__lt=max(start, end))
    for row in rows:
        span, is_hour = spans[row.probe_id], row.span == Summary.Span.HOUR
        begins = row.at if is_hour else row.at + day - HOUR
        if span.summed_from <= begins and row.at + HOUR <= span.summed_until:
            found[row.probe_id] += figures_in(row)
    for each in probes:
        for first, last in spans[each.pk].by_readings():
            found[each.pk] += _raw(each, first, last)
    return found


def figures_in(summary: Summary) -> Figures:
    return Figures(Counter(summary.counts), Counter(summary.lasted), Counter(summary.histogram))


@dataclass(frozen=True)
class _Span:
    """From `start` to `end`; summaries tell of the whole hours in between, and readings of the rest."""

    start: datetime
    summed_from: datetime
    summed_until: datetime
    end: datetime

    @classmethod
    def of(cls, probe: Probe, start: datetime, end: datetime) -> "_Span":
        start = max(start, min(probe.created_at, probe.judged_from))
        end = max(start, end)
        hour = hour_of(start)
        # Where readings are no longer there, the hour that had begun counts whole.
        first = hour if start == hour or start < database_now() - KEPT else hour + HOUR
        until = min(probe.summed_until, hour_of(end)) if probe.summed_until else first
        return cls(start, first, max(until, first), end)

    def by_readings(self) -> list[tuple[datetime, datetime]]:
        if self.summed_from == self.summed_until:
            return [(self.start, self.end)]
        parts = [(self.start, self.summed_from), (self.summed_until, self.end)]
        return [(first, last) for first, last in parts if first < last]


def _raw(probe: Probe, start: datetime, end: datetime) -> Figures:
    before = Reading.objects.filter(probe=probe, at__lt=start).order_by("-at").first()
    return figures_of(history(probe, start, end).iterator(), start, end, hold=probe.hold, before=before)
