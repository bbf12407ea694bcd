"""One module a resource, each with its GROUP."""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from portal.api.schema.operation import Group


@cache
def groups() -> list[Group]:
    """All of them, by title. A module that is put here is found."""
    modules = [import_module(f"{__name__}.{each.name}") for each in iter_modules(__path__)]
    return sorted((module.GROUP for module in modules), key=lambda group: group.title)
