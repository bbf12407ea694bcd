from catalog.commands.batch import Written
from catalog.commands.blueprints import (
    Trial,
    blueprint_create,
    blueprint_delete,
    blueprint_rename,
    blueprint_try,
    blueprint_update,
    blueprints_delete,
    blueprints_import,
)
from catalog.commands.bulk import Outcome, entities_edit
from catalog.commands.changelog import changelog_retry, changelog_test
from catalog.commands.copies import entity_copying
from catalog.commands.deletion import entities_delete, entity_delete
from catalog.commands.entities import entities_write, entity_store, entity_write
from catalog.commands.indexes import index_add, index_remove
from catalog.commands.migrations import entities_delete_all, migration_cancel, migration_start, migrations_run
from catalog.commands.permissions import permissions_update
from catalog.commands.removals import entities_remove
from catalog.commands.timers import timers_expire
from catalog.commands.undo import changes_undo
from catalog.commands.views import view_delete, view_save

__all__ = [
    "Outcome",
    "Trial",
    "Written",
    "blueprint_create",
    "blueprint_delete",
    "blueprint_rename",
    "blueprint_try",
    "blueprint_update",
    "blueprints_delete",
    "blueprints_import",
    "changelog_retry",
    "changelog_test",
    "changes_undo",
    "entities_delete",
    "entities_delete_all",
    "entities_edit",
    "entities_remove",
    "entities_write",
    "entity_copying",
    "entity_delete",
    "entity_store",
    "entity_write",
    "index_add",
    "index_remove",
    "permissions_update",
    "migration_cancel",
    "migration_start",
    "migrations_run",
    "timers_expire",
    "view_delete",
    "view_save",
]
