"""Automations run because something happened: once for an event, whoever hears of it how often."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from portal.actions import authors, conditions
from portal.actions.authors import Authors
from portal.actions.commands.actions import action_replace
from portal.actions.commands.runs import about_of, began, blueprint_called, carried_out, creation, ended, fetched
from portal.actions.commands.upserts import done_here
from portal.actions.known import followed
from portal.actions.models import Action, Run, RunLog
from portal.audit.models import Event
from portal.audit.record import record, record_many
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


def automations_meant(actions: Sequence[Action], told: Json, *, by: By) -> list[Action]:
    """Those that run for the event. One whose author may not keep it is paused; of one whose condition cannot be asked
    the fault is kept.

    `told` is the event as automations read it.
    """
    known: Authors = {}
    fit = [action for action in actions if not automation_pause(action, known, by=by)]
    answers = zip(fit, conditions.held(fit, told), strict=True)
    meant = []
    for action, answer in answers:
        if isinstance(answer, Invalid):
            _keep_fault(action, answer.message)
        elif answer:
            meant.append(action)
    return meant


def is_alone(action: Action, cause: Run | None) -> bool:
    """Whether its run is a transaction of its own: it writes by itself, or is one too many in a row."""
    return done_here(action.definition) or _depth(cause) > DEEPEST


@retried
@transaction.atomic
def automations_run(actions: Sequence[Action], event: Event, told: Json, *, cause: Run | None, by: By) -> list[Run]:
    """The runs for this event of automations whose work others do, in few statements however many they are.

    `cause` is the run whose work the event was, `by` says through which door it came; each run is its automation's. One
    that has run for it already is left out.
    """
    wanted = _runs(actions, event, told, cause)
    Run.objects.bulk_create(wanted, ignore_conflicts=True)  # another worker may have been faster
    runs = list(Run.objects.filter(public_id__in=[run.public_id for run in wanted]).order_by("id"))
    named = {action.pk: action for action in actions}
    entries = [replace(creation(run), by=_as(named[run.action_id], by)) for run in runs if run.action_id]
    if entries:
        record_many(entries, by=by)
    return runs


@retried
@transaction.atomic
def automation_run(action: Action, event: Event, told: Json, *, cause: Run | None, by: By) -> Run | None:
    """Its run for this event, with all that it does; None where it has run for it already."""
    [run], by = _runs([action], event, told, cause), _as(action, by)
    try:
        with transaction.atomic():
            run.save()
    except IntegrityError:
        if Run.objects.filter(action=action, cause=event.public_id).exists():
            return None  # another worker was faster
        raise
    began(run, by)
    return carried_out(run, by) if run.depth <= DEEPEST else _stopped(run, by)


def automation_pause(action: Action, known: Authors, *, by: By) -> bool:
    """Whether it is paused: it runs no more once its author may not change it, until somebody saves it who may.

    `known` are the authors that the caller has met already.
    """
    if action.paused or not authors.unfit(action, known):
        return bool(action.paused)
    with transaction.atomic():
        found = Action.objects.select_for_update().filter(pk=action.pk).first()
        if found is None or found.paused:
            return True
        if not (reason := authors.unfit(found, {})):  # somebody has just taken it over
            return False
        found.paused, found.paused_at = reason, timezone.now()
        found.save(update_fields=["paused", "paused_at"])
        followed.forget()
        record("action.paused", found.noun(), by=by, payload={"reason": reason})
    return True


def automation_take(action: Action, *, by: By) -> Action:
    """Makes whoever takes it over its author, as if he had saved it. It goes on with his rights."""
    return action_replace(action, action.as_sent, by=by)


def _runs(actions: Sequence[Action], event: Event, told: Json, cause: Run | None) -> list[Run]:
    """Not saved yet. They follow one event, so they are about one blueprint."""
    blueprint = blueprint_called(event.blueprint) if event.noun == "entity" else None
    return [_run(action, event, told, cause, about_of(action, blueprint)) for action in actions]


def _run(action: Action, event: Event, told: Json, cause: Run | None, about: Json) -> Run:
    facts = told["diff"]["after"] or told["diff"]["before"]
    if cause is not None and event.noun == "run":
        about |= {part: cause.about[part] for part in ("blueprint", "entity") if part in cause.about}
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
        created_by=authors.automation(action).name,
        updated_by=authors.automation(action).name,
        cause=event.public_id,
        event=told,
        depth=_depth(cause),
    )


def _as(action: Action, by: By) -> By:
    return replace(by, actor=authors.automation(action))


def _depth(cause: Run | None) -> int:
    return (cause.depth if cause else 0) + 1


def _stopped(run: Run, by: By) -> Run:
    RunLog.objects.create(run=run, message=STOPPED, created_by=by.actor.name)
    return ended(run, Run.Status.FAILURE, STOPPED, by=by)


def _keep_fault(action: Action, message: str) -> None:
    Action.objects.filter(pk=action.pk).update(fault=message[:1000], fault_at=timezone.now())
