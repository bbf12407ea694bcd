from typing import Any

from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.queries import readable_blueprint
from portal.actions import legacy, permissions, queries
from portal.actions.commands import action_create, action_delete, action_permit, action_replace, actions_write
from portal.actions.models import Action
from portal.api.auth import by_of
from portal.api.bodies import object_of, objects_of
from portal.api.selection import listed
from portal.kit.by import By
from portal.kit.clock import iso
from portal.kit.errors import Missing

Json = dict[str, Any]


@api_view(["GET", "POST"])
def actions(request: Request) -> Response:
    by = by_of(request)
    if request.method == "POST":
        return Response({"ok": True, "action": action_json(action_create(object_of(request), by=by), by)}, status=201)
    found = queries.about(
        queries.actions(by),
        identifiers=listed(request, "action_identifier"),
        type=request.query_params.get("trigger_type", ""),
        operations=listed(request, "operation"),
        blueprints=listed(request, "blueprint_identifier"),
        events=listed(request, "trigger_event"),
        followed=listed(request, "trigger_event_action_identifier"),
        published={"true": True, "false": False}.get(request.query_params.get("published", "").lower()),
    )
    return Response({"ok": True, "actions": [action_json(each, by) for each in found]})


@api_view(["GET", "PUT", "DELETE"])
def action(request: Request, identifier: str) -> Response:
    by = by_of(request)
    found = queries.action(by, identifier)
    if request.method == "DELETE":
        action_delete(found, by=by)
        return Response({"ok": True})
    if request.method == "PUT":
        found = action_replace(found, object_of(request), by=by)
    return Response({"ok": True, "action": action_json(found, by)})


@api_view(["GET", "PATCH"])
def permission(request: Request, identifier: str) -> Response:
    by = by_of(request)
    found = queries.action(by, identifier)
    if request.method == "PATCH":
        found = action_permit(found, object_of(request), by=by)
    return Response({"ok": True, "permissions": permissions.of(found)})


@api_view(["GET", "POST", "PUT"])
def of_blueprint(request: Request, blueprint: str) -> Response:
    """The older routes below a blueprint: the same actions, in either shape of their definition."""
    by = by_of(request)
    if request.method == "POST":
        made = action_create(legacy.modern(object_of(request), blueprint), by=by)
        return Response({"ok": True, "action": action_json(made, by)}, status=201)
    kind = readable_blueprint(by, blueprint)
    if request.method == "PUT":
        bodies = [legacy.modern(each, blueprint) for each in objects_of(request)]
        return Response({"ok": True, "actions": [action_json(each, by) for each in actions_write(kind, bodies, by=by)]})
    found = queries.about(queries.actions(by), type="self-service", blueprints=[kind.identifier])
    return Response({"ok": True, "actions": [action_json(each, by) for each in found]})


@api_view(["GET", "PUT", "DELETE"])
def one_of_blueprint(request: Request, blueprint: str, identifier: str) -> Response:
    by = by_of(request)
    found = queries.action(by, identifier)
    if found.blueprint != blueprint:
        raise Missing(f'Action with identifier "{identifier}" was not found')
    if request.method == "DELETE":
        action_delete(found, by=by)
        return Response({"ok": True})
    if request.method == "PUT":
        found = action_replace(found, legacy.modern(object_of(request), blueprint), by=by)
    return Response({"ok": True, "action": action_json(found, by)})


def action_json(action: Action, by: By) -> Json:
    """What was sent, with who and when; why it is paused; and to whom may change it, why it did not run, the last time."""
    told = queries.definition(by, action) | {
        "id": f"action_{action.pk}",
        "createdAt": iso(action.created_at),
        "createdBy": action.created_by,
        "updatedAt": iso(action.updated_at),
        "updatedBy": action.updated_by,
    }
    fault = queries.fault(by, action)
    told |= {"lastError": {"message": fault, "at": iso(action.fault_at)}} if fault else {}
    return told | ({"paused": {"reason": action.paused, "at": iso(action.paused_at)}} if action.paused else {})
