from typing import Any

from django.db import transaction
from django.utils import timezone

from catalog import permissions as catalog_permissions
from catalog import queries as catalog
from catalog import search
from catalog.models import Blueprint, Entity
from catalog.schema.validate import check_shape
from portal.accounts.policy import require
from portal.accounts.queries import actor_of_user, user
from portal.actions import forges, permissions
from portal.actions.commands.upserts import asker_of, done_here, entity_upsert
from portal.actions.models import Action, Run, RunLog
from portal.actions.schema.inputs import check_given, entities_in, with_defaults
from portal.actions.schema.reports import LOG, PATCH
from portal.audit.record import Entry, record, record_many
from portal.kit.by import By
from portal.kit.errors import Invalid, PortalError, Refused
from portal.kit.locking import retried

Json = dict[str, Any]

SOURCES = {"page": "UI", "admin": "UI", "slack": "UI"}
WEBHOOK = "WEBHOOK"


@retried
@transaction.atomic
def run_create(action: Action, inputs: Json, *, entity: str = "", run_as: str = "", by: By) -> Run:
    """Records that the action is asked for: in progress, waiting where it needs approval, or done where it writes an entity.

    `entity` is the identifier of what it is about; `run_as` is the address of the person a program asks for.
    Raises Invalid with the path of each fault, Missing, or Refused.
    """
    require(by, "action.run")
    asker = _asker(run_as, by)
    _check_open_to_all(action)
    about = _entity(action, entity, asker)
    _check_may(asker, action, about)
    _check_inputs(action, inputs, asker)
    run = Run(
        action=action,
        definition=action.definition,
        about=about_of(action, about.blueprint if about else blueprint_called(action.blueprint), about),
        blueprint=action.blueprint,
        entity=about.identifier if about else "",
        raw_inputs=inputs,
        inputs=with_defaults(action.inputs, inputs),
        status=Run.Status.WAITING if action.required_approval else Run.Status.IN_PROGRESS,
        source=SOURCES.get(by.door, "API"),
        private=action.is_private,
        pending=fetched(action.definition),
        creator_key=asker.actor.key,
        creator_email=asker.actor.email,
        creator_scopes=sorted(asker.actor.scopes) if asker.actor.token else None,
        created_by=asker.actor.name,
        impersonated_by=by.actor.name if run_as else "",
        updated_by=by.actor.name,
    )
    run.save()
    return carried_out(began(run, by), by, asker)


@transaction.atomic
def run_update(run: Run, body: Json, *, by: By) -> Run:
    """Reports on a run: each key of `body` overwrites. SUCCESS and FAILURE end it; after that nothing changes.

    Who waits for approval may only withdraw: FAILURE. Raises Invalid with the path of the fault.
    """
    require(by, "run.report", holder=run.creator_key, blueprint=run.blueprint)
    check_shape(PATCH, body)
    run = _held(run)
    _check_open(run, body)
    before = run.state()
    _apply(run, body)
    return _saved(run, before, by)


@transaction.atomic
def run_log(run: Run, body: Json, *, by: By) -> RunLog:
    """Adds a line to its log. A `terminationStatus` ends the run; once it has ended, plain lines may still come."""
    require(by, "run.report", holder=run.creator_key, blueprint=run.blueprint)
    check_shape(LOG, body)
    run = _held(run)
    changes = {"status": body.get("terminationStatus"), "statusLabel": body.get("statusLabel")}
    changes = {name: value for name, value in changes.items() if value is not None}
    if changes:
        _check_open(run, changes)
    line = RunLog.objects.create(run=run, message=body["message"], created_by=by.actor.name)
    line.refresh_from_db(fields=["created_at"])
    before = run.state()
    _apply(run, changes)
    _saved(run, before, by)
    return line


@transaction.atomic
def run_respond(run: Run, response: Any, *, by: By) -> Run:
    """Keeps what the program that was called answered."""
    require(by, "run.report", holder=run.creator_key, blueprint=run.blueprint)
    run = _held(run)
    _check_open(run, {})
    before = run.state()
    run.response = response
    return _saved(run, before, by)


def began(run: Run, by: By) -> Run:
    """Tells of a run that was just saved."""
    run.refresh_from_db(fields=["created_at", "updated_at"])
    record_many([creation(run)], by=by)
    return run


def creation(run: Run) -> Entry:
    return Entry("run.created", run.noun(), after=run.facts(), payload=told_beside(run))


def told_beside(run: Run) -> Json:
    """What subscribers of its beginning need beside its state."""
    kind = run.definition["invocationMethod"]["type"]
    asked = {"calls": True} if called(run.definition) else {"forge": kind} if forges.of(run.definition) else {}
    return {"runId": run.public_id} | asked


def carried_out(run: Run, by: By, asker: By | None = None) -> Run:
    """Does what the portal does itself, writes an entity, and ends the run. What is refused is the run's failure."""
    if run.status != Run.Status.IN_PROGRESS or not done_here(run.definition):
        return run
    before = run.state()
    try:
        with transaction.atomic():
            entity_upsert(run, by=asker or asker_of(run, by))
    except PortalError as error:
        run.status, run.summary = Run.Status.FAILURE, error.message
    else:
        run.status = Run.Status.SUCCESS
    return _saved(run, before, by)


def ended(run: Run, status: str, summary: str = "", *, response: Any = None, by: By) -> Run:
    """Ends a run that the caller holds."""
    before = run.state()
    run.status, run.summary, run.response = status, summary or run.summary, response or run.response
    return _saved(run, before, by)


def called(definition: Json) -> bool:
    """Whether the portal calls an address to have such a run's work done."""
    return bool(definition["invocationMethod"]["type"] == WEBHOOK) and not fetched(definition)


def fetched(definition: Json) -> bool:
    """Whether a program outside fetches such a run and does its work.

    What holds a template has to be filled in first, which the portal does only where it calls.
    """
    method = definition["invocationMethod"]
    by_agent = method["type"] == "WEBHOOK" and method.get("agent") is True
    return (by_agent or method["type"] == "INTEGRATION_ACTION") and "{{" not in str(method)


def held(run: Run) -> Run:
    return _held(run)


def changed(run: Run, before: Json, by: By) -> Run:
    """Saves and tells what the caller has changed of a run that he holds; `before` is its state until then."""
    return _saved(run, before, by)


def _held(run: Run) -> Run:
    return Run.objects.select_for_update(of=("self",)).select_related("action").get(pk=run.pk)


def _asker(run_as: str, by: By) -> By:
    if not run_as:
        return by
    require(by, "action.run_as")
    return By(actor_of_user(user(run_as)), by.door, by.trace, by.agent)


def _check_open_to_all(action: Action) -> None:
    if action.is_automation:
        raise Invalid.at("action", "is an automation: it runs by itself when its event happens")
    if not action.is_published:
        raise Invalid.at("action", "is not published; set publish to true first")


def _entity(action: Action, identifier: str, asker: By) -> Entity | None:
    """What the run is about, when the action is about something."""
    if not action.needs_entity:
        if identifier and not action.blueprint:
            raise Invalid.at("entity", "this action is not about an entity: it has no blueprint")
        return catalog.entity(asker, action.blueprint, identifier) if identifier else None
    if not identifier:
        raise Invalid.at("entity", f"is required: name the {action.blueprint} that this is about")
    entity = catalog.entity(asker, action.blueprint, identifier)
    _check_condition(action, entity, asker)
    return entity


def _check_condition(action: Action, entity: Entity, asker: By) -> None:
    condition = action.trigger.get("condition")
    if not condition:
        return
    rows = catalog_permissions.readable(asker, Entity.objects.filter(pk=entity.pk))
    if not search.matching(rows, search.parse(condition), by=asker, blueprint=entity.blueprint).exists():
        raise Invalid.at("entity", f"“{entity}” does not meet the condition of this action")


def _check_may(asker: By, action: Action, entity: Entity | None) -> None:
    owners = catalog.owner_teams(entity) if entity else ()
    if not permissions.may_run(asker.actor, action, owners):
        raise Refused(f"{asker.actor.name} may not run “{action}”: its permissions name others.")


def _check_inputs(action: Action, inputs: Json, asker: By) -> None:
    declared = action.inputs
    given = with_defaults(declared, inputs)
    check_given(declared, (action.trigger.get("userInputs") or {}).get("required"), given)
    for name, definition in declared.items():
        if definition.get("encryption") == "aes256-gcm" and given.get(name) is not None:
            # Kept in the clear it would be no secret, and nobody here can hand it on yet.
            raise Invalid.at(f"properties.{name}", "is a secret, which the portal cannot hand on yet; it was not kept")
    for path, blueprint, identifier in entities_in(declared, given):
        if not catalog.exists(blueprint, identifier, by=asker):
            raise Invalid.at(path, f"there is no {blueprint} called “{identifier}”")


def blueprint_called(identifier: str) -> Blueprint | None:
    return Blueprint.objects.filter(identifier=identifier).first() if identifier else None


def about_of(action: Action, blueprint: Blueprint | None, entity: Entity | None = None) -> Json:
    named = {"identifier": action.identifier, "title": action.title, "icon": action.definition.get("icon")}
    about: Json = {"action": named}
    if blueprint:
        about["blueprint"] = {
            "identifier": blueprint.identifier,
            "title": blueprint.title,
            "icon": blueprint.icon or None,
        }
    if entity:
        about["entity"] = {"identifier": entity.identifier, "title": str(entity), "icon": entity.icon or None}
    return about


def _check_open(run: Run, changes: Json) -> None:
    if run.is_over:
        raise Invalid(
            f"The run {run.public_id} has ended ({run.status}); nothing of it changes any more.",
            code="run_ended",
            errors=[{"path": "status", "message": f"the run has ended: {run.status}"}],
        )
    if run.status == Run.Status.WAITING and changes.get("status") == Run.Status.SUCCESS:
        raise Invalid.at("status", "the run waits for approval; it cannot succeed before")


def _apply(run: Run, changes: Json) -> None:
    run.status = changes.get("status", run.status)
    run.status_label = changes.get("statusLabel", run.status_label)
    run.link = changes.get("link", run.link)
    run.summary = changes.get("summary", run.summary)
    run.message = changes.get("message", run.message)
    run.external_id = changes.get("externalRunId", run.external_id)


def _saved(run: Run, before: Json, by: By) -> Run:
    """Records `run.ended` when this ended it, `run.updated` for any other change, nothing for none."""
    if run.state() == before:
        return run
    ended = run.is_over and before["status"] != run.status
    run.updated_at, run.updated_by = timezone.now(), by.actor.name
    if ended:
        run.ended_at, run.pending = run.updated_at, False
    run.save()
    name = "run.ended" if ended else "run.updated"
    record(name, run.noun(), by=by, before=run.told(before), after=run.facts(), payload={"runId": run.public_id})
    return run
