"""What a write leaves behind for whoever computes: rows that are only ever added, and tell what changed.

A write looks at nothing else: not at who shows what it changed, nor how many they are. `sweep` finds them.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.db import connection, transaction

from catalog.compute.graph import ANYTHING
from catalog.models import Blueprint, Json, Stale
from portal.audit.wake import wake
from portal.kit import rows

# What every write through a door changes.
WRITER = ("$updatedAt", "$updatedBy", "$datasource")
TASK = "catalog.sweep"
REST = 0.5  # seconds


@dataclass(frozen=True)
class Change:
    """`names`: what of the entity is not as it was: properties, `$title`, `relations.service`. `old`: keys it pointed at."""

    blueprint: Blueprint
    entity: int
    names: frozenset[str]
    old: dict[str, list[int]] = field(default_factory=dict)

    @property
    def matters(self) -> bool:
        """To others, or to itself: what it shows of those whom it points at now may be changing at this moment."""
        derived = self.blueprint.derived
        if not derived:
            return False
        watched = derived.get("watched", ())
        heads = {f"relations.{each}" for each in derived.get("heads", ())}
        return bool(self.names) and (ANYTHING in watched or not self.names.isdisjoint({*watched, *heads}))


def changed(changes: Iterable[Change]) -> None:
    """In the transaction of the write."""
    made = [
        Stale(
            kind=Stale.Kind.CHANGED,
            blueprint=each.blueprint.pk,
            entity=each.entity,
            names=sorted(each.names),
            old=each.old,
        )
        for each in changes
        if each.matters
    ]
    rows.insert(made)
    if made:
        rouse()


_ALTERED = """
    insert into catalog_stale (kind, blueprint, entity, names, old, cursor)
    select 'changed', b.id, e.id, %(names)s::text[], '{}', 0
    from catalog_entity e join catalog_blueprint b on b.id = e.blueprint_id
    where e.id = any(%(keys)s) and (b.derived ? 'plan' or b.derived -> 'watched' ?| %(watched)s)
"""
# Of those that go what they pointed at; of those that pointed at them that they point at something else now.
_GONE = """
    insert into catalog_stale (kind, blueprint, entity, names, old, cursor)
    select 'changed', blueprint, id, array_agg('relations.' || name), coalesce(
        jsonb_object_agg(name, targets) filter (where goes), '{}'), 0
    from (
        select b.id as blueprint, e.id, coalesce(b.moving -> 'relations' ->> r.name, r.name) as name,
            e.id = any(%(keys)s) as goes, jsonb_agg(r.target_id) as targets
        from catalog_relation r join catalog_entity e on e.id = r.source_id join catalog_blueprint b on b.id = e.blueprint_id
        where (r.source_id = any(%(keys)s) or r.target_id = any(%(keys)s)) and b.derived <> '{}'
        group by b.id, e.id, 3
    ) found group by blueprint, id
"""


def altered(keys: Sequence[int], names: Iterable[str]) -> None:
    """These properties of these entities, which a worker or an app above has changed past the catalog's own command."""
    named = sorted(names)
    _insert(_ALTERED, {"keys": list(keys), "names": named, "watched": [*named, ANYTHING]})


def going(keys: Sequence[int]) -> None:
    """Before these entities are deleted with their arrows."""
    _insert(_GONE, {"keys": list(keys)})


def _insert(query: str, values: Json) -> None:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        if cursor.rowcount:
            rouse()


def all_of(blueprints: Iterable[Blueprint]) -> None:
    made = [Stale(kind=Stale.Kind.ALL, blueprint=each.pk) for each in blueprints]
    rows.insert(made)
    if made:
        rouse()


def rouse() -> None:
    transaction.on_commit(_wake, robust=True)


_woken_at = 0.0


def _wake() -> None:
    """One ring is enough for all that is written in half a second; what comes too late for it, the clock sweeps."""
    global _woken_at
    now = time.monotonic()
    if now - _woken_at > REST:
        _woken_at = now
        wake(TASK)
