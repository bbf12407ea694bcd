from datetime import timedelta
from typing import Any

from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import queries as catalog
from catalog.builtin import TIERS
from locks import limits, queries, runs
from locks.commands import (
    code_revoke,
    code_use,
    codes_issue,
    limits_set,
    override_approve,
    override_ask,
    override_withdraw,
)
from locks.commands.overrides import CODE_LIFE, LIFE
from portal.accounts.policy import require
from portal.api.auth import by_of
from portal.api.bodies import object_of
from portal.api.claims import place_in, place_of, text, whole
from portal.api.present import code_json, override_json, use_json
from portal.kit.clock import database_now, duration, instant
from portal.kit.errors import Invalid

Json = dict[str, Any]
MOST = 1000


@api_view(["GET", "POST"])
def overrides(request: Request) -> Response:
    by = by_of(request)
    if request.method == "GET":
        found = queries.overrides(by, place=place_in(request.query_params))
        return Response({"ok": True, "overrides": [override_json(each) for each in found[:MOST]]})
    require(by, "override.ask", holder=by.actor.key)
    data = object_of(request)
    made = override_ask(
        place_of(data),
        _ids(data, "passes"),
        commit=text(data, "commit", 100),
        reason=text(data, "reason", 2000),
        life=_length(data, LIFE),
        max_uses=whole(data, "max_uses", 1),
        link=text(data, "link", 2000),
        by=by,
    )
    return Response({"ok": True, "override": override_json(made)}, status=201)


@api_view(["GET", "DELETE"])
def override(request: Request, public_id: str) -> Response:
    by = by_of(request)
    found = queries.override(by, public_id)
    if request.method == "DELETE":
        found = override_withdraw(found, by=by)
    return Response({"ok": True, "override": override_json(found)})


@api_view(["POST"])
def approval(request: Request, public_id: str) -> Response:
    by = by_of(request)
    found = override_approve(queries.override(by, public_id), by=by)
    return Response({"ok": True, "override": override_json(found)})


@api_view(["GET", "POST"])
def codes(request: Request) -> Response:
    """The text of a code is in the answer that issues it, and nowhere else."""
    by = by_of(request)
    if request.method == "GET":
        found = queries.codes(by, environment=request.query_params.get("environment", ""))
        return Response({"ok": True, "codes": [code_json(each) for each in found[:MOST]]})
    require(by, "code.issue", holder=by.actor.key)
    data = object_of(request)
    environment = catalog.environment_named(text(data, "environment", 1000))
    issued = codes_issue(environment, count=whole(data, "count", 1), life=_length(data, CODE_LIFE), by=by)
    return Response({"ok": True, "codes": [code_json(code) | {"code": plain} for code, plain in issued]}, status=201)


@api_view(["DELETE"])
def code(request: Request, public_id: str) -> Response:
    by = by_of(request)
    found = code_revoke(queries.code(by, public_id), by=by)
    return Response({"ok": True, "code": code_json(found)})


@api_view(["GET", "POST"])
def uses(request: Request) -> Response:
    by = by_of(request)
    if request.method == "GET":
        return Response({"ok": True, "uses": [use_json(each) for each in queries.break_glass_uses(by)[:MOST]]})
    require(by, "deployment.report")
    data = object_of(request)
    used_at = instant(data["used_at"], "used_at") if data.get("used_at") is not None else database_now()
    use = code_use(
        text(data, "code", 100),
        place_of(data),
        runs.parse(data),
        reason=text(data, "reason", 2000),
        commit=text(data, "commit", 100),
        used_at=used_at,
        by=by,
    )
    return Response({"ok": True, "use": use_json(use)}, status=201)


@api_view(["GET"])
def tier_limits(request: Request) -> Response:
    require(by_of(request), "lock.read")
    shown = {tier: limits.of(tier).facts() for tier in TIERS}
    return Response({"ok": True, "policy": limits.policy_version(), "limits": shown})


@api_view(["PATCH"])
def limits_of_tier(request: Request, tier: str) -> Response:
    """What is left out stays."""
    by = by_of(request)
    require(by, "limits.write")
    data = object_of(request)
    changes: Json = {
        name: timedelta(minutes=min(whole(data, f"{name}_minutes"), 10**7))
        for name in ("default", "greatest")
        if f"{name}_minutes" in data
    }
    changes |= {name: _flag(data, name) for name in ("open_ended", "two_people") if name in data}
    if "shortest_reason" in data:
        changes["shortest_reason"] = whole(data, "shortest_reason")
    return Response({"ok": True, "limits": limits_set(tier, changes, by=by).facts()})


def _flag(data: Json, name: str) -> bool:
    if not isinstance(data[name], bool):
        raise Invalid.at(name, "must be true or false")
    return bool(data[name])


def _ids(data: Json, name: str) -> list[str]:
    value = data.get(name)
    if not isinstance(value, list) or any(not isinstance(each, str) for each in value) or len(value) > 100:
        raise Invalid.at(name, "must be a list of ids of locks and freezes, 100 at most")
    return value


def _length(data: Json, usual: timedelta) -> timedelta:
    return usual if data.get("duration") is None else duration(data["duration"], "duration")
