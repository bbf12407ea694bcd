from datetime import UTC, datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from catalog.models import Entity
from catalog.queries import environment_named, service_named
from deployments import queries
from deployments.exports import FORMS
from deployments.queries.timeline import Asked, Edge, Stretch, happenings, looks, stretches
from deployments.spans import span_of
from deployments.tables import timeline as tables
from deployments.views.exports import feed_url
from locks import queries as locks
from portal.accounts.viewer import by_of
from portal.kit.addresses import address
from portal.kit.by import By
from portal.kit.clock import database_now
from portal.kit.errors import Invalid, Missing
from portal.kit.live import live

Context = dict[str, Any]
TEMPLATE = "deployments/timeline.html"
ON_PAGE, ON_PANEL, ON_STRIP, LANES, STANDING = 60, 12, 400, 8, 10
LAST = {
    "2h": ("2 hours", timedelta(hours=2)),
    "24h": ("24 hours", timedelta(hours=24)),
    "7d": ("7 days", timedelta(days=7)),
    "30d": ("30 days", timedelta(days=30)),
}
USUAL = "24h"


@require_safe
def timeline(request: HttpRequest) -> HttpResponse:
    """Live on the first page; on the others nothing is ever added."""
    if "after" not in request.GET:
        return live(request, TEMPLATE, lambda: _timeline(request), beat=locks.beat())
    return render(request, f"{TEMPLATE}#live" if request.htmx else TEMPLATE, _timeline(request))  # type: ignore[attr-defined]


def _timeline(request: HttpRequest) -> Context:
    by = by_of(request)
    asked, last, problems = _asked(request, by)
    found = happenings(by, asked, limit=max(ON_STRIP, ON_PAGE + 1))
    page = found[:ON_PAGE]
    more = len(found) > ON_PAGE
    return {
        "groups": tables.groups(page, asked),
        "older_url": address(request.GET, after=tables.edge_text(page[-1].edge)) if more else None,
        "newest_url": address(request.GET, after=None) if asked.before else None,
        **({} if asked.before else _while(by, asked, found)),
        "spans": [_span(request, name, last) for name in LAST],
        "last": last,
        "asked": asked,
        "from": request.GET.get("from", ""),
        "to": request.GET.get("to", ""),
        "kinds": [(kind, look.word, kind in asked.kinds) for kind, look in looks().items()],
        "filters": {name: request.GET.get(name, "") for name in ("service", "environment")},
        "filtered": bool(request.GET.keys() - {"last", "after"}),
        "problems": problems,
        # What only the whole page shows is asked for when it is rendered.
        "services": lambda: list(queries.services(by).values_list("identifier", flat=True)[:1000]),
        "environments": lambda: list(reversed(queries.environments(by))),
        "exports": _exports(request, asked),
        "feed_url": lambda: feed_url(by),
    }


def _exports(request: HttpRequest, asked: Asked) -> dict[str, list[tuple[str, str]]]:
    """The deployments among it, by whole days as all exports have them; of one service or environment all there are too."""
    named = {name: request.GET.get(name, "") for name in ("service", "environment")}
    place = {name: value for name, value in named.items() if value}
    last = asked.until - timedelta(microseconds=2)
    days = {"from": asked.since.astimezone(UTC).date().isoformat(), "to": last.astimezone(UTC).date().isoformat()}
    return {"of these days": _files(place | days)} | ({"of all time": _files(place)} if place else {})


def _files(query: dict[str, str]) -> list[tuple[str, str]]:
    return [(form.upper(), reverse("deployments:export", args=[form], query=query)) for form in FORMS]


def _while(by: By, asked: Asked, found: list[Any]) -> Context:
    """What lasts, beside what happens at an instant."""
    over = stretches(by, asked)
    return {"strip": _strip(by, asked, found, over), "standing": tables.standing(over, asked)[:STANDING]}


def _strip(by: By, asked: Asked, found: list[Any], over: list[Stretch]) -> Context:
    places = [asked.environment] if asked.environment else list(reversed(queries.environments(by, all=False)))
    shown = tables.lanes(places, found, over, asked, most=LANES)
    return {"lanes": shown, "ticks": tables.ticks(asked), "cut": len(found) >= ON_STRIP}


def _span(request: HttpRequest, name: str, last: str) -> Context:
    url = address(request.GET, last=None if name == USUAL else name, after=None, **{"from": None, "to": None})
    return {"label": LAST[name][0], "url": url, "active": name == last}


def _asked(request: HttpRequest, by: By) -> tuple[Asked, str, list[str]]:
    """What cannot be read is said, and left out of account."""
    now, query, problems = database_now(), request.GET, []
    last = query.get("last", USUAL)
    since, until = now - LAST.get(last, LAST[USUAL])[1], now
    if query.get("from") or query.get("to"):
        try:
            span = span_of({name: query.get(name, "") for name in ("from", "to")}, now=now)
            since, until, last = span.since, span.until, ""
        except Invalid as wrong:
            problems.append(wrong.message)
    named: dict[str, Entity | None] = {}
    for name, find in (("service", service_named), ("environment", environment_named)):
        try:
            named[name] = find(query[name], by=by) if query.get(name, "").strip() else None
        except Missing as unknown:
            problems.append(unknown.message)
    kinds = frozenset(query.getlist("kind")) & looks().keys()
    # An instant of the future is not ours to show; the microsecond lets in what happens at this one.
    asked = Asked(since, until + timedelta(microseconds=1), kinds=kinds, before=_edge(query.get("after", "")), **named)
    return asked, last, problems


def _edge(text: str) -> Edge | None:
    at, _, rest = text.partition("|")
    source, _, key = rest.partition("|")
    try:
        moment = datetime.fromisoformat(at)
        return Edge(moment, source, int(key)) if moment.tzinfo and len(key) < 19 else None
    except ValueError:
        return None


@require_safe
def timeline_of_service(request: HttpRequest, name: str) -> HttpResponse:
    return live(
        request,
        PANEL,
        lambda: _panel(by_of(request), service=service_named(name, by=by_of(request))),
        beat=locks.beat(),
    )


@require_safe
def timeline_of_environment(request: HttpRequest, name: str) -> HttpResponse:
    by = by_of(request)
    return live(request, PANEL, lambda: _panel(by, environment=environment_named(name, by=by)), beat=locks.beat())


PANEL = "deployments/timeline_panel.html"


def _panel(by: By, *, service: Entity | None = None, environment: Entity | None = None) -> Context:
    """The newest of the last 30 days."""
    now = database_now()
    asked = Asked(now - timedelta(days=30), now + timedelta(microseconds=1), service, environment)
    found = happenings(by, asked, limit=ON_PANEL)
    place = {name: each.identifier for name, each in (("service", service), ("environment", environment)) if each}
    return {
        "subject": str(service or environment),
        "groups": tables.groups(found, asked),
        "whole_url": reverse("deployments:timeline", query=place | {"last": "30d"}),
    }
