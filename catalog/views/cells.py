"""One value of a table's row, changed in its place."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods
from django_htmx.http import trigger_client_event

from catalog import queries
from catalog.forms import CellForm
from catalog.tables.state import State
from catalog.tables.table import Table
from portal.accounts.viewer import by_of
from portal.kit.errors import Invalid, Refused

Json = dict[str, Any]


@require_http_methods(["GET", "HEAD", "POST"])
def cell(request: HttpRequest, blueprint: str, identifier: str) -> HttpResponse:
    """The form of the cell that `cell` names, or why it has none. Saved, it answers the row as the table shows it."""
    by = by_of(request)
    entity = queries.entity(by, blueprint, identifier)
    column = request.GET.get("cell", "")
    try:
        form = CellForm(request.POST or None, entity, column, by=by)
    except (Invalid, Refused) as why:
        return render(request, "catalog/_cell.html#why", {"why": why.message}, status=409)
    if request.method != "POST" or not form.is_valid() or not form.save():
        context = {"form": form, "url": request.get_full_path(), "entity": entity}
        return render(request, "catalog/_cell.html", context, status=422 if request.method == "POST" else 200)
    table = Table(entity.blueprint, State.read(request.GET), by)
    rows = table.lines(list(table.all.filter(pk=entity.pk)))
    answer = render(request, "catalog/_table.html#lines", {"lines": rows, "may_write": True})
    if form.name in form.changed_data:
        said: Json = {"message": f"{entity} is saved.", "undo": reverse("catalog:undo", args=[by.trace])}
        trigger_client_event(answer, "announce", said)
    return answer
