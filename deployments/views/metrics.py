from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from deployments import prometheus, queries, tables
from deployments.models import Deployment, DeploymentConfig
from deployments.prometheus import Series
from portal.accounts.viewer import by_of
from portal.kit.by import By
from portal.kit.clock import database_now
from portal.kit.live import live
from portal.kit.shared import Shared

Context = dict[str, Any]
PANEL = "deployments/metrics_panel.html"
USUAL = "1h"
AGAIN = 15  # seconds between two askings, for all viewers together
MOST_MARKS = 50

READ: Shared[list[Series]] = Shared(seconds=AGAIN, most=64)


@require_safe
def metrics_of_config(request: HttpRequest, identifier: str) -> HttpResponse:
    """Of a service in an environment, as Prometheus counts it."""
    config = queries.config_named(by_of(request), identifier)
    if config is None:
        return render(request, f"{PANEL}#live", {"nothing": "It names no service or no environment."})
    return _panel(request, [config], config)


@require_safe
def metrics_of_service(request: HttpRequest, name: str) -> HttpResponse:
    """Of one of its environments, the last on the way to production unless another is chosen."""
    cells = queries.cells_of(by_of(request), name)
    configs = [cell.config for cell in cells if cell.config]
    if not configs:
        return render(request, f"{PANEL}#live", {"nothing": "Nothing was deployed here yet."})
    wanted = request.GET.get("environment", "")
    chosen = next((each for each in configs if each.environment.identifier == wanted), configs[-1])
    return _panel(request, configs, chosen)


def _panel(request: HttpRequest, configs: Sequence[DeploymentConfig], config: DeploymentConfig) -> HttpResponse:
    if not prometheus.is_configured():
        return render(request, f"{PANEL}#live", {"nothing": UNSET, "is_unset": True})
    now = database_now()
    return live(
        request, PANEL, partial(_context, request, configs, config, now), beat=str(int(now.timestamp() // AGAIN))
    )


UNSET = "No Prometheus is set up. With PORTCULLIS_PROMETHEUS_URL requests, errors and times of this service show here."


def _context(
    request: HttpRequest, configs: Sequence[DeploymentConfig], config: DeploymentConfig, now: datetime
) -> Context:
    """The viewer may see the configs: what was read for another may be shown to him."""
    window = prometheus.WINDOWS.get(request.GET.get("window", ""), prometheus.WINDOWS[USUAL])
    asked = prometheus.queries_of(config.service, config.environment)
    start, end = window.span(now.timestamp())
    found = READ.get((tuple(asked.items()), window, end), lambda: prometheus.read(asked, window, now.timestamp()))
    rows = tables.metric_rows(found, start, end, _deployed(by_of(request), config, start))
    chosen = config.environment.identifier
    return {
        "subject": f"{config.service} in {config.environment}",
        "rows": rows,
        "marks": next((row["marks"] for row in rows if row.get("marks")), []),
        "start": datetime.fromtimestamp(start, UTC),
        "windows": [
            _choice(each.word, each == window, window=each.name, environment=chosen)
            for each in prometheus.WINDOWS.values()
        ],
        "environments": [
            _choice(
                each.environment.identifier, each == config, window=window.name, environment=each.environment.identifier
            )
            for each in configs
        ],
        "queries": [(row["title"], asked[row["name"]]) for row in rows if not asked[row["name"]].startswith("!")],
        "panel_url": request.path,
    }


def _choice(label: str, here: bool, **query: str) -> Context:
    return {"label": label, "here": here, "query": query}


def _deployed(by: By, config: DeploymentConfig, start: int) -> list[Deployment]:
    """The newest of that time; a success or a failure is one at its end."""
    since = datetime.fromtimestamp(start, UTC)
    found = queries.deployments(by).filter(config=config).filter(Q(finished_at__gte=since) | Q(started_at__gte=since))
    return list(found.order_by("-id")[:MOST_MARKS])
