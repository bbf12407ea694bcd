"""What of a starter can be taken out again: what is as it came, and holds nothing that anybody put there."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from catalog import kinds, queries
from catalog.commands import blueprint_update, blueprints_delete, entity_delete, view_delete
from catalog.models import Blueprint, Entity, Relation, View
from catalog.schema.definition import GROUPS, group_of
from catalog.scorecards.commands import scorecard_delete
from catalog.scorecards.models import Scorecard
from catalog.starters.changes import NAMES, PARTS, part_of, same_blueprint
from portal.kit.by import By
from portal.kit.errors import Conflict, Invalid

Json = dict[str, Any]
EDITED = "was changed since it came"


@dataclass(frozen=True)
class Left:
    """`forgotten`: it is gone already, so that nothing of it is left to take out."""

    part: Json
    why: str
    forgotten: bool = False

    @property
    def label(self) -> str:
        return label_of(self.part)


@dataclass(frozen=True)
class Removed:
    gone: list[Json]
    left: list[Left]


def label_of(part: Json) -> str:
    """`property tier of service`"""
    if part["what"] == "blueprint":
        return f"blueprint {part['blueprint']}"
    return f"{NAMES[part['what']]} {part['name']} of {part['blueprint']}".replace("  ", " ")


def removed(parts: list[Json], *, by: By) -> Removed:
    """In the caller's transaction. From the outside in: what stands on a blueprint goes before it."""
    of: dict[str, list[Json]] = defaultdict(list)
    for each in parts:
        of["part" if each["what"] in (*PARTS, "head") else each["what"]].append(each)
    left = [fate for each in of["scorecard"] if (fate := _scorecard(each, by))]
    left += [fate for each in of["view"] if (fate := _view(each, by))]
    left += _entities(of["entity"], by)
    left += _parts(of["part"], by)
    left += _blueprints(of["blueprint"], by)
    stay = [each.part for each in left]
    return Removed([each for each in parts if each not in stay], left)


def _scorecard(part: Json, by: By) -> Left | None:
    rows = Scorecard.objects.select_related("blueprint").filter(blueprint__identifier=part["blueprint"])
    found = rows.filter(identifier=part["name"]).first()
    if found is None:
        return Left(part, "is gone already", forgotten=True)
    if found.facts() != part["definition"]:
        return Left(part, EDITED)
    scorecard_delete(found, by=by)
    return None


def _view(part: Json, by: By) -> Left | None:
    rows = View.objects.select_related("blueprint").filter(blueprint__identifier=part["blueprint"], owner=None)
    found = rows.filter(title=part["name"]).first()
    if found is None:
        return Left(part, "is gone already", forgotten=True)
    if found.query != part["definition"]["query"]:
        return Left(part, EDITED)
    view_delete(found, by=by)
    return None


def _entities(parts: list[Json], by: By) -> Iterator[Left]:
    """The last that came first: it may need those before it."""
    for part in reversed(parts):
        rows = Entity.objects.select_related("blueprint").filter(blueprint__identifier=part["blueprint"])
        found = rows.filter(identifier=part["name"]).first()
        if found is None:
            yield Left(part, "is gone already", forgotten=True)
        elif not _is_as_it_came(found, part["definition"]):
            yield Left(part, EDITED)
        elif queries.pointing_at(found):
            yield Left(part, "others point at it")
        else:
            entity_delete(found, by=by)


def _is_as_it_came(entity: Entity, came: Json) -> bool:
    arrows = {name: each for name, each in queries.relations_of(entity).items() if each}
    wished = {name: each for name, each in came["relations"].items() if each}
    return (entity.title, entity.properties, arrows) == (came["title"], came["properties"], wished)


def _parts(parts: list[Json], by: By) -> Iterator[Left]:
    of: dict[str, list[Json]] = defaultdict(list)
    for each in parts:
        of[each["blueprint"]].append(each)
    for name, own in of.items():
        blueprint = Blueprint.objects.filter(identifier=name).first()
        if blueprint is None:
            yield from (Left(each, "is gone already", forgotten=True) for each in own)
            continue
        definition, fated = kinds.definition_of(blueprint), []
        for each in own:
            why = _why_not(blueprint, definition, each)
            if why:
                yield Left(each, why, forgotten=why == "is gone already")
            else:
                fated.append(each)
        if fated:
            try:
                blueprint_update(blueprint, _without(definition, fated), by=by)
            except (Conflict, Invalid) as refused:
                yield from (Left(each, refused.message) for each in fated)


def _why_not(blueprint: Blueprint, definition: Json, part: Json) -> str:
    what, name = part["what"], part["name"]
    now = part_of(definition, what, name)
    if now is None:
        return "is gone already"
    if now != part["definition"]:
        return EDITED
    if what == GROUPS[0] and blueprint.entities.filter(properties__has_key=name).exists():
        return "has values"
    if what == "relations" and Relation.objects.filter(source__blueprint=blueprint, name=name).exists():
        return "has entities at both its ends"
    return ""


def _without(definition: Json, parts: list[Json]) -> Json:
    for each in parts:
        what, name = each["what"], each["name"]
        group = {key: value for key, value in group_of(definition, what).items() if key != name}
        if what == GROUPS[0]:
            required = [key for key in definition["schema"].get("required", []) if key != name]
            definition = definition | {"schema": {"properties": group, "required": required}}
        else:
            definition = definition | {what: group}
    return definition


def _blueprints(parts: list[Json], by: By) -> Iterator[Left]:
    """Those that point at each other go together; one that has to stay keeps what it points at."""
    found = {each.identifier: each for each in Blueprint.objects.filter(identifier__in=[p["blueprint"] for p in parts])}
    stay = {each["blueprint"]: why for each in parts if (why := _why_it_stays(each, found.get(each["blueprint"])))}
    pointed = {name: _pointing(name) for name in found}
    while held := {
        name: f"{', '.join(sorted(pointed[name] - going))} points at it"
        for going in [found.keys() - stay.keys()]
        for name in going
        if pointed[name] - going
    }:
        stay |= held
    yield from (
        Left(each, stay[each["blueprint"]], each["blueprint"] not in found)
        for each in parts
        if each["blueprint"] in stay
    )
    if going := sorted(found.keys() - stay.keys()):
        blueprints_delete(going, by=by)


def _why_it_stays(part: Json, blueprint: Blueprint | None) -> str:
    if blueprint is None:
        return "is gone already"
    if not same_blueprint(kinds.definition_of(blueprint), part["definition"]):
        return EDITED
    count = blueprint.entities.count()
    if count:
        return f"has {count} {'entity' if count == 1 else 'entities'}"
    return ""


def _pointing(name: str) -> set[str]:
    others = Blueprint.objects.exclude(identifier=name)
    return {
        each.identifier
        for each in others
        if any(part["target"] == name for part in [*each.relations.values(), *each.aggregation_properties.values()])
    }
