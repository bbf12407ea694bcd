"""Log sources as links."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.http import QueryDict
from django.urls import reverse
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
    rows = queries.log_sources([config]) if rows is None else rows
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


def sources_row(found: queries.Sources, kind: str) -> Row:
    """A place with its links by kind, and what would make one of `kind` there (of any kind, where it is empty)."""
    config = found.config
    by_kind = {each.value: [link_row(link) for link in found.links if link.kind == each] for each in LogSource.Kind}
    wanted = found.lacking if not kind else {kind: found.lacking[kind]} if kind in found.lacking else {}
    return {
        "service": config.service.identifier,
        "service_url": reverse("catalog:entity_detail", args=["service", config.service.identifier]),
        "environment": config.environment.identifier,
        "url": config.get_absolute_url(),
        "edit_url": reverse("catalog:entity_edit", args=["deploymentConfig", config.entity.identifier]),
        "kinds": [{"kind": name, "about": KINDS[name], "links": links} for name, links in by_kind.items()],
        "lacks": [{"about": KINDS[name], "needs": needs(tried)} for name, tried in wanted.items()],
        "since": found.span.since,
        "until": found.span.until,
    }


def needs(tried: Sequence[Link]) -> list[Row]:
    """Of each source that lacks properties, which; those that lack the fewest first."""
    told = sorted(tried, key=lambda each: len(each.missing))
    return [{"source": each.source, "missing": list(each.missing)} for each in told if each.missing]


def kind_rows(found: Sequence[queries.Place], chosen: str, asked: QueryDict) -> list[Row]:
    """Each kind with how many places lack it, and where to look at it."""
    rows = []
    for kind, about in KINDS.items():
        query = asked.copy()
        query["kind"] = kind
        query.pop("page", None)
        lacking = sum(kind not in each.had for each in found)
        rows.append({"about": about, "lacking": lacking, "url": f"?{query.urlencode()}", "here": kind == chosen})
    return rows


def live_sources(config: DeploymentConfig, rows: Sequence[LogSource]) -> list[Row]:
    """The links at what is live, since it was deployed."""
    span = queries.span_of(config.current, live=True, now=timezone.now())
    return sources(config, span.since, span.until, rows=rows)
