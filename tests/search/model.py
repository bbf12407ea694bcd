"""What docs/decisions/0008-search.md says, in plain Python over plain dictionaries, written apart from the compiler."""

import re
from datetime import UTC, datetime

POSITIVE = {
    "!=": "=", "isNotEmpty": "isEmpty", "notIn": "in", "notBetween": "between", "doesNotContains": "contains",
    "doesNotBeginsWith": "beginsWith", "doesNotEndsWith": "endsWith", "isNotExpired": "isExpired",
}  # fmt: skip
ISO = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?", re.ASCII)


def finds(query, world, blueprint=None):
    """Identifiers of the entities that the query is true of, in one blueprint or in all."""
    names = [name for name, each in world.entities.items() if blueprint in (None, each["blueprint"])]
    return {name for name in names if holds(query, name, world, blueprint)}


def holds(rule, name, world, known):
    """`known` is the blueprint that the rules around this one are about, None where it may be any."""
    if "combinator" in rule:
        if not rule["rules"]:
            return True
        if rule["combinator"] == "and":
            known = known or pinned(rule["rules"], world)
        each = [holds(inner, name, world, known) for inner in rule["rules"]]
        return all(each) if rule["combinator"] == "and" else any(each)
    operator, entities = rule["operator"], world.entities
    if operator in POSITIVE:
        return not holds(rule | {"operator": POSITIVE[operator]}, name, world, known)
    if operator == "relatedTo":
        return name in related(rule, world)
    if operator == "matchAny":
        return matches(rule, name, entities)
    if "relation" in rule:
        return points(rule, name, world)
    wants = wanted(rule.get("value"), operator, world)
    return any(compares(rule, operator, want, name, world, known) for want in wants)


def compares(rule, operator, want, name, world, known):
    if "propertySchema" in rule:
        own = world.entities[name]["blueprint"]
        asked = rule["propertySchema"]
        fitting = [
            p for p, d in world.declared[own].items() if all(d.get(key) == value for key, value in asked.items())
        ]
        return any(one(operator, name, p, want, world, own) for p in fitting)
    if isinstance(rule["property"], dict):
        have = said(rule["property"], world)
        if operator == "isEmpty" or operator == "=" and want is None:
            return not have
        if operator in ("in", "containsAny") and None in want and not have:
            return True
        return any(compare(operator, each, want, None) for each in have)
    return one(operator, name, rule["property"], want, world, known)


def one(operator, name, named, want, world, known):
    have = values(world.entities[name], named, world, known)
    return compare(operator, have, want, world.declared[known].get(named) if known else None)


def pinned(rules, world):
    for rule in rules:
        if (rule.get("property"), rule.get("operator")) == ("$blueprint", "=") and isinstance(rule["value"], str):
            return rule["value"] if rule["value"] in world.declared else None
    return None


def wanted(value, operator, world):
    """What is compared with: one thing, or each that the one who asks has."""
    if operator in ("isEmpty", "isExpired"):
        return [None]
    if not isinstance(value, dict) or "context" not in value:
        return [value]
    found = said(value, world)
    return [found] if operator in ("in", "containsAny") else found


def said(named, world):
    """The values of the one who asks, or of his teams."""
    people = [world.user] if named["context"] == "user" else [world.teams[key] for key in sorted(world.teams)]
    found = []
    for each in people:
        if named["property"] in ("$identifier", "$title"):
            found.append(each["identifier"])
        else:
            value = each["properties"].get(named["property"], [])
            found += value if isinstance(value, list) else [value]
    return found


def values(entity, name, world, known):
    """The value, None where there is none. A list is a list."""
    if name == "$title":
        return Title(entity["title"], entity["identifier"])
    if name == "$team":
        return entity["team"] or None
    if name in ("$icon", "$datasource"):
        return Text(entity[name])
    if name in ("$createdAt", "$updatedAt"):
        return Instant(entity[name])
    if name.startswith("$"):
        return (
            entity["identifier"]
            if name == "$identifier"
            else entity["blueprint"]
            if name == "$blueprint"
            else entity[name]
        )
    stored, computed = entity["properties"].get(name), entity["computed"].get(name)
    if known is None:
        return stored if stored is not None else computed
    return computed if name in world.computed[known] else stored


class Text(str):
    """Empty, it counts as unset."""

    @property
    def empty(self):
        return not self


class Instant(str):
    """A date of the portal's own, which is compared as one whatever is known."""


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
    if isinstance(have, Instant) or not isinstance(want, str):
        return False
    texts = [each.lower() for each in (have if isinstance(have, list) else [have]) if isinstance(each, str)]
    test = {"contains": str.__contains__, "beginsWith": str.startswith, "endsWith": str.endswith}[operator]
    return any(test(text, want.lower()) for text in texts)


def equal(have, want, definition, empty):
    if want is None:
        return empty
    if definition and definition.get("format") == "date-time" and moment(want):
        return moment(have) == moment(want)
    if isinstance(have, Instant):
        return moment(want) is not None and moment(have) == moment(want)
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
    if isinstance(want, bool):
        return False
    if isinstance(want, str):
        have, want = moment(have), moment(want)
    elif not isinstance(have, int | float) or isinstance(have, bool):
        return False
    if have is None or want is None:
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


def points(rule, name, world):
    entities = world.entities
    targets = [entities[each] for each in entities[name]["relations"].get(rule["relation"], [])]
    if rule["operator"] == "isEmpty" or rule["operator"] == "=" and rule.get("value") is None:
        return not targets
    field, operator = rule.get("targetProperty", "$identifier"), rule["operator"]
    wants = wanted(rule.get("value"), operator, world)
    return any(compare(operator, values(each, field, world, None), want, None) for each in targets for want in wants)


def arrows(entities, backwards=False):
    pairs = [
        (name, target, relation)
        for name, each in entities.items()
        for relation, targets in each["relations"].items()
        for target in targets
    ]
    return [(b, a, r) for a, b, r in pairs] if backwards else pairs


def related(rule, world):
    named = [rule["value"]] if isinstance(rule["value"], str) else rule["value"]
    starts = {each for each in named if world.entities.get(each, {}).get("blueprint") == rule["blueprint"]}
    ways = {"upstream": [False], "downstream": [True]}.get(rule.get("direction"), [False, True])
    followed = {name: world.relations[each["blueprint"]] for name, each in world.entities.items()}
    reached = set()
    for backwards in ways:
        edges = [
            (b, a) if backwards else (a, b)
            for a, b, relation in arrows(world.entities)
            if rule.get("required") in (None, followed[a].get(relation, False))
        ]
        frontier, seen = starts, set()
        while frontier:
            frontier = {b for a, b in edges if a in frontier} - seen
            seen |= frontier
        reached |= seen
    return reached


def matches(rule, name, entities):
    """From the entity along the path to one that is named; with a start, from a named one of it along the path to here."""
    named = {rule["value"]} if isinstance(rule["value"], str) else set(rule["value"])
    start = rule["property"].get("fromBlueprint")
    if not start:
        return bool(walk(rule, {name}, entities) & named)
    begins = {each for each in named if entities.get(each, {}).get("blueprint") == start}
    return name in walk(rule, begins, entities)


def walk(rule, here, entities):
    for step in rule["property"]["path"]:
        relation, hops = (step, 1) if isinstance(step, str) else (step["relation"], step["maxHops"])
        edges = [(a, b) for a, b, r in arrows(entities) if r == relation]
        passed, at = set(), here
        for _ in range(hops):
            at = {b for a, b in edges if a in at}
            passed |= at
        here = passed
    return here
