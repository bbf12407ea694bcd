from catalog.commands.blueprints import blueprint_create, blueprint_delete, blueprint_update
from catalog.commands.entities import entities_delete, entity_delete, entity_store, entity_write
from catalog.commands.views import view_delete, view_save

__all__ = [
    "blueprint_create",
    "blueprint_delete",
    "blueprint_update",
    "entities_delete",
    "entity_delete",
    "entity_store",
    "entity_write",
    "view_delete",
    "view_save",
]
