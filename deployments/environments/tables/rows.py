"""Environments as the rows that templates/environments shows."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.http import QueryDict
from django.urls import reverse

from deployments.environments import terms
from deployments.environments.commands.lives import require_change
from deployments.environments.models import GOING, Environment, State
from portal.kit.addresses import address
from portal.kit.by import By
from portal.kit.errors import Refused

Json = dict[str, Any]

# word, colour, icon
LOOKS = {
    State.REQUESTED: ("Requested", "yellow", "clock"),
    State.PROVISIONING: ("Provisioning", "blue", "loader"),
    State.READY: ("Ready", "green", "check"),
    State.ASLEEP: ("Asleep", "lightGray", "moon"),
    State.EXPIRING: ("Expiring", "orange", "hourglass"),
    State.TEARING_DOWN: ("Tearing down", "blue", "loader"),
    State.TORN_DOWN: ("Torn down", "lightGray", "archive"),
    State.PROVISION_FAILED: ("Provision failed", "red", "x"),
    State.TEARDOWN_FAILED: ("Teardown failed", "red", "alert-triangle"),
    State.ORPHAN_SUSPECTED: ("Orphan?", "orange", "help"),
}
PHASES = {"provision": "provisioning", "sleep": "falling asleep", "wake": "waking up", "teardown": "tearing down"}
SOON = timedelta(hours=24)
NEAR = timedelta(hours=2)
STEPS = [("+1 h", timedelta(hours=1), "1 hour"), ("+1 d", timedelta(days=1), "1 day")]


def row(environment: Environment, by: By, now: datetime) -> Json:
    word, colour, icon = LOOKS[State(environment.state)]
    mine = may_change(environment, by)
    timed = environment.is_timed
    left = environment.deadline - now
    return {
        "id": str(environment.public_id),
        "url": environment.get_absolute_url(),
        "name": environment.name,
        "state": environment.state,
        "word": word,
        "colour": colour,
        "icon": icon,
        "doing": "" if environment.state in (State.PROVISIONING, *GOING) else PHASES.get(environment.phase, ""),
        "template": environment.template.title,
        "template_id": environment.template.identifier,
        "owner": environment.owner_name or (environment.requested_by if not environment.team else ""),
        "robot": not environment.owner_name,
        "team": environment.team,
        "reason": environment.reason,
        "address": environment.address if environment.address.startswith(("https://", "http://")) else "",
        "ends_at": environment.deadline if timed else None,
        "near": timed and left <= NEAR,
        "over": timed and left <= timedelta(0),
        "pinned": bool(timed and environment.pinned_until and environment.pinned_until > now),
        "held_by": environment.held_by,
        "gone_at": environment.torn_down_at,
        "going": environment.state in GOING,
        "next_try": environment.work_at if environment.phase and environment.attempt else None,
        "requested_at": environment.requested_at,
        "cost": money(environment.cost(now)),
        "per_day": per_day(environment),
        "extensions": extensions(environment, now) if mine and timed else [],
        "extend_url": reverse("environments:extension", args=[environment.public_id]),
        "may_change": mine and environment.is_living,
        "error": environment.last_error if environment.attempt else "",
    }


def may_change(environment: Environment, by: By) -> bool:
    try:
        require_change(by, environment)
    except Refused:
        return False
    return True


def extensions(environment: Environment, now: datetime) -> list[Json]:
    """By one press: how much later than it would end now, as a length from now on."""
    greatest = terms.limit(environment.template, environment.team, "greatest_ttl")
    found = []
    for label, length, words in STEPS:
        end = max(environment.expires_at, now) + length
        if end > environment.hard_until or end - now > greatest or terms.needs_reason(environment, end):
            continue
        found.append({"label": label, "words": words, "until": end.isoformat()})
    return found


def in_turn(lengths: list[str]) -> str:
    """`2 h and again 15 min`: with a comma alone it would be one length."""
    return " and again ".join(filter(None, [", ".join(lengths[:-1]), *lengths[-1:]]))


def money(amount: Decimal | None) -> str:
    return "" if amount is None else f"{amount:,.2f} {settings.CURRENCY}"


def per_day(environment: Environment) -> str:
    """While it is awake: what sleeps, or never began, costs nothing."""
    price = environment.template.cost_per_hour
    return "" if price is None or not environment.awake_since else money(round(price * 24, 2))


def tabs(show: str, query: QueryDict, counts: Mapping[str, int]) -> list[Json]:
    labels = {"living": "All", "mine": "Mine", "expiring": "Ending soon", "failed": "Failed", "gone": "Gone"}
    return [
        {
            "label": label,
            "url": address(query, show="" if name == "living" else name, state=None, after=None, before=None),
            "active": name == show,
            "count": counts.get(name),
        }
        for name, label in labels.items()
    ]
