"""What the probes of a watched place found, before its deployment and after it."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from deployments.health.models import Maintenance, Probe, Reading
from deployments.health.queries import Health, Muted, health_of
from deployments.health.states import Level, Outcome, State
from deployments.models import Deployment, DeploymentConfig, Watch
from deployments.watching import Observed

BEFORE = timedelta(hours=1)
MOST = 2000  # results of one probe that are looked at


def watched_probes(config: DeploymentConfig) -> list[Probe]:
    found = Probe.objects.filter(service=config.service_id, environment=config.environment_id, paused=False)
    return list(found.order_by("name", "pk"))


def observed(watch: Watch, end: datetime) -> list[Observed]:
    """Of each probe of the place: what it found in the hour before the deployment began, and from its end until `end`."""
    of = watch.deployment
    if watch.config is None:
        return []
    return [_observed(probe, of, end) for probe in watched_probes(watch.config)]


def _observed(probe: Probe, of: Deployment, end: datetime) -> Observed:
    began, ended = of.begun_at, of.finished_at or of.reported_at
    results = Reading.objects.filter(probe=probe).exclude(outcome=Outcome.NO_DATA).order_by("-at")
    before = list(results.filter(at__gte=began - BEFORE, at__lt=began)[:MOST])
    after = list(results.filter(at__gte=ended, at__lt=end, at__gt=probe.judged_from)[:MOST])
    worst = max((each for each in after if _level(each) >= Level.FAILING), key=_level, default=None)
    return Observed(
        probe.name,
        probe.failure_threshold,
        _levels(before),
        _levels(after),
        worst.reason if worst else "",
        {"at": worst.at.isoformat(), "status": worst.status, "ms": worst.ms, **worst.values} if worst else {},
    )


def _level(reading: Reading) -> Level:
    return reading.level or Level.OK


def _levels(newest_first: Sequence[Reading]) -> list[Level]:
    return [_level(each) for each in reversed(newest_first)]


def was_muted(watch: Watch, end: datetime) -> bool:
    """Whether maintenance covered the place at any time since the deployment's end."""
    if watch.config is None:
        return False
    since = watch.deployment.finished_at or watch.opened_at
    windows = Muted(tuple(Maintenance.objects.filter(starts_at__lt=end, ends_at__gt=since)))
    return windows.since(service=watch.config.service_id, environment=watch.config.environment_id) is not None


def is_well(service: int, environment: int, now: datetime) -> bool:
    """Whether the place's probes say so now. Where there are none, nobody says otherwise."""
    found: Health | None = health_of([(service, environment)], now=now).get((service, environment))
    if found is None or found.state == State.PAUSED:
        return True
    is_stale = found.stale_since is not None or found.state == State.PROBER_DOWN
    return found.verdict == State.HEALTHY and not is_stale


def watch_of(deployment: Deployment) -> Watch | None:
    """Of one that the viewer may see. None where it is not watched: it did not succeed, or no probe is there."""
    found: Watch | None = Watch.objects.select_related("deployment").filter(deployment=deployment).first()
    return found


def watches_of(deployments: Iterable[Deployment]) -> dict[int, Watch]:
    """By the keys of the deployments, in one query."""
    found = Watch.objects.filter(deployment__in=[each.pk for each in deployments])
    return {each.deployment_id: each for each in found}
