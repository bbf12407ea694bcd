"""Locks as the rows that templates/locks shows."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from django.conf import settings
from django.urls import reverse

from catalog.queries import Place
from locks import limits
from locks.decisions import Decision, severity
from locks.models import Effect, Freeze, KeptDecision, Lock, ScopeKind, Window
from locks.queries import Simulation
from locks.scopes import Scope
from portal.accounts.policy import allows
from portal.accounts.queries import user_of
from portal.audit.models import Event
from portal.kit.by import By
from portal.kit.clock import in_words, iso, spoken

Json = dict[str, Any]

SHOWN = 4  # of each kind, by name, in the preview
STEPS = [("+30 min", timedelta(minutes=30)), ("+1 h", timedelta(hours=1)), ("+2 h", timedelta(hours=2))]
ICONS = {
    "lock.taken": "lock",
    "lock.released": "lock-open",
    "lock.extended": "hourglass",
    "lock.expired": "clock",
    "lock.expiry_warned": "bell",
    "lock.release_planned": "heart-pulse",
    "lock.release_called_off": "alert-triangle",
    "lock.holder_reminded": "bell",
}
TOLD = {
    "lock.expired": "Ran out by itself",
    "lock.expiry_warned": "Its end came near, and its holder was told",
    "lock.release_called_off": "Not well after all: it does not release itself yet",
    "lock.holder_reminded": "Held for long, and its holder was told",
}


def write_url(lock: Lock, by: By) -> str:
    """A letter to the one who holds it, with what it is about; none to oneself, to a program, or to who has left."""
    holder = user_of(lock.holder_key) if lock.holder_key != by.actor.key else None
    if holder is None:
        return ""
    letter = urlencode(
        {"subject": f"Your lock of {lock.covers}", "body": settings.BASE_URL + lock.get_absolute_url()}, quote_via=quote
    )
    return f"mailto:{quote(holder.email, safe='@')}?{letter}"


def lock_row(lock: Lock, by: By, now: datetime) -> Json:
    active = lock.is_active(now)
    mine = allows(by.actor, "lock.release", holder=lock.holder_key, teams=lock.owner_teams())
    return {
        "id": str(lock.public_id),
        "url": lock.get_absolute_url(),
        "title": capital(lock.covers),
        "covers": lock.covers,
        "scope": lock.get_scope_kind_display(),
        "place": _place_urls(lock),
        "kind": lock.kind,
        "effect": lock.effect,
        "reason": lock.reason,
        "link": lock.link,
        "holder": lock.holder_name,
        "robot": lock.holder_kind != "user",
        "automatic_by": lock.automatic_by,
        "lets_rollbacks": "rollback" in lock.allows,
        "starts_at": lock.starts_at,
        "expires_at": lock.expires_at,
        "released_at": lock.released_at,
        "released_by": lock.released_by,
        "release_reason": lock.release_reason,
        "lasted": None if active else in_words(_end(lock) - lock.starts_at),
        "active": active,
        "may_release": active and mine,
        "release_url": reverse("locks:release", args=[lock.public_id]),
        "extend_url": reverse("locks:extension", args=[lock.public_id]),
        "later": iso(later(lock, timedelta(hours=1), now)) if lock.expires_at else None,
    }


def _place_urls(lock: Lock) -> Json | None:
    """Where the service of a lock is to be read of, and what the gate says of the place."""
    if not lock.service_id:
        return None
    asked = {"service": lock.service_identifier, "environment": lock.environment_identifier}
    return {
        "name": lock.service_identifier,
        "url": reverse("catalog:entity_detail", args=["service", lock.service_identifier]),
        "ask_url": reverse("locks:explained", query=asked) if lock.environment_id else "",
    }


def extensions(lock: Lock, now: datetime) -> list[Json]:
    """By how much it can be made longer within the limits, as instants."""
    if not lock.expires_at:
        return []
    return [{"label": label, "value": iso(later(lock, length, now))} for label, length in STEPS]


def later(lock: Lock, length: timedelta, now: datetime) -> datetime:
    return (lock.expires_at or now) + length


def _end(lock: Lock) -> datetime:
    return min(end for end in (lock.released_at, lock.expires_at) if end)


def capital(text: str) -> str:
    """Only a phrase of ours gets a capital letter: identifiers are written as they are."""
    ours = text.startswith(("all of ", "every ", "everything", "the services of "))
    return text[:1].upper() + text[1:] if ours else text


def event_row(event: Event) -> Json:
    return {
        "text": _told(event),
        "actor": event.actor_name,
        "at": event.at,
        "icon": ICONS.get(event.name, "activity"),
    }


def _told(event: Event) -> str:
    after: Json = event.after or {}
    if event.name == "lock.taken":
        return f"Locked: {after.get('reason', '')}"
    if event.name == "lock.extended":
        return f"Extended until {_moment(after.get('expires_at'), event.at)}"
    if event.name == "lock.release_planned":
        at = _moment((event.payload or {}).get("release_at"), event.at)
        return f"Healthy again: it releases itself at {at} if that lasts"
    if event.name in TOLD:
        return TOLD[event.name]
    why = after.get("release_reason")
    return f"Released: {why}" if why else "Released"


def _moment(text: str | None, now: datetime) -> str:
    return spoken(datetime.fromisoformat(text) if text else None, now=now)


def denial_row(denial: KeptDecision, named: Mapping[object, Lock | Freeze]) -> Json:
    ids = [*denial.lock_ids, *denial.freeze_ids]
    stopped_by = next((named[each] for each in ids if each in named), None)
    run = denial.run
    return {
        "id": denial.pk,
        "text": f"{denial.intent} of {denial.service_identifier} in {denial.environment_identifier}",
        "service": denial.service_identifier,
        "environment": denial.environment_identifier,
        "intent": denial.intent,
        "commit": denial.commit,
        "run": run,
        "url": next((each for each in (denial.run_url, run) if each.startswith(("https://", "http://"))), None),
        "who": denial.actor_name,
        "robot": not denial.actor_key.startswith("user:"),
        "at": denial.at,
        "message": denial.message,
        "lock_url": stopped_by.get_absolute_url() if stopped_by else None,
        "stopper": "freeze" if isinstance(stopped_by, Freeze) else "lock",
    }


def tabs(state: str, counts: Mapping[str, int]) -> list[Json]:
    labels = {"active": "Now", "mine": "Mine", "expiring": "Ending soon"}
    here = reverse("locks:lock_list")
    return [
        {
            "label": label,
            "url": here if name == "active" else f"{here}?state={name}",
            "active": name == state,
            "count": counts.get(name),
        }
        for name, label in labels.items()
    ]


def preview_rows(scope: Scope, met: Simulation) -> Json:
    tier = scope.strictest_tier
    allowed = limits.of(tier)
    places = [{"service": service, "environment": environment} for service, environment in met.reach.places]
    return {
        "count": met.reach.count,
        "places": places,
        "tier": tier,
        "usual": in_words(allowed.default),
        "greatest": in_words(allowed.greatest),
        "open_ended": allowed.open_ended,
        "shortest_reason": allowed.shortest_reason,
        "running": met.running[:SHOWN],
        "running_count": len(met.running),
        "waiting": met.waiting[:SHOWN],
        "waiting_count": len(met.waiting),
        "people": met.people[:SHOWN],
        "people_more": max(0, len(met.people) - SHOWN),
        "taken": taken(met.held) if met.held else None,
    }


def taken(lock: Lock) -> Json:
    return {
        "holder": lock.holder_name,
        "reason": lock.reason,
        "expires_at": lock.expires_at,
        "url": lock.get_absolute_url(),
    }


def place_rows(places: Sequence[Place], decisions: Mapping[Any, Decision], by: By, now: datetime) -> list[Json]:
    """The service page's panel: one row for each environment."""
    return [_place_row(place, decisions[place.service_id, place.environment_id], by, now) for place in places]


def _place_row(place: Place, decision: Decision, by: By, now: datetime) -> Json:
    locks = sorted(decision.locks, key=severity)
    own = next((lock for lock in locks if _is_own(lock)), None)
    asked = {"service": place.service, "environment": place.environment}
    return {
        "environment": place.environment,
        "environment_url": reverse("catalog:entity_detail", args=["environment", place.environment]),
        "tier": place.tier,
        "outcome": decision.outcome,
        "locks": [lock_row(lock, by, now) for lock in locks],
        "freezes": [window_line(window) for window in decision.freezes],
        "own": lock_row(own, by, now) if own else None,
        "lock_url": reverse("locks:lock_list", query=asked, fragment="take"),
        "override_url": reverse("locks:override_new", query=asked) if _may_pass(decision, by) else None,
    }


def _may_pass(decision: Decision, by: By) -> bool:
    return decision.denies and allows(by.actor, "override.ask", teams=decision.place.teams)


def window_line(window: Window) -> Json:
    """A freeze that is on, beside locks."""
    freeze = window.freeze
    return {
        "url": freeze.get_absolute_url(),
        "title": freeze.title,
        "covers": freeze.covers,
        "reason": freeze.reason,
        "warns": freeze.effect == Effect.WARN,
        "ends_at": window.ends_at,
    }


def _is_own(lock: Lock) -> bool:
    """The lock of this very place, which its button releases; wider ones are released on their own page."""
    return bool(lock.scope_kind == ScopeKind.PAIR and lock.kind == Lock.Kind.MANUAL)
