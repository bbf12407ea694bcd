"""Tells an integration that waits at an address that its settings changed, or that somebody wants a resync."""

from typing import Any

from catalog.changelog import PARTS, send
from catalog.integrations.models import Integration
from portal.audit.models import Delivery, Event
from portal.audit.shown import shown
from portal.audit.subscribers import subscribe

Json = dict[str, Any]

SUBSCRIBER = "changelog.integration"
ASKED = "integration.resync_asked"


def register() -> None:
    subscribe(SUBSCRIBER, "integration.updated", ASKED, handle=tell, wants=_wanted)


def tell(delivery: Delivery) -> Json:
    event = delivery.event
    found = Integration.objects.filter(identifier=event.noun_id).first()
    if found is None or not found.changes_to:
        return {"skipped": "The integration has no address any more."}
    said = shown(event, PARTS)
    return send(delivery, found.changes_to, said | {"context": said["context"] | {"integration": event.noun_id}})


def _wanted(event: Event) -> bool:
    """What it says of itself at its start is no reason to start it anew; another mapping is."""
    before, after = event.before or {}, event.after or {}
    return event.is_watched and (event.name == ASKED or before.get("config") != after.get("config"))
