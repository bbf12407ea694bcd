from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.urls import reverse

from locks.decisions import Decision
from locks.models import Claim, PendingDeployment, Ticket
from locks.queries import Standing
from portal.accounts.policy import allows
from portal.kit.by import By

Json = dict[str, Any]


def line_rows(standing: Iterable[Standing], by: By, now: datetime) -> list[Json]:
    return [
        {
            "service": each.service,
            "environment": each.environment,
            "ask_url": reverse("locks:explained", query={"service": each.service, "environment": each.environment}),
            "claim": _claim(each.claim, by) if each.claim else None,
            "gate": each.decision,
            "gate_url": _stopper_url(each.decision),
            "tickets": [_ticket(ticket, place, by) for place, ticket in enumerate(each.tickets, 1)],
        }
        for each in standing
    ]


def _stopper_url(decision: Decision | None) -> str:
    stoppers = decision.denying if decision and decision.denies else []
    return stoppers[0].get_absolute_url() if stoppers else ""


def _of_run(row: Claim | Ticket) -> Json:
    return {
        "id": str(row.public_id),
        "holder": row.holder_name,
        "robot": row.holder_kind != "user",
        "run": row.run,
        "url": row.run_url,
        "version": row.version or row.commit[:7],
        "intent": row.intent,
    }


def _claim(claim: Claim, by: By) -> Json:
    teams = [team for each in (claim.service, claim.environment) if each for team in each.team]
    may = allows(by.actor, "claim.revoke", holder=claim.holder_key, teams=teams)
    return _of_run(claim) | {
        "fence": claim.fence,
        "begun_at": claim.begun_at,
        "lease_until": claim.lease_until,
        "revoked_by": claim.revoked_by,
        "may_revoke": may and not claim.revoked_at,
        "revoke_url": reverse("locks:claim_revocation", args=[claim.public_id]),
    }


def _ticket(ticket: Ticket, place: int, by: By) -> Json:
    return _of_run(ticket) | {
        "place": place,
        "arrived_at": ticket.arrived_at,
        "ready": bool(ticket.ready_at),
        "may_withdraw": ticket.holder_key == by.actor.key or by.actor.is_admin,
        "withdraw_url": reverse("locks:ticket_withdrawal", args=[ticket.public_id]),
    }


def job_row(pending: PendingDeployment) -> Json:
    return {
        "id": str(pending.public_id),
        "where": pending.where,
        "waits": pending.state == PendingDeployment.State.WAITING,
        "run": f"{pending.repository} #{pending.run}",
        "url": pending.run_url,
        "asked_by": pending.asked_by,
        "asked_at": pending.asked_at,
        "message": pending.message,
    }
