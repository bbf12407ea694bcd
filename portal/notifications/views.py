from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal.accounts.policy import allows, require
from portal.accounts.viewer import by_of
from portal.audit.outbox import delivery_retry
from portal.kit.addresses import pager
from portal.kit.answers import go, told
from portal.kit.by import By
from portal.kit.live import live
from portal.kit.paging import page_of
from portal.notifications import queries, tables
from portal.notifications.commands import route_delete, route_test
from portal.notifications.forms import RouteForm
from portal.notifications.models import Route

Context = dict[str, Any]
EDITOR = "notifications/form.html"


@require_safe
def listed(request: HttpRequest) -> HttpResponse:
    by = by_of(request)
    may_write = allows(by.actor, "route.write")
    context = {
        "rows": [tables.route_row(each, by) for each in queries.routes(by)],
        "may_write": may_write,
        "given_up": queries.parked_count(by) if may_write else 0,
        "new_url": reverse("notifications:new"),
        "log_url": reverse("notifications:log"),
    }
    return render(request, "notifications/list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    by = by_of(request)
    require(by, "route.write")
    return _edited(request, None, by)


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, public_id: UUID) -> HttpResponse:
    by = by_of(request)
    return _edited(request, queries.route(by, public_id), by)


def _edited(request: HttpRequest, route: Route | None, by: By) -> HttpResponse:
    form = RouteForm(request.POST or None, route)
    if request.method == "POST" and "preview" not in request.POST and form.is_valid() and (saved := form.save(by)):
        return go(request, saved.get_absolute_url(), say=f"{saved} is saved.")
    is_trial = request.method != "POST" or "preview" in request.POST
    context = {
        "form": form,
        "route": _route(route, by) if route else None,
        "list_url": reverse("notifications:list"),
        "preview_url": reverse("notifications:preview"),
        **(_previewed(form.draft() if form.is_bound else route, request, by)),
    }
    return render(request, EDITOR, context, status=200 if is_trial else 422)


def _route(route: Route, by: By) -> Context:
    named = {f"{name}_url": reverse(f"notifications:{name}", args=[route.public_id]) for name in ("test", "delete")}
    return tables.route_row(route, by) | named


@require_POST
def preview(request: HttpRequest) -> HttpResponse:
    """What the form that is being filled in would tell. Nothing is kept, nobody is told."""
    by = by_of(request)
    require(by, "route.write")
    context = _previewed(RouteForm(request.POST).draft(), request, by)
    return render(request, f"{EDITOR}#preview", context)


def _previewed(route: Route | None, request: HttpRequest, by: By) -> Context:
    if route is None:
        return {"matched": "", "samples": [], "shown": None}
    found = queries.matched(by, route, now=timezone.now())
    wished = request.POST.get("of") or request.GET.get("of")
    one = next((each for each in found.events if str(each.public_id) == wished), None) or next(iter(found.events), None)
    return {
        "matched": tables.matched_words(found),
        "samples": tables.sample_rows(found.events),
        "chosen": str(one.public_id) if one else "",
        "shown": tables.preview(one) if one else None,
        "medium": "email" if route.to == Route.To.EMAIL else "webhook" if route.to == Route.To.WEBHOOK else "slack",
    }


@require_POST
def test(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Really tells it; what became of it stands in the log."""
    by = by_of(request)
    route = queries.route(by, public_id)
    found = queries.matched(by, route, now=timezone.now()).events
    of = next((each for each in found if str(each.public_id) == request.POST.get("of")), None) or next(
        iter(found), None
    )
    route_test(route, of, by=by)
    return go(request, reverse("notifications:log"), say="A test is on its way. Its answer shows here.")


@require_POST
def delete(request: HttpRequest, public_id: UUID) -> HttpResponse:
    by = by_of(request)
    route = queries.route(by, public_id)
    route_delete(route, by=by)
    return go(request, reverse("notifications:list"), say=f"{route} is deleted.")


@require_safe
def log(request: HttpRequest) -> HttpResponse:
    """The newest first: live on the first page."""
    by = by_of(request)
    require(by, "route.write")
    template = "notifications/log.html"
    if not request.GET.keys() & {"before", "after"}:
        return live(request, template, lambda: _log(request, by), beat=_beat(by))
    name = f"{template}#live" if request.htmx else template  # type: ignore[attr-defined]
    return render(request, name, _log(request, by))


def _beat(by: By) -> str:
    rows = queries.told(by).select_related(None).only("state", "attempts", "due_at")[:60]
    return f"{[(each.pk, each.state, each.attempts) for each in rows]} {timezone.now().minute}"


def _log(request: HttpRequest, by: By) -> Context:
    state, medium = request.GET.get("state", ""), request.GET.get("medium", "")
    filters = {"state": state if state in queries.STATES else "", "medium": medium if medium in tables.MEDIA else ""}
    page = page_of(queries.told(by, **filters), request.GET, newest_first=True)
    rows = tables.told_rows(page.rows)
    return {
        "rows": rows,
        "filters": filters,
        "filtered": any(filters.values()),
        "states": list(queries.STATES),
        "media": [(name, words[0]) for name, words in tables.MEDIA.items()],
        "list_url": reverse("notifications:list"),
        "pager": pager(request.GET, page, f"{len(rows)} notifications, the newest first"),
    }


@require_POST
def retry(request: HttpRequest, public_id: UUID) -> HttpResponse:
    by = by_of(request)
    delivery = queries.told_one(by, public_id)
    return told(
        request,
        lambda: delivery_retry(delivery, by=by),
        reverse("notifications:log"),
        "It will be sent again in a moment.",
    )
