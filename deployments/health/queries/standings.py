"""What health is at an instant: the stored verdict, and what the clock, a maintenance or a prober without network make of it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from django.db.models import Q

from deployments.health.models import Maintenance, Probe, Prober, Standing
from deployments.health.states import State
from portal.kit.clock import database_now

Pair = tuple[int, int]

# A prober that has not been seen for so long is no witness of anything.
SEEN_WITHIN = timedelta(seconds=60)


@dataclass(frozen=True)
class Health:
    """Of one place, or of one probe, at an instant. `verdict` is what the results say, whatever stands in front of it.

    `stale_since`: since when no result has come that says anything; then `state` is unknown.
    """

    state: str
    since: datetime
    verdict: str = State.UNKNOWN
    checked_at: datetime | None = None
    stale_since: datetime | None = None
    run_version: str = ""
    version_at: datetime | None = None
    muted: bool = False


@dataclass(frozen=True)
class Muted:
    """What maintenance covers at an instant, and since when."""

    windows: tuple[Maintenance, ...] = ()

    def since(self, *, service: int | None, environment: int | None, probe: int | None = None) -> datetime | None:
        """None where nothing covers it. Of a place: only what covers all of it."""
        starts = [each.starts_at for each in self.windows if _covers(each, service, environment, probe)]
        return min(starts, default=None)

    def covers(self, probe: Probe) -> bool:
        return self.since_of(probe) is not None

    def since_of(self, probe: Probe) -> datetime | None:
        service, environment = probe.service_id or probe.entity_id, probe.environment_id or probe.entity_id
        return self.since(service=service, environment=environment, probe=probe.pk)


def _covers(window: Maintenance, service: int | None, environment: int | None, probe: int | None) -> bool:
    if window.everything:
        return True
    if window.probe_id:
        return window.probe_id == probe
    wanted = [(window.service_id, service), (window.environment_id, environment)]
    return all(held is None or held == given for held, given in wanted)


def muted_at(*instants: datetime) -> Muted:
    """At any of these instants."""
    on = Q.create([Q(starts_at__lte=each, ends_at__gt=each) for each in instants], connector=Q.OR)
    return Muted(tuple(Maintenance.objects.filter(on)))


def prober_down_since(now: datetime) -> datetime | None:
    """Since when no prober reaches its own references; None while one does, and while none is heard of."""
    seen = list(Prober.objects.filter(seen_at__gt=now - SEEN_WITHIN))
    return max((each.since for each in seen), default=None) if not any(each.up for each in seen) else None


def stale(at: datetime) -> Q:
    """Of standings: nothing is known of them at this instant."""
    return Q(stale_after=None) | Q(stale_after__lte=at)


def health_of(pairs: Collection[Pair], *, now: datetime | None = None) -> dict[Pair, Health]:
    """Of services in environments, by their entities' keys; one without probes is left out. Three queries, however many."""
    at = now or database_now()
    services, environments = {each for each, _ in pairs}, {each for _, each in pairs}
    rows = Standing.objects.filter(service__in=services, environment__in=environments)
    muted, down = muted_at(at), prober_down_since(at)
    wanted = set(pairs)
    return {
        (row.service_id, row.environment_id): shown(row, at, muted=muted, down=down)
        for row in rows
        if (row.service_id, row.environment_id) in wanted
    }


def shown(row: Standing, at: datetime, *, muted: Muted, down: datetime | None) -> Health:
    quiet = muted.since(service=row.service_id, environment=row.environment_id)
    return _reckoned(
        row.state,
        row.since,
        row.stale_after,
        at,
        quiet,
        down if row.is_polled else None,
        checked_at=row.checked_at,
        run_version=row.run_version,
        version_at=row.version_at,
    )


def shown_probe(probe: Probe, at: datetime, *, muted: Muted, down: datetime | None) -> Health:
    quiet = muted.since_of(probe)
    return _reckoned(
        State.PAUSED if probe.paused else probe.state,
        probe.since,
        probe.stale_after,
        at,
        quiet,
        down if probe.is_polled else None,
        checked_at=probe.checked_at,
        run_version=probe.run_version,
    )


def probe_health(probe: Probe, *, now: datetime | None = None) -> Health:
    at = now or database_now()
    return shown_probe(probe, at, muted=muted_at(at), down=prober_down_since(at))


def _reckoned(
    state: str,
    since: datetime,
    stale_after: datetime | None,
    at: datetime,
    quiet: datetime | None,
    down: datetime | None,
    **more: object,
) -> Health:
    told = reckoned(state, since, stale_after, at, quiet, down)
    return Health(told[0], told[1], verdict=state, stale_since=told[2], muted=quiet is not None, **more)  # type: ignore[arg-type]


T = TypeVar("T", datetime, float)


def reckoned(
    state: str, since: T, stale_after: T | None, at: T, quiet: T | None, down: T | None
) -> tuple[str, T, T | None]:
    """What an instant makes of a verdict: the state, since when, and since when no result says anything. Instants, or
    all in seconds. `deployments_health` says the same in SQL."""
    is_stale = state not in (State.PAUSED, State.UNKNOWN) and (stale_after is None or stale_after <= at)
    stale_since = (stale_after or since) if is_stale else None
    told: tuple[str, T] = (State.UNKNOWN.value, stale_since) if stale_since is not None else (state, since)
    if state != State.PAUSED:
        if quiet:
            told = State.MAINTENANCE.value, quiet
        elif down:
            told = State.PROBER_DOWN.value, down
    return told[0], told[1], stale_since
