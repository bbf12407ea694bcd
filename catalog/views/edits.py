from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from catalog import queries, tables
from catalog.commands import entity_delete
from catalog.forms import EntityForm, EntityJson
from catalog.models import Blueprint, Entity
from portal.accounts.viewer import by_of
from portal.kit.answers import go
from portal.kit.errors import Conflict, PortalError

Json = dict[str, Any]

MOST_NAMED = 20


@require_http_methods(["GET", "HEAD", "POST"])
def entity_new(request: HttpRequest, blueprint: str) -> HttpResponse:
    by = by_of(request)
    kind = queries.readable_blueprint(by, blueprint)
    return _edited(request, kind, None, by)


@require_http_methods(["GET", "HEAD", "POST"])
def entity_edit(request: HttpRequest, blueprint: str, identifier: str) -> HttpResponse:
    by = by_of(request)
    entity = queries.entity(by, blueprint, identifier)
    return _edited(request, entity.blueprint, entity, by)


def _edited(request: HttpRequest, blueprint: Blueprint, entity: Entity | None, by: Any) -> HttpResponse:
    """The form, filled in or refused; when it is saved, the entity's page."""
    kind = EntityJson if request.GET.get("mode") == "json" else EntityForm
    form = kind(request.POST or None, blueprint, entity, by=by)
    if request.method == "POST" and form.is_valid():
        saved = form.save()
        if saved is not None:
            url = tables.entity_url(blueprint.identifier, saved.identifier)
            is_new, is_same = entity is None, entity is not None and entity.updated_at == saved.updated_at
            say = (
                f"{saved} is made."
                if is_new
                else f"Nothing was changed of {saved}."
                if is_same
                else f"{saved} is saved."
            )
            return go(request, url, say=say, undo="" if is_same else reverse("catalog:undo", args=[by.trace]))
    context = {
        "form": form,
        "blueprint": tables.blueprint_row(blueprint),
        "entity": entity,
        "is_json": kind is EntityJson,
        "back_url": tables.entity_url(blueprint.identifier, entity.identifier)
        if entity
        else tables.list_url(blueprint.identifier),
    }
    return render(request, "catalog/entity_form.html", context, status=422 if request.method == "POST" else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def entity_deletion(request: HttpRequest, blueprint: str, identifier: str) -> HttpResponse:
    """Says what would go with it, and asks."""
    by = by_of(request)
    entity = queries.entity(by, blueprint, identifier)
    needing, problem, too_many = [], "", False
    try:
        needing = queries.with_dependents([entity])[1:]
    except Conflict as error:
        problem, too_many = error.message, True
    seen = queries.seen_of(by, needing)
    named = [_named(each) for each in needing if each.pk in seen][:MOST_NAMED]
    if request.method == "POST" and not too_many:
        try:
            gone = entity_delete(entity, dependents=request.POST.get("all") == str(len(needing)), by=by)
            more = f", and {len(gone) - 1} that needed it" if len(gone) > 1 else ""
            undo = reverse("catalog:undo", args=[by.trace])
            return go(request, tables.list_url(blueprint), say=f"{entity} is deleted{more}.", undo=undo)
        except PortalError as error:
            problem = error.message
    context = {
        "entity": entity,
        "blueprint": tables.blueprint_row(entity.blueprint),
        "count": len(needing),
        "needing": named,
        "more": len(needing) - len(named),
        "pointing": queries.pointing_at(entity),
        "problem": problem,
        "too_many": too_many,
        "back_url": tables.entity_url(blueprint, identifier),
    }
    return render(request, "catalog/entity_deletion.html", context, status=409 if problem else 200)


def _named(entity: Entity) -> Json:
    return {
        "title": str(entity),
        "blueprint": entity.blueprint.title,
        "url": tables.entity_url(entity.blueprint.identifier, entity.identifier),
    }
