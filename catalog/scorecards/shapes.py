"""What a scorecard may be, and its conditions as rules of the search language."""

from collections.abc import Iterator
from typing import Any

from catalog.schema.identifiers import check_identifier, check_property_key
from catalog.schema.types import COLOURS
from catalog.schema.validate import check_shape
from catalog.scorecards.models import LEVELS
from catalog.search import Rule, parse
from catalog.search.rules import Compare, Contextual, RelationRule, ScorecardRule, leaves
from portal.kit.errors import Invalid

Json = dict[str, Any]

MOST_RULES = 200

COLUMNS = ("identifier", "title", "filter", "levels", "rules")
# What the portal adds to answers: a client that reads, changes and writes sends it back.
STAMPS = {"id", "blueprint", "createdAt", "createdBy", "updatedAt", "updatedBy"}

_QUERY = {
    "type": "object",
    "properties": {
        "combinator": {"enum": ["and", "or"]},
        "conditions": {"type": "array", "minItems": 1, "items": {"type": "object", "required": ["operator"]}},
    },
    "required": ["combinator", "conditions"],
}
_RULE = {
    "type": "object",
    "properties": {
        "identifier": {"type": "string"},
        "title": {"type": "string", "minLength": 1, "maxLength": 100},
        "description": {"type": ["string", "null"], "maxLength": 1000},
        "level": {"type": "string"},
        "query": _QUERY,
    },
    "required": ["identifier", "title", "level", "query"],
}
SCORECARD = {
    "type": "object",
    "properties": {
        "identifier": {"type": "string"},
        "title": {"type": "string", "minLength": 1, "maxLength": 100},
        "filter": {"anyOf": [{"type": "null"}, _QUERY]},
        "levels": {
            "type": "array",
            "minItems": 1,
            "maxItems": 20,
            "items": {
                "type": "object",
                "properties": {
                    "title": {"type": "string", "minLength": 1, "maxLength": 100},
                    "color": {"enum": COLOURS},
                },
                "required": ["title"],
            },
        },
        "rules": {"type": "array", "items": _RULE, "maxItems": MOST_RULES},
    },
    "required": ["identifier", "title", "rules"],
}


LIST = {"type": "array", "items": {"type": "object"}, "maxItems": 100}


def check(definition: Json) -> None:
    """Refuses with the place of every fault of its shape, or of the first one of its sense."""
    check_shape(SCORECARD, definition)
    check_identifier(definition["identifier"], "identifier", longest=100, also="=")
    levels = [each["title"] for each in definition.get("levels") or LEVELS]
    check_once(levels, "levels.{}.title")
    rules = definition["rules"]
    check_once([each["identifier"] for each in rules], "rules.{}.identifier")
    for n, rule in enumerate(rules):
        check_property_key(rule["identifier"], f"rules.{n}.identifier")
        if rule["level"] not in levels[1:]:
            above = ", ".join(levels[1:]) or "a level above the first"
            raise Invalid.at(f"rules.{n}.level", f"must be one of {above}: everything starts at {levels[0]}")
        _read_own(rule["query"], f"rules.{n}.query")
    if definition.get("filter"):
        _read_own(definition["filter"], "filter")


def _read_own(query: Json, path: str) -> None:
    """A scorecard may not ask how an entity stands, since it could ask itself, nor for who looks at it."""
    for each in leaves(read(query, path=path)):
        if isinstance(each, ScorecardRule):
            raise Invalid.at(path, "a scorecard may not ask for a scorecard")
        if isinstance(getattr(each, "value", None), Contextual) or isinstance(getattr(each, "field", None), Contextual):
            raise Invalid.at(path, "a scorecard is the same for everybody: it may not ask for who looks at it")


def fields_of(query: Json) -> Iterator[str]:
    """Names of the properties that it asks about, and of relations as `relations.name`."""
    for each in leaves(read(query)):
        if isinstance(each, RelationRule):
            yield f"relations.{each.name}"
        elif isinstance(each, Compare) and isinstance(each.field, str):
            yield each.field


def read(query: Json, *, path: str = "query") -> Rule:
    """`{"combinator", "conditions"}` as the search language has it."""
    return parse(_plain(query), path=path, of="conditions")


_TURNED = {"isEmpty": "isNotEmpty", "isNotEmpty": "isEmpty"}


def _plain(rule: Any) -> Any:
    """Without `not`, which turns an empty round."""
    if not isinstance(rule, dict):
        return rule
    plain = {name: value for name, value in rule.items() if name != "not"}
    if isinstance(rule.get("conditions"), list):
        plain["conditions"] = [_plain(each) for each in rule["conditions"]]
    if rule.get("not") is True and rule.get("operator") in _TURNED:
        plain["operator"] = _TURNED[rule["operator"]]
    return plain


def check_once(names: list[str], path: str) -> None:
    for n, name in enumerate(names):
        if name in names[:n]:
            raise Invalid.at(path.format(n), f"{name!r} stands twice")


def columns_of(definition: Json) -> Json:
    """Of the row, without the identifier."""
    columns = {
        "title": definition["title"],
        "filter": definition.get("filter") or None,
        "levels": definition.get("levels") or [],
        "rules": definition["rules"],
    }
    known = {*COLUMNS, *STAMPS}
    return columns | {"extra": {name: value for name, value in definition.items() if name not in known}}
