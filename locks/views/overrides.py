"""Break-glass while the portal can be asked: who asks, who approves, what came of it."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from locks import queries
from locks.commands import override_approve, override_withdraw
from locks.forms.overrides import OverrideForm
from locks.tables.overrides import override_row
from portal.accounts.viewer import by_of
from portal.kit.addresses import pager
from portal.kit.answers import go, told
from portal.kit.clock import database_now
from portal.kit.live import live
from portal.kit.paging import counted, page_of


@require_safe
def override_list(request: HttpRequest) -> HttpResponse:
    by = by_of(request)

    def context() -> dict[str, Any]:
        now = database_now()
        found = queries.overrides(by)
        page = page_of(found, request.GET, newest_first=True)
        rows = [override_row(each, by, now) for each in page.rows]
        return {"overrides": rows, "pager": pager(request.GET, page, counted(found, "override", "overrides"))}

    return live(request, "locks/override_list.html", context, beat=queries.override_beat())


@require_http_methods(["GET", "HEAD", "POST"])
def override_new(request: HttpRequest) -> HttpResponse:
    by = by_of(request)
    if request.method == "POST":
        form = OverrideForm(request.POST, by=by)
        if form.is_valid() and (made := form.ask()):
            end = "Another has to approve it." if made.needs_approval else "It is good now."
            return go(request, reverse("locks:override_list"), say=f"Asked for {made.where}. {end}")
        return _form(request, form, 422)
    asked = {name: request.GET.get(name, "") for name in ("service", "environment", "commit")}
    return _form(request, OverrideForm(initial=asked, by=by), 200)


def _form(request: HttpRequest, form: OverrideForm, status: int) -> HttpResponse:
    name = "locks/override_form.html" + ("#form" if request.htmx else "")  # type: ignore[attr-defined]
    return render(request, name, {"form": form, "stops": form.stops}, status=status)


@require_POST
def override_approval(request: HttpRequest, public_id: UUID) -> HttpResponse:
    by = by_of(request)
    override = queries.override(by, public_id)
    say = f"Approved: {override.where} may pass for {override.commit[:7]}."
    return told(request, lambda: override_approve(override, by=by), reverse("locks:override_list"), say)


@require_POST
def override_withdrawal(request: HttpRequest, public_id: UUID) -> HttpResponse:
    by = by_of(request)
    override = queries.override(by, public_id)
    say = f"The override of {override.where} opens nothing from now on."
    return told(request, lambda: override_withdraw(override, by=by), reverse("locks:override_list"), say)
