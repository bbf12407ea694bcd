"""Environments of the demo company that come and go, made by the provider of the demo where it is there."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from deployments.environments.commands import (
    environment_pin,
    environment_request,
    environment_sleep,
    environment_teardown,
    environments_tick,
    step_finish,
    template_create,
    work_claim,
)
from deployments.environments.commands.work import Work
from deployments.environments.models import Environment, Template
from deployments.environments.providers import Answer
from deployments.environments.worker import ask
from portal.accounts.models import User
from portal.accounts.queries import actor_of_user
from portal.audit.models import Event
from portal.kit.by import By

Json = dict[str, Any]

STEPS: Json = {
    "provision": [{"name": "folder"}, {"name": "data"}, {"name": "server"}],
    "teardown": [{"name": "server"}, {"name": "data"}, {"name": "folder"}],
    "verify": {"name": "folder"},
}
PREVIEW: Json = {
    "identifier": "preview",
    "title": "Preview of a branch",
    "description": "The whole shop from one branch, with a copy of the test data and an address of its own.",
    "provider": "demo",
    "spec": STEPS | {"sleep": [{"name": "server"}], "wake": [{"name": "server"}]},
    "inputs": {
        "properties": {
            "branch": {"type": "string", "title": "Branch", "minLength": 1, "maxLength": 100, "default": "main"},
            "data": {"type": "string", "title": "Test data", "enum": ["small", "like production"], "default": "small"},
        },
        "required": ["branch"],
    },
    "cost_per_hour": "0.15",
    "most_per_owner": 5,
    "verify_pause": "1m",
}
LOAD: Json = {
    "identifier": "load-test",
    "title": "Load test rig",
    "description": "Forty machines that press the shop, and what they measured.",
    "provider": "demo",
    "spec": STEPS,
    "inputs": {
        "properties": {"users": {"type": "number", "title": "Users at once", "minimum": 1, "maximum": 50000}},
        "required": ["users"],
    },
    "teams": ["platform", "payments"],
    "default_ttl": "4h",
    "greatest_ttl": "12h",
    "soft_cap": "1d",
    "hard_cap": "3d",
    "cost_per_hour": "2.40",
    "verify_pause": "1m",
}
HOUR = timedelta(hours=1)
NO_ROOM = Answer("failed", output="Copying 214 GB of test data\n", error="It answered 507: no room for another copy.", hopeless=True)  # fmt: skip


def environments(people: Mapping[str, User], now: datetime, by: By) -> None:
    """One for each state that is worth a look, the last of them a tombstone."""
    first = Event.objects.order_by("-id").values_list("id", flat=True).first() or 0
    preview, load = (template_create(each, by=by) for each in (PREVIEW, LOAD))
    _asked(preview, people["alice"], "gift-wrapping", "storefront", now - 26 * HOUR, 48, "Gift wrapping in the basket", branch="gift-wrapping")  # fmt: skip
    _asked(preview, people["dana"], "checkout-3ds", "payments", now - 7.4 * HOUR, 8, "Try 3-D Secure with the bank", branch="pay-877-3ds", data="like production")  # fmt: skip
    sleeper = _asked(preview, people["yuki"], "loyalty-redesign", "storefront", now - 70 * HOUR, 72, "Show the redesign on Friday", branch="loyalty-2")  # fmt: skip
    _slept(sleeper, people["yuki"], now - 40 * HOUR)
    rehearsal = _asked(load, people["idris"], "black-friday", "platform", now - 10 * HOUR, 12, "Rehearse the peak", users=20000)  # fmt: skip
    environment_pin(rehearsal, now + 20 * HOUR, reason="The second run is tomorrow morning", now=now - 2 * HOUR, by=_by(people["idris"]))  # fmt: skip
    _asked(preview, people["tomas"], "search-reindex", "data", now - 0.7 * HOUR, 8, "Compare two indexes", broken=True, branch="reindex", data="like production")  # fmt: skip
    gone = _asked(preview, people["priya"], "sepa-refunds", "payments", now - 60 * HOUR, 8, "SEPA refunds with finance", branch="pay-901")  # fmt: skip
    environment_teardown(gone, reason="Finance has signed it off", now=now - 54 * HOUR, by=_by(people["priya"]))
    _worked(now - 54 * HOUR)
    _dated(first)
    environments_tick(now)


def _by(person: User) -> By:
    return By(actor_of_user(person), "page")


def _asked(
    template: Template,
    owner: User,
    name: str,
    team: str,
    at: datetime,
    hours: int,
    reason: str,
    *,
    broken: bool = False,
    **inputs: Any,
) -> Environment:
    made = environment_request(
        template, name=name, ttl=hours * HOUR, team=team, inputs=inputs, reason=reason, now=at, by=_by(owner)
    )
    _worked(at, broken=broken)
    return Environment.objects.select_related("template").get(pk=made.pk)


def _slept(environment: Environment, owner: User, at: datetime) -> None:
    environment_sleep(environment, now=at, by=_by(owner))
    _worked(at)


def _worked(at: datetime, *, broken: bool = False) -> None:
    """All steps that are due, as workers would do them then."""
    while work := work_claim(at):
        at += timedelta(seconds=7)
        fails = broken and work.call.name == "data"
        step_finish(work, NO_ROOM if fails else _answer(work), now=at)
        at += timedelta(minutes=1) if work.call.phase == "verify" else timedelta(0)


def _answer(work: Work) -> Answer:
    if settings.DEMO_PROVIDER:
        return ask(work)
    return Answer("gone" if work.call.phase == "verify" else "done", output=f"{work.call.name}: done")


def _dated(first: int) -> None:
    """What was told of them was told when it happened."""
    for event in Event.objects.filter(id__gt=first, noun="environment").order_by("id"):
        row = Environment.objects.get(public_id=event.noun_id)
        ends = {"environment.requested": row.requested_at, "environment.torn_down": row.torn_down_at}
        begun = {"environment.teardown_started": row.teardown_at, "environment.provisioned": row.ready_at}
        at = (ends | begun).get(event.name) or row.state_at
        Event.objects.filter(pk=event.pk).update(at=at)
