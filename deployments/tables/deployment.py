"""One deployment, with all that is known of it."""

import json
from datetime import timedelta
from typing import Any

from django.urls import reverse

from catalog.models import Entity
from deployments.models import Deployment, LogSource, Watch
from deployments.queries import Sight
from deployments.sources import web
from deployments.tables.diffs import compare_url, diff_row, short_row
from deployments.tables.places import deployment_row, instance_rows, service_row
from deployments.tables.sources import deployment_sources
from portal.kit.clock import in_words
from portal.kit.masks import masked

Row = dict[str, Any]

LATE = timedelta(minutes=2)  # sooner is how long a job takes to report


def sight_row(sight: Sight, sources: list[LogSource], watch: Watch | None = None) -> Row:
    one = sight.deployment
    service: Entity | None = one.config.service if one.config else None
    row = deployment_row(one, service, sight.step, watch) if service else _orphan(one)
    return row | {
        "id": str(one.public_id),
        "title": one.version or one.commit[:10],
        "service": service_row(service) if service else None,
        "service_name": one.service_identifier,
        "config_url": one.config.get_absolute_url() if one.config else "",
        "probes_url": _probes_url(one),
        "entity_url": reverse("catalog:entity_detail", args=["deployment", one.entity.identifier])
        if one.entity
        else "",
        "is_live": sight.live == one,
        "late": late(one),
        "begun": one.started_at,
        "ended": one.finished_at,
        "reported": one.reported_at,
        "reported_by": one.reported_by,
        "ref": one.ref,
        "branch": one.ref.removeprefix("refs/heads/").removeprefix("refs/tags/"),
        "artifact": one.artifact,
        "run": " ".join(filter(None, [one.provider, one.run, f"attempt {one.attempt}" if one.attempt > 1 else ""])),
        "run_url": web(one.run_url),
        "extra": [(name, _said(value)) for name, value in sorted(masked(one.extra).items())],
        "instances": instance_rows(one),
        "sources": deployment_sources(one, sources),
        "previous": short_row(sight.previous) if sight.previous else None,
        "following": short_row(sight.following) if sight.following else None,
        "live_url": compare_url(one, sight.live) if sight.live and sight.live != one else "",
        "diff": diff_row(sight.diff) if sight.diff else None,
    }


def _probes_url(deployment: Deployment) -> str:
    place = {"q": deployment.service_identifier, "environment": deployment.environment_identifier}
    return reverse("health:probes", query=place)


def _said(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def late(deployment: Deployment) -> str:
    """How long after its end, or its beginning where it has none, the first report of it came; "" for at once."""
    happened = deployment.finished_at or deployment.started_at
    passed = deployment.reported_at - happened if happened else timedelta(0)
    return in_words(passed) if passed >= LATE else ""


def _orphan(deployment: Deployment) -> Row:
    """Its service or environment has been deleted; what was reported of it is kept."""
    nowhere = Entity(identifier=deployment.service_identifier, properties={})
    return deployment_row(deployment, nowhere)
