from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.timezone import get_current_timezone_name
from django.views.decorators.http import require_safe

from catalog.builtin import TIERS
from catalog.queries import readable_blueprint
from catalog.tables.columns import Column
from catalog.tables.state import State
from catalog.tables.table import Table
from catalog.views.lists import Answer, table_page
from deployments import healths, queries, tables
from deployments.forms import Filters, Shown
from deployments.views.still import Moment, still
from locks import queries as locks
from portal.accounts.policy import require
from portal.accounts.viewer import by_of
from portal.kit.addresses import address
from portal.kit.by import By
from portal.kit.live import Part, live
from portal.kit.shared import Shared

Context = dict[str, Any]
Lines = tuple[queries.Matrix, tables.Chosen, list[Part]]
TEMPLATE = "deployments/matrix.html"
ON_SEARCH = 5  # locks that hold what was searched for

LINES: Shared[Lines] = Shared(seconds=10, most=4)


@require_safe
def matrix(request: HttpRequest) -> HttpResponse:
    moment = Moment.read(request.GET)
    if moment.is_set:
        return still(request, TEMPLATE, moment, lambda: _matrix(request, moment))
    beat, now = locks.beat_and_clock()
    return live(request, TEMPLATE, lambda: _matrix(request, moment, beat, now), beat=beat)


def _matrix(request: HttpRequest, moment: Moment, beat: str = "", now: datetime | None = None) -> Context:
    """With a `beat` the lines may be those that somebody else was shown."""
    by, filters, shown = by_of(request), Filters.read(request.GET), Shown.read(request.GET)
    found, chosen, parts = _lines(by, filters, shown, moment, beat, now)
    environments = tables.environment_rows(found.environments)
    met = tables.found_locks(locks.locks(by, text=filters.q)[:ON_SEARCH] if filters.q and not moment.at else [])
    compact = shown.is_compact(len(found.rows))
    count = _count(len(found.rows), "service") + " in " + _count(len(found.environments), "environment")
    return {
        "moment": moment,
        "filters": filters,
        "filtered": filters.are_set,
        "clear_url": address(request.GET, **dict.fromkeys(Filters.KEYS)),
        # What only the whole page shows is asked for when it is rendered.
        "teams": lambda: queries.teams(by) if filters.are_set else _owners(found),
        "tiers": list(reversed(TIERS)),
        "environments": environments,
        "columns": chosen.columns,
        "compact": compact,
        "kept": [(key, each) for key in (*Shown.KEYS, "at") for each in request.GET.getlist(key) if each],
        "columns_url": reverse("deployments:columns") + address(request.GET),
        "columns_set": bool(shown.columns or shown.lines or shown.density),
        "parts": parts,
        "frame": (environments, met, count, compact, shown),
        "locks": met,
        "count_text": count,
        "table_url": reverse("deployments:config_list"),
        "lock_url": tables.lock_url(),
        "first_steps_url": reverse("pages:home"),
    }


def _lines(by: By, filters: Filters, shown: Shown, moment: Moment, beat: str, now: datetime | None) -> Lines:
    """When something changes, every open page asks for it at once. Who may see all of it is shown the same lines as the
    others, and only the first waits for them to be made. Ages are up to ten seconds behind then, and tick in the page.
    """
    require(by, "catalog.read")  # whoever is shown what was made for another, too
    make = partial(_made, by, filters, shown, moment, now)
    if not beat or by.actor.restricted or shown.columns or shown.lines or filters.q:
        return make()
    return LINES.get((beat, filters, get_current_timezone_name()), make)


def _made(by: By, filters: Filters, shown: Shown, moment: Moment, now: datetime | None) -> Lines:
    found = queries.matrix(
        by,
        text=filters.q,
        team=filters.team,
        tier=filters.tier,
        locked=filters.locked,
        failing=filters.failing,
        unhealthy=filters.unhealthy and not moment.at,
        at=moment.at,
        now=now,
    )
    if filters.drift:
        drifting = {each.service for each in queries.drifts(by, team=filters.team, at=moment.at)}
        found = replace(found, rows=[row for row in found.rows if row[0] in drifting])
    chosen = _chosen(by, found, shown)
    return found, chosen, tables.matrix_parts(found, chosen)


def _chosen(by: By, found: queries.Matrix, shown: Shown) -> tables.Chosen:
    """What is chosen and is there; the rest of an address is left out of account."""
    if not (shown.columns or shown.lines):
        return tables.Chosen()
    beside, within = _offered(by)
    columns = [beside[name] for name in shown.columns if name in beside]
    lines = [within[name] for name in shown.lines if name in within]
    return tables.Chosen(
        columns,
        queries.of_services(found) if columns else {},
        lines,
        queries.of_places(found) if lines else {},
    )


def _offered(by: By) -> tuple[dict[str, Column], dict[str, Column]]:
    """Of the services, and of the deployment configs."""
    service, config = (readable_blueprint(by, name) for name in ("service", "deploymentConfig"))
    return tables.offered(service), tables.offered(config)


@require_safe
def columns(request: HttpRequest) -> HttpResponse:
    """The form that chooses what the matrix shows: in a menu, or a page of its own where scripts are off."""
    beside, within = _offered(by_of(request))
    context = {
        "shown": Shown.read(request.GET),
        "beside": beside.values(),
        "within": within.values(),
        "kept": [
            (key, each) for key, values in request.GET.lists() if key not in Shown.KEYS for each in values if each
        ],
        "matrix_url": reverse("deployments:matrix"),
    }
    fragment = bool(request.htmx)  # type: ignore[attr-defined]
    return render(request, "deployments/columns.html#form" if fragment else "deployments/columns.html", context)


def _owners(found: queries.Matrix) -> list[str]:
    """All teams there are, where all services are shown."""
    return sorted({team for service, _ in found.rows for team in service.team})


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
    by, moment = by_of(request), Moment.read(request.GET)
    cell = queries.cell(by, service, environment, at=moment.at)
    told = healths.told([cell.config.entity_id]) if cell.config and not moment.at else {}
    row = tables.place_row(cell, queries.log_sources([cell.config])) | tables.health_row(
        next(iter(told.values()), None)
    )
    row |= {"release_url": "" if moment.at else tables.release_url(cell, by)}
    return render(request, "deployments/matrix.html#card", {"cell": row, "moment": moment})
