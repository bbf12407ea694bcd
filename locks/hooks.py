"""What the catalog may not do to a lock: lose the entity it names, or move a place out from under it."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import Q

from catalog.models import Entity
from locks.models import Lock, ScopeKind
from portal.accounts.policy import allows
from portal.kit.by import By
from portal.kit.clock import database_now
from portal.kit.errors import Conflict

Json = dict[str, Any]


def no_active_lock(entities: Sequence[Entity], by: By) -> None:
    """An entity that an active lock names is not deleted: the lock would be gone with it."""
    keys = [each.pk for each in entities]
    held = _active().filter(Q(service__in=keys) | Q(environment__in=keys)).first()
    if held:
        raise Conflict(f"The {held} is active; release it first.", code="locked_entity", lock=str(held.public_id))
    for each in entities:
        _refuse(_losing(each, each.facts({}), gone=True), by)


def place_changed(entity: Entity, before: Json, by: By) -> None:
    """A new name, tier, alias or team may take a place out of a lock; who does that must be able to release the lock."""
    if entity.blueprint.identifier not in {"service", "environment"}:
        return
    _refuse(_losing(entity, before), by)
    if entity.identifier != before["identifier"]:
        column = entity.blueprint.identifier
        Lock.objects.filter(**{column: entity}).update(**{f"{column}_identifier": entity.identifier})


def _losing(entity: Entity, before: Json, *, gone: bool = False) -> Iterable[Lock]:
    """Active locks that covered it as it was and might not cover it, or its name, as it is."""
    old, new = before["properties"], {} if gone else entity.properties
    lost = Q(pk=None)
    if entity.blueprint.identifier == "environment":
        if gone or old.get("tier") != new.get("tier"):
            lost |= Q(scope_kind=ScopeKind.TIER, tier=old.get("tier") or "production")
        if entity.identifier != before["identifier"] or old.get("aliases") != new.get("aliases"):
            lost |= Q(environment=entity)
    if entity.blueprint.identifier == "service":
        kept = set() if gone else set(entity.team)
        lost |= Q(scope_kind=ScopeKind.TEAM, team__in=set(before["team"]) - kept)
        if entity.identifier != before["identifier"]:
            lost |= Q(service=entity)
    found: Iterable[Lock] = _active().filter(lost).select_related("service", "environment")
    return found


def _refuse(locks: Iterable[Lock], by: By) -> None:
    for lock in locks:
        if not allows(by.actor, "lock.release", holder=lock.holder_key, teams=lock.owner_teams()):
            raise Conflict(
                f"The {lock} by {lock.holder_name} is active, and this would take something out of it. "
                f"Ask {lock.holder_name} to release it first.",
                code="locked_entity",
                lock=str(lock.public_id),
            )


def _active() -> Any:
    return Lock.objects.active(database_now())
