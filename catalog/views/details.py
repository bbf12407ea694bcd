from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from catalog import permissions, queries, tables
from catalog.models import Entity
from catalog.views.missing import missing
from portal.accounts.viewer import by_of
from portal.kit.by import By
from portal.kit.errors import Missing

Json = dict[str, Any]


@require_safe
def entity_detail(request: HttpRequest, blueprint: str, identifier: str) -> HttpResponse:
    by = by_of(request)
    try:
        entity = queries.entity(by, blueprint, identifier)
    except Missing as error:
        nearest = error.details.get("nearest", [])
        return missing(request, f"There is no {blueprint} called “{identifier}”.", nearest, blueprint)
    related = queries.related(by, entity)
    tab = request.GET.get("tab", "overview")
    urls = tables.panel_urls(entity)
    tab = tab if tab in {"overview", "related", *urls} else "overview"
    values = queries.properties_of([entity])[entity.pk]
    context = {
        "entity": _head(entity),
        "blueprint": tables.blueprint_row(entity.blueprint),
        "headline": tables.headline(entity, values),
        "links": tables.links(entity, values)[:6],
        "tabs": tables.tabs(entity, tab, related),
        "tab": tab,
        "panel_url": urls.get(tab),
    }
    context |= _deeds(entity, by)
    if tab == "overview":
        context |= {"properties": tables.properties(entity, values), "panels": tables.panels(entity)}
    if tab == "related":
        kinds = {each.identifier: each for each in queries.blueprints(by)}
        context["relations"] = tables.related_rows(related, kinds, entity.blueprint)
    return render(request, "catalog/entity_detail.html", context)


def _deeds(entity: Entity, by: By) -> Json:
    """Where he may change and delete it; else who may, so that nobody looks for a button in vain."""
    names, teams = [entity.blueprint.identifier, entity.identifier], queries.owner_teams(entity)
    deeds: tuple[permissions.Deed, ...] = ("update", "unregister")
    may = {deed: permissions.may_write(by, deed, entity.blueprint, teams=teams, entity=entity) for deed in deeds}
    return {
        "edit_url": reverse("catalog:entity_edit", args=names) if may["update"] else None,
        "delete_url": reverse("catalog:entity_deletion", args=names) if may["unregister"] else None,
        "refusals": [
            f"You may not {permissions.refusal(deed, entity.blueprint, teams)}" for deed, it in may.items() if not it
        ],
    }


def _head(entity: Entity) -> Json:
    return {
        "identifier": entity.identifier,
        "title": entity.title,
        "icon": tables.icon_of(entity.icon or entity.blueprint.icon),
        "updated_at": entity.updated_at,
        "updated_by": entity.updated_by,
        "created_at": entity.created_at,
        "created_by": entity.created_by,
    }
