"""Calls the addresses that actions name, for the runs that wait for it."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from portal.actions.commands import run_called, run_uncalled
from portal.actions.models import Run
from portal.actions.requests import Request, request_of
from portal.audit.models import Delivery, Event
from portal.audit.posting import AGAIN, LONGEST_WAIT
from portal.audit.subscribers import RetryLater, subscribe
from portal.kit import outgoing
from portal.kit.by import system
from portal.kit.errors import Conflict, Invalid

Json = dict[str, Any]

SUBSCRIBER = "run-calls"
# A receiver that is down for longer has its runs failed, so that somebody sees it.
PATIENCE = timedelta(days=1)


def register() -> None:
    subscribe(SUBSCRIBER, "run.created", "run.approved", handle=call, wants=wanted, stream=stream)


def wanted(event: Event) -> bool:
    return bool(event.payload.get("calls")) and (event.after or {}).get("status") == Run.Status.IN_PROGRESS


def stream(event: Event) -> str:
    """An automation's calls go one after the other: what never answers holds one worker, and nobody's run but its own."""
    return f"{event.actor_key} calls" if event.actor_key.startswith("automation:") else event.stream


def call(delivery: Delivery) -> Json:
    """The receiver knows a repeat by the delivery's id in a header."""
    run = Run.objects.filter(public_id=delivery.event.noun_id).first()
    if run is None or run.status != Run.Status.IN_PROGRESS:
        return {"skipped": "The run does not wait for it any more."}
    try:
        request = request_of(run)
        answer = _asked(request, delivery)
    except (Invalid, Conflict, outgoing.NotAllowed) as fault:
        reason = fault.message if isinstance(fault, Invalid | Conflict) else str(fault)
        run_uncalled(run, reason, ends=True, by=system("portal"))
        return {"error": reason}
    except outgoing.NoAnswer as silence:
        return _later(run, request, delivery, str(silence))
    if not request.waits and (answer.status >= 500 or answer.status in AGAIN):
        after = None if answer.retry_after is None else min(answer.retry_after, LONGEST_WAIT)
        return _later(run, request, delivery, f"The receiver answered {answer.status}.", after)
    run_called(run, request, answer, by=system("portal"))
    return {"status": answer.status, "ms": round(answer.seconds * 1000)}


def _asked(request: Request, delivery: Delivery) -> outgoing.Answer:
    headers = request.signed() | {"X-Portcullis-Delivery": str(delivery.public_id)}
    return outgoing.call(request.method, request.url, request.body, headers)


def _later(run: Run, request: Request, delivery: Delivery, reason: str, after: float | None = None) -> Json:
    """Whoever waits for the answer is not kept waiting; others are called again for a day."""
    ends = request.waits or timezone.now() - delivery.event.at > PATIENCE
    if ends or delivery.attempts <= 1:
        run_uncalled(run, reason, ends=ends, by=system("portal"))
    if ends:
        return {"error": reason}
    raise RetryLater(reason, after)
