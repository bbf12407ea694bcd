"""Tells GitHub what became of the jobs that wait at the gate, once for each event."""

from typing import Any

from django.conf import settings
from django.urls import reverse

from locks.models import PendingDeployment
from portal.audit.models import Delivery, Event
from portal.audit.subscribers import RetryLater, subscribe
from portal.github import client

Json = dict[str, Any]
State = PendingDeployment.State

ANSWERS = {f"pending_deployment.{state}": state for state in (State.APPROVED, State.REJECTED)}
HELD = "pending_deployment.held"
LONGEST = 1000  # characters of a comment; GitHub takes 1,024
# A comment is worth few tries: the answer must not wait behind it.
MOST_TRIES = 3


def register() -> None:
    subscribe("github", HELD, *ANSWERS, handle=tell, wants=lambda event: bool(settings.GITHUB_APP_ID))


def tell(delivery: Delivery) -> Json:
    """Saying it twice does no harm: the second answer is not taken, a second comment replaces the first."""
    event = delivery.event
    pending = PendingDeployment.objects.get(public_id=event.noun_id)
    if event.name == HELD and pending.state != State.WAITING:
        return {"told": False, "why": "It was answered meanwhile."}
    body = {"environment_name": pending.environment_name, "comment": comment(event, pending)}
    if event.name in ANSWERS:
        body["state"] = ANSWERS[event.name]
    path = f"/repos/{pending.repository}/actions/runs/{pending.run}/deployment_protection_rule"
    try:
        client.post(pending.installation, pending.repository, path, body, permissions={"deployments": "write"})
    except client.NotTaken as reason:
        return {"told": False, "why": str(reason)}
    except RetryLater as reason:
        if event.name == HELD and delivery.attempts >= MOST_TRIES:
            return {"told": False, "why": str(reason)}
        raise
    return {"told": True}


def comment(event: Event, pending: PendingDeployment) -> str:
    message = str((event.after or {}).get("message", ""))
    place = {"service": pending.service_identifier, "environment": pending.environment_identifier}
    link = f" {settings.BASE_URL}{reverse('locks:explained', query=place)}" if pending.service_identifier else ""
    waits = " It goes on by itself when that ends." if event.name == HELD else ""
    text = message + waits
    most = LONGEST - len(link)
    return (text if len(text) <= most else text[: most - 1] + "…") + link
