from dataclasses import asdict
from typing import Any

from django.db.models import QuerySet
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import queries as catalog
from locks import limits, queries, receipts, runs, scopes
from locks.commands import DEFAULT, gate_ask, lock_extend, lock_release, lock_take
from locks.models import Lock
from locks.wishes import read_allows
from portal.accounts.policy import require
from portal.api.auth import by_of
from portal.api.bodies import object_of
from portal.api.claims import override_in
from portal.api.present import decision_json, lock_json, simulation_json, stopped
from portal.api.selection import flag
from portal.kit.clock import database_now, duration, instant
from portal.kit.errors import Invalid
from portal.kit.spelling import check_spelling

STATES = ("active", "mine", "expiring", "history")
MOST = 1000
TAKEN = ("scope", "service", "environment", "tier", "team", "reason", "until", "duration", "link", "kind", "effect", "allows", "steal")  # fmt: skip
MEANT = {"expires_at": "until", "ends_at": "until", "ttl": "duration"}


@api_view(["GET"])
def gate(request: Request) -> Response:
    """200 allow or warn, 423 denied, 404 unknown name, 503 could not decide. Never a redirect."""
    by, params = by_of(request), request.query_params
    require(by, "gate.ask")  # before any name is looked up: an answer may name others that are alike
    place = catalog.place(params.get("service", ""), params.get("environment", ""))
    decision = gate_ask(
        place,
        intent=params.get("intent") or "deploy",
        commit=params.get("commit", ""),
        run=runs.asking(params.get("run", ""), params.get("run_url", "")),
        override=override_in(by, params),
        by=by,
    )
    shown = decision_json(decision)
    if flag(request, "explain"):
        reasons = queries.explain(place, by=by, intent=decision.intent, run=params.get("run", ""), now=decision.at)
        shown |= {"policy": limits.policy_version(), "explanation": [asdict(each) for each in reasons]}
    # An alias is answered by the true name; a client can still tell that this is the answer to its question.
    shown["asked"] = {"service": params.get("service", ""), "environment": params.get("environment", "")}
    if decision.stops:
        return stopped(decision, shown)
    shown["receipt"] = receipts.issue(decision, commit=params.get("commit", ""), run=params.get("run", ""))
    return Response({"ok": True, "decision": shown})


@api_view(["GET", "POST"])
def locks(request: Request) -> Response:
    by = by_of(request)
    if request.method == "POST":
        require(by, "lock.take")
        data = object_of(request)
        check_spelling(data, TAKEN, meant=MEANT)
        lock = lock_take(
            scopes.named(
                _text(data, "scope") or "pair",
                **{name: _text(data, name) for name in ("service", "environment", "tier", "team")},
            ),
            reason=_text(data, "reason"),
            until=_until(data, default=DEFAULT),
            link=_text(data, "link"),
            kind=_text(data, "kind") or Lock.Kind.MANUAL,
            effect=_text(data, "effect") or Lock.Effect.BLOCK,
            allows=read_allows(data.get("allows")),
            steal=data.get("steal") is True,
            by=by,
        )
        return Response({"ok": True, "lock": lock_json(lock)}, status=201)
    require(by, "lock.read")
    params = request.query_params
    state = params.get("state") or "active"
    if state not in STATES:
        raise Invalid.at("state", f"must be one of {', '.join(STATES)}")
    environment = params.get("environment", "")
    found: QuerySet[Lock] = queries.locks(
        by,
        state=state,
        service=params.get("service", ""),
        environment=catalog.environment_named(environment).identifier if environment else "",
        scope=params.get("scope", ""),
    )
    return Response({"ok": True, "locks": [lock_json(lock) for lock in found[:MOST]]})


@api_view(["POST"])
def simulation(request: Request) -> Response:
    """What a lock of this scope would meet. Writes nothing."""
    by = by_of(request)
    require(by, "lock.read")
    data = object_of(request)
    names = {name: _text(data, name) for name in ("service", "environment", "tier", "team")}
    scope = scopes.named(_text(data, "scope") or "pair", **names)
    found = queries.simulate(scope.kind, scope.columns(), by=by)
    return Response({"ok": True, "simulation": simulation_json(found)})


@api_view(["GET", "DELETE"])
def lock(request: Request, public_id: str) -> Response:
    by = by_of(request)
    found = queries.lock(by, public_id)
    if request.method == "DELETE":
        reason = request.query_params.get("reason", "")
        found = lock_release(found, reason=reason, steal=flag(request, "steal"), by=by)
    return Response({"ok": True, "lock": lock_json(found)})


@api_view(["POST"])
def extension(request: Request, public_id: str) -> Response:
    by = by_of(request)
    data = object_of(request)
    check_spelling(data, ("until", "duration"), meant=MEANT)
    until = _until(data, default=None)
    if "until" not in data and "duration" not in data:
        raise Invalid.at("until", "say until when, or for how long in duration")
    lock = lock_extend(queries.lock(by, public_id), until, by=by)
    return Response({"ok": True, "lock": lock_json(lock)})


def _text(data: dict[str, Any], name: str) -> str:
    value = data.get(name)
    if value is not None and not isinstance(value, str):
        raise Invalid.at(name, "must be a text")
    return value or ""


def _until(data: dict[str, Any], *, default: Any) -> Any:
    """`until` (an instant, or null for open-ended) or `duration` from now; the default when neither is there."""
    if "until" in data and "duration" in data:
        raise Invalid.at("duration", "send until or duration, not both")
    if "until" in data:
        return None if data["until"] is None else instant(data["until"], "until")
    if "duration" in data:
        return database_now() + duration(data["duration"], "duration")
    return default
