"""What follows, by itself, when a deployment has finished: it is watched."""

from typing import Any

from deployments.commands import watch_open
from deployments.models import Deployment, Status
from portal.audit.models import Delivery, Event

REPORTED = ("deployment.reported", "deployment.updated")


def has_succeeded(event: Event) -> bool:
    """With this event, not before, where a probe can say something."""
    before, after = event.before or {}, event.after or {}
    if not event.payload.get("probed"):
        return False
    is_new = before.get("status") != Status.SUCCESS and after.get("status") == Status.SUCCESS
    return is_new and after.get("kind") in Deployment.DEPLOYS


def open_watch(delivery: Delivery) -> dict[str, Any]:
    watch = watch_open(delivery.event.noun_id)
    return {"watch": str(watch.public_id)} if watch else {}
