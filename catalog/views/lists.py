import csv
import json
from collections.abc import Iterator
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from catalog import queries, tables
from catalog.commands import view_delete, view_save
from catalog.models import Blueprint, View
from catalog.tables.filters import ALL, OPERATORS, suggestions, words_of
from catalog.tables.state import State
from catalog.tables.table import Table
from catalog.views.missing import missing
from portal.accounts.policy import allows
from portal.accounts.viewer import by_of
from portal.kit.by import By
from portal.kit.errors import Invalid, Missing

Json = dict[str, Any]

# What a spreadsheet would take for a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    by = by_of(request)
    blueprints = [tables.blueprint_row(each) for each in queries.blueprints_counted(by)]
    new_url = reverse("admin:catalog_blueprint_add") if by.actor.is_admin else None
    return render(request, "catalog/home.html", {"blueprints": blueprints, "new_url": new_url})


@require_safe
def entity_list(request: HttpRequest, blueprint: str) -> HttpResponse | StreamingHttpResponse:
    by = by_of(request)
    try:
        kind = queries.blueprint(blueprint)
    except Missing:
        return missing(request, f"There is no blueprint called “{blueprint}”.", [])
    table = Table(kind, State.read(request.GET), by)
    if request.GET.get("export") in _EXPORTS:
        return _exported(table, request.GET["export"])
    if request.GET.get("part") == "spreads":
        return render(request, "catalog/entity_list.html#spreads", {"spreads": table.spreads()})
    context = {
        "blueprint": tables.blueprint_row(kind),
        "edit_url": _blueprint_url(kind, by),
        "new_url": _new_url(kind, by),
        "table": _table(table),
        "toolbar": _toolbar(table, by),
    }
    return render(request, "catalog/entity_list.html", context, status=422 if table.problem else 200)


def _table(table: Table) -> Json:
    state = table.state
    shown: Json = {
        "heads": table.heads(),
        "width": len(table.shown) + 1,
        "problem": table.problem,
        "filtered": table.filtered,
        "clear_url": state.url(words="", filters=()),
        "spreads_url": state.url() + "&part=spreads" if any(_counts(each) for each in table.shown) else None,
        "group": table.group,
    }
    if table.group:
        groups = table.groups()
        count = f"{len(groups)} {'group' if len(groups) == 1 else 'groups'}, {table.count_text}"
        return shown | {"groups": groups, "pager": {"count_text": count}}
    page = table.page()
    pager = {
        "count_text": table.count_text,
        "newer_url": state.url(cursor=page.previous) if page.previous else None,
        "older_url": state.url(cursor=page.next) if page.next else None,
        "newer_label": "Previous",
        "older_label": "Next",
    }
    return shown | {"rows": table.lines(page.rows), "pager": pager}


def _counts(column: Any) -> bool:
    return column.kind in ("choice", "boolean")


def _toolbar(table: Table, by: By) -> Json:
    state, columns = table.state, table.columns
    views = list(queries.views(by, table.blueprint))
    view = next((each for each in views if str(each.pk) == state.view), None)
    shown = {column.name for column in table.shown}
    return {
        "state": state,
        "lines": [_line(table, place) for place in range(len(state.filters))],
        "columns": list(columns.values()),
        "listed": [("$title", "Title"), ("$identifier", "Identifier"), *((c.name, c.title) for c in columns.values())],
        "operators": ALL,
        "suggestions": [(name, words) for name, column in columns.items() if (words := suggestions(column))],
        "shown": shown,
        "groupable": [column for column in columns.values() if column.countable],
        "hidden_for": {name: state.hidden(keys) for name, keys in _FORMS.items()},
        "ungroup_url": state.url(group="", open=None),
        "exports": [(f"{state.url()}&export={kind}", kind.upper()) for kind in _EXPORTS],
        "views": [_view(each, view, state) for each in views],
        "all_url": "?",
        "is_all": view is None and not state.query,
        "view": view,
        "unsaved": bool(state.query) and (view is None or view.query != state.query),
        "save_url": reverse("catalog:views", args=[table.blueprint.identifier]),
        "may_share": allows(by.actor, "view.share", blueprint=table.blueprint.identifier),
        "may_remove": view is not None
        and (view.owner_id is not None or allows(by.actor, "view.share", blueprint=table.blueprint.identifier)),
        "remove_url": reverse("catalog:view_removal", args=[view.pk]) if view else None,
        "revert_url": f"?{view.query}&view={view.pk}" if view else "?",
    }


# Each form of the toolbar carries along what the others say.
_FORMS = {
    "search": ["q"],
    "filter": ["property", "operator", "value", "combinator"],
    "columns": ["column"],
    "group": ["group"],
}


def _line(table: Table, place: int) -> Json:
    line = table.state.filters[place]
    column = table.columns.get(line.property)
    return {
        "place": place,
        "line": line,
        "words": words_of(line, table.columns),
        "operators": OPERATORS[column.kind if column else "text"],
        "remove_url": table.state.without(place),
    }


def _view(view: View, current: View | None, state: State) -> Json:
    query = f"{view.query}&view={view.pk}" if view.query else f"view={view.pk}"
    return {"title": view.title, "url": f"?{query}", "active": view == current, "shared": view.owner_id is None}


@require_POST
def views(request: HttpRequest, blueprint: str) -> HttpResponse:
    """Keeps the view that the form carries, and shows it."""
    kind = queries.blueprint(blueprint)
    address = reverse("catalog:entity_list", args=[blueprint])
    query, title = request.POST.get("query", ""), request.POST.get("title", "")
    try:
        view = view_save(kind, title, query, shared=request.POST.get("shared") == "1", by=by_of(request))
    except Invalid as wrong:
        return render(
            request, "catalog/view_refused.html", {"message": wrong.message, "url": f"{address}?{query}"}, status=422
        )
    return HttpResponseRedirect(f"{address}?{view.query}&view={view.pk}", status=303)


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
    may = allows(by.actor, "entity.write", teams=by.actor.teams, blueprint=blueprint.identifier)
    return reverse("catalog:entity_new", args=[blueprint.identifier]) if may else None


def _exported(table: Table, kind: str) -> StreamingHttpResponse:
    """All rows that match, as they are read: nothing is gathered in memory."""
    lines, content_type = _EXPORTS[kind]
    response = StreamingHttpResponse(lines(table), content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="{table.blueprint.identifier}.{kind}"'.replace("/", "-")
    return response


class _Echo:
    def write(self, text: str) -> str:
        return text


def _csv(table: Table) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield writer.writerow(["Identifier", "Title", *(column.title for column in table.shown)])
    for _, row in table.exported():
        yield writer.writerow([_field(value) for value in row.values()])


def _field(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    text = value.isoformat() if hasattr(value, "isoformat") else str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(FORMULA) else text


def _json(table: Table) -> Iterator[str]:
    start = "["
    for _, row in table.exported():
        yield start + json.dumps(row, ensure_ascii=False, cls=DjangoJSONEncoder)
        start = ",\n"
    yield "]" if start != "[" else "[]"


_EXPORTS = {"csv": (_csv, "text/csv; charset=utf-8"), "json": (_json, "application/json")}
