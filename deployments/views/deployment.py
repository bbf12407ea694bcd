from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from deployments import queries, tables
from deployments.models import Deployment
from locks import queries as locks
from portal.accounts.viewer import by_of
from portal.kit.by import By
from portal.kit.errors import Missing
from portal.kit.live import live

Context = dict[str, Any]


@require_safe
def deployment(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """One deployment: what it changed, who, when, and how it got through the gate."""
    by = by_of(request)
    return _page(request, lambda: _context(by, queries.deployment(by, public_id)))


@require_safe
def deployment_panel(request: HttpRequest, identifier: str) -> HttpResponse:
    """The same of an entity, for its page."""
    by = by_of(request)
    try:
        one = queries.deployment_of(by, identifier)
    except Missing as missing:
        return render(request, "deployments/deployment.html#live", {"nothing": missing.message})
    return _page(request, lambda: _context(by, one))


def _page(request: HttpRequest, context: Any) -> HttpResponse:
    return live(request, "deployments/deployment.html", context, beat=locks.beat())


def _context(by: By, one: Deployment) -> Context:
    sources = queries.log_sources([one.config])
    return {"deployment": tables.sight_row(queries.sight(by, one), sources, queries.watch_of(one))}
