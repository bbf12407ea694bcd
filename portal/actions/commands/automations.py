"""An automation runs because something happened: once for an event, whoever hears of it how often."""

from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from portal.actions import authors, conditions
from portal.actions.commands.runs import about_of, began, carried_out, ended, fetched
from portal.actions.models import Action, Run, RunLog
from portal.audit.models import Event
from portal.kit.by import By
from portal.kit.errors import Invalid
from portal.kit.locking import retried

Json = dict[str, Any]

# So many automations may begin one another. One more is a run that has failed, and begins nothing.
DEEPEST = 5
STOPPED = (
    f"Stopped: {DEEPEST} automations in a row had begun one another, so this looks like a loop. "
    "Give one of them a condition that is false once its work is done."
)


@retried
@transaction.atomic
def automation_run(action: Action, event: Event, told: Json, *, cause: Run | None, by: By) -> Run | None:
    """Its run for this event; None where its condition does not hold, or where it has run for it already.

    `told` is the event as automations read it, `cause` the run whose work the event was. A condition that cannot be asked
    is no run either: the action keeps the fault.
    """
    try:
        if not conditions.holds(action, told):
            return None
    except Invalid as reason:
        _keep_fault(action, reason.message)
        return None
    run = _run(action, event, told, cause, by)
    try:
        with transaction.atomic():
            run.save()
    except IntegrityError:
        if Run.objects.filter(action=action, cause=event.public_id).exists():
            return None  # another worker was faster
        raise
    began(run, by)
    return carried_out(run, by) if run.depth <= DEEPEST else _stopped(run, by)


def _run(action: Action, event: Event, told: Json, cause: Run | None, by: By) -> Run:
    facts = told["diff"]["after"] or told["diff"]["before"]
    about = about_of(action, None) if cause is None or event.noun != "run" else about_of(action, None) | _place(cause)
    if event.noun == "entity":
        about["entity"] = {
            "identifier": event.entity,
            "title": facts.get("title") or event.entity,
            "icon": facts.get("icon"),
        }
    return Run(
        action=action,
        definition=action.definition,
        about=about,
        blueprint=event.blueprint,
        entity=event.entity,
        status=Run.Status.WAITING if action.required_approval else Run.Status.IN_PROGRESS,
        source="AUTOMATION",
        private=action.is_private or (event.noun == "run" and cause is not None and cause.private),
        pending=fetched(action.definition),
        creator_key=authors.automation(action).key,
        created_by=by.actor.name,
        updated_by=by.actor.name,
        cause=event.public_id,
        event=told,
        depth=(cause.depth if cause else 0) + 1,
    )


def _place(run: Run) -> Json:
    return {part: run.about[part] for part in ("blueprint", "entity") if part in run.about}


def _stopped(run: Run, by: By) -> Run:
    RunLog.objects.create(run=run, message=STOPPED, created_by=by.actor.name)
    return ended(run, Run.Status.FAILURE, STOPPED, by=by)


def _keep_fault(action: Action, message: str) -> None:
    Action.objects.filter(pk=action.pk).update(fault=message[:1000], fault_at=timezone.now())
