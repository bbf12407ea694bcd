from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.db.models.fields.json import KT
from django.utils import timezone

from catalog.commands import blueprint_delete
from catalog.models import Blueprint
from catalog.schema.renames import Rename
from catalog.schema.validate import check_shape
from portal.accounts.policy import require
from portal.actions import permissions, queries
from portal.actions.known import followed
from portal.actions.models import Action, Run
from portal.actions.schema import definitions, words
from portal.audit.record import record
from portal.kit.by import By
from portal.kit.errors import Conflict, Invalid, Missing

Json = dict[str, Any]


@transaction.atomic
def action_create(body: Json, *, by: By) -> Action:
    """Raises Invalid with the path of each fault, Conflict when the identifier is taken."""
    definition = _judged(body, by)
    action = Action(created_by=by.actor.name)
    _save(action, definition, by)
    record("action.created", action.noun(), by=by, after=action.facts())
    return action


@transaction.atomic
def action_replace(action: Action, body: Json, *, by: By) -> Action:
    """Sets the whole definition, its identifier too; permissions and runs stay. Nothing changed is no event."""
    require(by, "action.write", blueprint=action.blueprint)
    definition = _judged(body, by)
    action = _held(action)
    before, order = action.facts(), action.order
    same_author = not action.is_automation or (action.author_key, action.author_scopes) == _author(by)
    same = before == definition | {"permissions": action.permissions} and order == _order(definition)
    if same and same_author and not action.paused:
        return action
    payload: Json = {"author": by.actor.name} if action.paused or not same_author else {}
    _save(action, definition, by)
    _show_runs(action)
    payload |= {"order": action.order} if action.order != order else {}
    record("action.updated", action.noun(), by=by, before=before, after=action.facts(), payload=payload)
    return action


@transaction.atomic
def actions_write(blueprint: Blueprint, bodies: list[Json], *, by: By) -> list[Action]:
    """Makes each of a blueprint's actions, or sets the one that is there; those that are not named stay. All or nothing.

    Raises what making and replacing raise, the path of a fault starting with its place in the list.
    """
    about = Action.objects.filter(definition__trigger__blueprintIdentifier=blueprint.identifier)
    there = {each.identifier: each for each in about}
    written = []
    for n, body in enumerate(bodies):
        old = there.get(str(body.get("identifier")))
        try:
            written.append(action_replace(old, body, by=by) if old else action_create(body, by=by))
        except Invalid as fault:
            raise Invalid.of([each | {"path": f"{n}.{each['path']}"} for each in fault.details["errors"]]) from fault
    return written


@transaction.atomic
def action_permit(action: Action, changes: Json, *, by: By) -> Action:
    """Who may run it, and who may approve: only the lists that `changes` names are replaced."""
    require(by, "action.write", blueprint=action.blueprint)
    check_shape(words.PERMISSIONS, changes)
    action = _held(action)
    before = action.facts()
    action.permissions = permissions.changed(action, changes)
    if action.facts() == before:
        return action
    action.updated_at, action.updated_by = timezone.now(), by.actor.name
    action.save(update_fields=["permissions", "updated_at", "updated_by"])
    record("action.updated", action.noun(), by=by, before=before, after=action.facts())
    return action


@transaction.atomic
def action_delete(action: Action, *, by: By) -> None:
    """Its runs stay, with its name and what it was."""
    require(by, "action.write", blueprint=action.blueprint)
    action = _held(action)
    record("action.deleted", action.noun(), by=by, before=action.facts())
    action.delete()
    followed.forget()


def _judged(body: Json, by: By) -> Json:
    definition = definitions.parsed(body)
    require(by, "action.write", blueprint=Action(definition=definition).blueprint)
    named = dict(definitions.blueprints_of(definition))
    known = set(Blueprint.objects.filter(identifier__in=named.values()).values_list("identifier", flat=True))
    for path, blueprint in named.items():
        if blueprint not in known:
            raise Missing(
                f'Blueprint with identifier "{blueprint}" was not found',
                errors=[{"path": path, "message": f"there is no blueprint {blueprint}"}],
            )
    return definition


def _held(action: Action) -> Action:
    found = Action.objects.select_for_update().filter(pk=action.pk).first()
    if found is None:
        raise Missing(f'Action with identifier "{action.identifier}" was not found')
    return found


@transaction.atomic
def blueprint_delete_with_actions(blueprint: Blueprint, *, by: By) -> None:
    """What can be done with its entities, and what follows their changes, goes with it; none of it when the blueprint
    has to stay."""
    about = queries.about(Action.objects.all(), blueprints=[blueprint.identifier])
    for action in about.order_by("pk"):
        action_delete(action, by=by)
    blueprint_delete(blueprint, by=by)


def timers_renamed(rename: Rename, by: By) -> None:
    """Automations follow a timer under its new name. Their authors stay: who renames it has not said what they do."""
    rows = queries.about(Action.objects.select_for_update(), type="automation", blueprints=[rename.blueprint])
    for action in rows.filter(definition__trigger__event__propertyIdentifier=rename.old).order_by("pk"):
        before = action.facts()
        event = action.event | {"propertyIdentifier": rename.new}
        action.definition = action.definition | {"trigger": action.trigger | {"event": event}}
        action.save(update_fields=["definition"])
        followed.forget()
        record("action.updated", action.noun(), by=by, before=before, after=action.facts())


def _show_runs(action: Action) -> None:
    """To everybody or to a few, as the action says now. What followed a run tells what that was given: it is never for
    more people."""
    runs = Run.objects.annotate(followed=KT("event__context__runId"))
    after_run = Q(event__resourceType="run")
    theirs = runs.filter(action=action).exclude(private=action.is_private)
    if action.is_private:
        runs.filter(after_run, private=False, followed__in=theirs.values("public_id")).update(private=True)
    else:
        kept = after_run & Q(followed__in=Run.objects.filter(private=True).values("public_id"))
        theirs = theirs.filter(~kept | Q(event=None))
    theirs.update(private=action.is_private)


def _author(by: By) -> tuple[str, list[str] | None]:
    return by.actor.key, sorted(by.actor.scopes) if by.actor.token else None


def _order(definition: Json) -> list[str]:
    return list((definition["trigger"].get("userInputs") or {}).get("properties") or {})


def _save(action: Action, definition: Json, by: By) -> None:
    action.identifier, action.definition, action.order = definition["identifier"], definition, _order(definition)
    action.updated_at, action.updated_by = timezone.now(), by.actor.name
    action.author_key, action.author_scopes = _author(by)
    action.fault, action.fault_at = "", None
    action.paused, action.paused_at = "", None
    followed.forget()
    try:
        with transaction.atomic():
            action.save()
    except IntegrityError as taken:
        raise Conflict(
            f'Action with identifier "{action.identifier}" already exists', code="identifier_taken"
        ) from taken
