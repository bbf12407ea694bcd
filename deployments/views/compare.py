from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from catalog.builtin import TIERS
from catalog.models import Entity
from catalog.queries import environment_named, service_named, tier_of
from deployments import queries, tables
from deployments.forms import Filters
from deployments.models import Deployment
from deployments.views.still import Moment
from portal.accounts.viewer import by_of
from portal.kit.addresses import number_of, numbered
from portal.kit.by import By
from portal.kit.clock import database_now
from portal.kit.errors import Missing, PortalError
from portal.kit.templatetags.kit import absolute

Context = dict[str, Any]
WEEK = timedelta(days=7)
ON_PAGE = 50
TO_CHOOSE = 60


@require_safe
def compare(request: HttpRequest) -> HttpResponse:
    """Two deployments, two environments, or two instants; what makes no sense is told."""
    by = by_of(request)
    shown: Context = {
        "mode": _mode(request),
        "environments": queries.environments(by),
        "named": request.GET.get("service", "").strip(),
        "services": lambda: list(queries.services(by).values_list("identifier", flat=True)[:1000]),
    }
    try:
        shown |= {"deployments": _deployments, "environments": _environments, "instants": _instants}[shown["mode"]](
            request, by, shown["environments"]
        )
    except PortalError as error:
        return render(request, "deployments/compare.html", shown | {"fault": error.message}, status=error.status)
    return render(request, "deployments/compare.html", shown, status=422 if shown.get("fault") else 200)


def _mode(request: HttpRequest) -> str:
    if request.GET.get("from") or request.GET.get("to") or request.GET.get("between") == "deployments":
        return "deployments"
    return "environments" if "environment" in request.GET or "against" in request.GET else "instants"


def _deployments(request: HttpRequest, by: By, environments: list[Entity]) -> Context:
    """Those that are named; until both are, what there is to choose from."""
    if not (request.GET.get("from") or request.GET.get("to")):
        return _choices(by, request.GET.get("service", "").strip())
    old, new = (queries.deployment(by, request.GET.get(name, "")) for name in ("from", "to"))
    found = queries.diff(by, old, new)
    return _choices(by, found.service.identifier, old, new) | {
        "diff": tables.diff_row(found),
        "named": found.service.identifier,
    }


def _choices(by: By, name: str, *chosen: Deployment) -> Context:
    """The newest of a service, and those that are chosen, which may be older."""
    if not name:
        return {}
    service = service_named(name, by=by)
    rows = queries.succeeded(by, service, most=TO_CHOOSE)
    rows += [each for each in dict.fromkeys(chosen) if each not in rows]
    return {
        "service": tables.service_row(service),
        "choices": [tables.choice_row(each) for each in rows],
        "sides": list(zip(("from", "to"), [str(each.public_id) for each in chosen or _usual(rows)])),
    }


def _usual(rows: list[Deployment]) -> list[Deployment]:
    """The newest, and what was live in its place before."""
    before = [each for each in rows[1:] if each.config_id == rows[0].config_id] or rows[1:]
    return [*before[:1], *rows[:1]]


def _environments(request: HttpRequest, by: By, environments: list[Entity]) -> Context:
    """Staging against production, unless others are named."""
    named = [
        environment_named(name, by=by) if name else _first(environments, tier)
        for name, tier in ((request.GET.get("environment"), "staging"), (request.GET.get("against"), "production"))
    ]
    one, other = named
    if one is None or other is None:
        return {"fault": "Name two environments."}
    return {"one": one, "other": other} | _rows(
        request, queries.differing(by, other, one) if one != other else queries.Changes([])
    )


def _rows(request: HttpRequest, found: queries.Changes) -> Context:
    first = ON_PAGE * (number_of(request.GET) - 1)
    return {
        "rows": tables.change_rows(found[first : first + ON_PAGE]),
        "count": len(found),
        "pager": numbered(request.GET, ON_PAGE, len(found)),
    }


def _first(environments: list[Entity], tier: str) -> Entity | None:
    return next((each for each in environments if tier_of(each) == tier), None)


def _instants(request: HttpRequest, by: By, environments: list[Entity]) -> Context:
    """The last week, unless it is said otherwise."""
    since, until, filters = (
        Moment.read(request.GET, "since"),
        Moment.read(request.GET, "until"),
        Filters.read(request.GET),
    )
    shown: Context = {
        "since": since,
        "until": until,
        "filters": filters,
        "teams": queries.teams(by),
        "tiers": list(reversed(TIERS)),
    }
    fault = since.fault and f"“{since.text}” {since.fault}" or until.fault and f"“{until.text}” {until.fault}"
    end = until.at or database_now()
    begin = since.at or end - WEEK
    if fault or begin > end:
        return shown | {"fault": f"{fault or 'The first instant is later than the second'}."}
    named = request.GET.get("service", "").strip()
    try:
        service = service_named(named, by=by).identifier if named else ""
    except Missing as unknown:
        return shown | {"fault": unknown.message}
    found = queries.changed(by, begin, end, service=service, team=filters.team, tier=filters.tier)
    nothing = (
        f"In every place that you asked for the same deployment was live at {absolute(begin)} and {absolute(end)}."
    )
    told = {"begin": begin, "end": end, "typed": [_typed(begin), _typed(end)], "nothing_text": nothing}
    return shown | _rows(request, found) | told


def _typed(at: Any) -> str:
    return timezone.localtime(at).strftime("%Y-%m-%dT%H:%M")


@require_safe
def drift(request: HttpRequest) -> HttpResponse:
    """What production lacks of staging, and what only production has."""
    by, filters = by_of(request), Filters.read(request.GET)
    found = queries.drifts(by, team=filters.team)
    first = ON_PAGE * (number_of(request.GET) - 1)
    shown = {
        "rows": tables.drift_rows(found, first, ON_PAGE),
        "count": len(found),
        "pager": numbered(request.GET, ON_PAGE, len(found)),
        "filters": filters,
        "teams": queries.teams(by),
        "warnings": sum(each.warns for each in found),
    }
    return render(request, "deployments/drift.html", shown)
