"""`locked` and its companions on a deploymentConfig: true at the instant of reading, written through the lock commands."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from catalog.kinds import Live
from catalog.models import Entity, Relation
from catalog.queries import Place, place_of
from locks import queries, scopes
from locks.commands import lock_release, lock_take
from locks.decisions import Bar, Decision
from locks.models import Lock, ScopeKind
from portal.kit.by import By
from portal.kit.clock import instant, iso
from portal.kit.errors import Conflict, Invalid

Json = dict[str, Any]
PROPERTIES = frozenset({"locked", "lockedReason", "lockedBy", "lockedUntil"})


def load(entities: Sequence[Entity]) -> dict[int, Json]:
    places = places_of(entities)
    decisions = queries.decide_many(places.values())
    return {each.pk: values(places.get(each.pk), decisions) for each in entities}


def values(place: Place | None, decisions: dict[Any, Decision]) -> Json:
    if place is None:
        # Nobody can tell what may be deployed here, so the gate is closed.
        return {"locked": True, "lockedReason": "It names no service and environment."}
    decision = decisions[place.service_id, place.environment_id]
    if not decision.denies:
        return {"locked": False}
    first = decision.denying[0]
    values = {"locked": True, "lockedReason": first.reason, "lockedBy": first.holder_name}
    return values | ({"lockedUntil": iso(first.expires_at)} if first.expires_at else {})


@transaction.atomic
def write(entity: Entity, wished: Json, by: By) -> None:
    """True while unlocked takes the pair's manual lock, false while locked releases it; what is so already stays so.

    True with another reason or end than the lock there has is a Conflict: it would be dropped in silence.
    """
    locked = wished.get("locked")
    if locked is None:
        return
    if not isinstance(locked, bool):
        raise Invalid.at("properties.locked", "must be true or false")
    place = places_of([entity]).get(entity.pk)
    if place is None and locked:
        return  # it reads as locked already
    if place is None:
        raise Conflict("It names no service and environment, so its gate stays closed.", code="no_place")
    switch(place, wished, by)


def switch(place: Place, wished: Json, by: By) -> None:
    """`wished` has `locked`, true or false, and may have `lockedReason` and `lockedUntil`."""
    decision = queries.decide_many([place])[place.service_id, place.environment_id]
    if wished["locked"] and decision.denies:
        _check_same(decision, wished)
    elif wished["locked"]:
        _take(place, wished, by)
    elif decision.denies:
        _release(decision, wished, by)


def _check_same(decision: Decision, wished: Json) -> None:
    first = decision.denying[0]
    reason, until = wished.get("lockedReason"), wished.get("lockedUntil")
    moved = until is not None and instant(until, "properties.lockedUntil") != _kept(first.expires_at)
    if moved or (reason is not None and reason != first.reason):
        raise Conflict(
            f"{decision.message}. Nothing was changed: extend that lock, or take one of your own by POST /v1/locks.",
            code="already_locked",
            lock=first,
        )


def _kept(moment: datetime | None) -> datetime | None:
    """To the millisecond, as it is read through the API."""
    return moment and moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _take(place: Place, wished: Json, by: By) -> None:
    reason = wished.get("lockedReason") or f"Locked by {by.actor.name} through the catalog."
    if not isinstance(reason, str):
        raise Invalid.at("properties.lockedReason", "must be a text")
    until = wished.get("lockedUntil")
    try:
        lock_take(
            scopes.pair(place),
            reason=reason,
            until=instant(until, "properties.lockedUntil") if until else None,
            by=by,
        )
    except Invalid as wrong:
        names = {"reason": "properties.lockedReason", "until": "properties.lockedUntil"}
        faults = [fault | {"path": names.get(fault["path"], fault["path"])} for fault in wrong.details["errors"]]
        raise Invalid.of(faults) from wrong


def _release(decision: Decision, wished: Json, by: By) -> None:
    mine = [bar for bar in decision.denying if isinstance(bar, Lock) and _is_manual_pair(bar)]
    for lock in mine:
        lock_release(lock, reason=str(wished.get("lockedReason") or ""), by=by)
    others: list[Bar] = [bar for bar in decision.denying if bar not in mine]
    if others:
        names = "; ".join(f"{lock.covers}, by {lock.holder_name}: {lock.reason}" for lock in others)
        raise Conflict(
            f"It would still be locked, so nothing was released. Still there: {names}",
            code="still_locked",
            locks=[str(lock.public_id) for lock in others],
        )


def _is_manual_pair(lock: Lock) -> bool:
    return lock.kind == Lock.Kind.MANUAL and lock.scope_kind == ScopeKind.PAIR


def places_of(entities: Sequence[Entity]) -> dict[int, Place]:
    arrows = Relation.objects.filter(source__in=entities, name__in=["service", "environment"]).select_related("target")
    ends: dict[int, dict[str, Entity]] = {}
    for arrow in arrows:
        ends.setdefault(arrow.source_id, {})[arrow.name] = arrow.target
    return {pk: place_of(found["service"], found["environment"]) for pk, found in ends.items() if len(found) == 2}


def refuse(entity: Entity, wished: Json, by: By) -> None:
    """A flag here would say “locked” and lock nothing."""
    if wished.get("locked") is not None:
        kind = entity.blueprint.identifier
        raise Invalid.at(
            "properties.locked",
            f'lock a whole {kind} by POST /v1/locks {{"scope": "{kind}", "{kind}": "{entity.identifier}", "reason": …}}',
        )


LOCKED = Live("deploymentConfig", PROPERTIES, load, write, function="locks_locked")
NOT_HERE = [Live(kind, PROPERTIES, lambda entities: {}, refuse) for kind in ("service", "environment")]
