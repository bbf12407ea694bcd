"""Which of the portal's events automations may follow, and how they read them."""

from typing import Any

from portal.accounts.queries import user_of
from portal.actions.models import Run
from portal.audit.models import Event
from portal.audit.shown import EXPIRED, shown
from portal.kit.clock import iso

Json = dict[str, Any]
# The type of an event, what it is about (a blueprint, an action), and of a timer its property.
Kind = tuple[str, str, str]

ENTITY_TYPES = {
    "entity.created": "ENTITY_CREATED",
    "entity.updated": "ENTITY_UPDATED",
    "entity.deleted": "ENTITY_DELETED",
}
RUN_TYPES = {"run.created": "RUN_CREATED"} | {
    f"run.{verb}": "RUN_UPDATED" for verb in ("updated", "approved", "declined", "ended")
}
NAMES = (*ENTITY_TYPES, *RUN_TYPES, EXPIRED)


def kinds(event: Event) -> list[Kind]:
    """What an automation may say to follow it."""
    if event.name == EXPIRED:
        return [("TIMER_PROPERTY_EXPIRED", event.blueprint, str(event.payload.get("property")))]
    if event.name in ENTITY_TYPES:
        return [(each, event.blueprint, "") for each in (ENTITY_TYPES[event.name], "ANY_ENTITY_CHANGE")]
    about = str((event.after or {}).get("action"))
    return [(each, about, "") for each in (RUN_TYPES[event.name], "ANY_RUN_CHANGE")]


def kind_of(followed: Json) -> Kind:
    """Of the `event` in an automation's trigger."""
    about = followed.get("blueprintIdentifier") or followed.get("actionIdentifier")
    return followed["type"], str(about), str(followed.get("propertyIdentifier") or "")


def told(event: Event, run: Run | None) -> Json:
    """What conditions ask, and templates name `.event`. `run`: whose work the change was, or that changed itself."""
    whole = shown(event)
    by = whole["trigger"]["by"]
    person = user_of(event.actor_key)
    by = by | {"user": by["user"] | ({"email": person.email} if person else {})}
    context = {"blueprintIdentifier": event.blueprint or None, "entityIdentifier": event.entity or None}
    context |= {"propertyIdentifier": event.payload["property"]} if event.name == EXPIRED else {}
    context |= {"runId": event.payload.get("runId")}
    if event.name in RUN_TYPES and run:
        context |= {"action": run.about["action"], "actionIdentifier": run.about["action"]["identifier"]}
    diff = {side: _state(event, each, run) for side, each in whole["diff"].items()}
    return {
        "action": whole["action"],
        "resourceType": event.noun,
        "trigger": whole["trigger"] | {"by": by},
        "context": context,
        "diff": diff,
    }


def _state(event: Event, facts: Json | None, run: Run | None) -> Json | None:
    if facts is None:
        return None
    if event.name not in RUN_TYPES or run is None:
        return {**facts, "blueprint": event.blueprint}
    # As the API tells it. What a private run was given, and by whom, stays with those who may see it.
    asked = {} if run.private else {"properties": run.inputs, "createdBy": run.created_by}
    known: Json = {"id": run.public_id, "source": run.source, "createdAt": iso(run.created_at)}
    return {**facts, **run.about, **known, **asked}
