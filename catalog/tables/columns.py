"""The columns that a blueprint's table can have."""

from dataclasses import dataclass
from typing import Any

from catalog import kinds, queries
from catalog.models import Blueprint
from catalog.search import standings
from catalog.search.values import RELATIONS

Json = dict[str, Any]

META = {
    "$team": ("Team", "team"),
    "$createdAt": ("Created", "date"),
    "$createdBy": ("Created by", "text"),
    "$updatedAt": ("Updated", "date"),
    "$updatedBy": ("Updated by", "text"),
    "$datasource": ("Data source", "text"),
}
# Which of them a table shows until somebody chooses: not what is too long to be read in a line.
AT_FIRST = 7
LONG = {"markdown", "yaml", "proto"}


@dataclass(frozen=True)
class Column:
    """`kind` says how it is filtered: text, number, boolean, date, choice, list, user, team, relation, level or object.

    One that is `live` is shown and no more: it depends on the clock, so the database cannot tell.
    """

    name: str
    title: str
    kind: str
    definition: Json
    description: str = ""

    @property
    def sortable(self) -> bool:
        return self.kind not in ("list", "object", "live") and not self.definition.get("many")

    @property
    def countable(self) -> bool:
        """One value that others may have too, so that it can be grouped by."""
        if self.kind == "relation":
            return not self.definition.get("many")
        return (
            self.kind in ("choice", "boolean", "user", "team", "level") or self.kind == "text" and self.name not in META
        )

    @property
    def spreads(self) -> bool:
        """Few values, so that how they are spread is shown under the table."""
        return self.kind in ("choice", "boolean", "level")

    @property
    def named(self) -> Json:
        """How a rule of the search language speaks of it."""
        if self.kind == "relation":
            return {"relation": self.name.removeprefix(RELATIONS)}
        if self.kind == "level":
            scorecard, rule = standings.parts(self.name)
            return {"scorecard": scorecard} | ({"scorecardRule": rule} if rule else {})
        return {"property": self.name}

    @property
    def choices(self) -> list[Any]:
        if self.kind == "boolean":
            return ["yes", "no"]
        return list(self.definition.get("enum") or [])


def columns_of(blueprint: Blueprint) -> dict[str, Column]:
    """All of them by name, in the order they are offered."""
    declared = blueprint.properties | queries.computed_definitions(blueprint)
    own = [_property(blueprint, name, definition) for name, definition in declared.items()]
    own += [_live(blueprint, name) for name in _undeclared_live(blueprint)]
    related = [
        Column(RELATIONS + name, declared.get("title") or name, "relation", declared, declared.get("description") or "")
        for name, declared in blueprint.relations.items()
    ]
    meta = [Column(name, title, kind, {}) for name, (title, kind) in META.items()]
    team, rest = [each for each in meta if each.name == "$team"], [each for each in meta if each.name != "$team"]
    return {column.name: column for column in [*team, *own, *related, *_judged(blueprint), *rest]}


def _judged(blueprint: Blueprint) -> list[Column]:
    """The level by each scorecard, and whether each rule of it is passed."""
    columns = []
    for judge in standings.judges(blueprint):
        columns.append(_level(standings.named(judge.identifier), judge.title, judge.levels))
        for rule, (title, description) in judge.rules.items():
            name = standings.named(judge.identifier, rule)
            columns.append(_level(name, f"{judge.title}: {title}", standings.RULE_COLOURS, description))
    return columns


def _level(name: str, title: str, colours: dict[str, str], description: str = "") -> Column:
    definition = {"type": "string", "enum": list(colours), "enumColors": colours}
    return Column(name, title, "level", definition, description)


def shown_at_first(blueprint: Blueprint, columns: dict[str, Column]) -> list[str]:
    own = [
        column.name
        for column in columns.values()
        if column.name not in META and not _is_long(column) and column.kind not in ("relation", "level")
    ]
    levels = [name for name, column in columns.items() if column.kind == "level" and not standings.parts(name)[1]]
    related = [name for name, column in columns.items() if column.kind == "relation"]
    team = ["$team"] if (blueprint.ownership or {}).get("type") else []
    return [*team, *levels[:2], *related[:2], *own[:AT_FIRST], "$updatedAt"]


def _is_long(column: Column) -> bool:
    return column.kind == "object" or column.definition.get("format") in LONG or column.name == "description"


def _property(blueprint: Blueprint, name: str, definition: Json) -> Column:
    kind = "live" if name in blueprint.derived.get("live", ()) else _kind(definition)
    return Column(name, definition.get("title") or name, kind, definition, definition.get("description") or "")


def _undeclared_live(blueprint: Blueprint) -> list[str]:
    owner = kinds.live(blueprint)
    return sorted(owner.properties - blueprint.declared.keys()) if owner and owner.function else []


def _live(blueprint: Blueprint, name: str) -> Column:
    return Column(name, name, "text", {"type": "string"})


def _kind(definition: Json) -> str:
    if definition.get("enum"):
        return "choice"
    if definition.get("format") in ("date-time", "timer"):
        return "date"
    if definition.get("format") in ("user", "team"):
        return str(definition["format"])
    kinds = {"number": "number", "boolean": "boolean", "array": "list", "object": "object"}
    return kinds.get(str(definition.get("type")), "text")
