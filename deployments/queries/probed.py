"""What stands beside a probe's results: the deployments of its place, and the version that should run there."""

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Q

from deployments.health.beside import Mark, Reported
from deployments.health.models import Probe
from deployments.models import Deployment, DeploymentConfig
from deployments.queries.places import deployments, visible
from deployments.running import seconds, verified
from portal.kit.by import By
from portal.kit.clock import database_now

MOST = 50


def marks(by: By, probe: Probe, since: datetime) -> Sequence[Mark]:
    if probe.service_id is None:
        return []
    of = Q(config__service=probe.service_id, config__environment=probe.environment_id)
    ended = Q(finished_at__gte=since) | Q(finished_at=None, started_at__gte=since)
    return [_mark(each) for each in deployments(by).filter(of, ended).order_by("-id")[:MOST]]


def _mark(each: Deployment) -> Mark:
    said = f"{each.version or each.commit[:7]} {each.status.replace('_', ' ')}"
    return Mark(each.happened_at, said, each.get_absolute_url(), each.status == "failure")


def reported(by: By, probes: Sequence[Probe]) -> dict[int, Reported]:
    """One query, however many probes."""
    ends = [{getattr(each, end) for each in probes} - {None} for end in ("service_id", "environment_id")]
    rows = visible(by, DeploymentConfig.objects.filter(service__in=ends[0], environment__in=ends[1]))
    live: dict[tuple[int | None, int | None], Deployment | None] = {
        (each.service_id, each.environment_id): each.current for each in rows.select_related("current")
    }
    now = database_now().timestamp()
    return {
        each.pk: _reported(each, current, now)
        for each in probes
        if (current := live.get((each.service_id, each.environment_id)))
    }


def _reported(probe: Probe, live: Deployment, now: float) -> Reported:
    read_at = seconds(probe.checked_at)
    said = verified(live.version, live.commit, seconds(live.finished_at), probe.run_version, read_at, now)
    return Reported(live.version or live.commit[:7], live.get_absolute_url(), said.value)
