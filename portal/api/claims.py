from datetime import timedelta
from typing import Any

from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import queries as catalog
from catalog.queries import Place
from locks import queries, runs
from locks.commands import claim_begin, claim_finish, claim_heartbeat, claim_revoke, ticket_join, ticket_withdraw
from locks.models import Claim, Override
from portal.accounts.policy import require
from portal.api.auth import by_of
from portal.api.bodies import object_of
from portal.api.present import claim_json, decision_json, line_json, stopped, ticket_json
from portal.kit.by import By
from portal.kit.errors import Invalid
from portal.kit.spelling import check_spelling

Json = dict[str, Any]
STATES = ("running", "lapsed", "all")
MOST = 1000


@api_view(["GET", "POST"])
def claims(request: Request) -> Response:
    """201 with a claim, 200 for the run that has it already, 423 with the decision that stands in the way."""
    by = by_of(request)
    if request.method == "GET":
        require(by, "lock.read")
        state = request.query_params.get("state") or "running"
        if state not in STATES:
            raise Invalid.at("state", f"must be one of {', '.join(STATES)}")
        found = queries.claims(by, state=state, place=place_in(request.query_params))
        return Response({"ok": True, "claims": [claim_json(each) for each in found[:MOST]]})
    require(by, "claim.hold")
    data = object_of(request)
    begun = claim_begin(
        place_of(data), runs.parse(data), **_wish(data), lease=_lease(data), override=override_in(by, data), by=by
    )
    if begun.claim is None:
        return stopped(begun.decision, decision_json(begun.decision) | {"asked": asked(data)})
    shown = {"ok": True, "claim": claim_json(begun.claim), "asked": asked(data)}
    return Response(shown, status=201 if begun.fresh else 200)


@api_view(["GET", "DELETE"])
def claim(request: Request, public_id: str) -> Response:
    """DELETE tells its holder to stop: at the next sign of life."""
    by = by_of(request)
    found = queries.claim(by, public_id)
    if request.method == "DELETE":
        found = claim_revoke(found, by=by)
    return Response({"ok": True, "claim": claim_json(found)})


@api_view(["POST"])
def heartbeat(request: Request, public_id: str) -> Response:
    by = by_of(request)
    require(by, "claim.hold")
    data = object_of(request)
    found = claim_heartbeat(queries.claim(by, public_id), _fence(data), by=by)
    return Response({"ok": True, "claim": claim_json(found)})


@api_view(["POST"])
def finish(request: Request, public_id: str) -> Response:
    by = by_of(request)
    require(by, "claim.hold")
    data = object_of(request)
    check_spelling(data, ("fence", "outcome"), meant={"status": "outcome"})
    outcome = text(data, "outcome", 10) or Claim.Outcome.SUCCESS
    found = claim_finish(queries.claim(by, public_id), _fence(data), outcome, by=by)
    return Response({"ok": True, "claim": claim_json(found)})


@api_view(["GET", "POST"])
def tickets(request: Request) -> Response:
    """201 for a run that joins the line, 200 for one that stands in it. `ready` says that it may begin."""
    by = by_of(request)
    if request.method == "GET":
        require(by, "lock.read")
        found = queries.tickets(by, place=place_in(request.query_params))
        return Response({"ok": True, "tickets": [ticket_json(each) for each in found[:MOST]]})
    require(by, "claim.hold")
    data = object_of(request)
    line = ticket_join(place_of(data), runs.parse(data), **_wish(data), lease=_lease(data), by=by)
    fresh = line.ticket.arrived_at == line.decision.at
    return Response({"ok": True, "ticket": line_json(line), "asked": asked(data)}, status=201 if fresh else 200)


@api_view(["GET", "DELETE"])
def ticket(request: Request, public_id: str) -> Response:
    """Reading is no sign of life: POST /v1/tickets again for that."""
    by = by_of(request)
    found = queries.ticket(by, public_id)
    if request.method == "DELETE":
        return Response({"ok": True, "ticket": ticket_json(ticket_withdraw(found, by=by))})
    return Response({"ok": True, "ticket": line_json(queries.line_of(found, place_of_ticket(found)))})


def place_of_ticket(found: Any) -> Place:
    return catalog.place(found.service_identifier, found.environment_identifier)


def place_of(data: Json) -> Place:
    return catalog.place(text(data, "service", 1000), text(data, "environment", 1000))


def asked(data: Json) -> Json:
    """An alias is answered by the true name; a client can still tell that this is the answer to its question."""
    return {name: text(data, name, 1000) for name in ("service", "environment")}


def place_in(params: Any) -> Place | None:
    """The place that a list is narrowed to, when one is named."""
    if not (params.get("service") or params.get("environment")):
        return None
    return catalog.place(params.get("service", ""), params.get("environment", ""))


def override_in(by: By, data: Any) -> Override | None:
    named = data.get("override")
    return queries.override_to_use(by, text(data, "override", 100)) if named else None


def text(data: Any, name: str, longest: int) -> str:
    value = data.get(name)
    if value is not None and not isinstance(value, str):
        raise Invalid.at(name, "must be a text")
    if len(value or "") > longest:
        raise Invalid.at(name, f"is {len(value or '')} characters long; {longest} are allowed")
    return value or ""


def whole(data: Json, name: str, default: int | None = None) -> int:
    value = data.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**63:
        raise Invalid.at(name, "must be a whole number")
    return value


def _wish(data: Json) -> Json:
    return {
        "intent": text(data, "intent", 10) or "deploy",
        "commit": text(data, "commit", 100),
        "version": text(data, "version", 300),
    }


def _lease(data: Json) -> timedelta:
    return timedelta(seconds=min(whole(data, "lease", 60), 10**6))


def _fence(data: Json) -> int:
    return whole(data, "fence")
