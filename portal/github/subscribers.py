"""Tells GitHub what became of the jobs that wait at the gate, once for each event."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.urls import reverse

from locks.models import Lock, PendingDeployment
from portal.audit.models import Delivery, Event
from portal.audit.subscribers import RetryLater, subscribe
from portal.github import client, compares, reruns
from portal.kit.by import system
from portal.kit.clock import database_now

Json = dict[str, Any]
State = PendingDeployment.State

ANSWERS = {f"pending_deployment.{state}": state for state in (State.APPROVED, State.REJECTED)}
HELD = "pending_deployment.held"
OPENERS = ("lock.released", "lock.expired")
# A run that other jobs keep going cannot be run again; after so long nobody expects it any more.
RERUN_WITHIN = timedelta(hours=1)
LONGEST = 1000  # characters of a comment; GitHub takes 1,024
# A comment is worth few tries: the answer must not wait behind it.
MOST_TRIES = 3


def register() -> None:
    subscribe("github", HELD, *ANSWERS, handle=tell, wants=lambda event: bool(settings.GITHUB_APP_ID))
    subscribe("github.reruns", *OPENERS, handle=ask_reruns, wants=lambda event: reruns.wanted())
    subscribe("github.rerun", reruns.ASKED, handle=rerun)
    subscribe("github.compare", *compares.REPORTED, handle=compares.compare, wants=compares.wanted, tells=False)


def tell(delivery: Delivery) -> Json:
    """Saying it twice does no harm: the second answer is not taken, a second comment replaces the first."""
    event = delivery.event
    pending = PendingDeployment.objects.get(public_id=event.noun_id)
    if event.name == HELD and pending.state != State.WAITING:
        return {"told": False, "why": "It was answered meanwhile."}
    body = {"environment_name": pending.environment_name, "comment": comment(event, pending)}
    if event.name in ANSWERS:
        body["state"] = ANSWERS[event.name]
    path = f"/actions/runs/{pending.run}/deployment_protection_rule"
    rights = {"deployments": "write"}
    try:
        client.post(pending.repository, path, body, permissions=rights, installation=pending.installation)
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


def ask_reruns(delivery: Delivery) -> Json:
    lock = Lock.objects.get(public_id=delivery.event.noun_id)
    return {"asked": reruns.reruns_ask(lock, by=system("clock"))}


def rerun(delivery: Delivery) -> Json:
    """A run that is on again already is not taken a second time."""
    event = delivery.event
    if database_now() - event.at > RERUN_WITHIN:
        return {"told": False, "why": delivery.last_error}
    path = f"/actions/runs/{event.payload['run']}/rerun-failed-jobs"
    try:
        client.post(event.payload["repository"], path, {}, permissions={"actions": "write"})
    except client.NotTaken as reason:
        return {"told": False, "why": str(reason)}
    return {"told": True}
