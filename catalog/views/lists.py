from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from catalog import permissions, queries, tables
from catalog.commands import view_delete, view_save
from catalog.models import Blueprint, View
from catalog.tables.export import EXPORTS
from catalog.tables.page import context_of
from catalog.tables.state import State
from catalog.tables.table import Table
from catalog.views.missing import missing
from portal.accounts.policy import allows
from portal.accounts.viewer import by_of
from portal.kit.by import By
from portal.kit.errors import Invalid, Missing
from portal.kit.live import live

Json = dict[str, Any]
Answer = HttpResponse | StreamingHttpResponse


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    by = by_of(request)
    blueprints = [tables.blueprint_row(each) for each in queries.blueprints_counted(by)]
    new_url = reverse("admin:catalog_blueprint_add") if by.actor.is_admin else None
    return render(request, "catalog/home.html", {"blueprints": blueprints, "new_url": new_url})


@require_safe
def entity_list(request: HttpRequest, blueprint: str) -> Answer:
    by = by_of(request)
    try:
        kind = queries.blueprint(blueprint)
    except Missing:
        return missing(request, f"There is no blueprint called “{blueprint}”.", [])
    table = Table(kind, State.read(request.GET), by)
    context = {
        "blueprint": tables.blueprint_row(kind),
        "edit_url": _blueprint_url(kind, by),
        "notes": _notes(kind, by),
        "permissions_url": reverse("catalog:permissions", args=[blueprint])
        if allows(by.actor, "blueprint.write", blueprint=blueprint)
        else None,
        "changelog_url": reverse("catalog:changelog", args=[blueprint])
        if allows(by.actor, "blueprint.write", blueprint=blueprint)
        else None,
    }
    return table_page(request, table, "catalog/entity_list.html", context)


def table_page(request: HttpRequest, table: Table, template: str, context: Json) -> Answer:
    """The page around a table, its partial #table, or the part or the file that is asked for."""
    if request.GET.get("export") in EXPORTS:
        return _exported(table, request.GET["export"])
    if request.GET.get("part") == "spreads":
        return render(request, "catalog/_table.html#spreads", {"spreads": table.spreads()})

    def whole() -> Json:
        return context | context_of(table, here=request.path, new_url=_new_url(table.blueprint, table.by))

    if table.look.beat and not table.problem:
        return live(request, template, whole, beat=table.look.beat(), partial="table")
    return render(request, template, whole(), status=422 if table.problem else 200)


@require_POST
def views(request: HttpRequest, blueprint: str) -> HttpResponse:
    """Keeps the view that the form carries, and shows it where it was made."""
    kind = queries.blueprint(blueprint)
    query, title = request.POST.get("query", ""), request.POST.get("title", "")
    here = request.POST.get("here", "")
    if not (here.startswith("/") and url_has_allowed_host_and_scheme(here, None)):
        here = reverse("catalog:entity_list", args=[blueprint]) + "?"
    back = here if here.endswith("?") else f"{here}&"
    try:
        view = view_save(kind, title, query, shared=request.POST.get("shared") == "1", by=by_of(request))
    except Invalid as wrong:
        context = {"message": wrong.message, "url": f"{back}{query}"}
        return render(request, "catalog/view_refused.html", context, status=422)
    return HttpResponseRedirect(f"{back}{view.query}&view={view.pk}", status=303)


@require_POST
def view_removal(request: HttpRequest, pk: int) -> HttpResponse:
    view = View.objects.select_related("blueprint", "owner").filter(pk=pk).first()
    if view is None:
        raise Missing("The view is gone already.")
    view_delete(view, by=by_of(request))
    return HttpResponseRedirect(reverse("catalog:entity_list", args=[view.blueprint.identifier]), status=303)


def _blueprint_url(blueprint: Blueprint, by: By) -> str | None:
    """The editor is in the admin, where only administrators get in."""
    if by.actor.is_admin and allows(by.actor, "blueprint.write", blueprint=blueprint.identifier):
        return reverse("admin:catalog_blueprint_change", args=[blueprint.pk])
    return None


def _new_url(blueprint: Blueprint, by: By) -> str | None:
    may = permissions.may_write(by, "register", blueprint, teams=by.actor.teams)
    return reverse("catalog:entity_new", args=[blueprint.identifier]) if may else None


def _notes(blueprint: Blueprint, by: By) -> list[str]:
    """Why there is less here, or less to do, than others have."""
    notes = [] if permissions.bounds(by, blueprint) is None else [permissions.restriction(blueprint)]
    if not permissions.may_write(by, "register", blueprint, teams=by.actor.teams):
        notes.append(f"You may not {permissions.refusal('register', blueprint, [])}")
    if going := queries.deletion_of(blueprint):
        notes.append(
            f"All entities are being deleted, as {going.actor_name} asked: {going.done:,} of {going.total:,} are gone."
        )
    return notes


def _exported(table: Table, kind: str) -> StreamingHttpResponse:
    lines, content_type = EXPORTS[kind]
    response = StreamingHttpResponse(lines(table), content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="{table.blueprint.identifier}.{kind}"'.replace("/", "-")
    return response
