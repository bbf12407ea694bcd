"""Reads what happened, and has the automations that follow it run."""

from typing import Any

from portal.actions import authors, events, queries
from portal.actions.commands import automation_run
from portal.actions.commands.automations import DEEPEST
from portal.actions.known import followed
from portal.actions.models import Action, Run
from portal.audit.models import Delivery, Event
from portal.audit.subscribers import subscribe
from portal.kit.by import By

Json = dict[str, Any]

SUBSCRIBER = "automations"


def register() -> None:
    subscribe(SUBSCRIBER, *events.NAMES, handle=follow, wants=wanted)


def wanted(event: Event) -> bool:
    """Asked in the transaction that records the event: of the event alone, and of what this process knows."""
    known = followed()
    return bool(known) and not known.isdisjoint(events.kinds(event))


def follow(delivery: Delivery) -> Json:
    """Each automation that is there now and was when it happened runs once; one that fails does not keep others back."""
    event = delivery.event
    cause = _cause(event)
    if cause and cause.depth > DEEPEST:
        return {"skipped": "It was a loop, and stopped."}
    told = events.told(event, cause)
    runs, faults = [], []
    for action in _followers(event):
        try:
            runs.append(automation_run(action, event, told, cause=cause, by=_by(action, event)))
        except Exception as fault:
            faults.append(fault)
    if faults:
        raise faults[0]
    return {"runs": [run.public_id for run in runs if run]}


def _cause(event: Event) -> Run | None:
    """The run whose work this was; of what a run itself went through, that run."""
    named = event.payload.get("runId")
    return Run.objects.filter(public_id=named).first() if named else None


def _followers(event: Event) -> list[Action]:
    """In a fixed order. One that was made after the event is not about it."""
    kinds = events.kinds(event)
    rows = Action.objects.filter(created_at__lte=event.at).order_by("id")
    named = queries.about(rows, type="automation", events=[each for each, _, _ in kinds], published=True)
    return [each for each in named if events.kind_of(each.event) in kinds]


def _by(action: Action, event: Event) -> By:
    """Its run belongs to the trace of the event."""
    return By(authors.automation(action), "automation", event.trace)
