from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import queries
from catalog.commands import blueprint_create, blueprint_delete, blueprint_update
from portal.accounts.policy import require
from portal.api.auth import by_of
from portal.api.bodies import object_of
from portal.api.present import blueprint_json


@api_view(["GET", "POST"])
def blueprints(request: Request) -> Response:
    by = by_of(request)
    if request.method == "GET":
        return Response({"ok": True, "blueprints": [blueprint_json(each) for each in queries.blueprints(by)]})
    created = blueprint_create(object_of(request), by=by)
    return Response({"ok": True, "blueprint": blueprint_json(created)}, status=201)


@api_view(["GET", "PUT", "PATCH", "DELETE"])
def blueprint(request: Request, identifier: str) -> Response:
    """PUT sets the whole definition, PATCH the top-level keys that are given."""
    by = by_of(request)
    if request.method == "GET":
        require(by, "catalog.read")
        found = queries.blueprint(identifier)
        return Response({"ok": True, "blueprint": blueprint_json(found)})
    require(by, "blueprint.write", blueprint=identifier)
    found = queries.blueprint(identifier)
    if request.method == "DELETE":
        blueprint_delete(found, by=by)
        return Response({"ok": True})
    changed = blueprint_update(found, object_of(request), partial=request.method == "PATCH", by=by)
    return Response({"ok": True, "blueprint": blueprint_json(changed)})
