from catalog.commands.blueprints import blueprint_create, blueprint_delete, blueprint_update
from catalog.commands.deletion import entities_delete, entities_delete_all, entity_delete
from catalog.commands.entities import Written, entities_write, entity_store, entity_write
from catalog.commands.views import view_delete, view_save

__all__ = [
    "Written",
    "blueprint_create",
    "blueprint_delete",
    "blueprint_update",
    "entities_delete",
    "entities_delete_all",
    "entities_write",
    "entity_delete",
    "entity_store",
    "entity_write",
    "view_delete",
    "view_save",
]
