"""Changes of a blueprint and of its entities, told to the address that the blueprint names (docs/changelogs.md)."""

from typing import Any

from django.utils import timezone

from catalog.models import Blueprint
from portal.accounts.organization import secret_value
from portal.audit import posting
from portal.audit.models import Delivery, Event
from portal.audit.shown import shown
from portal.audit.subscribers import Hopeless, subscribe
from portal.kit import outgoing
from portal.kit.errors import Conflict

Json = dict[str, Any]

SUBSCRIBER = "changelog"
TESTED = "changelog.tested"
# The organisation's secret that calls are signed with; without it they are not signed.
SIGNING = "changelog-signing"
PARTS = ["identifier", "action", "resourceType", "status", "trigger", "context", "diff"]


def register() -> None:
    names = ("entity.*", "blueprint.*", "timer.expired", TESTED)
    subscribe(SUBSCRIBER, *names, handle=tell, wants=lambda event: event.is_watched, stream=stream)


def stream(event: Event) -> str:
    """One blueprint's changes go one after the other: a receiver that hangs holds one worker, and nobody else's changes."""
    return streams(event.blueprint)[event.name == TESTED]


def streams(blueprint: str) -> tuple[str, str]:
    """Of the changes, and of what is sent to try the address, which must not wait behind them."""
    return f"changelog:{blueprint}", f"changelog-test:{blueprint}"


def tell(delivery: Delivery) -> Json:
    """Sends the event to where the blueprint's changes go by now. The receiver knows a repeat by the delivery's id."""
    url = address_of(delivery.event.blueprint)
    if not url:
        return {"skipped": "The blueprint has no address any more."}
    return send(delivery, url, shown(delivery.event, PARTS))


def send(delivery: Delivery, url: str, said: Json) -> Json:
    """POSTs `said` as compact JSON. Raises RetryLater, or Hopeless when another attempt would change nothing."""
    return posting.post(delivery, url, said, _signature)


def address_of(blueprint: str) -> str:
    """Of a blueprint that is gone it is the last one: its end, and that of its entities, is still to be told."""
    found = Blueprint.objects.filter(identifier=blueprint).values_list("changelog_destination", flat=True)
    known = list(found) or [_last(blueprint)]
    destination = known[0] or {}
    return str(destination.get("url", "")) if destination.get("type") == "WEBHOOK" else ""


def _last(blueprint: str) -> Json | None:
    gone = Event.objects.filter(noun="blueprint", noun_id=blueprint, name="blueprint.deleted").order_by("-id").first()
    found: Json | None = (gone.before or {}).get("changelogDestination") if gone else None
    return found


def _signature(raw: bytes) -> dict[str, str]:
    try:
        secret = secret_value(SIGNING)
    except Conflict as sealed:
        raise Hopeless(f"The secret {SIGNING} cannot be read: {sealed}") from sealed
    return outgoing.signature(secret, raw, timezone.now()) if secret else {}
