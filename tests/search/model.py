"""What docs/decisions/0008-search.md says, in plain Python over plain dictionaries, written apart from the compiler."""

import re
from datetime import UTC, datetime

POSITIVE = {
    "!=": "=", "isNotEmpty": "isEmpty", "notIn": "in", "notBetween": "between", "doesNotContains": "contains",
    "doesNotBeginsWith": "beginsWith", "doesNotEndsWith": "endsWith", "isNotExpired": "isExpired",
}  # fmt: skip
ISO = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?", re.ASCII)


def finds(query, entities, declared):
    """Identifiers of the entities (by identifier) that the query is true of."""
    return {name for name in entities if holds(query, name, entities, declared)}


def holds(rule, name, entities, declared):
    if "combinator" in rule:
        if not rule["rules"]:
            return True
        each = [holds(inner, name, entities, declared) for inner in rule["rules"]]
        return all(each) if rule["combinator"] == "and" else any(each)
    operator = rule["operator"]
    if operator in POSITIVE:
        return not holds(rule | {"operator": POSITIVE[operator]}, name, entities, declared)
    if operator == "relatedTo":
        return name in related(rule, entities)
    if operator == "matchAny":
        return matches(rule, name, entities)
    if "relation" in rule:
        return points(rule, name, entities)
    if "propertySchema" in rule:
        wanted = rule["propertySchema"]
        fitting = [p for p, d in declared.items() if all(d.get(key) == value for key, value in wanted.items())]
        return any(
            compare(operator, values(entities[name], p, declared), rule.get("value"), declared.get(p)) for p in fitting
        )
    return compare(
        operator, values(entities[name], rule["property"], declared), rule.get("value"), declared.get(rule["property"])
    )


def values(entity, name, declared):
    """The value, None where there is none. A list is a list."""
    if name == "$identifier":
        return entity["identifier"]
    if name == "$title":
        return Title(entity["title"], entity["identifier"])
    if name == "$team":
        return entity["team"] or None
    return entity["properties"].get(name)


class Title(str):
    """Unset, it is shown as the identifier; it counts as empty all the same."""

    def __new__(cls, title, identifier):
        made = super().__new__(cls, title or identifier)
        made.empty = not title
        return made


def compare(operator, have, want, definition):
    empty = have is None or getattr(have, "empty", False)
    if operator == "isEmpty":
        return empty
    if operator == "=":
        return equal(have, want, definition, empty)
    if operator in ("in", "containsAny"):
        return any(equal(have, each, definition, empty) for each in want)
    if operator in (">", ">=", "<", "<=", "between", "isExpired"):
        return beyond(operator, have, want)
    texts = [each.lower() for each in (have if isinstance(have, list) else [have]) if isinstance(each, str)]
    test = {"contains": str.__contains__, "beginsWith": str.startswith, "endsWith": str.endswith}[operator]
    return any(test(text, want.lower()) for text in texts)


def equal(have, want, definition, empty):
    if want is None:
        return empty
    if definition and definition.get("format") == "date-time" and moment(want):
        return moment(have) == moment(want)
    if isinstance(have, list) and not isinstance(want, list | dict):
        return any(same(each, want) for each in have)
    return same(have, want)


def same(one, other):
    """As JSON sees it: 1 is 1.0, and true is not 1."""
    if isinstance(one, bool) != isinstance(other, bool):
        return False
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return one == other and isinstance(one, str) == isinstance(other, str)


def beyond(operator, have, want):
    if operator == "isExpired":
        return moment(have) is not None and moment(have) <= datetime.now(UTC)
    if operator == "between":
        return moment(have) is not None and moment(want["from"]) <= moment(have) <= moment(want["to"])
    if isinstance(want, str):
        have, want = moment(have), moment(want)
    elif not isinstance(have, int | float) or isinstance(have, bool):
        return False
    if have is None:
        return False
    return {">": have > want, ">=": have >= want, "<": have < want, "<=": have <= want}[operator]


def moment(value):
    if not isinstance(value, str) or not ISO.fullmatch(value):
        return None
    try:
        read = datetime.fromisoformat(value)
    except ValueError:
        return None
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def points(rule, name, entities):
    targets = [entities[each] for each in entities[name]["relations"].get(rule["relation"], [])]
    if rule["operator"] == "isEmpty" or rule["operator"] == "=" and rule.get("value") is None:
        return not targets
    field = rule.get("targetProperty", "$identifier")
    return any(compare(rule["operator"], values(each, field, {}), rule.get("value"), None) for each in targets)


def arrows(entities, backwards=False):
    pairs = [
        (name, target, relation)
        for name, each in entities.items()
        for relation, targets in each["relations"].items()
        for target in targets
    ]
    return [(b, a, r) for a, b, r in pairs] if backwards else pairs


def related(rule, entities):
    starts = [rule["value"]] if isinstance(rule["value"], str) else rule["value"]
    ways = {"upstream": [False], "downstream": [True]}.get(rule.get("direction"), [False, True])
    reached = set()
    for backwards in ways:
        edges = arrows(entities, backwards)
        frontier, seen = set(starts), set()
        while frontier:
            frontier = {b for a, b, _ in edges if a in frontier} - seen
            seen |= frontier
        reached |= seen
    return reached


def matches(rule, name, entities):
    """From the entity along the path, to one that is named."""
    here = {name}
    for step in rule["property"]["path"]:
        relation, hops = (step, 1) if isinstance(step, str) else (step["relation"], step["maxHops"])
        edges = [(a, b) for a, b, r in arrows(entities) if r == relation]
        passed, at = set(), here
        for _ in range(hops):
            at = {b for a, b in edges if a in at}
            passed |= at
        here = passed
    named = [rule["value"]] if isinstance(rule["value"], str) else rule["value"]
    return bool(here & set(named))
