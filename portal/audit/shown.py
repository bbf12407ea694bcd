"""An event as others read it: an entry of /v1's audit log, and what a changelog's destination is sent."""

from collections.abc import Collection
from typing import Any

from portal.audit.models import Event
from portal.kit.clock import iso
from portal.kit.masks import without_secrets

Json = dict[str, Any]

PREFIX = "event_"
# What the log calls a door, and what it calls a change.
ORIGINS = {"page": "UI", "admin": "UI", "api": "API", "slack": "SLACK", "clock": "CLOCK", "setup": "SETUP"}
ORIGINS |= {"automation": "AUTOMATION"}
EXPIRED = "timer.expired"
ACTIONS = {"CREATE", "UPDATE", "DELETE", "TIMER_EXPIRED"}
CREATED = {"created", "reported", "taken", "kept"}
DELETED = {"deleted", "dropped", "revoked", "released"}
PARTS = "action context diff identifier resourceType status trigger additionalData message".split()
# Events that tell of something that was wanted and did not happen. All others have happened.
FAILURES = {"webhook.failed", "webhook.refused"}
WEBHOOK = "webhook:"


def shown(event: Event, parts: Collection[str] = PARTS) -> Json:
    failed = event.name in FAILURES
    whole = {
        "identifier": f"{PREFIX}{event.public_id.hex}",
        "action": _action(event),
        "resourceType": event.noun,
        "status": "FAILURE" if failed else "SUCCESS",
        "message": event.payload.get("message") if failed else None,
        "trigger": {
            "by": {"userId": event.actor_key, "user": {"name": event.actor_name, "kind": event.actor_kind}},
            "origin": ORIGINS.get(event.door, event.door.upper()),
            "at": iso(event.at),
        },
        "context": {
            "blueprint": event.blueprint or None,
            "entity": event.entity or None,
            "runId": event.payload.get("runId"),
        }
        | ({"property": event.payload["property"]} if event.name == EXPIRED else {})
        | _webhook(event),
        "diff": {"before": without_secrets(event.before), "after": without_secrets(event.after)},
        "additionalData": {"event": event.name, "trace": str(event.trace), **event.payload},
    }
    return {name: whole[name] for name in PARTS if name in parts}


def _webhook(event: Event) -> Json:
    """Of what came by one: which it was, and which of its deliveries."""
    if not event.actor_key.startswith(WEBHOOK):
        return {}
    return {"webhookId": event.actor_key.removeprefix(WEBHOOK), "webhookEventId": str(event.trace)}


def _action(event: Event) -> str:
    if event.name == EXPIRED:
        return "TIMER_EXPIRED"
    verb = event.name.rpartition(".")[2]
    return "CREATE" if verb in CREATED else "DELETE" if verb in DELETED else "UPDATE"
