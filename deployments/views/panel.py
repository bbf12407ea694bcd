from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from catalog.queries import service_named
from deployments import queries, tables
from deployments.models import Deployment
from deployments.views.still import Moment, still
from locks import queries as locks
from portal.accounts.viewer import by_of
from portal.kit.addresses import address
from portal.kit.live import live

Context = dict[str, Any]
ON_PANEL = 25


@require_safe
def panel(request: HttpRequest, service: str) -> HttpResponse:
    """A service's deployments, for its page: live on the first page of them."""
    template, moment = "deployments/panel.html", Moment.read(request.GET)
    if "before" not in request.GET and not moment.is_set:
        return live(request, template, lambda: _panel(request, service, moment), beat=locks.beat())
    return still(request, template, moment, lambda: _panel(request, service, moment))


def _panel(request: HttpRequest, name: str, moment: Moment) -> Context:
    by = by_of(request)
    service = service_named(name, by=by)
    before = _deployment(request.GET.get("before", ""))
    rows = list(queries.history(by, service=service.identifier, before=before, at=moment.at)[: ON_PANEL + 1])
    url = reverse("deployments:panel", args=[service.identifier])
    sources = [] if before else queries.log_sources()
    older = rows[ON_PANEL - 1] if len(rows) > ON_PANEL else None
    return {
        "service": tables.service_row(service),
        "badges_url": reverse("deployments:badges", args=[service.identifier]),
        "cells": []
        if before
        else [tables.live_row(cell, sources) for cell in queries.cells_of(by, service.identifier, at=moment.at)],
        "rows": [tables.deployment_row(each, service) for each in rows[:ON_PANEL]],
        "older_url": url + address(request.GET, before=str(older.public_id)) if older else None,
        "newest_url": url + address(request.GET, before=None) if before else None,
        "moment": moment,
    }


def _deployment(public_id: str) -> Deployment | None:
    try:
        found: Deployment | None = Deployment.objects.filter(public_id=UUID(public_id)).first()
    except ValueError:
        return None
    return found
