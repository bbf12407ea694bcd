from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from catalog.builtin import TIERS
from catalog.queries import readable_blueprint, service_named
from catalog.tables.state import State
from catalog.tables.table import Table
from catalog.views.lists import Answer, table_page
from deployments import queries, tables
from deployments.commands import inbox_drop, inbox_place
from deployments.forms import Filters, PlacementForm, auto_id
from deployments.models import Deployment, InboxItem
from locks import queries as locks
from portal.accounts.policy import require
from portal.accounts.viewer import by_of
from portal.kit.addresses import pager
from portal.kit.answers import go
from portal.kit.clock import database_now
from portal.kit.errors import Conflict, Invalid, Missing
from portal.kit.forms import refuse
from portal.kit.live import live
from portal.kit.paging import page_of

Context = dict[str, Any]
ON_PANEL = 25
ON_COVERAGE = 50
ON_SEARCH = 5  # locks that hold what was searched for


@require_safe
def matrix(request: HttpRequest) -> HttpResponse:
    return live(request, "deployments/matrix.html", lambda: _matrix(request), beat=locks.beat())


def _matrix(request: HttpRequest) -> Context:
    by, filters = by_of(request), Filters.read(request.GET)
    found = queries.matrix(
        by, text=filters.q, team=filters.team, tier=filters.tier, locked=filters.locked, failing=filters.failing
    )
    return {
        "filters": filters,
        "filtered": filters.are_set,
        # What only the whole page shows is asked for when it is rendered.
        "teams": lambda: queries.teams(by),
        "tiers": list(reversed(TIERS)),
        "environments": tables.environment_rows(found.environments),
        "rows": tables.matrix_rows(found),
        "locks": tables.found_locks(locks.locks(by, text=filters.q)[:ON_SEARCH] if filters.q else []),
        "count_text": _count(len(found.rows), "service") + " in " + _count(len(found.environments), "environment"),
        "table_url": reverse("deployments:config_list"),
        "lock_url": tables.lock_url(),
        "first_steps_url": reverse("pages:home"),
    }


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}" + ("" if number == 1 else "s")


@require_safe
def config_list(request: HttpRequest) -> Answer:
    by = by_of(request)
    table = Table(readable_blueprint(by, "deploymentConfig"), State.read(request.GET), by)
    context = {
        "matrix_url": reverse("deployments:matrix"),
        "lock_url": tables.lock_url(),
        "empty": {
            "icon": "rocket",
            "title": "No deployment has been reported yet",
            "text": "Every CI job that deploys tells the portal with one call. The first report makes the first row here.",
            "url": reverse("pages:home"),
            "label": "See the first steps",
        },
    }
    return table_page(request, table, "deployments/config_list.html", context)


@require_safe
def card(request: HttpRequest, service: str, environment: str) -> HttpResponse:
    """The card of a cell; where scripts are off the cell's own link is followed instead."""
    by = by_of(request)
    cell = queries.cell(by, service, environment)
    row = tables.place_row(cell) | {"release_url": tables.release_url(cell, by)}
    return render(request, "deployments/matrix.html#card", {"cell": row})


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
    older = rows[ON_PANEL - 1] if len(rows) > ON_PANEL else None
    return {
        "service": tables.service_row(service),
        "badges_url": reverse("deployments:badges", args=[service.identifier]),
        "cells": [] if before else [tables.live_row(cell) for cell in queries.cells_of(by, service.identifier)],
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


@require_safe
def badges(request: HttpRequest, service: str) -> HttpResponse:
    """The badges of a service, and what to paste to have them in a README."""
    by = by_of(request)
    found = service_named(service, by=by)
    rows = tables.badge_rows(found, queries.environments(by))
    return render(request, "deployments/badges.html", {"service": tables.service_row(found), "rows": rows})


@require_safe
def blocked(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """The runs that a lock stopped and that have not gone through since, for its page."""
    by = by_of(request)
    lock = locks.lock(by, public_id)

    def context() -> Context:
        now = database_now()
        runs = [tables.blocked_row(each) for each in queries.blocked_by(lock, now=now, by=by)]
        return {"lock": tables.opened_row(lock, now), "runs": runs}

    return live(request, "deployments/blocked.html", context, beat=locks.beat())


@require_safe
def coverage(request: HttpRequest) -> HttpResponse:
    found = queries.coverage(by_of(request))
    return render(
        request,
        "deployments/coverage.html",
        {
            "coverage": found,
            "days": queries.DAYS,
            "rows": [tables.uncovered_row(each) for each in found.uncovered[:ON_COVERAGE]],
            "more": len(found.uncovered) - ON_COVERAGE,
        },
    )


@require_safe
def inbox(request: HttpRequest) -> HttpResponse:
    return render(request, "deployments/inbox.html", _inbox(request))


@require_http_methods(["GET", "HEAD", "POST"])
def placement(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Places a kept report under known names, makes the names first where that is asked for, or drops it."""
    if request.method != "POST":
        return redirect("deployments:inbox")
    by = by_of(request)
    require(by, "inbox.resolve")
    item = get_object_or_404(InboxItem, public_id=public_id)
    form = PlacementForm(request.POST, auto_id=auto_id(item))
    try:
        if "drop" in request.POST:
            inbox_drop(item, by=by)
            return go(request, reverse("deployments:inbox"), say=f"Dropped: {item}.")
        if form.is_valid():
            placed = inbox_place(item, **form.cleaned_data, create_missing="create" in request.POST, by=by)
            return go(request, reverse("deployments:inbox"), say=f"Placed: {placed}.")
    except (Missing, Invalid, Conflict) as error:
        refuse(form, error)
    return render(request, "deployments/inbox.html", _inbox(request, {item.pk: form}), status=422)


def _inbox(request: HttpRequest, forms: dict[int, PlacementForm] | None = None) -> Context:
    by = by_of(request)
    page = page_of(queries.inbox(by), request.GET, newest_first=True)
    services = {name.casefold(): name for name in queries.services(by).values_list("identifier", flat=True)}
    environments = tables.names_of(queries.environments(by))
    suggest = PlacementForm.suggesting
    return {
        "items": [
            {"item": item, "form": (forms or {}).get(item.pk) or suggest(item, services, environments)}
            for item in page.rows
        ],
        "services": services.values(),
        "environments": sorted(set(environments.values())),
        "pager": pager(request.GET, page, f"{len(page.rows)} reports, the newest first"),
    }
