from catalog.commands.blueprints.write import blueprint_create, blueprint_delete, blueprint_update

__all__ = ["blueprint_create", "blueprint_delete", "blueprint_update"]
