from catalog.commands.blueprints import blueprint_create, blueprint_delete, blueprint_update
from catalog.commands.entities import entity_delete, entity_store, entity_write

__all__ = [
    "blueprint_create",
    "blueprint_delete",
    "blueprint_update",
    "entity_delete",
    "entity_store",
    "entity_write",
]
