from typing import Any, get_args

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from catalog.permissions import visible_events
from locks import queries as locks
from portal.accounts.policy import require
from portal.accounts.viewer import by_of
from portal.audit import queries as trail
from portal.kit.addresses import pager
from portal.kit.by import Door
from portal.kit.errors import Missing
from portal.kit.live import live
from portal.kit.paging import page_of
from portal.pages import queries, tables
from portal.pages.shell import banner_lines

Context = dict[str, Any]


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    return live(request, "pages/home.html", lambda: _home(request), beat=queries.beat())


def _home(request: HttpRequest) -> Context:
    by = by_of(request)
    seen = queries.first_steps(by)
    if not seen.over:
        return {"first_run": True, "steps": tables.steps(seen)}
    now = queries.overview(by)
    return {
        "first_run": False,
        "figures": tables.figures(now),
        "demo_target": settings.DEMO_TARGET,
        "locks": [*map(tables.lock_row, now.locks), *map(tables.window_row, now.frozen)],
        "deployments": [tables.latest_row(each) for each in now.latest],
        "locks_url": reverse("locks:lock_list"),
        "deployments_url": reverse("deployments:matrix"),
    }


@require_safe
def audit(request: HttpRequest) -> HttpResponse:
    return _trail(request, "pages/audit.html", _audit)


def _audit(request: HttpRequest) -> Context:
    asked = {name: request.GET.get(name, "") for name in ("q", "noun", "door", "actor")}
    found = trail.events(text=asked["q"], noun=asked["noun"], door=asked["door"], actor=asked["actor"])
    found = visible_events(by_of(request), found)
    return _events(request, found) | {
        "filters": asked,
        "filtered": any(asked.values()),
        "nouns": tables.nouns(),
        "doors": get_args(Door),
    }


@require_safe
def changelog(request: HttpRequest) -> HttpResponse:
    """The events of one entity, for its page."""
    return _trail(request, "pages/changelog.html", _changelog)


def _changelog(request: HttpRequest) -> Context:
    blueprint, entity = (request.GET.get(name, "") for name in ("blueprint", "entity"))
    if not (blueprint and entity):
        raise Missing("Name the blueprint and the entity whose changelog you want to read.")
    found = visible_events(by_of(request), trail.events(entity=(blueprint, entity)))
    return _events(request, found) | {"entity": entity}


def _trail(request: HttpRequest, template: str, context: Any) -> HttpResponse:
    """Live on the first page only: on the others nothing is ever added."""
    require(by_of(request), "audit.read")
    if not request.GET.keys() & {"before", "after"}:
        return live(request, template, lambda: context(request), beat=trail.beat())
    name = f"{template}#live" if request.htmx else template  # type: ignore[attr-defined]
    return render(request, name, context(request))


def _events(request: HttpRequest, found: Any) -> Context:
    page = page_of(found, request.GET, newest_first=True)
    rows = [tables.event_row(event) for event in page.rows]
    return {"events": rows, "pager": pager(request.GET, page, f"{len(rows)} events, the newest first")}


@require_safe
def banner(request: HttpRequest) -> HttpResponse:
    """What is locked for everybody, kept up to date on every page."""

    def context() -> Context:
        return {"banner": banner_lines(by_of(request)), "banner_url": request.path}

    return live(request, "kit/_banner.html", context, beat=locks.beat())
