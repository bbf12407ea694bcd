from datetime import datetime
from typing import Any

from django.urls import reverse

from locks.models import Override
from portal.accounts.policy import allows
from portal.kit.by import By


def override_row(override: Override, by: By, now: datetime) -> dict[str, Any]:
    fault = override.fault(now)
    ended = bool(override.withdrawn_at) or override.expires_at <= now
    approver = allows(by.actor, "override.approve", teams=override.owner_teams())
    withdrawer = allows(by.actor, "override.withdraw", holder=override.holder_key, teams=override.owner_teams())
    mine = override.holder_key == by.actor.key
    open_to = bool(not ended and override.needs_approval and not override.approved_at)
    return {
        "id": str(override.public_id),
        "where": override.where,
        "commit": override.commit,
        "reason": override.reason,
        "link": override.link,
        "holder": override.holder_name,
        "robot": override.holder_kind != "user",
        "asked_at": override.created_at,
        "expires_at": override.expires_at,
        "approver": override.approver_name,
        "withdrawn_by": override.withdrawn_by,
        "awaits": open_to,
        "fault": fault,
        "ended": ended,
        "passes": len(override.passes),
        "uses": [{"run": use.run, "url": use.run_url, "at": use.at} for use in override.uses.all()],
        "max_uses": override.max_uses,
        "may_approve": open_to and approver and not mine,
        "why_not": _why_not(mine) if open_to and not (approver and not mine) else "",
        "may_withdraw": not ended and withdrawer,
        "approve_url": reverse("locks:override_approval", args=[override.public_id]),
        "withdraw_url": reverse("locks:override_withdrawal", args=[override.public_id]),
    }


def _why_not(mine: bool) -> str:
    return "Another than you has to approve it." if mine else "Its owners and administrators may approve it."
