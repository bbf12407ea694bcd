from catalog.commands.blueprints.delete import blueprint_delete, blueprints_delete, check_deletable
from catalog.commands.blueprints.rename import blueprint_rename
from catalog.commands.blueprints.trial import Trial, blueprint_try
from catalog.commands.blueprints.write import blueprint_create, blueprint_update, blueprints_import

__all__ = [
    "Trial",
    "blueprint_create",
    "blueprint_delete",
    "blueprint_rename",
    "blueprint_try",
    "blueprint_update",
    "blueprints_delete",
    "blueprints_import",
    "check_deletable",
]
