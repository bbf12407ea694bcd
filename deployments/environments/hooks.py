"""What the catalog may not do to an environment that lives, and what comes to the hooks of forges."""

from collections.abc import Sequence
from typing import Any

from catalog.hooks import Holds
from catalog.models import Entity
from deployments.environments.commands.pulls import closed_in, pull_request_closed
from deployments.environments.models import Environment
from deployments.models import ReportRequest
from portal.audit.models import Delivery, Event
from portal.kit.by import By, system

Json = dict[str, Any]


def no_living_environment(entities: Sequence[Entity], by: By) -> None:
    """What it stands for would live on, and nobody would know."""
    held = Environment.objects.living().filter(entity__in=[each.pk for each in entities]).first()
    if held:
        raise Holds(
            f"{held} is {held.get_state_display()}: tear it down first. Its entity goes with it.",
            [held.entity_id],
            code="living_environment",
            environment=str(held.public_id),
        )


def renamed(entity: Entity, before: Json, by: By) -> None:
    if entity.identifier != before["identifier"]:
        Environment.objects.filter(entity=entity).update(name=entity.identifier[:200])


def somebody_waits(event: Event) -> bool:
    return Environment.objects.living().exclude(pr_url="").exists()


def hear(delivery: Delivery) -> Json:
    """A payload of a forge may tell that a pull request has closed."""
    request = ReportRequest.objects.filter(pk=delivery.event.payload["request"]).select_related("hook").first()
    url = closed_in(request.headers, request.body or {}) if request else ""
    by = request.hook.by() if request and request.hook else system("hooks")
    return {"closed": pull_request_closed(url, by=by) if url else 0}
