from typing import Any

from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import queries as catalog
from locks import queries, scopes, wishes
from locks.commands import freeze_change, freeze_create, freeze_withdraw
from locks.models import Freeze
from portal.accounts.policy import require
from portal.api.auth import by_of
from portal.api.bodies import object_of
from portal.api.present import decision_json, freeze_json, window_json
from portal.kit.by import By
from portal.kit.clock import database_now, instant
from portal.kit.errors import Invalid

MOST = 1000
SCOPE = ("scope", "service", "environment", "tier", "team")


@api_view(["GET", "POST"])
def freezes(request: Request) -> Response:
    by = by_of(request)
    if request.method == "POST":
        require(by, "freeze.write", holder=by.actor.key)
        data = object_of(request)
        freeze = freeze_create(_scope(data), wishes.parse(data), by=by)
        return Response({"ok": True, "freeze": _shown(freeze)}, status=201)
    require(by, "lock.read")
    params = request.query_params
    place = None
    if params.get("service") or params.get("environment"):
        place = catalog.place(params.get("service", ""), params.get("environment", ""))
    found = queries.freezes(by, place=place, withdrawn=params.get("state") == "all")
    return Response({"ok": True, "freezes": [_shown(each) for each in found[:MOST]]})


@api_view(["GET", "PATCH", "DELETE"])
def freeze(request: Request, public_id: str) -> Response:
    by = by_of(request)
    found = queries.freeze(by, public_id)
    if request.method == "DELETE":
        found = freeze_withdraw(found, by=by)
    if request.method == "PATCH":
        require(by, "freeze.write", holder=found.holder_key, teams=found.owner_teams())
        data = object_of(request)
        facts = found.facts()
        moved = [name for name in SCOPE if name in data and (data[name] or None) != facts[name]]
        if moved:
            raise Invalid.of(
                [{"path": each, "message": "stays: make another freeze, and withdraw this one"} for each in moved]
            )
        found = freeze_change(found, wishes.parse(data, base=found), by=by)
    return Response({"ok": True, "freeze": _shown(found)})


@api_view(["GET"])
def preview(request: Request) -> Response:
    """With `timezone`, `starts`, `duration`, `rrule`: the next windows of such a freeze. With `service` and
    `environment`: what the gate would say `at` that instant, and the next windows of the freezes that cover them."""
    by, params = by_of(request), request.query_params
    require(by, "lock.read")
    now = database_now()
    if params.get("starts"):
        draft = Freeze(**wishes.parse({"title": "draft", "reason": "draft", **params.dict()}).columns)
        return Response({"ok": True, "windows": [window_json(each) for each in queries.coming([draft], now)]})
    return Response(
        {"ok": True, **_foreseen(by, params.dict(), instant(params["at"], "at") if "at" in params else now)}
    )


def _foreseen(by: By, params: dict[str, str], at: Any) -> dict[str, Any]:
    place = catalog.place(params.get("service", ""), params.get("environment", ""))
    decision = queries.decide(place, by=by, intent=params.get("intent") or "deploy", now=at)
    windows = queries.coming(list(queries.freezes(by, place=place)), at)
    return {"decision": decision_json(decision), "windows": [window_json(each) for each in windows]}


def _shown(freeze: Freeze) -> dict[str, Any]:
    return freeze_json(freeze) | {"windows": [window_json(each) for each in queries.coming([freeze], database_now())]}


def _scope(data: dict[str, Any]) -> scopes.Scope:
    names = {name: data.get(name) for name in SCOPE}
    for name, value in names.items():
        if value is not None and not isinstance(value, str):
            raise Invalid.at(name, "must be a text")
    kind = names.pop("scope") or "pair"
    return scopes.named(kind, **{name: value or "" for name, value in names.items()})
