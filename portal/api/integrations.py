"""What programs that sync a source into the catalog say of themselves and of their work."""

from typing import Any

from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.integrations import queries, shapes
from catalog.integrations.commands import (
    cursor_keep,
    examples_take,
    heartbeat_take,
    integration_create,
    integration_delete,
    integration_update,
    log_take,
    metrics_take,
    poll,
    resync_ask,
    resync_tell,
    word_take,
)
from catalog.integrations.models import Integration, LogLine, Sync
from catalog.schema.validate import check_shape
from portal.accounts.policy import allows, require
from portal.api.auth import by_of
from portal.api.bodies import object_of
from portal.api.present import url_of
from portal.api.selection import listed
from portal.kit.by import By
from portal.kit.clock import instant, iso
from portal.kit.errors import Invalid, Missing
from portal.kit.masks import without_secrets

Json = dict[str, Any]

MOST_LINES = 300
MOST_SYNCS = 1000


@api_view(["GET", "POST"])
def integrations(request: Request) -> Response:
    by = by_of(request)
    if request.method == "GET":
        return Response({"ok": True, "integrations": [_shown(each, by) for each in queries.integrations(by)]})
    made, is_new = integration_create(object_of(request), by=by)
    return Response({"ok": True, "integration": _shown(made, by)}, status=201 if is_new else 200)


@api_view(["GET"])
def provision_enabled(request: Request) -> Response:
    """The portal makes no default blueprints for an integration: it does that itself."""
    require(by_of(request), "integration.read")
    return Response({"ok": True, "integrations": []})


@api_view(["GET"])
def metadata(request: Request) -> Response:
    """Only names: what a page that lists data sources shows."""
    found = queries.integrations(by_of(request))
    names = [{"installationId": each.identifier, "installationAppType": each.app_type} for each in found]
    return Response({"ok": True, "integrations": names})


@api_view(["GET", "PATCH", "DELETE"])
def integration(request: Request, identifier: str) -> Response:
    by = by_of(request)
    found = queries.readable_integration(by, identifier)
    if request.method == "DELETE":
        integration_delete(found, by=by)
        return Response({"ok": True})
    if request.method == "PATCH":
        found = integration_update(found, object_of(request), by=by)
    else:
        poll(found, by=by)
    return Response({"ok": True, "integration": _shown(found, by)})


@api_view(["PATCH"])
def config(request: Request, identifier: str) -> Response:
    by, body = by_of(request), object_of(request)
    if "config" not in body:
        raise Invalid.at("config", "is missing")
    found = queries.readable_integration(by, identifier)
    changed = integration_update(found, {"config": body["config"]}, by=by)
    return Response({"ok": True, "integration": _shown(changed, by)})


@api_view(["PATCH"])
def resync_state(request: Request, identifier: str) -> Response:
    by = by_of(request)
    told = resync_tell(queries.readable_integration(by, identifier), object_of(request), by=by)
    return Response({"ok": True, "integration": _shown(told, by)})


@api_view(["GET", "POST"])
def resync_request(request: Request, identifier: str) -> Response:
    """GET: when a resync was last asked for, which the integration looks at between its rounds. POST asks for one."""
    by = by_of(request)
    found = queries.readable_integration(by, identifier)
    if request.method == "POST":
        found = resync_ask(found, by=by)
    else:
        poll(found, by=by)
    asked = found.resync_asked_at
    return Response({"ok": True, "request": {"updatedAt": iso(asked)} if asked else None})


@api_view(["GET"])
def kinds(request: Request, identifier: str) -> Response:
    """Examples are raw: whoever may not tell of them may not see them either, whatever the catalog keeps from him."""
    by = by_of(request)
    require(by, "integration.report")
    found = queries.readable_integration(by, identifier)
    data = {
        kind.name: {"examples": [{"_id": str(n), "data": each} for n, each in enumerate(kind.examples)]}
        for kind in queries.kinds(found)
    }
    return Response({"ok": True, "data": data})


@api_view(["POST"])
def examples(request: Request, identifier: str, kind: str) -> Response:
    by, body = by_of(request), object_of(request)
    check_shape(shapes.EXAMPLES, body)
    examples_take(queries.readable_integration(by, identifier), kind, body["examples"], by=by)
    return Response({"ok": True})


@api_view(["GET", "POST"])
def sync_metrics(request: Request, identifier: str) -> Response:
    by = by_of(request)
    found = queries.readable_integration(by, identifier)
    if request.method == "POST":
        body = object_of(request)
        check_shape(shapes.MANY_METRICS, body)
        metrics_take(found, body["syncKindsMetrics"], by=by)
        return Response({"ok": True})
    rows = list(queries.syncs(found, event=request.query_params.get("resyncId", ""))[:MOST_SYNCS])
    return Response({"ok": True, "count": len(rows), "data": [_sync(each) for each in rows]})


@api_view(["PUT"])
def kind_metrics(request: Request, identifier: str, event: str, kind: str) -> Response:
    by, body = by_of(request), object_of(request)
    check_shape(shapes.ONE_METRICS, body)
    named = body["syncKindMetrics"] | {"eventId": event, "kindIdentifier": kind}
    metrics_take(queries.readable_integration(by, identifier), [named], by=by)
    return Response({"ok": True})


@api_view(["GET"])
def syncs_metadata(request: Request, identifier: str) -> Response:
    """One line for each resync, the newest first: its state is the worst of its kinds'."""
    found = queries.readable_integration(by_of(request), identifier)
    resyncs: dict[str, list[Sync]] = {}
    for sync in queries.syncs(found)[:MOST_SYNCS]:
        resyncs.setdefault(sync.event_id, []).append(sync)
    data = [_resync(event, rows) for event, rows in resyncs.items()]
    return Response({"ok": True, "count": len(data), "data": data})


@api_view(["POST"])
def heartbeat(request: Request, identifier: str) -> Response:
    """A sign of life between the kinds of a long resync; the metrics say the rest."""
    by = by_of(request)
    heartbeat_take(queries.readable_integration(by, identifier), by=by)
    return Response({"ok": True})


@api_view(["GET", "PUT", "POST"])
def cursor(request: Request, identifier: str) -> Response:
    """How far the incremental sync of `kind` and `index` has come, an instant as `primary`; null before the first."""
    by = by_of(request)
    found = queries.readable_integration(by, identifier)
    kind, index = (request.query_params.get(name, "") for name in ("kind", "index"))
    if not kind:
        raise Invalid.at("kind", "is missing; say which in the query string")
    if request.method == "GET":
        return Response({"ok": True, "cursor": found.cursors.get(f"{kind}/{index}", {"primary": None})})
    body = object_of(request)
    check_shape(shapes.CURSOR, body)
    return Response({"ok": True, "cursor": cursor_keep(found, kind, index, body["primary"], by=by)})


@api_view(["PATCH"])
def probe(request: Request, organization: str, probe: str) -> Response:
    """How a test of its connection went, kept in its log."""
    return _word(request, f"Connection test {probe}", probe)


@api_view(["POST"])
def lifecycle(request: Request, event: str) -> Response:
    """How a resync stands whose entities the portal would make. It makes none, and keeps the word in the log."""
    return _word(request, f"Lifecycle of the resync {event}", event)


def _word(request: Request, message: str, event: str) -> Response:
    by, body = by_of(request), object_of(request)
    require(by, "integration.report")
    found = queries.called(by.agent)
    if found is None:
        raise Missing("No integration is called as your User-Agent says: port-ocean/{type}/{version}/{identifier}")
    word_take(found, message, event, body, by=by)
    return Response({"ok": True})


@api_view(["GET"])
def kafka_credentials(request: Request) -> Response:
    require(by_of(request), "integration.read")
    raise Missing(
        "There is no Kafka here. Let the integration ask by itself: "
        'OCEAN__EVENT_LISTENER={"type":"POLLING"}, or EVENT_LISTENER_TYPE=POLLING of the Kubernetes exporter.',
        code="no_kafka",
    )


@api_view(["GET", "POST"])
def logs(request: Request, identifier: str) -> Response:
    by = by_of(request)
    found = queries.readable_integration(by, identifier)
    if request.method == "POST":
        body = object_of(request)
        check_shape(shapes.LOGS, body)
        log_take(found, body["logs"], by=by)
        return Response({"ok": True})
    require(by, "integration.report")
    params = request.query_params
    at = params.get("timestamp")
    lines = queries.log(
        found,
        levels=_levels(request),
        event=params.get("eventId", ""),
        at=instant(at, "timestamp") if at else None,
        beyond=_whole(params.get("log_id"), "log_id"),
        older=params.get("direction") != "up",
        most=min(_whole(params.get("limit"), "limit") or 100, MOST_LINES),
    )
    return Response({"ok": True, "data": [_line(each) for each in lines]})


def _shown(integration: Integration, by: By) -> Json:
    """How it is set up, and where its changes go, is for those who may change it."""
    internal = f"integration_{integration.public_id.hex}"
    here = url_of(f"/v1/integration/{internal}")
    shown = {
        "_id": internal,
        "identifier": integration.identifier,
        "installationId": integration.identifier,
        "title": integration.title or None,
        "installationAppType": integration.app_type,
        "version": integration.version or None,
        "config": integration.config,
        "resyncState": integration.resync_state,
        "logAttributes": {"ingestId": internal, "ingestUrl": f"{here}/logs"},
        "metricAttributes": {"ingestId": internal, "ingestUrl": here},
        "createdAt": iso(integration.created_at),
        "createdBy": integration.created_by,
        "updatedAt": iso(integration.updated_at),
        "updatedBy": integration.updated_by,
    }
    extra = integration.extra
    if not allows(by.actor, "integration.write"):
        extra = (without_secrets(extra) or {}) | {"spec": None}
    return {name: value for name, value in (extra | shown).items() if value is not None}


def _sync(sync: Sync) -> Json:
    return {
        **sync.metrics,
        "eventId": sync.event_id,
        "kindIdentifier": sync.kind,
        "syncState": sync.state,
        "createdAt": iso(sync.created_at),
        "updatedAt": iso(sync.updated_at),
    }


def _resync(event: str, rows: list[Sync]) -> Json:
    states = {each.state for each in rows}
    worst = next((state for state in ("failed", "aborted", "syncing", "pending") if state in states), rows[0].state)
    return {
        "eventId": event,
        "syncState": worst,
        "createdAt": iso(min(each.created_at for each in rows)),
        "updatedAt": iso(max(each.updated_at for each in rows)),
    }


def _line(line: LogLine) -> Json:
    return {
        "_id": str(line.pk),
        "timestamp": iso(line.at),
        "level": line.level,
        "message": line.message,
        "eventId": line.event_id,
        "extra": line.extra,
    }


def _levels(request: Request) -> list[str]:
    levels = [each.upper() for each in listed(request, "level")]
    for each in levels:
        if each not in shapes.LEVELS:
            raise Invalid.at("level", f"must be one of {', '.join(shapes.LEVELS)}")
    return levels


def _whole(value: str | None, path: str) -> int | None:
    if not value:
        return None
    if not value.isascii() or not value.isdigit() or len(value) > 18:
        raise Invalid.at(path, "must be a whole number")
    return int(value)
