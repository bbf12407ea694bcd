"""The routes that the portal comes with: each is made once, and belongs to the administrators from then on."""

from typing import Any

from django.db import transaction

from portal.kit.by import system
from portal.notifications.commands import route_create
from portal.notifications.models import Installed, Route

Json = dict[str, Any]

DEFAULTS: dict[str, Json] = {
    "locks": {"name": "Locks", "events": ["lock.*"], "to": "place"},
    "freezes": {"name": "Freezes that begin and end", "events": ["freeze.began", "freeze.ended"], "to": "place"},
    "failures": {
        "name": "Failed deployments to production",
        "events": ["deployment.*", "watch.closed"],
        "tiers": ["production"],
        "only_bad": True,
        "to": "place",
    },
    "health": {"name": "Health", "events": ["probe.flipped", "prober.*"], "to": "place"},
    "environments": {
        "name": "Environments, to their owner",
        "events": [
            "environment.expiry_warned",
            "environment.expired",
            "environment.torn_down",
            "environment.*_failed",
            "environment.handed_over",
        ],
        "to": "person",
    },
    "sweeps": {"name": "Environments that need somebody", "events": ["sweep.braked", "environment.orphan_suspected"], "to": "place"},
    "approvals": {"name": "Runs that wait for approval", "events": ["run.created", "run.approved", "run.declined"], "to": "place"},
    "glass": {"name": "Break glass", "events": ["override.*", "break_glass.used"], "to": "place"},
    "deletions": {"name": "Deletions that are held", "events": ["integration.deletion_held"], "to": "place"},
}  # fmt: skip


def defaults_install(**_: object) -> None:
    """After migrations. One that was deleted does not come back, and a name that somebody has taken is his."""
    for key, definition in DEFAULTS.items():
        _install(key, definition)


@transaction.atomic
def _install(key: str, definition: Json) -> None:
    _, is_new = Installed.objects.get_or_create(key=key)
    if is_new and not Route.objects.filter(name=definition["name"]).exists():
        route_create(definition, by=system("setup"))
