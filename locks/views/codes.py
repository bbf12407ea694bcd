"""Break-glass for when the portal cannot be asked: codes issued beforehand, and what became of them."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from locks import queries
from locks.commands import code_revoke
from locks.forms.codes import CodesForm
from locks.tables.codes import code_row, use_row
from portal.accounts.viewer import by_of
from portal.kit.addresses import pager
from portal.kit.answers import told
from portal.kit.clock import database_now
from portal.kit.live import live
from portal.kit.paging import counted, page_of

MOST_USES = 50


@require_safe
def code_list(request: HttpRequest) -> HttpResponse:
    by = by_of(request)

    def context() -> dict[str, Any]:
        now, found = database_now(), queries.codes(by)
        page = page_of(found, request.GET, newest_first=True)
        return {
            "codes": [code_row(each, by, now) for each in page.rows],
            "uses": [use_row(each) for each in queries.break_glass_uses(by)[:MOST_USES]],
            "pager": pager(request.GET, page, counted(found, "code", "codes")),
            "may_issue": bool(queries.environments_for_codes(by)),
        }

    return live(request, "locks/code_list.html", context, beat=queries.code_beat())


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def code_new(request: HttpRequest) -> HttpResponse:
    """The answer to POST shows the codes, this once: it leads nowhere, for nothing could show them again."""
    by = by_of(request)
    asked = {"environment": request.GET.get("environment", "")}
    form = CodesForm(request.POST, by=by) if request.method == "POST" else CodesForm(initial=asked, by=by)
    issued = form.issue() if form.is_valid() else []
    shown = {"form": form, "codes": [text for _, text in issued], "first": issued[0][0] if issued else None}
    name = "locks/code_form.html" + ("#form" if request.htmx else "")  # type: ignore[attr-defined]
    return render(request, name, shown, status=422 if form.is_bound and not issued else 200)


@require_POST
def code_revocation(request: HttpRequest, public_id: UUID) -> HttpResponse:
    by = by_of(request)
    code = queries.code(by, public_id)
    say = f"Revoked: a use of the code that ends in {code.hint} shows up red from now on."
    return told(request, lambda: code_revoke(code, by=by), reverse("locks:code_list"), say)
