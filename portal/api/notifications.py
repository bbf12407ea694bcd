"""Routes of notifications: who is told of what. Addresses and secrets come in whole, and go out in part or not at all."""

from typing import Any

from django.urls import reverse
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from portal.accounts.policy import allows, require
from portal.api.auth import by_of
from portal.api.bodies import object_of
from portal.api.present import url_of
from portal.audit.models import Event
from portal.kit.by import By
from portal.kit.clock import database_now, iso
from portal.notifications import mail, media, queries, shapes
from portal.notifications.commands import route_change, route_create, route_delete, route_test, route_update
from portal.notifications.models import Route
from portal.notifications.notice import notice_of
from portal.notifications.plain import as_json
from portal.notifications.targets import SLACK

Json = dict[str, Any]

MOST = 1000
MOST_SAMPLES = 20


@api_view(["GET", "POST"])
def routes(request: Request) -> Response:
    by = by_of(request)
    if request.method == "POST":
        require(by, "route.write")
        made = route_create(object_of(request), by=by)
        return Response({"ok": True, "route": _route(made, by)}, status=201)
    return Response({"ok": True, "routes": [_route(each, by) for each in queries.routes(by)[:MOST]]})


@api_view(["GET", "PUT", "PATCH", "DELETE"])
def route(request: Request, public_id: str) -> Response:
    by = by_of(request)
    if request.method == "GET":
        return Response({"ok": True, "route": _route(queries.route_read(by, public_id), by)})
    found = queries.route(by, public_id)
    if request.method == "DELETE":
        route_delete(found, by=by)
        return Response({"ok": True})
    write = route_update if request.method == "PUT" else route_change
    return Response({"ok": True, "route": _route(write(found, object_of(request), by=by), by)})


@api_view(["POST"])
def draft_preview(request: Request) -> Response:
    """Of a route that is not there. Nothing is kept, nobody is told."""
    by = by_of(request)
    require(by, "route.write")
    return _previewed(Route(**shapes.columns({"name": "draft", **object_of(request)})), request, by)


@api_view(["GET"])
def preview(request: Request, public_id: str) -> Response:
    by = by_of(request)
    return _previewed(queries.route(by, public_id), request, by)


@api_view(["POST"])
def test(request: Request, public_id: str) -> Response:
    by = by_of(request)
    found = queries.route(by, public_id)
    matched = queries.matched(by, found, now=database_now())
    of = queries.chosen(matched, request.query_params.get("of", ""))
    owed = route_test(found, of, by=by)
    on_its_way = [{"id": str(each.public_id), "medium": each.subscriber} for each in owed]
    body = {"ok": True, "of": str(of.public_id) if of else None, "notifications": on_its_way}
    return Response(body | {"log": url_of(reverse("notifications:log"))}, status=202)


def _previewed(route: Route, request: Request, by: By) -> Response:
    found = queries.matched(by, route, now=database_now())
    of = queries.chosen(found, request.query_params.get("of", ""))
    return Response(
        {
            "ok": True,
            "matched": len(found.events),
            "cut": found.is_cut,
            "events": [_sample(each) for each in found.events[:MOST_SAMPLES]],
            "shown": _as_told(of) if of else None,
        }
    )


def _sample(event: Event) -> Json:
    return {"id": str(event.public_id), "name": event.name, "at": iso(event.at), "title": event.title}


def _as_told(event: Event) -> Json:
    notice = notice_of(event)
    return {
        "of": str(event.public_id),
        "slack": media.form_of(SLACK, notice),
        "subject": mail.subject(notice),
        "text": mail.body(notice),
        "webhook": as_json(notice, event),
    }


def _route(route: Route, by: By) -> Json:
    """As the pages: whoever may not change it sees neither the address nor which services it names."""
    whole = allows(by.actor, "route.write")
    is_told = whole or route.to == Route.To.CHANNEL
    return {
        "id": str(route.public_id),
        **shapes.definition_of(route),
        "services": list(route.services) if whole else None,
        "address": (route.told_address or None) if is_told else None,
        "signed": bool(route.sealed_secret),
        "created_at": iso(route.created_at),
        "created_by": route.created_by,
        "updated_at": iso(route.updated_at),
        "updated_by": route.updated_by,
        "url": url_of(route.get_absolute_url()),
    }
