from typing import Any

from django.http import HttpRequest
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from catalog import permissions, queries, tables
from catalog.models import Entity
from catalog.queries import Related
from catalog.tables.state import State
from catalog.tables.table import Table
from catalog.views.lists import Answer, table_page
from catalog.views.missing import missing
from portal.accounts.viewer import by_of
from portal.kit.by import By
from portal.kit.errors import Missing

Json = dict[str, Any]
TEMPLATE = "catalog/entity_detail.html"


@require_safe
def entity_detail(request: HttpRequest, blueprint: str, identifier: str) -> Answer:
    by = by_of(request)
    try:
        entity = queries.entity(by, blueprint, identifier)
    except Missing as error:
        nearest = error.details.get("nearest", [])
        return missing(request, f"There is no {blueprint} called “{identifier}”.", nearest, blueprint)
    related = queries.related(by, entity)
    tab = request.GET.get("tab", "overview")
    urls = tables.panel_urls(entity)
    tab = tab if tab in {"overview", "related", "json", *urls} else "overview"
    values = queries.properties_of([entity])[entity.pk]
    context = (
        _head(entity, values)
        | _deeds(entity, by)
        | {
            "tabs": tables.tabs(entity, tab, related),
            "tab": tab,
            "panel_url": urls.get(tab),
        }
    )
    if tab == "overview":
        context |= {
            "properties": tables.properties(entity, values),
            "relations": tables.relations(entity),
            "panels": tables.panels(entity),
        }
    if tab == "json":
        context["body"] = tables.as_json(entity, values)
    if tab == "related" and related:
        return _related(request, entity, related, context, by)
    return render(request, TEMPLATE, context)


def _deeds(entity: Entity, by: By) -> Json:
    """Where he may change and delete it; else who may, so that nobody looks for a button in vain."""
    names, teams = [entity.blueprint.identifier, entity.identifier], queries.owner_teams(entity)
    deeds: tuple[permissions.Deed, ...] = ("update", "unregister")
    may = {deed: permissions.may_write(by, deed, entity.blueprint, teams=teams, entity=entity) for deed in deeds}
    return {
        "edit_url": reverse("catalog:entity_edit", args=names) if may["update"] else None,
        "delete_url": reverse("catalog:entity_deletion", args=names) if may["unregister"] else None,
        "refusals": _told([permissions.refusal(deed, entity.blueprint, teams) for deed, it in may.items() if not it]),
    }


def _told(refusals: list[str]) -> list[str]:
    """Two that the same people may are one sentence."""
    whats, whos = zip(*(each.split(": ", 1) for each in refusals), strict=True) if refusals else ((), ())
    if len(set(whos)) == 1:
        return [f"You may not {', nor '.join(whats)}: {whos[0]}"]
    return [f"You may not {each}" for each in refusals]


def _related(request: HttpRequest, entity: Entity, groups: list[Related], context: Json, by: By) -> Answer:
    """The neighbours by one relation, as a table like any other."""
    of = request.GET.get("of", "")
    group = next((each for each in groups if each.key == of), groups[0])
    kinds = {each.identifier: each for each in queries.blueprints(by)}
    state = State.read(request.GET, carried=("tab", "of"))
    table = Table(kinds[group.blueprint], state, by, within=queries.within(entity, group))
    context["groups"] = tables.related_tabs(entity, groups, kinds, group.key)
    return table_page(request, table, TEMPLATE, context)


def _head(entity: Entity, values: Json) -> Json:
    return {
        "entity": {
            "identifier": entity.identifier,
            "title": entity.title,
            "icon": tables.icon_of(entity.icon or entity.blueprint.icon),
            "updated_at": entity.updated_at,
            "updated_by": entity.updated_by,
            "created_at": entity.created_at,
            "created_by": entity.created_by,
            "datasource": entity.datasource,
        },
        "blueprint": tables.blueprint_row(entity.blueprint),
        "headline": tables.headline(entity, values),
        "links": tables.links(entity, values)[:6],
    }
