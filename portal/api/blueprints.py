from typing import Any

from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import kinds, queries
from catalog.commands import (
    blueprint_create,
    blueprint_delete,
    blueprint_rename,
    blueprint_update,
    blueprints_import,
)
from catalog.commands.blueprints.rename import What
from portal.accounts.policy import require
from portal.actions.commands import blueprint_delete_with_actions
from portal.api.auth import by_of
from portal.api.bodies import object_of
from portal.api.present import blueprint_json
from portal.api.selection import flag
from portal.kit.errors import Invalid, Missing

MOST = 100


@api_view(["GET", "POST"])
def blueprints(request: Request) -> Response:
    by = by_of(request)
    if request.method == "GET":
        return Response({"ok": True, "blueprints": [blueprint_json(each, by=by) for each in queries.blueprints(by)]})
    created = blueprint_create(object_of(request), by=by)
    return Response({"ok": True, "blueprint": blueprint_json(created, by=by)}, status=201)


@api_view(["GET", "PUT", "PATCH", "DELETE"])
def blueprint(request: Request, identifier: str) -> Response:
    """PUT sets the whole definition, PATCH the top-level keys that are given."""
    by = by_of(request)
    if request.method == "GET":
        require(by, "catalog.read")
        found = queries.blueprint(identifier)
        return Response({"ok": True, "blueprint": blueprint_json(found, by=by)})
    require(by, "blueprint.write", blueprint=identifier)
    found = queries.blueprint(identifier)
    if request.method == "DELETE":
        delete = blueprint_delete_with_actions if flag(request, "delete_actions") else blueprint_delete
        delete(found, by=by)
        return Response({"ok": True})
    changed = blueprint_update(found, object_of(request), partial=request.method == "PATCH", by=by)
    return Response({"ok": True, "blueprint": blueprint_json(changed, by=by)})


@api_view(["POST"])
def bulk(request: Request) -> Response:
    """1 to 100 definitions, all or none; they may point at each other."""
    wished = object_of(request).get("blueprints")
    if not isinstance(wished, list) or not 1 <= len(wished) <= MOST:
        raise Invalid.at("blueprints", f"must be a list of 1 to {MOST}")
    by = by_of(request)
    done = blueprints_import(wished, by=by)
    return Response({"ok": True, "blueprints": [blueprint_json(each, by=by) for each in done]})


# The key of the body that holds the new name.
RENAMES: dict[What, str] = {
    "property": "newPropertyName",
    "mirror": "newMirrorName",
    "relation": "newRelationIdentifier",
}


def _renamed(request: Request, blueprint: str, what: What, name: str) -> Response:
    key, by = RENAMES[what], by_of(request)
    require(by, "blueprint.write", blueprint=blueprint)
    new = object_of(request).get(key)
    if not isinstance(new, str):
        raise Invalid.at(key, "must be a text: the new name")
    changed = blueprint_rename(queries.blueprint(blueprint), what, name, new, path=key, by=by)
    return Response({"ok": True, "blueprint": blueprint_json(changed, by=by)})


@api_view(["PATCH"])
def property_rename(request: Request, blueprint: str, name: str) -> Response:
    return _renamed(request, blueprint, "property", name)


@api_view(["PATCH"])
def mirror_rename(request: Request, blueprint: str, name: str) -> Response:
    return _renamed(request, blueprint, "mirror", name)


@api_view(["PATCH"])
def relation_rename(request: Request, blueprint: str, name: str) -> Response:
    return _renamed(request, blueprint, "relation", name)


@api_view(["GET"])
def structure(request: Request, identifier: str) -> Response:
    """What the portal itself put into a blueprint that comes with it; people's additions are left out."""
    by = by_of(request)
    found = queries.readable_blueprint(by, identifier)
    kind = kinds.kind(identifier)
    if kind is None:
        raise Missing(f'System blueprint with identifier "{identifier}" was not found')
    nothing: dict[str, Any] = {
        name: {} for name in ("calculationProperties", "mirrorProperties", "aggregationProperties", "relations")
    }
    return Response({"ok": True, "blueprint": blueprint_json(found, nothing | kind.definition, by=by)})
