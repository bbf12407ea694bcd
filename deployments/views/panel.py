from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from catalog.queries import service_named
from deployments import queries, tables
from deployments.models import Deployment
from locks import queries as locks
from portal.accounts.viewer import by_of
from portal.kit.live import live

Context = dict[str, Any]
ON_PANEL = 25


@require_safe
def panel(request: HttpRequest, service: str) -> HttpResponse:
    """A service's deployments, for its page: live on the first page of them."""
    template = "deployments/panel.html"
    if "before" not in request.GET:
        return live(request, template, lambda: _panel(request, service), beat=locks.beat())
    name = f"{template}#live" if request.htmx else template  # type: ignore[attr-defined]
    return render(request, name, _panel(request, service))


def _panel(request: HttpRequest, name: str) -> Context:
    by = by_of(request)
    service = service_named(name, by=by)
    before = _deployment(request.GET.get("before", ""))
    rows = list(queries.history(by, service=service.identifier, before=before)[: ON_PANEL + 1])
    url = reverse("deployments:panel", args=[service.identifier])
    sources = [] if before else queries.log_sources()
    older = rows[ON_PANEL - 1] if len(rows) > ON_PANEL else None
    return {
        "service": tables.service_row(service),
        "badges_url": reverse("deployments:badges", args=[service.identifier]),
        "cells": []
        if before
        else [tables.live_row(cell, sources) for cell in queries.cells_of(by, service.identifier)],
        "rows": [tables.deployment_row(each, service) for each in rows[:ON_PANEL]],
        "older_url": f"{url}?before={older.public_id}" if older else None,
        "newest_url": url if before else None,
    }


def _deployment(public_id: str) -> Deployment | None:
    try:
        found: Deployment | None = Deployment.objects.filter(public_id=UUID(public_id)).first()
    except ValueError:
        return None
    return found
