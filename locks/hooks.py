"""What the catalog may not do to a lock: lose the entity it names, or move a place out from under it."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import Q

from catalog import queries as catalog
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
        _refuse(each, each.facts({}), by, gone=True)


def place_changed(entity: Entity, before: Json, by: By) -> None:
    """A new name, tier, alias or team may take a place out of a lock; who does that must be able to release the lock."""
    _refuse(entity, before, by)
    kind = entity.blueprint.identifier
    if kind in {"service", "environment"} and entity.identifier != before["identifier"]:
        Lock.objects.filter(**{kind: entity}).update(**{f"{kind}_identifier": entity.identifier})


def _losing(entity: Entity, before: Json, *, gone: bool) -> Iterable[Lock]:
    """Active locks that covered it, or one of its names, as it was and might not as it is.

    A name that becomes free can be given to another, which the lock would not cover.
    """
    renamed = gone or entity.identifier != before["identifier"]
    old, new = before["properties"], entity.properties
    lost = Q(pk=None)
    if entity.blueprint.identifier == "environment":
        nameless = renamed or bool(_aliases(old) - _aliases(new))
        if nameless or catalog.tier_in(old) != catalog.tier_in(new):
            lost |= Q(scope_kind=ScopeKind.TIER, tier=catalog.tier_in(old))
        if nameless:
            lost |= Q(environment=entity)
    if entity.blueprint.identifier == "service":
        kept = set() if renamed else set(entity.team)
        lost |= Q(scope_kind=ScopeKind.TEAM, team__in=set(before["team"]) - kept)
        if renamed:
            lost |= Q(service=entity)
    found: Iterable[Lock] = _active().filter(lost).select_related("service", "environment")
    return found


def _aliases(properties: Json) -> set[str]:
    return {alias.strip().casefold() for alias in properties.get("aliases") or []}


def _refuse(entity: Entity, before: Json, by: By, *, gone: bool = False) -> None:
    for lock in _losing(entity, before, gone=gone):
        if not allows(by.actor, "lock.release", holder=lock.holder_key, teams=_owners(lock, entity, before)):
            raise Conflict(
                f"The {lock} by {lock.holder_name} is active, and this would take something out of it. "
                f"Ask {lock.holder_name} to release it first.",
                code="locked_entity",
                lock=str(lock.public_id),
            )


def _owners(lock: Lock, entity: Entity, before: Json) -> list[str]:
    """The lock's owners as they were before this change: nobody makes himself one by it."""
    teams = [lock.team] if lock.team else []
    for each in (lock.service, lock.environment):
        if each:
            teams += before["team"] if each.pk == entity.pk else each.team
    return teams


def _active() -> Any:
    return Lock.objects.active(database_now())
