"""What follows, by itself: when something may have opened, the first in line is told that it is his turn, and what
waits on GitHub is answered; when health says something of a place, the rules that lock by themselves hear of it."""

from typing import Any

from locks.commands import lines_advance, pending_deployments_advance, probe_forget, probe_pause, sign_take
from locks.models import PendingDeployment, Ticket
from locks.signs import CHANGED, GONE, sign_of
from portal.audit.models import Delivery

OPENERS = (
    "lock.released", "lock.expired", "freeze.ended", "freeze.changed", "freeze.withdrawn",
    "claim.finished", "claim.lapsed", "ticket.withdrawn", "ticket.lapsed",
)  # fmt: skip


def somebody_waits() -> bool:
    return Ticket.objects.filter(ended_at=None).exists()


def advance(delivery: Delivery) -> dict[str, Any]:
    """All lines, not this event's alone: a lock may have covered many. Asking twice does no harm."""
    return {"lines": lines_advance()}


def github_waits() -> bool:
    return PendingDeployment.objects.filter(state=PendingDeployment.State.WAITING).exists()


def answer_github(delivery: Delivery) -> dict[str, Any]:
    return {"pending": pending_deployments_advance()}


def hear(delivery: Delivery) -> dict[str, Any]:
    event = delivery.event
    if event.name == GONE:
        probe_forget(event.noun_id)
    elif event.name == CHANGED:
        probe_pause(event.noun_id, (event.after or {}).get("paused") is True)
    elif sign := sign_of(event):
        return {"acted": sign_take(sign)}
    return {}
