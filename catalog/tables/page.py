"""What templates/catalog/_table.html shows: the table, and the toolbar above it."""

from typing import Any

from django.urls import reverse

from catalog import permissions, queries
from catalog.models import View
from catalog.tables.export import EXPORTS
from catalog.tables.filters import ALL, OPERATORS, suggestions, words_of
from catalog.tables.looks import Quick
from catalog.tables.table import Table
from portal.accounts.policy import allows

Json = dict[str, Any]

# Each form of the toolbar carries along what the others say.
FORMS = {
    "search": ["q"],
    "filter": ["property", "operator", "value", "combinator"],
    "columns": ["column"],
    "group": ["group"],
}


def context_of(table: Table, *, here: str, new_url: str | None = None) -> Json:
    """`here` is the path of the page, where a kept view leads back to; `new_url` is where the viewer makes one, if he may."""
    return {
        "blueprint_title": table.look.title or table.blueprint.title,
        "table": _table(table),
        "toolbar": _toolbar(table, here),
        "new_url": new_url,
        "may_write": permissions.may_write(table.by, "update", table.blueprint, teams=table.by.actor.teams),
        "bulk_edit_url": reverse("catalog:bulk_edit", args=[table.blueprint.identifier]),
        "bulk_delete_url": reverse("catalog:bulk_deletion", args=[table.blueprint.identifier]),
    }


def _table(table: Table) -> Json:
    state = table.state
    shown: Json = {
        "heads": table.heads(),
        "width": len(table.shown) + 1,
        "problem": table.problem,
        "filtered": table.filtered,
        "count_text": table.count_text,
        "clear_url": state.url(words="", filters=()),
        "spreads_url": state.url() + "&part=spreads" if table.has_spreads else None,
        "query": state.url().removeprefix("?"),
        "group": table.group,
    }
    if table.group:
        groups = table.groups()
        count = f"{len(groups)} {'group' if len(groups) == 1 else 'groups'}, {shown['count_text']}"
        return shown | {"groups": groups, "count_text": count}
    page = table.page
    pager = {
        "count_text": shown["count_text"],
        "newer_url": state.url(cursor=page.previous) if page.previous else None,
        "older_url": state.url(cursor=page.next) if page.next else None,
        "newer_label": "Previous",
        "older_label": "Next",
    }
    return shown | {"rows": table.lines(page.rows), "pager": pager}


def _toolbar(table: Table, here: str) -> Json:
    state, columns = table.state, table.columns
    views = list(queries.views(table.by, table.blueprint))
    view = next((each for each in views if str(each.pk) == state.view), None)
    shares = allows(table.by.actor, "view.share", blueprint=table.blueprint.identifier)
    return {
        "state": state,
        "lines": [_line(table, place) for place in range(len(state.filters))],
        "quick": [_quick(table, each) for each in table.look.quick],
        "columns": list(columns.values()),
        "listed": [("$title", "Title", "text"), ("$identifier", "Identifier", "text"), *_filterable(table)],
        "operators": [(name, words, " ".join(_kinds(name))) for name, words in ALL],
        "suggestions": [(name, words) for name, column in columns.items() if (words := suggestions(column))],
        "shown": {column.name for column in table.shown},
        "groupable": [column for column in columns.values() if column.countable],
        "hidden_for": {name: state.hidden(keys) for name, keys in FORMS.items()},
        "ungroup_url": state.url(group="", open=None),
        "exports": [(f"{state.url()}&export={kind}", kind.upper()) for kind in EXPORTS],
        "views": [_view(table, each, view) for each in views],
        "all_url": state.bare(),
        "is_all": view is None and not state.query,
        "view": view,
        "unsaved": bool(state.query) and (view is None or view.query != state.query),
        "save_url": reverse("catalog:views", args=[table.blueprint.identifier]),
        "here": here + state.bare(),
        "may_share": shares,
        "may_remove": view is not None and (view.owner_id is not None or shares),
        "remove_url": reverse("catalog:view_removal", args=[view.pk]) if view else None,
        "revert_url": state.bare(view.query, view=view.pk) if view else state.bare(),
    }


def _filterable(table: Table) -> list[tuple[str, str, str]]:
    return [(c.name, c.title, c.kind) for c in table.columns.values() if c.kind != "live" and c not in table.look.more]


def _kinds(operator: str) -> list[str]:
    return [kind for kind, listed in OPERATORS.items() if operator in dict(listed)]


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


def _quick(table: Table, quick: Quick) -> Json:
    state = table.state
    active = quick.line in state.filters
    url = state.without(state.filters.index(quick.line)) if active else state.url(filters=(*state.filters, quick.line))
    return {"label": quick.label, "icon": quick.icon, "active": active, "url": url}


def _view(table: Table, view: View, current: View | None) -> Json:
    url = table.state.bare(view.query, view=view.pk)
    return {"title": view.title, "url": url, "active": view == current, "shared": view.owner_id is None}
