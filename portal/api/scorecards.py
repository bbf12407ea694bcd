from typing import Any

from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.queries import readable_blueprint
from catalog.scorecards import queries
from catalog.scorecards.commands import scorecard_create, scorecard_delete, scorecard_update, scorecards_replace
from catalog.scorecards.models import Scorecard
from portal.api.auth import by_of
from portal.api.bodies import object_of
from portal.kit.clock import iso
from portal.kit.errors import Invalid

Json = dict[str, Any]


@api_view(["GET"])
def everywhere(request: Request) -> Response:
    return _listed(queries.scorecards(by_of(request)))


@api_view(["GET", "POST", "PUT"])
def scorecards(request: Request, blueprint: str) -> Response:
    """PUT takes the whole list: what is not in it goes."""
    by = by_of(request)
    found = readable_blueprint(by, blueprint)
    if request.method == "GET":
        return _listed(queries.scorecards(by, found))
    if request.method == "POST":
        return Response(
            {"ok": True, "scorecard": _shown(scorecard_create(found, object_of(request), by=by))}, status=201
        )
    if not isinstance(request.data, list):
        raise Invalid.at("body", "must be a list of scorecards")
    return _listed(scorecards_replace(found, request.data, by=by))


@api_view(["GET", "PUT", "PATCH", "DELETE"])
def scorecard(request: Request, blueprint: str, identifier: str) -> Response:
    """PUT sets the whole definition, PATCH the top-level keys that are given."""
    by = by_of(request)
    found = queries.scorecard(readable_blueprint(by, blueprint), identifier)
    if request.method == "DELETE":
        scorecard_delete(found, by=by)
        return Response({"ok": True})
    if request.method != "GET":
        found = scorecard_update(found, object_of(request), partial=request.method == "PATCH", by=by)
    return Response({"ok": True, "scorecard": _shown(found)})


def _listed(found: Any) -> Response:
    return Response({"ok": True, "scorecards": [_shown(each) for each in found]})


def _shown(scorecard: Scorecard) -> Json:
    return scorecard.facts() | {
        "id": f"scorecard_{scorecard.pk}",
        "blueprint": scorecard.blueprint.identifier,
        "createdAt": iso(scorecard.created_at),
        "createdBy": scorecard.created_by,
        "updatedAt": iso(scorecard.updated_at),
        "updatedBy": scorecard.updated_by,
    }
