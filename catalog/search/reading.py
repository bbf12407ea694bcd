"""Reads `{"combinator": "and", "rules": [...]}` into a tree, and says where it is wrong."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from catalog.search.instants import PRESETS, instant_of
from catalog.search.rules import (
    Any_,
    Compare,
    Contextual,
    Every,
    Field,
    MatchAny,
    PropertySchema,
    RelatedTo,
    RelationRule,
    Rule,
    ScorecardRule,
    Step,
)
from portal.kit.errors import Invalid

Json = dict[str, Any]

MOST_RULES = 500
MOST_VALUES = 1000
MOST_HOPS = 15
LONGEST_TEXT = 10_000

# What clients write: (the positive operator, whether it is turned round).
OPERATORS = {
    "=": ("=", False),
    "!=": ("=", True),
    ">": (">", False),
    ">=": (">=", False),
    "<": ("<", False),
    "<=": ("<=", False),
    "isEmpty": ("isEmpty", False),
    "isNotEmpty": ("isEmpty", True),
    "isExpired": ("isExpired", False),
    "isNotExpired": ("isExpired", True),
    "between": ("between", False),
    "notBetween": ("between", True),
    "contains": ("contains", False),
    "doesNotContains": ("contains", True),
    "doesNotContain": ("contains", True),
    "beginsWith": ("beginsWith", False),
    "doesNotBeginsWith": ("beginsWith", True),
    "endsWith": ("endsWith", False),
    "doesNotEndsWith": ("endsWith", True),
    "containsAny": ("containsAny", False),
    "in": ("in", False),
    "notIn": ("in", True),
}
ON_SCORECARDS = {"=", "in", "isEmpty"}
ON_RELATIONS = {"=", "in", "contains", "beginsWith", "endsWith", "isEmpty"}
TYPES = ("array", "boolean", "number", "object", "string")


def parse(query: Any, *, path: str = "query", of: str = "rules") -> Rule:
    """The tree of a query. Raises Invalid with the path of the first fault. `of` is the key that a group has its rules under."""
    return _Parser(of).group(query, path)


class _Parser:
    def __init__(self, of: str) -> None:
        self.of = of
        self.count = 0

    def group(self, query: Any, path: str) -> Rule:
        query = _object(query, path)
        combinator = query.get("combinator")
        if combinator not in ("and", "or"):
            raise Invalid.at(_under(path, "combinator"), 'must be "and" or "or"')
        rules = query.get(self.of)
        if not isinstance(rules, list):
            raise Invalid.at(_under(path, self.of), "must be a list of rules")
        parsed = tuple(self.rule(each, _under(path, f"{self.of}.{number}")) for number, each in enumerate(rules))
        return Every(parsed) if combinator == "and" else Any_(parsed)

    def rule(self, rule: Any, path: str) -> Rule:
        self.count += 1
        if self.count > MOST_RULES:
            raise Invalid.at(path, f"a query has at most {MOST_RULES} rules")
        rule = _object(rule, path)
        if "combinator" in rule or self.of in rule:
            return self.group(rule, path)
        return _leaf(rule, path)


def _leaf(rule: Json, path: str) -> Rule:
    operator = rule.get("operator")
    if operator == "relatedTo":
        return _related_to(rule, path)
    if operator == "matchAny":
        return _match_any(rule, path)
    if not isinstance(operator, str) or operator not in OPERATORS:
        known = ", ".join([*OPERATORS, "relatedTo", "matchAny"])
        raise Invalid.at(_under(path, "operator"), f"{operator!r} is not one of {known}")
    positive, negated = OPERATORS[operator]
    if "scorecard" in rule:
        return _scorecard(rule, path, positive, negated)
    if "relation" in rule:
        return _relation(rule, path, positive, negated)
    field = _field(rule, path)
    read = _VALUES[positive]
    value = read(rule.get("value"), _under(path, "value"))
    return Compare(field, positive, value, negated)


def _field(rule: Json, path: str) -> Field:
    if "propertySchema" in rule:
        return _property_schema(rule["propertySchema"], _under(path, "propertySchema"))
    named = rule.get("property")
    where = _under(path, "property")
    if isinstance(named, dict) and "context" in named:
        return _contextual(named, where)
    return _text(named, where)


def _property_schema(schema: Any, path: str) -> PropertySchema:
    schema = _object(schema, path)
    if schema.get("type") not in TYPES:
        raise Invalid.at(_under(path, "type"), f"must be one of {', '.join(TYPES)}")
    items = schema.get("items")
    kind = _object(items, _under(path, "items")).get("type") if items is not None else ""
    named = [(schema.get("format") or "", "format"), (kind or "", "items.type")]
    for value, where in named:
        if not isinstance(value, str):
            raise Invalid.at(_under(path, where), "must be a text")
    return PropertySchema(schema["type"], named[0][0], named[1][0])


def _contextual(named: Json, path: str) -> Contextual:
    if named.get("context") not in ("user", "userTeams"):
        raise Invalid.at(_under(path, "context"), 'must be "user" or "userTeams"')
    return Contextual(named["context"], _text(named.get("property"), _under(path, "property")))


def _relation(rule: Json, path: str, operator: str, negated: bool) -> RelationRule:
    target = rule.get("targetProperty", "$identifier")
    if target not in ("$identifier", "$title"):
        raise Invalid.at(_under(path, "targetProperty"), 'must be "$identifier" or "$title"')
    if operator not in ON_RELATIONS:
        raise Invalid.at(_under(path, "operator"), "is not for relations")
    value = _VALUES[operator](rule.get("value"), _under(path, "value"))
    return RelationRule(_text(rule["relation"], _under(path, "relation")), target, operator, value, negated)


def _scorecard(rule: Json, path: str, operator: str, negated: bool) -> ScorecardRule:
    if operator not in ON_SCORECARDS:
        raise Invalid.at(
            _under(path, "operator"), "is not for scorecards: a level is compared by = and in, or is empty"
        )
    value = _VALUES[operator](rule.get("value"), _under(path, "value"))
    if isinstance(value, Contextual):
        raise Invalid.at(_under(path, "value"), "a level is a text")
    of = _text(rule["scorecardRule"], _under(path, "scorecardRule")) if "scorecardRule" in rule else ""
    return ScorecardRule(_text(rule["scorecard"], _under(path, "scorecard")), of, operator, _judged(of, value), negated)


def _judged(of: str, value: Any) -> Any:
    """What a rule says, also in people's words."""
    words = {"Passed": "SUCCESS", "Not passed": "FAILURE"} if of else {}
    if isinstance(value, tuple):
        return tuple(_judged(of, each) for each in value)
    return words.get(value, value) if isinstance(value, str) else value


def _related_to(rule: Json, path: str) -> RelatedTo:
    direction = rule.get("direction", "")
    if direction not in ("", "upstream", "downstream"):
        raise Invalid.at(_under(path, "direction"), 'must be "upstream" or "downstream", or be left out')
    required = rule.get("required")
    if required is not None and not isinstance(required, bool):
        raise Invalid.at(_under(path, "required"), "must be true or false")
    blueprint = _text(rule.get("blueprint"), _under(path, "blueprint"))
    return RelatedTo(blueprint, _identifiers(rule.get("value"), _under(path, "value")), direction, required)


def _match_any(rule: Json, path: str) -> MatchAny:
    where = _under(path, "property")
    named = _object(rule.get("property"), where)
    steps = named.get("path")
    if not isinstance(steps, list) or not steps:
        raise Invalid.at(_under(where, "path"), "must be a list of relations")
    if len(steps) > MOST_HOPS:
        raise Invalid.at(_under(where, "path"), f"has at most {MOST_HOPS} steps")
    parsed = tuple(_step(each, _under(where, f"path.{number}")) for number, each in enumerate(steps))
    if sum(1 for step in parsed if step.hops) > 1:
        raise Invalid.at(_under(where, "path"), "maxHops may stand once in a path")
    start = named.get("fromBlueprint", "")
    if not isinstance(start, str):
        raise Invalid.at(_under(where, "fromBlueprint"), "must be a blueprint's identifier")
    return MatchAny(parsed, _identifiers(rule.get("value"), _under(path, "value")), start)


def _step(step: Any, path: str) -> Step:
    if isinstance(step, str) and step:
        return Step(step)
    step = _object(step, path)
    hops = step.get("maxHops", 0)
    if (
        isinstance(hops, bool)
        or not isinstance(hops, int)
        or not (0 <= hops <= MOST_HOPS)
        or hops == 0
        and "maxHops" in step
    ):
        raise Invalid.at(_under(path, "maxHops"), f"must be a whole number from 1 to {MOST_HOPS}")
    return Step(_text(step.get("relation"), _under(path, "relation")), hops)


def _identifiers(value: Any, path: str) -> tuple[str, ...]:
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list) or not values or not all(isinstance(each, str) for each in values):
        raise Invalid.at(path, "must be an identifier, or a list of them")
    if len(values) > MOST_VALUES:
        raise Invalid.at(path, f"holds at most {MOST_VALUES} identifiers")
    return tuple(values)


def _any_value(value: Any, path: str) -> Any:
    if isinstance(value, dict) and "context" in value:
        return _contextual(value, path)
    return value


def _nothing(value: Any, path: str) -> None:
    return None


def _amount(value: Any, path: str) -> Any:
    if isinstance(value, dict) and "context" in value:
        return _contextual(value, path)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    instant = instant_of(value)
    if instant is None:
        raise Invalid.at(path, "must be a number, or a date such as 2026-01-31 or 2026-01-31T12:00:00Z")
    return instant


def _part(value: Any, path: str) -> Any:
    if isinstance(value, dict) and "context" in value:
        return _contextual(value, path)
    if isinstance(value, bool | int | float):
        return str(value).lower() if isinstance(value, bool) else str(value)
    return _text(value, path)


def _list(value: Any, path: str) -> Any:
    if isinstance(value, dict) and "context" in value:
        return _contextual(value, path)
    if not isinstance(value, list):
        raise Invalid.at(path, "must be a list")
    if len(value) > MOST_VALUES:
        raise Invalid.at(path, f"holds at most {MOST_VALUES} values")
    if any(isinstance(each, dict | list) for each in value):
        raise Invalid.at(path, "must be a list of texts, numbers and booleans")
    return tuple(value)


def _span(value: Any, path: str) -> str | tuple[datetime, datetime]:
    """A preset's name, read when it is asked, or the two instants."""
    value = _object(value, path)
    if "preset" in value:
        if value["preset"] not in PRESETS:
            raise Invalid.at(_under(path, "preset"), f"must be one of {', '.join(PRESETS)}")
        return str(value["preset"])
    return _end(value, "from", path), _end(value, "to", path)


def _end(value: dict[str, Any], name: str, path: str) -> datetime:
    instant = instant_of(value.get(name))
    if instant is None:
        raise Invalid.at(_under(path, name), "must be a date such as 2026-01-31 or 2026-01-31T12:00:00Z")
    return instant


_VALUES: dict[str, Callable[[Any, str], Any]] = {
    "=": _any_value,
    ">": _amount,
    ">=": _amount,
    "<": _amount,
    "<=": _amount,
    "isEmpty": _nothing,
    "isExpired": _nothing,
    "between": _span,
    "contains": _part,
    "beginsWith": _part,
    "endsWith": _part,
    "containsAny": _list,
    "in": _list,
}


def _object(value: Any, path: str) -> Json:
    if not isinstance(value, dict):
        raise Invalid.at(path, "must be an object")
    return value


def _text(value: Any, path: str) -> str:
    if not isinstance(value, str) or not value:
        raise Invalid.at(path, "must be a text that is not empty")
    if len(value) > LONGEST_TEXT:
        raise Invalid.at(path, f"holds at most {LONGEST_TEXT} characters")
    return value


def _under(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
