"""The data of entities follows a change of their blueprint: the first batch with the change, the rest by the workers."""

from collections.abc import Set
from functools import partial
from typing import Any

from django.db import transaction
from django.utils import timezone

from catalog import compute
from catalog.models import Blueprint, Migration
from catalog.moves import Arm, Batch, Fill, Move, Work, arm_all, batch
from catalog.schema.definition import timers_of
from portal.audit.record import record
from portal.audit.wake import wake
from portal.kit.by import Actor, By

Json = dict[str, Any]

KINDS = [Migration.Kind.MOVE, Migration.Kind.FILL, Migration.Kind.ARM]
KIND_OF: dict[type[Work], str] = {Move: Migration.Kind.MOVE, Fill: Migration.Kind.FILL, Arm: Migration.Kind.ARM}


def move_start(blueprint: Blueprint, work: Work, *, by: By) -> int:
    """Answers how many rows changed at once; the caller saves `blueprint.moving` with the rest of it."""
    first = _batch(blueprint, work, after=0)
    if first.last is not None:
        migration = migration_of(blueprint, KIND_OF[type(work)], work.json(), by=by)
        _note(migration, first)
        if isinstance(work, Move):
            names = blueprint.moving.get(work.part, {}) | {work.old: work.new or None}
            blueprint.moving = blueprint.moving | {work.part: names}
    return first.changed


def migration_of(blueprint: Blueprint, kind: str, body: Json, *, by: By) -> Migration:
    """A new one, for the workers to take up once the transaction is over."""
    transaction.on_commit(partial(wake, "catalog.migrate"), robust=True)
    return Migration.objects.create(
        kind=kind,
        blueprint=blueprint,
        source=blueprint.identifier,
        body=body,
        total=blueprint.entities.count(),
        actor_kind=by.actor.kind,
        actor_key=by.actor.key,
        actor_name=by.actor.name,
        actor_is_admin=by.actor.is_admin,
        door=by.door,
        trace=by.trace,
    )


def moves_finish(blueprint: Blueprint, names: Set[str]) -> None:
    """Helps whatever moves to or from these names to its end, so that they are free."""
    for each in Migration.objects.filter(blueprint=blueprint, kind__in=KINDS, state__in=Migration.UNFINISHED):
        if not names.isdisjoint(each.body.get(key) for key in ("old", "new", "name")):
            while _help(each.pk):
                pass


@transaction.atomic
def _help(key: int) -> bool:
    migration = Migration.objects.select_for_update().get(pk=key)
    if migration.state in Migration.UNFINISHED:
        move_on(migration)
    return migration.state in Migration.UNFINISHED


def move_on(migration: Migration) -> None:
    """The next batch of it; whoever calls holds its row, so that no two do the same."""
    blueprint = migration.blueprint
    if blueprint is None or migration.cursor is None:
        end(migration, Migration.State.COMPLETED)
        return
    _note(migration, _batch(blueprint, _work_of(migration), after=migration.cursor))


def _work_of(migration: Migration) -> Work:
    body = migration.body
    if migration.kind == Migration.Kind.MOVE:
        return Move(body["part"], body["old"], body["new"])
    return Fill(body["name"], body["value"]) if migration.kind == Migration.Kind.FILL else Arm(body["name"])


def _batch(blueprint: Blueprint, work: Work, *, after: int) -> Batch:
    """What only moves is read under its new name at once; what is filled in is new."""
    did = batch(blueprint, work, after=after)
    if isinstance(work, Fill) and did.changed:
        compute.altered(did.keys, [work.name])
        if work.name in timers_of(blueprint.schema):
            arm_all(did.keys, work.name)
    return did


def _note(migration: Migration, did: Batch) -> None:
    """Its end is a step of its own: that one takes the blueprint's row, and no entity's."""
    migration.done += did.changed
    migration.cursor = did.last
    migration.state = Migration.State.RUNNING
    save(migration)


def end(migration: Migration, state: str, reason: str = "") -> None:
    if migration.kind == Migration.Kind.MOVE and migration.blueprint:
        _arrived(migration.blueprint.pk, migration.body["part"], migration.body["old"])
    migration.state, migration.reason = state, reason
    save(migration)
    record("migration.ended", migration.noun(), by=by_of(migration), after=migration.facts())


def save(migration: Migration) -> None:
    migration.updated_at = timezone.now()
    migration.save()


def _arrived(key: int, part: str, old: str) -> None:
    blueprint = Blueprint.objects.select_for_update(no_key=True).get(pk=key)
    names = {name: new for name, new in blueprint.moving.get(part, {}).items() if name != old}
    blueprint.moving = {each: kept for each, kept in (blueprint.moving | {part: names}).items() if kept}
    blueprint.save(update_fields=["moving"])


def by_of(migration: Migration) -> By:
    """Whoever asked for it. What he may do was judged then.

    What a mapping makes goes through every door of the catalog, locks among them, so it may do no more than he might.
    """
    is_admin = migration.actor_is_admin or migration.kind != Migration.Kind.MAP
    actor = Actor(
        migration.actor_kind,  # type: ignore[arg-type]
        migration.actor_key,
        migration.actor_name,
        is_admin=is_admin,
        scopes=frozenset({"catalog:read", "catalog:write"}),
        moderates=frozenset({migration.body.get("blueprint") or migration.source}),
        token="" if is_admin else f"migration of {migration.source}",
    )
    return By(actor, migration.door, migration.trace)  # type: ignore[arg-type]
