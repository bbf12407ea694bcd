"""Actions that write an entity: the portal does that itself, with the rights of who asked for it."""

from typing import Any

from catalog import queries as catalog
from catalog.commands import entity_write
from catalog.wishes import parse
from portal.actions import authors
from portal.actions.models import Run
from portal.actions.payloads import trigger_of
from portal.actions.templates import fill
from portal.kit.by import Actor, By
from portal.kit.errors import Refused

Json = dict[str, Any]


def done_here(definition: Json) -> bool:
    """Whether the portal itself does the work of such a run."""
    return bool(definition["invocationMethod"]["type"] == "UPSERT_ENTITY")


def entity_upsert(run: Run, *, by: By) -> None:
    """Writes what the run's mapping comes to, merged with what is there. Raises whatever the catalog refuses it with."""
    method = run.definition["invocationMethod"]
    body = {name: value for name, value in _filled(run, method, by).items() if value is not None}
    by = By(by.actor, by.door, by.trace, by.agent, run=run.public_id)
    entity_write(parse(method["blueprintIdentifier"], body, mode="merge"), by=by)


def _filled(run: Run, method: Json, by: By) -> Json:
    given, about = trigger_of(run), method["blueprintIdentifier"] == run.blueprint and run.entity
    if run.entity and not run.cause:
        entity = catalog.entity(by, run.blueprint, run.entity)
        given["entity"] = catalog.told_to_jq(entity, catalog.properties_of([entity])[entity.pk])
    filled: Json = fill(method.get("mapping") or {}, given)
    return ({"identifier": run.entity} if about else {}) | filled


def asker_of(run: Run, by: By) -> By:
    """Who asked for it, as he may now; of an automation's, what its author may. Raises Refused when he is gone."""
    if run.cause:
        if run.action is None:
            raise Refused("The automation is deleted.")
        actor: Actor | None = authors.automation_at_work(run.action)
    else:
        actor = authors.actor_called(run.creator_key, run.creator_scopes)
    if actor is None:
        raise Refused(f"{run.created_by} asked for it, and is here no more. Ask for it again.")
    return By(actor, by.door, by.trace, by.agent)
