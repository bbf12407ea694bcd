from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from catalog.schema.validate import check_shape
from portal.accounts.policy import require
from portal.actions import permissions
from portal.actions.commands.runs import carried_out, held, told_beside
from portal.actions.models import Approval, Run
from portal.actions.schema.reports import DECISION
from portal.audit.record import record
from portal.kit.by import By
from portal.kit.errors import Conflict, Invalid, Refused
from portal.kit.locking import retried

Json = dict[str, Any]


@retried
@transaction.atomic
def run_decide(run: Run, body: Json, *, by: By) -> Run:
    """Approves or declines a run that waits. One who declines ends it; with ALL everybody has to approve.

    `body` is `{"status": "APPROVE" or "DECLINE", "description"}`.
    """
    require(by, "run.approve")
    check_shape(DECISION, body)
    run = held(run)
    _check_waiting(run)
    if run.action is None or not permissions.may_approve(by.actor, run.action):
        raise Refused(f"{by.actor.name} may not approve runs of “{run.title}”: its permissions name others.")
    before = run.state()
    approves = body["status"] == "APPROVE"
    _keep(run, approves, body.get("description") or "", by)
    now = timezone.now()
    if not approves:
        run.status, run.ended_at, run.pending = Run.Status.DECLINED, now, False
    elif _is_complete(run):
        run.status = Run.Status.IN_PROGRESS
    run.updated_at, run.updated_by = now, by.actor.name
    run.save(update_fields=["status", "ended_at", "pending", "updated_at", "updated_by"])
    payload = told_beside(run) | {"description": body.get("description") or ""}
    name = "run.approved" if approves else "run.declined"
    record(name, run.noun(), by=by, before=run.told(before), after=run.facts(), payload=payload)
    return carried_out(run, by)


def _check_waiting(run: Run) -> None:
    if run.status != Run.Status.WAITING:
        raise Invalid.at("status", f"the run does not wait for approval: it is {run.status}")


def _keep(run: Run, approves: bool, description: str, by: By) -> None:
    state = Approval.State.APPROVED if approves else Approval.State.DECLINED
    try:
        with transaction.atomic():
            run.approvals.create(actor_key=by.actor.key, actor_name=by.actor.name, state=state, description=description)
    except IntegrityError as twice:
        raise Conflict(f"{by.actor.name} has decided about this run already.", code="already_decided") from twice


def _is_complete(run: Run) -> bool:
    asked = run.required_approval
    if not isinstance(asked, dict) or asked["type"] == "ANY":
        return True
    assert run.action is not None
    said = set(run.approvals.filter(state=Approval.State.APPROVED).values_list("actor_key", flat=True))
    wanted = {f"user:{pk}" for pk in permissions.approvers(run.action).values_list("pk", flat=True)}
    return wanted <= said
