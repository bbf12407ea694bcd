"""What every computed value should be, reckoned anew in plain Python from what is stored. It knows nothing of how the portal does it."""

import re
import statistics
from functools import cached_property

from catalog.models import Blueprint, Entity, Relation
from portal.kit.clock import iso

ENDLESS = 60


class Fails(Exception):
    """The program has no value here."""


def text(value):
    if not isinstance(value, str):
        raise Fails
    return value


def plus_one(value):
    if value is None:
        return 1
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Fails
    return value + 1


def length(value):
    if value is None:
        return 0
    if isinstance(value, bool):
        raise Fails
    return abs(value) if isinstance(value, int | float) else len(value)


# A program on the property {0}, the type it is declared with, and what it means of an entity as it is told.
PROGRAMS = [
    (
        ".identifier + '-' + .properties.{0}",
        "string",
        lambda e, p: e["identifier"] + "-" + ("" if p is None else text(p)),
    ),
    (".properties['{0}'] + 1", "number", lambda e, p: plus_one(p)),
    (".properties.{0} | length", "number", lambda e, p: length(p)),
    (".properties.{0} // 'none'", "string", lambda e, p: "none" if p is None or p is False else text(p)),
    (
        "if .properties.{0} then .title else .team end",
        "string",
        lambda e, p: text(e["title"] if p not in (None, False) else e["team"]),
    ),
    (".properties | keys | join(',')", "string", lambda e, p: ",".join(sorted(e["properties"]()))),
    (".relations | keys", "array", lambda e, p: sorted(e["relations"])),
    (
        ".relations | [.. | strings] | length",
        "number",
        lambda e, p: sum(len(x) if isinstance(x, list) else 1 for x in e["relations"].values()),
    ),
    (".team[0]", "string", lambda e, p: e["team"][0] if e["team"] else None),
]


def program_of(number, name):
    return PROGRAMS[number][0].format(name), PROGRAMS[number][1]


def known(pattern):
    """The pattern with any name, however a rename writes it."""
    parts = re.split(r"\\\.properties(?:\\\.\\\{0\\\}|\\\['\\\{0\\\}'\\\])", re.escape(pattern))
    return re.compile(r"\.properties(?:\.|\[['\"])(\w+)(?:['\"]\])?".join(parts))


KNOWN = [known(pattern) for pattern, *_ in PROGRAMS]


def reading(program):
    """The number of the program, and the property that it reads."""
    for number, pattern in enumerate(KNOWN):
        if found := pattern.fullmatch(program):
            return number, (found.groups() or ("",))[0]
    raise AssertionError(program)


class Oracle:
    def __init__(self):
        self.kinds = {each.identifier: each for each in Blueprint.objects.all()}
        names = {each.pk: name for name, each in self.kinds.items()}
        self.entities = {each.pk: each for each in Entity.objects.all()}
        self.kind_of = {pk: names[each.blueprint_id] for pk, each in self.entities.items()}
        self.out, self.back = {}, {}
        for each in Relation.objects.order_by("position", "id"):
            name = self.stored_as(self.kind_of[each.source_id], each.name)
            self.out.setdefault((each.source_id, name), []).append(each.target_id)
            self.back.setdefault((each.target_id, self.kind_of[each.source_id], name), []).append(each.source_id)
        self.made, self.depth = {}, 0

    def stored_as(self, kind, relation):
        moved = self.kinds[kind].moving.get("relations", {})
        return moved.get(relation, relation)

    @cached_property
    def all(self):
        """By key, the computed values."""
        found = {}
        for pk in self.entities:
            values = {name: self.value(pk, name) for name in self.kinds[self.kind_of[pk]].computed_properties}
            found[pk] = {name: value for name, value in values.items() if value is not None}
        return found

    def value(self, pk, name):
        if (pk, name) not in self.made:
            self.depth += 1
            assert self.depth < ENDLESS, "a circle was let in"
            kind = self.kinds[self.kind_of[pk]]
            if name in kind.mirror_properties:
                self.made[pk, name] = self.mirror(pk, kind, kind.mirror_properties[name]["path"].split("."))
            elif name in kind.aggregation_properties:
                self.made[pk, name] = self.number(pk, kind, kind.aggregation_properties[name])
            else:
                self.made[pk, name] = self.calculation(pk, kind, kind.calculation_properties[name])
            self.depth -= 1
        return self.made[pk, name]

    def shown(self, pk, name):
        """What a reader sees of one property."""
        entity, kind = self.entities[pk], self.kinds[self.kind_of[pk]]
        if name.startswith("$"):
            return {
                "$title": entity.title or entity.identifier,
                "$identifier": entity.identifier,
                "$team": list(entity.team) or None,
                "$createdBy": entity.created_by,
                "$blueprint": kind.identifier,
            }[name]
        return self.value(pk, name) if name in kind.computed_properties else entity.properties.get(name)

    # Mirrors.

    def mirror(self, pk, kind, path):
        ends, several = [pk], False
        for relation in path[:-1]:
            declared = kind.relations.get(relation)
            if declared is None:
                return None
            several |= bool(declared.get("many"))
            ends = [end for here in ends for end in self.out.get((here, relation), [])]
            kind = self.kinds[declared["target"]]
            ends = [end for end in dict.fromkeys(ends) if self.kind_of[end] == kind.identifier]
        found = [self.shown(end, path[-1]) for end in ends]
        if not several:
            return found[0] if found else None
        flat = []
        for each in found:
            flat += each if isinstance(each, list) else [] if each is None else [each]
        return flat or None

    # Aggregations.

    def number(self, pk, kind, declared):
        spec, target = declared["calculationSpec"], declared["target"]
        reached = self.related(pk, kind.identifier, target, (declared.get("pathFilter") or [None])[0])
        reached = [each for each in reached if self.matches(each, declared.get("query"))]
        if spec["func"] == "average" and spec["averageOf"] != "total":
            # All were made within the last hour.
            if not reached:
                return None
            return len(reached) if spec["calculationBy"] == "entities" else self.total(reached, spec["property"])
        if spec["calculationBy"] == "entities":
            return len(reached)
        numbers = self.numbers(reached, spec["property"])
        if spec["func"] == "sum":
            return sum(numbers)
        measure = {"min": min, "max": max, "median": statistics.median, "average": statistics.fmean}[spec["func"]]
        return measure(numbers) if numbers else None

    def total(self, reached, name):
        return sum(self.numbers(reached, name))

    def numbers(self, reached, name):
        shown = [self.shown(each, name) for each in reached]
        return [each for each in shown if isinstance(each, int | float) and not isinstance(each, bool)]

    def matches(self, pk, query):
        for rule in query["rules"] if query else ():
            value, wanted = self.shown(pk, rule["property"]), rule["value"]
            if rule["operator"] == ">":
                if isinstance(value, bool) or not isinstance(value, int | float) or not value > wanted:
                    return False
            elif not is_or_has(value, wanted):
                return False
        return True

    def related(self, pk, owner, target, chain):
        if chain is None:
            ways = [(path, forward) for forward in (True, False) for path in self.paths(owner, target, forward)]
        else:
            ways = self.named(owner, target, chain)
        found = set()
        for path, forward in ways:
            here = {pk}
            for kind, relation, there in path:
                if forward:
                    here = {end for each in here for end in self.out.get((each, relation), [])}
                else:
                    here = {begin for each in here for begin in self.back.get((each, kind, relation), [])}
                here = {each for each in here if self.kind_of[each] == there}
            found |= here
        return found

    def paths(self, here, target, forward, been=()):
        """Lists of (the blueprint that has the relation, its name, the blueprint that is come to)."""
        if forward:
            steps = [(here, name, each["target"]) for name, each in self.kinds[here].relations.items()]
        else:
            steps = [
                (kind, name, kind)
                for kind, blueprint in self.kinds.items()
                for name, each in blueprint.relations.items()
                if each["target"] == here
            ]
        for step in steps:
            if step[2] == target:
                yield [step]
            elif step[2] not in (*been, here):
                for rest in self.paths(step[2], target, forward, (*been, here)):
                    yield [step, *rest]

    def named(self, owner, target, chain):
        start = chain.get("fromBlueprint", owner)
        forward = start == owner and (owner != target or "fromBlueprint" not in chain)
        here, path = start, []
        for relation in chain["path"]:
            declared = self.kinds[here].relations.get(relation)
            if declared is None:
                return []
            path.append((here, relation, declared["target"] if forward else here))
            here = declared["target"]
        if here != (target if forward else owner) or start != (owner if forward else target):
            return []
        return [(path if forward else path[::-1], forward)]

    # Calculations.

    def calculation(self, pk, kind, declared):
        number, name = reading(declared["calculation"])
        _, form, says = PROGRAMS[number]
        told = self.told(pk, kind)
        try:
            value = says(told, self.seen(pk, kind, name))
        except Fails:
            return None
        fits = {"string": str, "number": (int, float), "array": list}[form]
        return value if isinstance(value, fits) else None

    def readable(self, pk, kind):
        return {*self.entities[pk].properties, *kind.mirror_properties, *kind.aggregation_properties}

    def seen(self, pk, kind, name):
        """A property as a calculation sees it: other calculations it does not."""
        return (
            self.shown(pk, name) if name not in kind.calculation_properties else self.entities[pk].properties.get(name)
        )

    def told(self, pk, kind):
        entity = self.entities[pk]
        arrows = {name: self.out.get((pk, name)) for name in kind.relations}
        return {
            "identifier": entity.identifier,
            "title": entity.title or None,
            "team": list(entity.team),
            # Only a program that asks for all of them depends on all of them.
            "properties": lambda: {name for name in self.readable(pk, kind) if self.seen(pk, kind, name) is not None},
            "relations": {
                name: [self.entities[end].identifier for end in ends]
                if kind.relations[name].get("many")
                else self.entities[ends[0]].identifier
                for name, ends in arrows.items()
                if ends
            },
            "createdAt": iso(entity.created_at),
        }


def same(one, other):
    """As JSON sees it: true is not 1."""
    return isinstance(one, bool) == isinstance(other, bool) and one == other


def is_or_has(value, wanted):
    return any(same(each, wanted) for each in value) if isinstance(value, list) else same(value, wanted)
