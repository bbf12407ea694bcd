"""Reads what happened, and has the automations that follow it run."""

from typing import Any

from portal.actions import events, queries
from portal.actions.authors import Authors
from portal.actions.commands import automation_pause, automation_run, automations_meant, automations_run
from portal.actions.commands.automations import DEEPEST, is_alone
from portal.actions.known import followed
from portal.actions.models import Action, Run
from portal.audit.models import Delivery, Event
from portal.audit.subscribers import subscribe
from portal.kit.by import By, system

Json = dict[str, Any]

SUBSCRIBER, AUTHORS = "automations", "automation-authors"
# What may end somebody's right to have an automation go on in his name.
LOSSES = ("user.updated", "user.deleted", "credential.updated", "credential.revoked")


def register() -> None:
    subscribe(SUBSCRIBER, *events.NAMES, handle=follow, wants=wanted)
    subscribe(AUTHORS, *LOSSES, handle=pause, wants=lambda event: bool(followed()))


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
    meant = automations_meant(_followers(event), told, by=system("portal"))
    runs: list[Run] = []
    faults = []
    for some in _together(meant, cause):
        try:
            runs += _begun(some, event, told, cause)
        except Exception as fault:
            faults.append(fault)
    if faults:
        raise faults[0]
    return {"runs": [run.public_id for run in runs]}


def _together(meant: list[Action], cause: Run | None) -> list[list[Action]]:
    """Most in one go; each that writes by itself alone, so that what it is refused keeps nobody back."""
    alone = [each for each in meant if is_alone(each, cause)]
    others = [each for each in meant if each not in alone]
    return [*([others] if others else []), *([each] for each in alone)]


def _begun(actions: list[Action], event: Event, told: Json, cause: Run | None) -> list[Run]:
    by = By(system("automation").actor, "automation", event.trace)
    if not is_alone(actions[0], cause):
        return automations_run(actions, event, told, cause=cause, by=by)
    run = automation_run(actions[0], event, told, cause=cause, by=by)
    return [run] if run else []


def pause(delivery: Delivery) -> Json:
    """Those whose authors may not keep them any more stand still at once, and say so."""
    rows = queries.about(Action.objects.filter(paused=""), type="automation").order_by("id")
    known: Authors = {}
    return {"paused": [each.identifier for each in rows if automation_pause(each, known, by=system("portal"))]}


def _cause(event: Event) -> Run | None:
    """The run whose work this was; of what a run itself went through, that run."""
    named = event.payload.get("runId")
    return Run.objects.filter(public_id=named).first() if named else None


def _followers(event: Event) -> list[Action]:
    """In a fixed order. One that was made after the event is not about it."""
    kinds = events.kinds(event)
    rows = Action.objects.filter(created_at__lte=event.at, paused="").order_by("id")
    named = queries.about(rows, type="automation", events=[each for each, _, _ in kinds], published=True)
    return [each for each in named if events.kind_of(each.event) in kinds]
