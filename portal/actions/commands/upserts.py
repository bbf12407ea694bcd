"""Actions that write an entity: the portal does that itself, with the rights of who asked for it."""

from dataclasses import replace
from typing import Any

from catalog import queries as catalog
from catalog.commands import entity_write
from catalog.wishes import parse
from portal.accounts.models import User
from portal.accounts.queries import actor_of_credential, actor_of_user, live_credentials
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
    if run.entity:
        entity = catalog.entity(by, run.blueprint, run.entity)
        given["entity"] = catalog.told_to_jq(entity, catalog.properties_of([entity])[entity.pk])
    filled: Json = fill(method.get("mapping") or {}, given)
    return ({"identifier": run.entity} if about else {}) | filled


def asker_of(run: Run, by: By) -> By:
    """Who asked for it, as he may now. Raises Refused when he is gone."""
    kind, _, key = run.creator_key.partition(":")
    if kind == "user" and (person := User.objects.filter(pk=key, is_active=True).first()):
        return By(_bound(actor_of_user(person), run.creator_scopes), by.door, by.trace, by.agent)
    if kind == "credential" and (program := live_credentials().filter(pk=key).first()):
        return By(actor_of_credential(program), by.door, by.trace, by.agent)
    raise Refused(f"{run.created_by} asked for it, and is here no more. Ask for it again.")


def _bound(person: Actor, scopes: list[str] | None) -> Actor:
    """To the scopes of the token by which he asked."""
    if scopes is None:
        return person
    is_admin = person.is_admin and "admin" in scopes
    return replace(person, token=person.name, scopes=frozenset(scopes), is_admin=is_admin)
