"""What a starter would change of a catalog, part by part. Nothing here reads or writes the database."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from catalog.schema.definition import GROUPS, group_of
from catalog.starters.shelf import Starter

Json = dict[str, Any]
Word = Literal["new", "same", "differs", "taken"]

PARTS = (*GROUPS, "relations")
HEAD = ("title", "description", "icon", "ownership")
NAMES = {
    "blueprint": "blueprint",
    "head": "title and description",
    "schema.properties": "property",
    "calculationProperties": "calculation",
    "mirrorProperties": "mirror",
    "aggregationProperties": "aggregation",
    "relations": "relation",
    "scorecard": "scorecard",
    "view": "view",
    "entity": "example",
}


@dataclass(frozen=True)
class Change:
    """A part of a starter beside what has its name in the catalog.

    `new`: nothing has. `same`: it is here already. `differs`: it is here otherwise, and could be set. `taken`: the
    name means something else here, and stays that.
    """

    what: str
    blueprint: str
    name: str
    word: Word
    wished: Json
    now: Json | None = None

    @property
    def kind(self) -> str:
        return NAMES[self.what]

    @property
    def key(self) -> tuple[str, str, str]:
        return self.what, self.blueprint, self.name

    @property
    def part(self) -> Json:
        return {"what": self.what, "blueprint": self.blueprint, "name": self.name, "definition": self.wished}


@dataclass(frozen=True)
class Catalog:
    """What is there of all that a starter names: definitions by identifier, the rest by blueprint and name."""

    blueprints: Mapping[str, Json]
    scorecards: Mapping[tuple[str, str], Json]
    views: Mapping[tuple[str, str], Json]
    entities: Mapping[tuple[str, str], Json]


def changes(starter: Starter, catalog: Catalog, *, examples: bool) -> list[Change]:
    found = [each for wished in starter.blueprints for each in _of_blueprint(wished, catalog)]
    found += [each for wished in starter.extends for each in _of_parts(wished, catalog)]
    found += [
        _of("scorecard", each["blueprint"], each["identifier"], _bare(each), catalog.scorecards)
        for each in starter.scorecards
    ]
    found += [
        _of("view", each["blueprint"], each["title"], {"query": each["query"]}, catalog.views) for each in starter.views
    ]
    if examples:
        found += [
            _of("entity", each["blueprint"], each["identifier"], _bare(each), catalog.entities)
            for each in starter.examples
        ]
    return found


def assembled(starter: Starter, catalog: Catalog, wanted: list[Change]) -> list[Json]:
    """Whole definitions of the blueprints that get any of the wanted parts."""
    made: dict[str, Json] = {}
    for each in wanted:
        if each.what == "blueprint":
            made[each.blueprint] = each.wished
        elif each.what in PARTS or each.what == "head":
            made[each.blueprint] = _with(made.get(each.blueprint) or catalog.blueprints[each.blueprint], each)
    return list(made.values())


def part_of(definition: Json, what: str, name: str) -> Json | None:
    """As it stands in a definition, in the form in which parts are compared; None where it does not."""
    if what == "head":
        return head_of(definition)
    found = group_of(definition, what).get(name)
    return None if found is None else _plain(what, found)


def head_of(definition: Json) -> Json:
    return {name: definition.get(name) or None for name in HEAD}


def same_blueprint(definition: Json, other: Json) -> bool:
    """Whether the two say the same, whatever stands in one as empty and is left out of the other."""
    required = [sorted(each["schema"].get("required", [])) for each in (definition, other)]
    return (
        head_of(definition) == head_of(other)
        and required[0] == required[1]
        and all(_group(definition, what) == _group(other, what) for what in PARTS)
    )


def _group(definition: Json, what: str) -> Json:
    return {name: _plain(what, each) for name, each in group_of(definition, what).items()}


def _of_blueprint(wished: Json, catalog: Catalog) -> Iterator[Change]:
    name = wished["identifier"]
    if name not in catalog.blueprints:
        yield Change("blueprint", name, "", "new", wished)
        return
    now = head_of(catalog.blueprints[name])
    word: Word = "same" if head_of(wished) == now else "differs"
    yield Change("head", name, "", word, head_of(wished), now)
    yield from _of_parts(wished, catalog)


def _of_parts(wished: Json, catalog: Catalog) -> Iterator[Change]:
    """Of a blueprint that is not there yet, such as one that another starter brings, there is nothing to say."""
    name = wished["identifier"]
    there = catalog.blueprints.get(name)
    if there is None:
        return
    whole: Json = {"schema": {"properties": {}}} | wished
    for what in PARTS:
        for part, declared in group_of(whole, what).items():
            yield _of_part(name, what, part, _plain(what, declared), there)


def _of_part(blueprint: str, what: str, name: str, wished: Json, there: Json) -> Change:
    now = part_of(there, what, name)
    if now is None and what != "relations":
        other = next((each for each in GROUPS if name in group_of(there, each)), None)
        if other:
            return Change(what, blueprint, name, "taken", wished, {"is": NAMES[other]} | group_of(there, other)[name])
        return Change(what, blueprint, name, "new", wished)
    if now is None:
        return Change(what, blueprint, name, "new", wished)
    if now == wished:
        return Change(what, blueprint, name, "same", wished, now)
    # A value or an arrow that is there already would not fit another type or target.
    fits = all(now.get(key) == wished.get(key) for key in ("type", "format", "target", "many"))
    return Change(
        what, blueprint, name, "differs" if fits or what not in (GROUPS[0], "relations") else "taken", wished, now
    )


def _of(what: str, blueprint: str, name: str, wished: Json, there: Mapping[tuple[str, str], Json]) -> Change:
    now = there.get((blueprint, name))
    if now is None:
        return Change(what, blueprint, name, "new", wished)
    if what == "entity":
        return Change(what, blueprint, name, "same", wished, now)
    return Change(what, blueprint, name, "same" if now == wished else "differs", wished, now)


def _with(definition: Json, change: Change) -> Json:
    if change.what == "head":
        return definition | change.wished
    group = group_of(definition, change.what) | {change.name: change.wished}
    if change.what == GROUPS[0]:
        return definition | {"schema": definition["schema"] | {"properties": group}}
    return definition | {change.what: group}


def _plain(what: str, declared: Json) -> Json:
    return {"required": False, "many": False} | declared if what == "relations" else declared


def _bare(named: Json) -> Json:
    return {name: value for name, value in named.items() if name != "blueprint"}
