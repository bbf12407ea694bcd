"""The lines of the filter builder, in people's words, and as rules of the search language."""

from typing import Any

from catalog import search
from catalog.search.instants import PRESETS
from catalog.tables.columns import Column
from catalog.tables.state import Filter, State
from portal.kit.errors import Invalid

Json = dict[str, Any]

ME, MINE = "me", "my teams"
WITHIN = "within"
EMPTY = [("isEmpty", "is empty"), ("isNotEmpty", "is not empty")]
IS = [("=", "is"), ("!=", "is not"), ("in", "is one of"), ("notIn", "is none of")]
PARTS = [
    ("contains", "contains"),
    ("doesNotContains", "does not contain"),
    ("beginsWith", "begins with"),
    ("endsWith", "ends with"),
]
SIZES = [(">", "is more than"), (">=", "is at least"), ("<", "is less than"), ("<=", "is at most")]
TIMES = [(WITHIN, "is within"), (">", "is after"), ("<", "is before")]
OPERATORS = {
    "text": [*PARTS, *IS, *EMPTY],
    "number": [("=", "is"), ("!=", "is not"), *SIZES, *EMPTY],
    "boolean": [("=", "is"), ("!=", "is not"), *EMPTY],
    "date": [*TIMES, *EMPTY],
    "choice": [*IS, *PARTS[:1], *EMPTY],
    "list": [("=", "has"), ("!=", "has not"), ("in", "has one of"), ("contains", "has one like"), *EMPTY],
    "object": EMPTY,
    "user": [*IS, *PARTS[:1], *EMPTY],
    "team": [*IS, *EMPTY],
    "relation": [*IS, *PARTS[:1], *EMPTY],
    "level": [*IS, *EMPTY],
    "live": [],
}
ALL = list(dict([*IS, *PARTS, *SIZES, *TIMES, *EMPTY]).items())
SPANS = {
    "today": "today", "yesterday": "yesterday", "tomorrow": "tomorrow", "last day": "lastDay", "last week": "lastWeek",
    "last 2 weeks": "last2Weeks", "last month": "lastMonth", "last 3 months": "last3Months",
    "last 6 months": "last6Months", "last year": "last12Months", "next week": "nextWeek", "next month": "nextMonth",
}  # fmt: skip
WITHOUT_VALUE = {"isEmpty", "isNotEmpty"}


def rule_of(state: State, columns: dict[str, Column]) -> search.Rule | None:
    """Raises Invalid with a sentence for the person who typed it."""
    rules = [as_rule(each, columns) for each in state.filters]
    if not rules:
        return None
    return search.parse({"combinator": state.combinator, "rules": rules}, path="filter")


def words_of(line: Filter, columns: dict[str, Column]) -> str:
    """`Tier is production`, on the line's chip."""
    column = columns.get(line.property) or Column(line.property, line.property.lstrip("$"), "text", {})
    operator = dict([*ALL, *OPERATORS[column.kind]]).get(line.operator, line.operator)
    return " ".join(each for each in (column.title, operator, line.value) if each)


def suggestions(column: Column) -> list[str]:
    """What the value's field offers."""
    if column.kind == "date":
        return list(SPANS)
    if column.kind == "user":
        return [ME]
    if column.kind == "team":
        return [MINE]
    return [str(each) for each in column.choices]


def as_rule(line: Filter, columns: dict[str, Column]) -> Json:
    column = columns.get(line.property)
    if column is None and line.property not in ("$identifier", "$title"):
        raise Invalid.at("filter", f"there is no property “{line.property}”")
    kind = column.kind if column else "text"
    operator, value = line.operator, line.value
    if kind == "live":
        raise Invalid.at("filter", f"“{line.property}” depends on the clock, so nothing is found by it")
    known = {each for each, _ in [*ALL, *OPERATORS[kind]]}
    if operator not in known:
        raise Invalid.at("filter", f"“{operator}” is not a way to compare")
    named: Json = column.named if column else {"property": line.property}
    if operator in WITHOUT_VALUE:
        return named | {"operator": operator}
    if not value:
        raise Invalid.at("filter", f"“{words_of(line, columns)}” needs a value")
    if operator == WITHIN:
        return named | {"operator": "between", "value": {"preset": _span(value)}}
    return named | {"operator": operator, "value": _value(value, operator, column)}


def _span(value: str) -> str:
    found = SPANS.get(value.lower(), value)
    if found not in PRESETS:
        raise Invalid.at("filter", f"“{value}” is not one of {', '.join(SPANS)}")
    return found


def _value(value: str, operator: str, column: Column | None) -> Any:
    kind = column.kind if column else "text"
    if kind == "user" and value.lower() == ME:
        return {"context": "user", "property": "$identifier"}
    if kind == "team" and value.lower() == MINE:
        return {"context": "userTeams", "property": "$identifier"}
    if operator in ("in", "notIn"):
        return [_one(each.strip(), column) for each in value.split(",") if each.strip()]
    return _one(value, column)


def _one(value: str, column: Column | None) -> Any:
    kind = column.kind if column else "text"
    if kind == "boolean":
        if value.lower() not in ("yes", "no", "true", "false"):
            raise Invalid.at("filter", f"“{value}” is neither yes nor no")
        return value.lower() in ("yes", "true")
    if kind == "number" or column and column.definition.get("type") == "number":
        return _number(value)
    return value


def _number(value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = float("nan")
    if not abs(number) < 2**63:
        raise Invalid.at("filter", f"“{value}” is not a number")
    return int(number) if number.is_integer() else number
