from typing import Any

from catalog.compute.reach import asked_of
from catalog.models import Blueprint
from catalog.permissions import sees_all
from catalog.permissions.telling import require_sight as require_sight_of
from catalog.scorecards.shapes import read
from portal.kit.by import By

Json = dict[str, Any]


def require_sight(by: By, blueprint: Blueprint, definition: Json, *, before: Json | None = None) -> None:
    """Raises Refused where a level would follow from entities that the writer may not see, unless it did `before`."""
    if sees_all(by.actor):
        return
    old = _questions(before or {"rules": []})
    for name, query in _questions(definition).items():
        if query != old.get(name):
            require_sight_of(by, asked_of(read(query), blueprint.identifier), f"the {name} of “{definition['title']}”")


def _questions(definition: Json) -> dict[str, Json]:
    rules = {f"rule “{each['identifier']}”": each["query"] for each in definition["rules"]}
    return rules | ({"filter": definition["filter"]} if definition.get("filter") else {})
