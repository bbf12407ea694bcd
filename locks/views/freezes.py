from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from locks import queries, tables
from locks.commands import freeze_withdraw
from locks.forms import FreezeForm, draft
from locks.models import Freeze
from locks.scopes import Scope, scope_of
from locks.tables.calendar import Month, month_of, month_rows
from locks.tables.freezes import (
    ahead_rows,
    exception_words,
    freeze_event_row,
    freeze_row,
    holiday_rows,
    may_freeze,
    window_row,
)
from portal.accounts.feeds import feed_secret
from portal.accounts.policy import require
from portal.accounts.viewer import by_of
from portal.kit.addresses import address
from portal.kit.answers import go
from portal.kit.by import By
from portal.kit.clock import database_now
from portal.kit.errors import Conflict, PortalError
from portal.kit.forms import zone_name
from portal.kit.live import live
from portal.kit.paging import counted

Json = dict[str, Any]
MOST = 500


@require_safe
def freeze_list(request: HttpRequest) -> HttpResponse:
    by = by_of(request)

    def context() -> Json:
        # A refresh shows the calendar and the list alone.
        return _list(request, by) | ({} if request.htmx else _feed(by))  # type: ignore[attr-defined]

    # What is today changes at midnight, with no event.
    beat = f"{queries.beat()}|{timezone.localdate()}"
    return live(request, "locks/freeze_list.html", context, beat=beat)


def _list(request: HttpRequest, by: By) -> Json:
    now, ended = database_now(), request.GET.get("state") == "withdrawn"
    shown = {"ended": ended, "zone": zone_name(), "may_freeze": may_freeze(by)}
    if ended:
        found = queries.freezes(by, withdrawn=True).exclude(withdrawn_at=None)
        return shown | {"freezes": [freeze_row(each, None, by, now) for each in found[:MOST]]}
    freezes = queries.freezes(by)
    rows = list(freezes[:MOST])
    following = queries.following(rows, now)
    # What is on or comes soonest stands first, what is never on again last.
    rows.sort(
        key=lambda each: (each.pk not in following, following[each.pk].starts_at if each.pk in following else now)
    )
    return (
        shown
        | {"freezes": [freeze_row(each, following.get(each.pk), by, now) for each in rows]}
        | _calendar(request, freezes, now)
    )


def _calendar(request: HttpRequest, freezes: Any, now: datetime) -> Json:
    """Two months; a narrow screen shows the first."""
    month = month_of(request.GET.get("month"))
    months: list[Month] = [month, month.turned(1)]
    windows = queries.windows(freezes, month.span[0], months[-1].span[1])
    return {
        "months": [month_rows(each, windows, now) for each in months],
        "earlier": {"name": month.turned(-1).name, "url": address(request.GET, month=month.turned(-1).key)},
        "later": {"name": month.turned(1).name, "url": address(request.GET, month=month.turned(1).key)},
        "today_url": address(request.GET, month=None) if month != month_of(None) else None,
    }


def _feed(by: By) -> Json:
    secret = feed_secret(by)
    url = settings.BASE_URL + reverse("locks:feed", args=[secret]) if secret else None
    return {"feed_url": url, "webcal_url": f"webcal:{url.partition(':')[2]}" if url else None}


@require_http_methods(["GET", "HEAD", "POST"])
def freeze_new(request: HttpRequest) -> HttpResponse:
    """Who may freeze nothing at all is refused before he has filled anything in; the command judges the scope."""
    by = by_of(request)
    require(by, "freeze.write", teams=by.actor.teams)
    if request.method == "POST":
        form = FreezeForm(request.POST, request.FILES, by=by)
        return _saved(request, form, "Made")
    asked = {
        name: request.GET[name] for name in ("scope", "service", "environment", "tier", "team") if name in request.GET
    }
    return _form(request, FreezeForm(by=by, initial=asked))


@require_http_methods(["GET", "HEAD", "POST"])
def freeze_edit(request: HttpRequest, public_id: UUID) -> HttpResponse:
    by = by_of(request)
    freeze = queries.freeze(by, public_id)
    require(by, "freeze.write", holder=freeze.holder_key, teams=freeze.owner_teams())
    if freeze.withdrawn_at:
        raise Conflict("This freeze has been withdrawn. Make a new one.", code="freeze_withdrawn")
    if request.method == "POST":
        form = FreezeForm(request.POST, request.FILES, by=by, freeze=freeze)
        return _saved(request, form, "Changed")
    return _form(request, FreezeForm(by=by, freeze=freeze))


def _saved(request: HttpRequest, form: FreezeForm, deed: str) -> HttpResponse:
    if form.is_valid() and (freeze := form.save()):
        return go(request, freeze.get_absolute_url(), say=f"{deed} the freeze “{freeze.title}”.")
    return _form(request, form, 422)


def _form(request: HttpRequest, form: FreezeForm, status: int = 200) -> HttpResponse:
    name = "locks/freeze_form.html" + ("#form" if request.htmx else "")  # type: ignore[attr-defined]
    freeze = form.freeze
    context = {
        "form": form,
        "freeze": freeze_row(freeze, None, form.by, database_now()) if freeze else None,
        "holidays": len(freeze.holidays) if freeze else 0,
        "preview_url": reverse("locks:freeze_preview", query={"of": str(freeze.public_id)} if freeze else None),
        "zone": zone_name(),
    }
    return render(request, name, context, status=status)


@require_POST
def freeze_preview(request: HttpRequest) -> HttpResponse:
    """When the freeze in the form will be on, and what it will stop. A POST, because a calendar file fits no address."""
    by = by_of(request)
    require(by, "lock.read")
    freeze = queries.freeze(by, request.GET["of"]) if request.GET.get("of") else None
    form = FreezeForm(request.POST, request.FILES, by=by, freeze=freeze)
    shown: Json = {"zone": zone_name()}
    try:
        scope = scope_of(freeze) if freeze else draft(request.POST)
        shown |= _met(scope, by)
    except PortalError as error:
        shown["scope_fault"] = error.message
    try:
        shown["windows"] = [window_row(each, database_now()) for each in form.coming]
    except PortalError as error:
        shown["fault"] = error.message if request.POST.get("starts") or request.POST.get("ics") else ""
    return render(request, "locks/_freeze_preview.html", shown)


def _met(scope: Scope | None, by: By) -> Json:
    return ahead_rows(queries.simulate(scope.kind, scope.columns(), by=by)) if scope else {}


@require_safe
def freeze_detail(request: HttpRequest, public_id: UUID) -> HttpResponse:
    by = by_of(request)
    freeze = queries.freeze(by, public_id)
    return live(request, "locks/freeze_detail.html", lambda: _detail(freeze, by), beat=queries.beat())


def _detail(freeze: Freeze, by: By) -> Json:
    now = database_now()
    windows = queries.coming([freeze], now)
    refused = queries.denials(by, of=freeze)
    runs = list(refused[:20])
    named = queries.named_by(runs)
    return {
        "freeze": freeze_row(freeze, windows[0] if windows else None, by, now),
        "windows": [window_row(each, now) for each in windows],
        "zone": zone_name(),
        "exceptions": exception_words(freeze),
        "holidays": holiday_rows(freeze),
        "events": [freeze_event_row(each) for each in queries.history_of(freeze)],
        "blocked": [tables.denial_row(each, named) for each in runs],
        "blocked_count": counted(refused, "run", "runs") if runs else "",
    }


@require_POST
def freeze_withdrawal(request: HttpRequest, public_id: UUID) -> HttpResponse:
    by = by_of(request)
    freeze = freeze_withdraw(queries.freeze(by, public_id), by=by)
    return go(
        request, freeze.get_absolute_url(), say=f"The freeze “{freeze.title}” is withdrawn: it stops nobody any more."
    )
