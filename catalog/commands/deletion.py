from collections.abc import Iterator, Sequence
from typing import Any

from django.db import transaction
from django.db.models import Prefetch, prefetch_related_objects

from catalog import compute, hooks, permissions, queries
from catalog.commands.timers import timers_go
from catalog.models import Blueprint, Entity, Relation
from portal.audit.record import Entry, record_many
from portal.kit.by import By
from portal.kit.errors import Conflict, Missing
from portal.kit.locking import retried

Json = dict[str, Any]


@retried
@transaction.atomic
def entity_delete(entity: Entity, *, dependents: bool = False, by: By) -> list[str]:
    """Deletes it and, if wished, what has a required relation to it; answers the identifiers, this one first.

    Raises Missing when it is gone, Conflict when others need it, when too many do, or when an app above holds it.
    """
    held, wished = _held([entity.pk])
    if not wished:
        raise Missing(f'Entity with identifier "{entity.identifier}" was not found')
    return _delete(held, wished=wished, dependents=dependents, by=by)


@retried
@transaction.atomic
def entities_delete(blueprint: str, identifiers: Sequence[str], *, dependents: bool = False, by: By) -> list[str]:
    """All of them or none; those that are gone already are no fault. Answers the identifiers that went, dependents too."""
    kind = queries.blueprint(blueprint)
    rows = Entity.objects.filter(blueprint=kind, identifier__in=identifiers)
    held, wished = _held(list(rows.values_list("pk", flat=True)))
    return _delete(held, wished=wished, dependents=dependents, by=by) if held else []


def _held(keys: Sequence[int], *, bounded: bool = True) -> tuple[list[Entity], int]:
    """The entities, then all that need them, and how many are the first. Rows are held in the order of their keys."""
    doomed = queries.with_dependents(Entity.objects.filter(pk__in=keys).select_related("blueprint"), bounded=bounded)
    rows = Entity.objects.select_for_update(of=("self",)).select_related("blueprint")
    held = list(rows.filter(pk__in=[each.pk for each in doomed]).order_by("pk"))
    wished = [each for each in held if each.pk in set(keys)]
    # Once more, now that nothing moves: somebody may have come to need them meanwhile.
    return queries.with_dependents(wished, bounded=bounded), len(wished)


def _delete(doomed: list[Entity], *, wished: int, dependents: bool, by: By) -> list[str]:
    """`doomed`: the `wished` first of them were asked for, the others need those."""
    for each in doomed if dependents else doomed[:wished]:
        teams = () if permissions.writes_all(by.actor, each.blueprint) else queries.owner_teams(each)
        permissions.require_write(by, "unregister", each.blueprint, teams=teams, entity=each)
    needing = doomed[wished:]
    if needing and not dependents:
        known = _known(by, needing)
        names = ", ".join(known[:5]) or "entities that you may not see"
        raise Conflict(
            f"{len(needing)} entities need “{doomed[0].identifier}”: {names}. "
            "Delete them first, or send delete_dependents=true.",
            code="has_dependents",
            dependents=known[:100],
        )
    hooks.deleting(doomed, by)
    pointed, expired = queries.pointed_from(doomed), timers_go(doomed)
    prefetch_related_objects(doomed, Prefetch("arrows", Relation.objects.select_related("target")))
    record_many([_told(each, pointed[each.pk], expired.get(each.pk)) for each in doomed], by=by)
    compute.going([each.pk for each in doomed])
    Entity.objects.filter(pk__in=[each.pk for each in doomed]).delete()
    return [each.identifier for each in doomed]


def _told(entity: Entity, pointed: Sequence[tuple[str, str, str]], expired: Json | None) -> Entry:
    payload = {"pointed": pointed} | ({"expired": expired} if expired is not None else {})
    return Entry("entity.deleted", entity.noun(), entity.facts(queries.relations_of(entity)), payload=payload)


def _known(by: By, needing: Sequence[Entity]) -> list[str]:
    """Identifiers of those that the one who deletes may see."""
    seen = queries.seen_of(by, needing)
    return [each.identifier for each in needing if each.pk in seen]


def keys_delete(keys: Sequence[int], *, by: By) -> int:
    """Deletes these and what needs them, in the caller's transaction; answers how many went."""
    held, wished = _held(keys, bounded=False)
    return len(_delete(held, wished=wished, dependents=True, by=by)) if held else 0


def entities_needing(blueprint: Blueprint) -> list[str]:
    """Other blueprints with entities that have a required relation to one of this one's."""
    return list(_needing(blueprint))


def _needing(blueprint: Blueprint) -> Iterator[str]:
    for other in Blueprint.objects.exclude(pk=blueprint.pk).order_by("identifier"):
        names = [
            name
            for name, each in other.relations.items()
            if each.get("required") and each["target"] == blueprint.identifier
        ]
        if names and Relation.objects.filter(source__blueprint=other, name__in=names).exists():
            yield other.identifier
