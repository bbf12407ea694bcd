from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from catalog.models import Entity
from catalog.queries import service_named
from deployments import queries, tables
from deployments.models import Deployment
from deployments.views.still import Moment, still
from locks import queries as locks
from portal.accounts.viewer import by_of
from portal.kit.addresses import address
from portal.kit.live import live

Context = dict[str, Any]
TEMPLATE = "deployments/panel.html"
ON_PANEL = 25


@require_safe
def panel(request: HttpRequest, service: str) -> HttpResponse:
    """A service's deployments, for its page: live on the first page of them."""
    return _answer(request, lambda moment: _panel(request, service_named(service, by=by_of(request)), moment))


@require_safe
def config_panel(request: HttpRequest, identifier: str) -> HttpResponse:
    """Those of one service in one environment, for the page of the deployment config."""
    config = queries.config_named(by_of(request), identifier)
    if config is None:
        return render(request, f"{TEMPLATE}#live", {"nothing": "It names no service or no environment."})
    url = reverse("deployments:config_panel", args=[identifier])
    return _answer(
        request, lambda moment: _history(request, url, config.service, moment, config.environment.identifier)
    )


def _answer(request: HttpRequest, context: Callable[[Moment], Context]) -> HttpResponse:
    moment = Moment.read(request.GET)
    if "before" not in request.GET and not moment.is_set:
        return live(request, TEMPLATE, lambda: context(moment), beat=locks.beat())
    return still(request, TEMPLATE, moment, lambda: context(moment))


def _panel(request: HttpRequest, service: Entity, moment: Moment) -> Context:
    """With what is live in each environment, on the first page."""
    url = reverse("deployments:panel", args=[service.identifier])
    history = _history(request, url, service, moment)
    if history["newest_url"]:
        return history
    cells = queries.cells_of(by_of(request), service.identifier, at=moment.at)
    sources = queries.log_sources(cell.config for cell in cells)
    return history | {
        "badges_url": reverse("deployments:badges", args=[service.identifier]),
        "cells": [tables.live_row(cell, sources) for cell in cells],
    }


def _history(request: HttpRequest, url: str, service: Entity, moment: Moment, environment: str = "") -> Context:
    by, before = by_of(request), _deployment(request.GET.get("before", ""))
    history = queries.history(by, service=service.identifier, environment=environment, before=before, at=moment.at)
    rows = list(history[: ON_PANEL + 1])
    steps, watches = queries.steps_of(rows[:ON_PANEL]), queries.watches_of(rows[:ON_PANEL])
    older = rows[ON_PANEL - 1] if len(rows) > ON_PANEL else None
    return {
        "service": tables.service_row(service),
        "rows": [
            tables.deployment_row(each, service, steps.get(each.pk), watches.get(each.pk)) for each in rows[:ON_PANEL]
        ],
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
