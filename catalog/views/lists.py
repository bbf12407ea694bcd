from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from catalog import queries, tables
from catalog.models import Blueprint
from catalog.views.missing import missing
from portal.accounts.policy import allows
from portal.accounts.viewer import by_of
from portal.kit.by import By
from portal.kit.errors import Missing
from portal.kit.paging import Page, counted, page_of

Json = dict[str, Any]


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    by = by_of(request)
    blueprints = [tables.blueprint_row(each) for each in queries.blueprints_counted(by)]
    new_url = reverse("admin:catalog_blueprint_add") if by.actor.is_admin else None
    return render(request, "catalog/home.html", {"blueprints": blueprints, "new_url": new_url})


@require_safe
def entity_list(request: HttpRequest, blueprint: str) -> HttpResponse:
    by = by_of(request)
    try:
        kind = queries.blueprint(blueprint)
    except Missing:
        return missing(request, f"There is no blueprint called “{blueprint}”.", [])
    text = request.GET.get("q", "")
    found = queries.found(queries.entities(by, kind), text)
    page = page_of(found, request.GET, key="identifier")
    values = queries.properties_of(page.rows)
    context = {
        "blueprint": tables.blueprint_row(kind),
        "columns": tables.columns(kind),
        "rows": [tables.entity_row(each, values[each.pk]) for each in page.rows],
        "q": text,
        "pager": _pager(page, text, counted(found, "entity", "entities")),
        "edit_url": _blueprint_url(kind, by),
    }
    return render(request, "catalog/entity_list.html", context)


def _pager(page: Page, text: str, count: str) -> Json:
    asked = {"q": text} if text else {}
    return {
        "count_text": count,
        "newer_url": f"?{urlencode(asked | {'before': page.before})}" if page.before else None,
        "older_url": f"?{urlencode(asked | {'after': page.after})}" if page.after else None,
        "newer_label": "Previous",
        "older_label": "Next",
    }


def _blueprint_url(blueprint: Blueprint, by: By) -> str | None:
    """The editor is in the admin, where only administrators get in."""
    if by.actor.is_admin and allows(by.actor, "blueprint.write", blueprint=blueprint.identifier):
        return reverse("admin:catalog_blueprint_change", args=[blueprint.pk])
    return None
