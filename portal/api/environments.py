"""Environments with a time to live: asked for, extended, put to sleep, torn down; and what their providers say later."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from rest_framework.decorators import api_view, authentication_classes, permission_classes
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.environments import queries
from deployments.environments.commands import (
    environment_extend,
    environment_pin,
    environment_recreate,
    environment_request,
    environment_retry,
    environment_sleep,
    environment_teardown,
    environment_unpin,
    environment_wake,
    step_report,
)
from deployments.environments.models import Environment, State, Step
from deployments.environments.providers.answers import reported
from portal.accounts.models import User
from portal.accounts.policy import require
from portal.accounts.queries import user
from portal.api.auth import by_of
from portal.api.bodies import object_of
from portal.api.present import url_of
from portal.kit.by import By
from portal.kit.clock import database_now, duration, instant, iso
from portal.kit.errors import Invalid, Missing

Json = dict[str, Any]

MOST = 1000
LISTS = ("living", "mine", "expiring", "failed", "suspected", "gone", "all")
STATES = [*LISTS, *(each for each in State.values if each not in LISTS)]


@api_view(["GET", "POST"])
def environments(request: Request) -> Response:
    by = by_of(request)
    if request.method == "POST":
        require(by, "environment.request")  # before anything tells which templates there are
        made = _requested(object_of(request), by)
        return Response({"ok": True, "environment": environment_json(made)}, status=201)
    params = request.query_params
    state = params.get("state") or "living"
    if state not in STATES:
        raise Invalid.at("state", f"must be one of {', '.join(STATES)}")
    named = {name: params.get(name, "") for name in ("template", "owner", "team")}
    found = queries.environments(by, state=state, text=params.get("q", ""), **named)
    now = database_now()
    return Response({"ok": True, "environments": [environment_json(each, now) for each in found[:MOST]]})


def _requested(data: Json, by: By) -> Environment:
    owner, fallback = (_person(data, name) for name in ("owner", "fallback_owner"))
    return environment_request(
        queries.template(by, _needed(data, "template")),
        name=_text(data, "name"),
        ttl=_ttl(data),
        owner=owner,
        fallback_owner=fallback,
        team=_text(data, "team"),
        inputs=data.get("inputs"),
        reason=_text(data, "reason"),
        pr_url=_text(data, "pr_url"),
        by=by,
    )


@api_view(["GET", "DELETE"])
def environment(request: Request, public_id: str) -> Response:
    """DELETE has it torn down: 200 at once, and it is gone when its provider has said so twice."""
    by = by_of(request)
    require(by, "environment.read" if request.method == "GET" else "environment.request")
    found = queries.environment(by, public_id)
    if request.method == "DELETE":
        found = environment_teardown(found, reason=request.query_params.get("reason", ""), by=by)
    return Response({"ok": True, "environment": environment_json(found) | {"steps": _steps(found)}})


@api_view(["POST"])
def extension(request: Request, public_id: str) -> Response:
    by = by_of(request)
    require(by, "environment.request")
    data = object_of(request)
    found = queries.environment(by, public_id)
    found = environment_extend(found, _ttl(data), reason=_text(data, "reason"), by=by)
    return Response({"ok": True, "environment": environment_json(found)})


@api_view(["POST", "DELETE"])
def pin(request: Request, public_id: str) -> Response:
    by = by_of(request)
    require(by, "environment.request")
    found = queries.environment(by, public_id)
    if request.method == "DELETE":
        found = environment_unpin(found, by=by)
    else:
        data = object_of(request)
        until = instant(data.get("until"), "until")
        found = environment_pin(found, until, reason=_text(data, "reason"), by=by)
    return Response({"ok": True, "environment": environment_json(found)})


def _deed(command: Callable[..., Environment]) -> Callable[[Request, str], Response]:
    def view(request: Request, public_id: str) -> Response:
        by = by_of(request)
        require(by, "environment.request")
        found = command(queries.environment(by, public_id), by=by)
        return Response({"ok": True, "environment": environment_json(found)})

    return view


sleep = api_view(["POST"])(_deed(environment_sleep))
wake = api_view(["POST"])(_deed(environment_wake))
retry = api_view(["POST"])(_deed(environment_retry))


@api_view(["POST"])
def recreation(request: Request, public_id: str) -> Response:
    by = by_of(request)
    require(by, "environment.request")
    made = environment_recreate(queries.environment(by, public_id), by=by)
    return Response({"ok": True, "environment": environment_json(made)}, status=201)


@api_view(["POST"])
@authentication_classes([])
@permission_classes([])
def step(request: Request, public_id: str, key: str) -> Response:
    """What a provider that answered 202 says later. It proves by the token of the call that it was asked."""
    data = object_of(request)
    answer, fence = reported(data, "")
    kind, _, bearer = request.headers.get("Authorization", "").partition(" ")
    token = bearer.strip() if kind.lower() == "bearer" else data.get("token")
    if not isinstance(token, str):
        raise Invalid.at("token", "is required: the one that came with the call, here or as Authorization: Bearer")
    done = step_report(public_id, key, token, answer, fence=fence)
    return Response({"ok": True, "step": _step(done)})


@api_view(["GET"])
def templates(request: Request) -> Response:
    by = by_of(request)
    found = queries.templates(by, usable=True)
    return Response({"ok": True, "templates": [_template(each) for each in found]})


def environment_json(environment: Environment, now: datetime | None = None) -> Json:
    cost = environment.cost(now or database_now())
    return {
        "id": str(environment.public_id),
        "name": environment.name,
        "template": environment.template.identifier,
        "state": environment.state,
        "phase": environment.phase or None,
        "owner": environment.owner.email if environment.owner else None,
        "team": environment.team or None,
        "requested_by": environment.requested_by or None,
        "reason": environment.reason or None,
        "pr_url": environment.pr_url or None,
        "inputs": environment.inputs,
        "address": environment.address or None,
        "resources": environment.resources,
        "requested_at": iso(environment.requested_at),
        "ready_at": iso(environment.ready_at),
        "expires_at": iso(environment.expires_at),
        "pinned_until": iso(environment.pinned_until),
        "ends_at": iso(environment.deadline),
        "hard_until": iso(environment.hard_until),
        "held_by": environment.held_by or None,
        "cost": None if cost is None else str(cost),
        "currency": settings.CURRENCY,
        "attempt": environment.attempt,
        "last_error": environment.last_error or None,
        "next_try_at": iso(environment.work_at) if environment.phase and environment.attempt else None,
        "torn_down_at": iso(environment.torn_down_at),
        "cause": environment.cause or None,
        "url": url_of(environment.get_absolute_url()),
    }


def _steps(environment: Environment) -> list[Json]:
    return [_step(each) for each in queries.steps(environment)]


def _step(step: Step) -> Json:
    return {
        "key": step.key,
        "phase": step.phase,
        "name": step.name,
        "state": step.state,
        "attempt": step.attempt,
        "started_at": iso(step.started_at),
        "finished_at": iso(step.finished_at),
        "output": step.output or None,
        "error": step.error or None,
    }


def _template(template: Any) -> Json:
    price = template.cost_per_hour
    return {
        "identifier": template.identifier,
        "title": template.title,
        "description": template.description or None,
        "inputs": template.inputs,
        "default_ttl_seconds": int(template.default_ttl.total_seconds()),
        "greatest_ttl_seconds": int(template.greatest_ttl.total_seconds()),
        "soft_cap_seconds": int(template.soft_cap.total_seconds()),
        "hard_cap_seconds": int(template.hard_cap.total_seconds()),
        "can_sleep": template.can_sleep,
        "cost_per_hour": None if price is None else str(price),
        "currency": settings.CURRENCY,
    }


def _text(data: Json, name: str) -> str:
    value = data.get(name)
    if value is not None and not isinstance(value, str):
        raise Invalid.at(name, "must be a text")
    return value or ""


def _needed(data: Json, name: str) -> str:
    value = _text(data, name)
    if not value:
        raise Invalid.at(name, "is required")
    return value


def _ttl(data: Json) -> timedelta | None:
    """`ttl`, such as 8h; the template's usual one without it."""
    return None if data.get("ttl") is None else duration(data["ttl"], "ttl")


def _person(data: Json, name: str) -> User | None:
    email = _text(data, name)
    if not email:
        return None
    try:
        return user(email)
    except Missing as nobody:
        raise Invalid.at(name, "nobody here has this address") from nobody
