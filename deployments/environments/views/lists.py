from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from catalog import queries as catalog
from deployments.environments import queries, tables
from deployments.environments.forms import RequestForm
from deployments.environments.models import Environment, State
from deployments.environments.tables.rows import SOON
from portal.accounts.models import Team
from portal.accounts.policy import allows
from portal.accounts.viewer import by_of
from portal.audit import queries as trail
from portal.kit.addresses import address, pager
from portal.kit.answers import go
from portal.kit.by import By
from portal.kit.clock import database_now
from portal.kit.live import live
from portal.kit.paging import counted, page_of

Json = dict[str, Any]

PAGE = "environments/environment_list.html"
SHOWN = ("living", "mine", "expiring", "failed", "gone")
MOST_SOON = 200


@require_safe
def environment_list(request: HttpRequest) -> HttpResponse:
    by = by_of(request)
    return live(request, PAGE, lambda: _list(request, by), beat=beat(by))


def beat(by: By) -> str:
    return f"{trail.beat()} {queries.beat(by)}"


def _list(request: HttpRequest, by: By) -> Json:
    asked = {name: request.GET.get(name, "").replace("\0", "") for name in ("show", "state", "template", "team", "q")}
    show = asked["show"] if asked["show"] in SHOWN else "living"
    state = asked["state"] if asked["state"] in State.values else ""
    now = database_now()
    found = _found(by, show, asked, state, now)
    page = page_of(found, request.GET, newest_first=True) if show != "expiring" else None
    environments = page.rows if page else sorted(found[:MOST_SOON], key=lambda each: each.deadline)
    return {
        "rows": [tables.row(each, by, now) for each in environments],
        "show": show,
        "asked": asked | {"state": state},
        "filtered": any((state, asked["template"], asked["team"], asked["q"])),
        "tabs": tables.tabs(show, request.GET, _counts(by, now)),
        "states": [(each.value, tables.LOOKS[each][0]) for each in State],
        "templates": [(each.identifier, each.title) for each in queries.templates(by)],
        "teams": list(Team.objects.order_by("title").values_list("identifier", "title")[:200]),
        "pager": pager(request.GET, page, counted(found, "environment", "environments")) if page else None,
        "clear_url": address(request.GET, state=None, template=None, team=None, q=None, after=None, before=None),
        "braked": queries.braked() is not None,
        "is_admin": by.actor.is_admin,
    }


def _found(by: By, show: str, asked: Json, state: str, now: datetime) -> QuerySet[Environment]:
    wanted = state or ("living" if show == "expiring" else show)
    found = queries.environments(by, state=wanted, template=asked["template"], team=asked["team"], text=asked["q"])
    return _soon(found, now) if show == "expiring" and not state else found


def _soon(found: QuerySet[Environment], now: datetime) -> QuerySet[Environment]:
    """What ends within a day: a pin puts that off."""
    until = now + SOON
    unpinned = Q(pinned_until=None) | Q(pinned_until__lte=until)
    return found.timed().filter(unpinned & Q(expires_at__lte=until) | Q(hard_until__lte=until))  # type: ignore[attr-defined, no-any-return]


def _counts(by: By, now: datetime) -> dict[str, int]:
    return {
        "mine": queries.environments(by, state="mine").count(),
        "expiring": _soon(queries.environments(by, state="living"), now).count(),
        "failed": queries.environments(by, state="failed").count(),
    }


@require_safe
def new(request: HttpRequest) -> HttpResponse:
    """Which template: where there is one alone, its form at once."""
    by = by_of(request)
    usable = list(queries.templates(by, usable=True))
    if len(usable) == 1:
        return go(request, reverse("environments:new_of", args=[usable[0].identifier]))
    context = {
        "templates": [tables.template_row(each, by) for each in usable],
        "templates_url": reverse("environments:template_list") if by.actor.is_admin else "",
    }
    return render(request, "environments/new.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def new_of(request: HttpRequest, identifier: str) -> HttpResponse:
    by = by_of(request)
    template = queries.template(by, identifier)
    form = RequestForm(request.POST or None, template, by=by)
    if request.method == "POST" and form.is_valid() and (environment := form.save()):
        return go(request, environment.get_absolute_url(), say=f"{environment} is being made.")
    context = {"form": form, "template": tables.template_row(template, by)}
    return render(
        request, "environments/environment_form.html", context, status=422 if request.method == "POST" else 200
    )


@require_safe
def panel(request: HttpRequest, environment: str) -> HttpResponse:
    """On the page of the catalog's environment: most have no end, and then there is only a link to ask for one."""
    by = by_of(request)
    entity = catalog.entity(by, "environment", environment)

    def context() -> Json:
        found = queries.environment_of(entity)
        row = tables.row(found, by, database_now()) if found else None
        may_ask = allows(by.actor, "environment.request")
        return {"row": row, "new_url": reverse("environments:new") if may_ask else "", "live_url": request.path}

    return live(request, "environments/panel.html", context, beat=beat(by), partial="panel")
