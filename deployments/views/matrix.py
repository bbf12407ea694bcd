from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from catalog.builtin import TIERS
from catalog.queries import readable_blueprint
from catalog.tables.state import State
from catalog.tables.table import Table
from catalog.views.lists import Answer, table_page
from deployments import queries, tables
from deployments.forms import Filters
from deployments.views.still import Moment, still
from locks import queries as locks
from portal.accounts.viewer import by_of
from portal.kit.live import live

Context = dict[str, Any]
ON_SEARCH = 5  # locks that hold what was searched for


@require_safe
def matrix(request: HttpRequest) -> HttpResponse:
    moment = Moment.read(request.GET)
    if not moment.is_set:
        return live(request, "deployments/matrix.html", lambda: _matrix(request, moment), beat=locks.beat())
    return still(request, "deployments/matrix.html", moment, lambda: _matrix(request, moment))


def _matrix(request: HttpRequest, moment: Moment) -> Context:
    by, filters = by_of(request), Filters.read(request.GET)
    found = queries.matrix(
        by,
        text=filters.q,
        team=filters.team,
        tier=filters.tier,
        locked=filters.locked,
        failing=filters.failing,
        at=moment.at,
    )
    environments = tables.environment_rows(found.environments)
    met = tables.found_locks(locks.locks(by, text=filters.q)[:ON_SEARCH] if filters.q and not moment.at else [])
    return {
        "moment": moment,
        "filters": filters,
        "filtered": filters.are_set,
        # What only the whole page shows is asked for when it is rendered.
        "teams": lambda: queries.teams(by),
        "tiers": list(reversed(TIERS)),
        "environments": environments,
        "parts": tables.matrix_parts(found),
        "frame": (environments, met),
        "locks": met,
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
    by, moment = by_of(request), Moment.read(request.GET)
    cell = queries.cell(by, service, environment, at=moment.at)
    row = tables.place_row(cell, queries.log_sources()) | {
        "release_url": "" if moment.at else tables.release_url(cell, by)
    }
    return render(request, "deployments/matrix.html#card", {"cell": row, "moment": moment})
