from typing import Any

from django.db import transaction
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import queries, wishes
from catalog.commands import entity_delete, entity_write
from portal.accounts.policy import require
from portal.api.auth import by_of
from portal.api.bodies import object_of
from portal.api.present import entities_json, entity_json
from portal.api.selection import selection
from portal.kit.by import By
from portal.kit.locking import retried


def flag(request: Request, name: str) -> bool:
    """Anything but `true` is false: some clients send what is no boolean at all."""
    return request.query_params.get(name, "").lower() == "true"


def _written(request: Request, wish: wishes.Wish, by: By) -> dict[str, Any]:
    """The entity as it is now; with `validation_only` as it would be, with nothing written."""
    return _would_be(wish, by) if flag(request, "validation_only") else entity_json(entity_write(wish, by=by))


@retried
@transaction.atomic
def _would_be(wish: wishes.Wish, by: By) -> dict[str, Any]:
    would_be = entity_json(entity_write(wish, by=by))
    transaction.set_rollback(True)
    return would_be


@api_view(["GET", "POST"])
def entities(request: Request, blueprint: str) -> Response:
    """POST creates; with `upsert` it overrides, with `upsert` and `merge` it changes what is given."""
    by = by_of(request)
    if request.method == "GET":
        require(by, "catalog.read")
        found = list(queries.entities(by, queries.blueprint(blueprint)))
        chosen = selection(request)
        return Response({"ok": True, "entities": [chosen.of(each) for each in entities_json(found)]})
    mode: wishes.Mode = "create"
    if flag(request, "upsert"):
        mode = "merge" if flag(request, "merge") else "override"
    wish = wishes.parse(
        blueprint, object_of(request), mode=mode, create_missing=flag(request, "create_missing_related_entities")
    )
    return Response({"ok": True, "entity": _written(request, wish, by)}, status=201)


@api_view(["GET", "PUT", "PATCH", "DELETE"])
def entity(request: Request, blueprint: str, identifier: str) -> Response:
    by = by_of(request)
    if request.method == "GET":
        found = queries.entity(by, blueprint, identifier)
        return Response({"ok": True, "entity": selection(request).of(entity_json(found))})
    if request.method == "DELETE":
        require(by, "entity.write", blueprint=blueprint)
        found = queries.entity_to_write(blueprint, identifier)
        gone = entity_delete(found, dependents=flag(request, "delete_dependents"), by=by)
        return Response({"ok": True, "deletedEntities": gone})
    mode: wishes.Mode = "replace" if request.method == "PUT" else "patch"
    wish = wishes.parse(
        blueprint,
        object_of(request),
        mode=mode,
        identifier=identifier,
        create_missing=flag(request, "create_missing_related_entities"),
    )
    return Response({"ok": True, "entity": _written(request, wish, by)})


@api_view(["GET"])
def entities_count(request: Request, blueprint: str) -> Response:
    by = by_of(request)
    require(by, "catalog.read")
    count = queries.entities(by, queries.blueprint(blueprint)).count()
    return Response({"ok": True, "count": count})
