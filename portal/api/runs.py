from typing import Any

from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.schema.validate import check_shape
from portal.accounts.policy import require
from portal.actions import payloads, queries
from portal.actions.commands import (
    run_create,
    run_decide,
    run_log,
    run_respond,
    run_update,
    runs_acknowledge,
    runs_claim,
)
from portal.actions.models import Action, Approval, Run, RunLog
from portal.actions.queries import Standing, Wanted
from portal.actions.schema.reports import CREATION
from portal.api.auth import by_of
from portal.api.bodies import object_of
from portal.api.selection import listed
from portal.kit.by import By
from portal.kit.clock import iso
from portal.kit.errors import Invalid, Missing
from portal.kit.masks import call_masked

Json = dict[str, Any]

AT_FIRST, MOST = 100, 1000
LINES = 50
MOST_SKIPPED = 10**9
SOURCES = ["UI", "API", "AUTOMATION"]


@api_view(["GET"])
def runs(request: Request) -> Response:
    """The newest first. All filters are true together."""
    return _listed(request, by_of(request), request.query_params.get("action", ""))


@api_view(["GET", "POST"])
def of_action(request: Request, identifier: str) -> Response:
    """POST asks for a run: `{"properties", "entity"}`, with `run_as` in the name of somebody."""
    by = by_of(request)
    action = queries.action(by, identifier)
    if request.method == "GET":
        return _listed(request, by, action.identifier)
    body = object_of(request)
    check_shape(CREATION, body)
    return _created(request, by, action, body, body.get("entity") or "")


@api_view(["POST"])
def of_blueprint(request: Request, blueprint: str, action: str, entity: str = "") -> Response:
    """The older way to ask for a run, with all that it is about in the path."""
    by = by_of(request)
    body = object_of(request)
    found = queries.action(by, action)
    if found.blueprint != blueprint:
        raise Missing(f'Action with identifier "{action}" was not found')
    check_shape(CREATION, body)
    return _created(request, by, found, body, entity)


def _created(request: Request, by: By, action: Action, body: Json, entity: str) -> Response:
    run_as = request.query_params.get("run_as", "")
    run = run_create(action, body["properties"], entity=entity, run_as=run_as, by=by)
    return Response({"ok": True, "run": run_json(run)}, status=202)


@api_view(["GET", "PATCH"])
def run(request: Request, public_id: str) -> Response:
    by = by_of(request)
    if request.method == "GET":
        return Response({"ok": True, "run": run_json(queries.run(by, public_id))})
    told = run_update(queries.run_to_report(by, public_id), object_of(request), by=by)
    return Response({"ok": True, "run": run_json(told)})


@api_view(["GET", "POST"])
def logs(request: Request, public_id: str) -> Response:
    by = by_of(request)
    if request.method == "POST":
        line = run_log(queries.run_to_report(by, public_id), object_of(request), by=by)
        return Response({"ok": True, "runLog": log_json(line, public_id)}, status=201)
    found = queries.run(by, public_id)
    offset = _number(request, "offset", 0, least=0, most=MOST_SKIPPED)
    limit = _number(request, "limit", LINES, least=1, most=LINES)
    lines = queries.logs(found)[offset : offset + limit]
    return Response({"ok": True, "runLogs": [log_json(each, public_id) for each in lines]})


@api_view(["PATCH"])
def approval(request: Request, public_id: str) -> Response:
    by = by_of(request)
    decided = run_decide(queries.run(by, public_id), object_of(request), by=by)
    return Response({"ok": True, "run": run_json(decided)}, status=201)


@api_view(["GET"])
def approvers(request: Request, public_id: str) -> Response:
    """Who has decided; with `include_pending_approvers` also those who may and have not."""
    found = queries.run(by_of(request), public_id)
    said: list[Json] = [
        {"userId": each.actor_key, "name": each.actor_name, "state": each.state, "description": each.description}
        for each in queries.approvals(found)
    ]
    if request.query_params.get("include_pending_approvers", "").lower() == "true":
        said += [
            {"userId": key, "name": name, "state": "PENDING", "description": None}
            for key, name in queries.waiting_for(found)
        ]
    return Response({"ok": True, "approvers": said})


@api_view(["PATCH"])
def response(request: Request, public_id: str) -> Response:
    by = by_of(request)
    found = queries.run_to_report(by, public_id)
    body = object_of(request)
    if "response" not in body:
        raise Invalid.at("response", "is required")
    told = run_respond(found, body["response"], by=by)
    return Response({"ok": True, "run": run_json(told)})


@api_view(["POST"])
def claim(request: Request) -> Response:
    """Runs for a program that does their work: an agent, or the integration that `installationId` names."""
    claimed = runs_claim(object_of(request), by=by_of(request))
    return Response({"ok": True, "runs": runs_json(claimed, to_do=True)})


@api_view(["PATCH"])
def acknowledgement(request: Request) -> Response:
    return Response({"ok": True, "ackedCount": runs_acknowledge(object_of(request), by=by_of(request))})


@api_view(["POST"])
def no_workflows(request: Request) -> Response:
    """The agent asks for these too, and waits ever longer while it is refused. There are none."""
    require(by_of(request), "run.fetch")
    return Response({"ok": True, "nodeRuns": []})


def _listed(request: Request, by: By, action: str) -> Response:
    params = request.query_params
    sources = listed(request, "source")
    for each in sources:
        if each not in SOURCES:
            raise Invalid.at("source", f"{each!r} is not one of {', '.join(SOURCES)}")
    wanted = Wanted(
        action=action,
        blueprint=params.get("blueprint", ""),
        entity=params.get("entity", ""),
        statuses=_statuses(params.get("active", "")),
        email=params.get("user_email", ""),
        creator=params.get("user_id", ""),
        external_id=params.get("external_run_id", ""),
        sources=sources,
    )
    found = list(queries.runs(by, wanted)[: _number(request, "limit", AT_FIRST, least=1, most=MOST)])
    hidden = set(listed(request, "exclude"))
    shown = [{name: value for name, value in each.items() if name not in hidden} for each in runs_json(found)]
    return Response({"ok": True, "runs": shown})


def _statuses(active: str) -> list[str]:
    """Anything but true and false asks for all: some clients send what is no boolean at all."""
    if active.lower() == "true":
        return list(Run.OPEN)
    return [each for each in Run.Status.values if each not in Run.OPEN] if active.lower() == "false" else []


def _number(request: Request, name: str, usual: int, *, least: int, most: int) -> int:
    text = request.query_params.get(name, str(usual))
    if not (text.isascii() and text.isdigit() and least <= int(text[:12]) <= most):
        raise Invalid.at(name, f"must be a whole number from {least} to {most}")
    return int(text)


def run_json(run: Run) -> Json:
    return runs_json([run])[0]


def runs_json(runs: list[Run], *, to_do: bool = False) -> list[Json]:
    """`to_do`: for the program that does their work, with all of the call."""
    standing = queries.standing(runs)
    return [_run(each, standing, to_do) for each in runs]


def _run(run: Run, standing: Standing, to_do: bool) -> Json:
    """Unset keys are left out."""
    payload = payloads.of(run)
    gone = {
        "action": run.action_id is None,
        "blueprint": run.blueprint not in standing.blueprints,
        "entity": (run.blueprint, run.entity) not in standing.entities,
    }
    shown: Json = {
        "id": run.public_id,
        "status": run.status,
        **{name: named | ({"deleted": True} if gone[name] else {}) for name, named in run.about.items()},
        "properties": run.inputs,
        "rawProperties": run.raw_inputs,
        "source": run.source,
        "requiredApproval": run.required_approval,
        "approval": _approval(run),
        "statusLabel": run.status_label or None,
        "link": run.link,
        "summary": run.summary or None,
        "message": run.message,
        "externalRunId": run.external_id or None,
        "payload": payload if to_do or payload is None else call_masked(payload),
        "event": run.event,
        "response": run.response,
        "pendingExecution": run.pending or None,
        "claimedUntil": iso(run.claimed_until),
        "installationId": run.definition["invocationMethod"].get("installationId"),
        "createdBy": run.created_by,
        "impersonatedBy": run.impersonated_by or None,
        "updatedBy": run.updated_by,
        "createdAt": iso(run.created_at),
        "updatedAt": iso(run.updated_at),
        "endedAt": iso(run.ended_at),
    }
    return {name: value for name, value in shown.items() if value is not None}


def _approval(run: Run) -> Json | None:
    """What was said last."""
    if not run.required_approval:
        return None
    said = list(run.approvals.all())
    return _said(said[-1]) if said else None


def _said(approval: Approval) -> Json:
    return {"state": approval.state, "description": approval.description, "userId": approval.actor_key}


def log_json(line: RunLog, run: str) -> Json:
    return {
        "id": line.public_id.hex,
        "runId": run,
        "message": line.message,
        "createdBy": line.created_by,
        "createdAt": iso(line.created_at),
    }
