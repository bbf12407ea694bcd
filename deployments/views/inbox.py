from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from deployments import queries, tables
from deployments.commands import inbox_drop, inbox_place
from deployments.forms import PlacementForm, auto_id
from deployments.models import InboxItem
from portal.accounts.policy import require
from portal.accounts.viewer import by_of
from portal.kit.addresses import pager
from portal.kit.answers import go
from portal.kit.errors import Conflict, Invalid, Missing
from portal.kit.forms import refuse
from portal.kit.paging import page_of

Context = dict[str, Any]


@require_safe
def inbox(request: HttpRequest) -> HttpResponse:
    return render(request, "deployments/inbox.html", _inbox(request))


@require_http_methods(["GET", "HEAD", "POST"])
def placement(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Places a kept report under known names, makes the names first where that is asked for, or drops it."""
    if request.method != "POST":
        return redirect("deployments:inbox")
    by = by_of(request)
    require(by, "inbox.resolve")
    item = get_object_or_404(InboxItem, public_id=public_id)
    form = PlacementForm(request.POST, auto_id=auto_id(item))
    try:
        if "drop" in request.POST:
            inbox_drop(item, by=by)
            return go(request, reverse("deployments:inbox"), say=f"Dropped: {item}.")
        if form.is_valid():
            placed = inbox_place(item, **form.cleaned_data, create_missing="create" in request.POST, by=by)
            return go(request, reverse("deployments:inbox"), say=f"Placed: {placed}.")
    except (Missing, Invalid, Conflict) as error:
        refuse(form, error)
    return render(request, "deployments/inbox.html", _inbox(request, {item.pk: form}), status=422)


def _inbox(request: HttpRequest, forms: dict[int, PlacementForm] | None = None) -> Context:
    by = by_of(request)
    page = page_of(queries.inbox(by), request.GET, newest_first=True)
    services = {name.casefold(): name for name in queries.services(by).values_list("identifier", flat=True)}
    environments = tables.names_of(queries.environments(by))
    suggest = PlacementForm.suggesting
    return {
        "items": [
            {"item": item, "form": (forms or {}).get(item.pk) or suggest(item, services, environments)}
            for item in page.rows
        ],
        "services": services.values(),
        "environments": sorted(set(environments.values())),
        "pager": pager(request.GET, page, f"{len(page.rows)} reports, the newest first"),
    }
