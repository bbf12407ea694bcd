"""Work on all entities of a blueprint, asked for by somebody and done by the workers, a batch at a time."""

import logging
import time
from collections.abc import Callable
from typing import Any

from django.db import transaction

from catalog import queries
from catalog.commands.batch import PROTECTED
from catalog.commands.blueprints import blueprint_delete, check_deletable
from catalog.commands.deletion import entities_needing, keys_delete
from catalog.commands.mapping import Mapping, check_mapping
from catalog.commands.moves import by_of, end, migration_of, move_on, save
from catalog.models import Blueprint, Entity, Migration
from catalog.permissions import require_write
from portal.accounts.policy import require
from portal.audit.record import record
from portal.kit.by import By
from portal.kit.errors import Conflict, PortalError
from portal.kit.locking import retried

Json = dict[str, Any]

logger = logging.getLogger(__name__)

AT_ONCE = 100
MOST_FAULTS = 100
STOPPABLE = [Migration.Kind.MAP, Migration.Kind.DELETE]


@retried
@transaction.atomic
def migration_start(blueprint: Blueprint, mapping: Json, *, by: By) -> Migration:
    """Writes an entity of another blueprint (or of this one) for each entity of this one, as the mapping says.

    Raises Invalid with the path of what is no jq, Missing for an unknown blueprint.
    """
    require(by, "blueprint.write", blueprint=blueprint.identifier)
    check_mapping(mapping)
    target = queries.blueprint(mapping.get("blueprint") or blueprint.identifier)
    # It reads and writes whatever there is, so it takes somebody who may do that in both.
    require(by, "blueprint.write", blueprint=target.identifier)
    migration = migration_of(blueprint, Migration.Kind.MAP, mapping, by=by)
    record("migration.started", migration.noun(), by=by, after=migration.facts())
    return migration


@retried
@transaction.atomic
def entities_delete_all(blueprint: Blueprint, *, itself: bool = False, by: By) -> Migration:
    """Deletes every entity of the blueprint and, if wished, then the blueprint: the first at once, the rest by the workers.

    A Conflict, before anything goes, when another blueprint needs them or the blueprint itself has to stay.
    """
    # Until its batch has gone an entity is shown like any other, and the page of the blueprint says what is going on. To
    # hide them all at once would be untrue: an app above may refuse some (what is locked), somebody may stop it half-way,
    # and these would come back. Locks, deployments, counts and mirrors go by the rows, so they would tell of entities
    # that no list has. Results of rules are hidden: nothing can refuse them, and nothing else reads them.
    require_write(by, "unregister", blueprint, teams=())
    if blueprint.identifier in PROTECTED:  # accounts go with their entities, and the workers ask nobody any more
        require(by, "account.write")
    if needing := entities_needing(blueprint):
        raise Conflict(
            f"Entities of {', '.join(needing)} need those of “{blueprint.title}”. Delete them first.",
            code="has_dependents",
            blueprints=needing,
        )
    if itself:
        require(by, "blueprint.write", blueprint=blueprint.identifier)
        check_deletable(blueprint)
    migration = migration_of(blueprint, Migration.Kind.DELETE, {"itself": itself}, by=by)
    record("migration.started", migration.noun(), by=by, after=migration.facts())
    if migration.total <= AT_ONCE:
        while migration.state in Migration.UNFINISHED:
            _delete_on(migration)
    return migration


@transaction.atomic
def migration_cancel(migration: Migration, *, reason: str = "", by: By) -> Migration:
    """Stops after the batch that is under way. What is done stays done; nothing changes for one that has ended."""
    require(by, "blueprint.write", blueprint=migration.source)
    migration = Migration.objects.select_for_update().get(pk=migration.pk)
    if migration.state not in Migration.UNFINISHED:
        return migration
    if migration.kind not in STOPPABLE:
        raise Conflict("This follows a change of the blueprint and goes to its end.", code="protected")
    before = migration.facts()
    migration.state, migration.reason = Migration.State.CANCELLED, reason
    save(migration)
    record("migration.cancelled", migration.noun(), by=by, before=before, after=migration.facts())
    return migration


def migrations_run(seconds: float = 2.0) -> bool:
    """Does batches, of each migration in turn, for about so long; answers whether there is more to do.

    Any number of workers may: each batch is one transaction that holds its migration's row.
    """
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if not _run_one():
            return False
    return True


@retried
@transaction.atomic
def _run_one() -> bool:
    unfinished = Migration.objects.filter(state__in=Migration.UNFINISHED)
    migration = unfinished.select_for_update(skip_locked=True, of=("self",)).order_by("updated_at", "id").first()
    if migration is None:
        return False
    try:
        with transaction.atomic():
            STEPS[migration.kind](migration)
    except PortalError as error:
        migration.refresh_from_db()
        end(migration, Migration.State.FAILURE, error.message)
    except Exception:
        # Ours or the database's fault: it stays for the next round, behind the others.
        logger.exception("A batch of %s failed", migration)
        migration.refresh_from_db()
        save(migration)
        return False
    return True


def _next_keys(migration: Migration) -> list[int]:
    rows = Entity.objects.filter(blueprint=migration.blueprint_id, pk__gt=migration.cursor or 0)
    return list(rows.order_by("pk").values_list("pk", flat=True)[:AT_ONCE])


def _delete_on(migration: Migration) -> None:
    blueprint, keys = migration.blueprint, _next_keys(migration)
    if blueprint is None or not keys:
        return _delete_last(migration)
    try:
        with transaction.atomic():
            migration.done += keys_delete(keys, by=by_of(migration))
    except Conflict:
        _delete_one_by_one(migration, keys)
    _go_on(migration, keys[-1])


def _delete_one_by_one(migration: Migration, keys: list[int]) -> None:
    for key in keys:
        try:
            with transaction.atomic():
                migration.done += keys_delete([key], by=by_of(migration))
        except Conflict as error:
            _fault(migration, error.message)


def _delete_last(migration: Migration) -> None:
    blueprint = migration.blueprint
    if migration.failed:
        what = "entity stays" if migration.failed == 1 else "entities stay"
        return end(migration, Migration.State.FAILURE, f"{migration.failed} {what}: {migration.faults[0]}")
    if blueprint and migration.body["itself"]:
        blueprint_delete(blueprint, by=by_of(migration))
        migration.blueprint = None
    end(migration, Migration.State.COMPLETED)


def _map_on(migration: Migration) -> None:
    keys = _next_keys(migration)
    if migration.blueprint is None or not keys:
        nothing = migration.failed and not migration.done
        return end(migration, Migration.State.FAILURE if nothing else Migration.State.COMPLETED)
    by, mapping = by_of(migration), Mapping(migration.blueprint.identifier, migration.body)
    rows = queries.with_relations(Entity.objects.filter(pk__in=keys)).order_by("pk")
    for outcome in mapping.write(list(rows), by=by):
        if outcome is None:
            migration.done += 1
        else:
            _fault(migration, outcome)
    _go_on(migration, keys[-1])


def _fault(migration: Migration, message: str) -> None:
    migration.failed += 1
    if len(migration.faults) < MOST_FAULTS:
        migration.faults = [*migration.faults, message]


def _go_on(migration: Migration, last: int) -> None:
    migration.cursor, migration.state = last, Migration.State.RUNNING
    save(migration)


STEPS: dict[str, Callable[[Migration], None]] = {
    Migration.Kind.MOVE: move_on,
    Migration.Kind.FILL: move_on,
    Migration.Kind.ARM: move_on,
    Migration.Kind.DELETE: _delete_on,
    Migration.Kind.MAP: _map_on,
}
