"""What the catalog may not do to a lock or a freeze: lose the entity it names, or move a place out from under it."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.db.models import Q

from catalog import queries as catalog
from catalog.hooks import Holds
from catalog.models import Entity
from locks.commands import rules_rename
from locks.models import Claim, Freeze, Lock, ScopeKind
from portal.accounts.policy import allows
from portal.kit.by import By
from portal.kit.clock import database_now

Json = dict[str, Any]


def no_active_lock(entities: Sequence[Entity], by: By) -> None:
    """An entity that an active lock or a freeze names is not deleted: that would be gone with it."""
    keys = [each.pk for each in entities]
    for held in _standing(Q(service__in=keys) | Q(environment__in=keys)):
        places, name = (held.service_id, held.environment_id), str(held.public_id)
        if isinstance(held, Lock):
            raise Holds(f"The {held} is active; release it first.", places, code="locked_entity", lock=name)
        raise Holds(f"The freeze “{held}” covers it; withdraw it first.", places, code="locked_entity", freeze=name)
    running = Claim.objects.running(database_now()).filter(Q(service__in=keys) | Q(environment__in=keys)).first()
    if running:
        raise Holds(
            f"{running.holder_name} is deploying {running.where}; wait for the end of it.",
            (running.service_id, running.environment_id),
            code="claimed_entity",
        )
    if allows(by.actor, "lock.release") and allows(by.actor, "freeze.write"):
        return  # whoever holds it
    for each in entities:
        _refuse(each, each.facts({}), by, gone=True)


def place_changed(entity: Entity, before: Json, by: By) -> None:
    """A new name, tier, alias or team may take a place out of a lock; who does that must be able to release the lock."""
    _refuse(entity, before, by)
    kind = entity.blueprint.identifier
    if entity.identifier != before["identifier"]:
        Lock.objects.filter(**{kind: entity}).update(**{f"{kind}_identifier": entity.identifier})
        Freeze.objects.filter(**{kind: entity}).update(**{f"{kind}_identifier": entity.identifier})
        rules_rename(f"{kind}s", before["identifier"], entity.identifier)


def _losing(entity: Entity, before: Json, *, gone: bool) -> Iterable[Lock | Freeze]:
    """What covered it, or one of its names, as it was and might not as it is.

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
    return _standing(lost) if lost != Q(pk=None) else ()


def _aliases(properties: Json) -> set[str]:
    return {alias.strip().casefold() for alias in properties.get("aliases") or []}


def _refuse(entity: Entity, before: Json, by: By, *, gone: bool = False) -> None:
    for held in _losing(entity, before, gone=gone):
        is_lock = isinstance(held, Lock)
        verb = "lock.release" if is_lock else "freeze.write"
        if not allows(by.actor, verb, holder=held.holder_key, teams=_owners(held, entity, before)):
            what = f"{held}" if is_lock else f"freeze “{held}”"
            raise Holds(
                f"The {what} by {held.holder_name} is active, and this would take something out of it. "
                f"Ask {held.holder_name} to {'release' if is_lock else 'withdraw'} it first.",
                [entity.pk],
                code="locked_entity",
                **{"lock" if is_lock else "freeze": str(held.public_id)},
            )


def _owners(held: Lock | Freeze, entity: Entity, before: Json) -> list[str]:
    """The owners as they were before this change: nobody makes himself one by it."""
    teams = [held.team] if held.team else []
    for each in (held.service, held.environment):
        if each:
            teams += before["team"] if each.pk == entity.pk else each.team
    return teams


def _standing(those: Q) -> Iterator[Lock | Freeze]:
    """Active locks, and freezes whether they are on or not."""
    yield from Lock.objects.active(database_now()).filter(those).select_related("service", "environment")
    yield from Freeze.objects.filter(those, withdrawn_at=None).select_related("service", "environment")
