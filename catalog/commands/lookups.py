"""Names that a client gave as search queries, read before anything is written (docs/decisions/0009)."""

from dataclasses import replace
from typing import Any

from catalog import permissions, queries, search
from catalog.models import Blueprint, Entity
from catalog.search.rules import Compare, Rule, leaves
from catalog.search.values import META
from catalog.wishes import Wish
from portal.kit.by import By
from portal.kit.errors import Invalid, Missing, PortalError

MOST_FOUND = 100
TEAMS = "_team"


def settled(wish: Wish, *, by: By) -> Wish:
    """The wish with plain names. Raises Missing or Invalid with the path of the query that does not find what it must."""
    if not wish.lookups:
        return wish
    blueprint = queries.blueprint(wish.blueprint)
    identifier, team, relations = wish.identifier, wish.team, dict(wish.relations)
    for path, rule in wish.lookups.items():
        if path == "identifier":
            (identifier,) = _found(blueprint, rule, path, by, many=False, mirrors=False)
        elif path == "team":
            team = tuple(_found(queries.blueprint(TEAMS), rule, path, by, many=True, mirrors=False))
        else:
            name = path.removeprefix("relations.")
            relations[name] = tuple(_related(blueprint, name, rule, path, by))
    return replace(wish, identifier=identifier, team=team, relations=relations, lookups={})


def _related(blueprint: Blueprint, name: str, rule: Rule, path: str, by: By) -> list[str]:
    declared = blueprint.relations.get(name)
    if declared is None:
        raise Missing(f'Relation with identifier "{name}" was not found')
    target = queries.blueprint(declared["target"])
    return _found(target, rule, path, by, many=bool(declared.get("many")), mirrors=True)


def _found(blueprint: Blueprint, rule: Rule, path: str, by: By, *, many: bool, mirrors: bool) -> list[str]:
    """Exactly one identifier, or up to a hundred in the order of their names; none is fine only for many."""
    _check_names(blueprint, rule, path, mirrors=mirrors)
    rows = permissions.readable(by, Entity.objects.filter(blueprint=blueprint), blueprint)
    matching = search.matching(rows, rule, by=by, blueprint=blueprint).order_by("identifier")
    found = list(matching.values_list("identifier", flat=True)[: MOST_FOUND + 1])
    if many and len(found) > MOST_FOUND:
        raise Invalid.at(path, f"matches more than {MOST_FOUND} entities; {MOST_FOUND} are allowed")
    if not many and len(found) != 1:
        raise _unclear(blueprint, path, found)
    return found


def _unclear(blueprint: Blueprint, path: str, found: list[str]) -> PortalError:
    if found:
        names = ", ".join(found[:3]) + (", ..." if len(found) > 3 else "")
        return Invalid.at(path, f"the query matches several entities ({names}); it must match exactly one")
    message = f"no entity of {blueprint.title} matches the query"
    return Missing(f"{path}: {message}", errors=[{"path": path, "message": message}])


def _check_names(blueprint: Blueprint, rule: Rule, path: str, *, mirrors: bool) -> None:
    allowed = blueprint.mirror_properties if mirrors else {}
    derived = blueprint.computed_properties.keys() - {
        name for name, each in allowed.items() if _is_near(blueprint, each)
    }
    for leaf in leaves(rule):
        name = leaf.field if isinstance(leaf, Compare) else None
        if name in derived:
            raise Invalid.at(path, f"{name!r} is computed by the portal and finds no name")
        if isinstance(name, str) and name.startswith("$") and name not in META:
            raise Invalid.at(path, f"{name!r} is none of {', '.join(sorted(META))}")


def _is_near(blueprint: Blueprint, mirror: dict[str, Any]) -> bool:
    """One relation away, and that to one alone."""
    steps = str(mirror.get("path", "")).split(".")
    return len(steps) == 2 and not blueprint.relations.get(steps[0], {}).get("many")
