from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from deployments import queries, tables
from deployments.commands import Mapped, inbox_drop, inbox_map, inbox_place, inbox_place_known
from deployments.forms import MappingForm, PlacementForm, auto_id
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


@require_http_methods(["GET", "HEAD", "POST"])
def mapping(request: HttpRequest) -> HttpResponse:
    """Says of an unknown name what it stands for, for all the reports that wait for it."""
    if request.method != "POST":
        return redirect("deployments:inbox")
    by = by_of(request)
    require(by, "inbox.resolve")
    if "known" in request.POST:
        return go(request, reverse("deployments:inbox"), say=_said(inbox_place_known(by=by)))
    create = "create" in request.POST
    form = MappingForm(request.POST, create=create)
    try:
        if form.is_valid():
            mapped = inbox_map(**form.cleaned_data, create=create, by=by)
            return go(request, reverse("deployments:inbox"), say=_said(mapped))
    except (Missing, Invalid, Conflict) as error:
        refuse(form, error, {"service": "target", "environment": "target"})
    return render(request, "deployments/inbox.html", _inbox(request, mapping=form), status=422)


def _said(mapped: Mapped) -> str:
    """What became of them, in a sentence or two."""
    told = [f"{mapped.placed} placed"]
    told += [f"{mapped.waiting} wait for their other name"] if mapped.waiting else []
    told += [f"{mapped.refused} could not be taken in: {mapped.why}"] if mapped.refused else []
    told += ["more of them wait; do it again"] if mapped.left > mapped.refused else []
    return "; ".join(told) + "."


def _inbox(
    request: HttpRequest, forms: dict[int, PlacementForm] | None = None, mapping: MappingForm | None = None
) -> Context:
    by = by_of(request)
    page = page_of(queries.inbox(by), request.GET, newest_first=True)
    services = {name.casefold(): name for name in queries.services(by).values_list("identifier", flat=True)}
    environments = tables.names_of(queries.environments(by))
    suggest = PlacementForm.suggesting
    names = {"service": services, "environment": environments}
    groups = [
        tables.group_row(
            each, _mapping_of(each, mapping) or MappingForm.suggesting(each.kind, each.name, names[each.kind])
        )
        for each in queries.inbox_groups(by)
    ]
    return {
        "waiting": queries.waiting().count(),
        "groups": groups,
        "known": queries.inbox_known(by) if page.rows else 0,
        "items": [
            {"item": item, "form": (forms or {}).get(item.pk) or suggest(item, services, environments)}
            for item in page.rows
        ],
        "services": services.values(),
        "environments": sorted(set(environments.values())),
        "pager": pager(request.GET, page, f"{len(page.rows)} reports, the newest first"),
    }


def _mapping_of(group: queries.Group, form: MappingForm | None) -> MappingForm | None:
    """What was refused stands in the group that it was sent for."""
    return form if form and (form.data.get("kind"), form.data.get("name")) == (group.kind, group.name) else None
