"""Health: probes, what they found, heartbeats, readings from outside, maintenance."""

from datetime import datetime, timedelta
from typing import Any

from rest_framework.decorators import api_view, authentication_classes, permission_classes
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.health import queries
from deployments.health.commands import (
    heartbeat_take,
    maintenance_begin,
    maintenance_end,
    probe_create,
    probe_delete,
    probe_rekey,
    probe_update,
    readings_report,
)
from deployments.health.models import Flip, Maintenance, Probe, Reading
from deployments.health.queries import Health, Muted
from portal.accounts.policy import require
from portal.api.auth import by_of
from portal.api.bodies import object_of
from portal.api.present import url_of
from portal.kit.clock import database_now, duration, instant, iso
from portal.kit.errors import Invalid

Json = dict[str, Any]

MOST = 1000
PERCENTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


@api_view(["GET"])
def places(request: Request) -> Response:
    by, params = by_of(request), request.query_params
    rows = queries.places(by, service=params.get("service", ""), environment=params.get("environment", ""))[:MOST]
    now = database_now()
    muted, down = queries.muted_at(now), queries.prober_down_since(now)
    shown = [
        {"service": row.service.identifier, "environment": row.environment.identifier}
        | _health(queries.shown(row, now, muted=muted, down=down))
        for row in rows
    ]
    return Response({"ok": True, "places": shown})


@api_view(["GET", "POST"])
def probes(request: Request) -> Response:
    by, params = by_of(request), request.query_params
    if request.method == "POST":
        require(by, "probe.write", teams=by.actor.teams)
        made, token = probe_create(object_of(request), by=by)
        address = url_of(f"/v1/health/heartbeats/{token}") if token else None
        return Response({"ok": True, "probe": _probe(made), "address": address}, status=201)
    named = ("service", "environment", "blueprint", "entity", "state")
    found = queries.probes(by, **{name: params.get(name, "") for name in named})[:MOST]
    now = database_now()
    muted, down = queries.muted_at(now), queries.prober_down_since(now)
    return Response({"ok": True, "probes": [_probe(each, now, muted, down) for each in found]})


@api_view(["GET", "PATCH", "DELETE"])
def probe(request: Request, public_id: str) -> Response:
    by = by_of(request)
    found = queries.probe(by, public_id)
    if request.method == "DELETE":
        probe_delete(found, by=by)
        return Response({"ok": True})
    if request.method == "PATCH":
        require(by, "probe.write", teams=found.owner_teams())
        found = probe_update(found, object_of(request), by=by)
    return Response({"ok": True, "probe": _probe(found)})


@api_view(["POST"])
def address(request: Request, public_id: str) -> Response:
    by = by_of(request)
    token = probe_rekey(queries.probe(by, public_id), by=by)
    return Response({"ok": True, "address": url_of(f"/v1/health/heartbeats/{token}")})


@api_view(["GET"])
def probe_readings(request: Request, public_id: str) -> Response:
    found = queries.probe(by_of(request), public_id)
    since, until = _span(request, timedelta(hours=1))
    rows = queries.history(found, since, until)[:MOST]
    return Response({"ok": True, "readings": [_reading(each) for each in rows]})


@api_view(["GET"])
def uptime(request: Request, public_id: str) -> Response:
    found = queries.probe(by_of(request), public_id)
    since, until = _span(request, timedelta(days=7))
    figures = queries.uptime(found, since, until)
    return Response(
        {
            "ok": True,
            "since": iso(since),
            "until": iso(until),
            "uptime": figures.uptime,
            "known": figures.known,
            "readings": sum(figures.counts.values()),
            "ms": {name: figures.percentile(share) for name, share in PERCENTILES.items()},
        }
    )


@api_view(["GET"])
def flips(request: Request) -> Response:
    by, params = by_of(request), request.query_params
    of = queries.probe(by, params["probe"]) if params.get("probe") else None
    since, until = _span(request, timedelta(days=7))
    rows = queries.flips(by, probe=of, since=since, until=until)[:MOST]
    return Response({"ok": True, "flips": [_flip(each) for each in rows]})


@api_view(["POST"])
def readings(request: Request) -> Response:
    by = by_of(request)
    require(by, "reading.report")
    return Response({"ok": True, "results": readings_report(object_of(request), by=by)})


@api_view(["POST"])
@authentication_classes([])
@permission_classes([])
def heartbeat(request: Request, token: str) -> Response:
    """The token is all that it takes. The body is not read: what a job happens to send is its own."""
    params = request.query_params
    named = {name: params[name] for name in ("outcome", "reason", "key") if params.get(name)}
    if len(named.get("key", "")) > 190:
        raise Invalid.at("key", "must be a text of up to 190 characters")
    return Response({"ok": True, "kept": heartbeat_take(token, **named)})


@api_view(["GET", "POST"])
def maintenance(request: Request) -> Response:
    by = by_of(request)
    if request.method == "GET":
        found = queries.maintenance(by)[:MOST]
        return Response({"ok": True, "maintenance": [_window(each) for each in found]})
    require(by, "maintenance.write", holder=by.actor.key)
    data = object_of(request)
    named = {name: data.get(name) for name in ("service", "environment", "probe", "reason")}
    for name, value in named.items():
        if value is not None and not isinstance(value, str):
            raise Invalid.at(name, "must be a text")
    if not isinstance(data.get("everything", False), bool):
        raise Invalid.at("everything", "must be true or false")
    starts_at = instant(data["starts_at"], "starts_at") if data.get("starts_at") is not None else None
    window = maintenance_begin(
        reason=named["reason"] or "",
        starts_at=starts_at,
        ends_at=_end(data, starts_at),
        probe=queries.probe(by, named["probe"]) if named["probe"] else None,
        service=named["service"] or "",
        environment=named["environment"] or "",
        everything=data.get("everything", False),
        by=by,
    )
    return Response({"ok": True, "maintenance": _window(window)}, status=201)


@api_view(["DELETE"])
def maintenance_window(request: Request, public_id: str) -> Response:
    by = by_of(request)
    found = queries.maintenance_window(by, public_id)
    return Response({"ok": True, "maintenance": _window(maintenance_end(found, by=by))})


def _end(data: Json, starts_at: datetime | None) -> datetime:
    if (data.get("ends_at") is None) == (data.get("duration") is None):
        raise Invalid.at("ends_at", "say when it ends, or give its duration")
    if data.get("ends_at") is not None:
        return instant(data["ends_at"], "ends_at")
    return (starts_at or database_now()) + duration(data["duration"], "duration")


def _span(request: Request, length: timedelta) -> tuple[datetime, datetime]:
    """From `since` to `until`; the last so long, when they are left out."""
    params, now = request.query_params, database_now()
    until = min(instant(params["until"], "until"), now) if params.get("until") else now
    since = instant(params["since"], "since") if params.get("since") else until - length
    if since > until:
        raise Invalid.at("since", "must come before the end, and not lie in the future")
    return since, until


def _probe(probe: Probe, now: datetime | None = None, muted: Muted | None = None, down: datetime | None = None) -> Json:
    at = now or database_now()
    if now is None:
        muted, down = queries.muted_at(at), queries.prober_down_since(at)
    health = queries.shown_probe(probe, at, muted=muted or Muted(), down=down)
    return {
        "id": str(probe.public_id),
        **probe.facts(),
        **_health(health),
        "reason": probe.reason or None,
        "ms": probe.ms,
        "due_at": iso(probe.due_at),
        "created_at": iso(probe.created_at),
        "created_by": probe.created_by,
    }


def _health(health: Health) -> Json:
    return {
        "state": health.state,
        "since": iso(health.since),
        "verdict": health.verdict,
        "checked_at": iso(health.checked_at),
        "stale_since": iso(health.stale_since),
        "run_version": health.run_version or None,
        "muted": health.muted,
    }


def _reading(reading: Reading) -> Json:
    return {
        "at": iso(reading.at),
        "outcome": reading.outcome,
        "answered": reading.answered,
        "ms": reading.ms,
        "status": reading.status,
        "reason": reading.reason or None,
        "values": reading.values,
        "run_version": reading.run_version or None,
    }


def _flip(flip: Flip) -> Json:
    return {
        "id": str(flip.public_id),
        "probe": str(flip.probe.public_id),
        "name": flip.probe.name,
        "from": flip.from_state,
        "to": flip.to_state,
        "at": iso(flip.at),
        "reason": flip.reason or None,
        "values": flip.values,
        "run_version": flip.run_version or None,
        "muted": flip.muted,
    }


def _window(window: Maintenance) -> Json:
    return {"id": str(window.public_id), **window.facts(), "is_on": window.is_on(database_now())}
