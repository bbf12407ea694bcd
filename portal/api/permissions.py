from typing import Any

from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import queries
from catalog.commands import permissions_update
from catalog.models import Blueprint
from catalog.permissions.grants import blocks
from portal.accounts.policy import require
from portal.api.auth import by_of
from portal.api.bodies import object_of
from portal.kit.errors import Invalid

Json = dict[str, Any]


@api_view(["GET", "PATCH"])
def of_blueprint(request: Request, blueprint: str) -> Response:
    """`{"entities": {"read", "register", "update", "unregister", "updateProperties", "updateRelations"}}`.

    PATCH sets the lists that are given and leaves the others; null takes a block away again.
    """
    by = by_of(request)
    if request.method == "GET":
        return _shown(queries.readable_blueprint(by, blueprint))
    require(by, "blueprint.write", blueprint=blueprint)
    body = object_of(request)
    unknown = sorted(body.keys() - {"entities"})
    if unknown:
        raise Invalid.at(unknown[0], "must be “entities”")
    changes = body.get("entities", {})
    if not isinstance(changes, dict):
        raise Invalid.at("entities", "must be an object")
    return _shown(permissions_update(queries.blueprint(blueprint), changes, by=by))


def _shown(blueprint: Blueprint) -> Response:
    return Response({"ok": True, "permissions": {"entities": blocks(blueprint)}})
