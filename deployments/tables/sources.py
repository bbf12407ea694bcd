"""Log sources as links."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.utils import timezone

from deployments import queries
from deployments.models import Deployment, DeploymentConfig, LogSource
from deployments.presets import Span
from deployments.sources import Link

Row = dict[str, Any]

KINDS = dict(LogSource.Kind.choices)


def link_row(each: Link) -> Row:
    return {"label": each.source, "url": each.url, "icon": each.icon, "kind": each.kind, "about": KINDS[each.kind]}


def sources(
    config: DeploymentConfig,
    since: datetime,
    until: datetime,
    *,
    rows: Sequence[LogSource] | None = None,
    deployment: Deployment | None = None,
) -> list[Row]:
    """The links of a place, open at that time: {label, url, icon, kind, about}. `deployment` is the one whose version they
    ask for, where it is not what is live. The config's entity, service and environment are read if they are not there."""
    rows = queries.log_sources() if rows is None else rows
    found = queries.sources_of(config, Span(since, until), rows, deployment)
    return [link_row(each) for each in found.links]


def deployment_sources(deployment: Deployment, rows: Sequence[LogSource] | None = None) -> list[Row]:
    """The links at the time of a deployment, until now if it is what is live; none where its config is gone."""
    config = deployment.config
    if config is None:
        return []
    live = config.current_id == deployment.pk
    span = queries.span_of(deployment, live=live, now=timezone.now())
    return sources(config, span.since, span.until, rows=rows, deployment=deployment)


def live_sources(config: DeploymentConfig, rows: Sequence[LogSource]) -> list[Row]:
    """The links at what is live, since it was deployed."""
    span = queries.span_of(config.current, live=True, now=timezone.now())
    return sources(config, span.since, span.until, rows=rows)
