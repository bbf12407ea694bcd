"""Random blueprints that compute from each other, under random writes and changes: what is read is what a plain reckoning says.

`--computed-steps 5000` walks for longer, `--computed-seed 7` along another way.
"""

import random
from collections import Counter

import pytest

from catalog import compute, queries, search
from catalog.commands import blueprint_create, blueprint_rename, blueprint_update, entity_delete
from catalog.models import Entity, Stale
from portal.kit.errors import PortalError
from tests.catalog.computed_oracle import PROGRAMS, Oracle, is_or_has, program_of
from tests.conftest import SETUP, write

KINDS = ("ant", "bee", "cat", "dog")
STORED = {
    "n": {"type": "number"},
    "t": {"type": "string"},
    "ok": {"type": "boolean"},
    "tags": {"type": "array", "items": {"type": "string"}},
}
VALUES = {"n": [0, 1, 2, 2.5, -3], "t": ["x", "y", "z", ""], "ok": [True, False], "tags": [[], ["x"], ["y", "z"]]}
MEASURES = [
    {"calculationBy": "entities", "func": "count"},
    {"calculationBy": "entities", "func": "average", "averageOf": "total"},
    {"calculationBy": "entities", "func": "average", "averageOf": "month"},
    *({"calculationBy": "property", "func": each} for each in ("sum", "min", "max", "median")),
    {"calculationBy": "property", "func": "average", "averageOf": "total"},
]
META = ["$title", "$identifier", "$team", "$createdBy", "$blueprint"]


class Walk:
    def __init__(self, seed):
        self.draw = random.Random(seed)
        self.count, self.done, self.refused = 0, Counter(), Counter()
        for kind in KINDS:
            definition = {"identifier": kind, "title": kind, "schema": {"properties": STORED}}
            blueprint_create(definition, by=SETUP)
        for kind in KINDS:
            for _ in range(2):
                self.relation_added(kind)
            for _ in range(4):
                self.entity_made(kind)
        for kind in KINDS:
            for _ in range(3):
                self.try_to(self.computed_set, kind)

    def fresh(self, letter):
        self.count += 1
        return f"{letter}{self.count}"

    def pick(self, sequence):
        return self.draw.choice(sorted(sequence)) if sequence else None

    def entity(self, kind):
        found = list(
            Entity.objects.filter(blueprint__identifier=kind).order_by("pk").values_list("identifier", flat=True)
        )
        return self.draw.choice(found) if found else None

    # What may happen.

    def entity_made(self, kind):
        identifier = self.fresh(kind[0])
        write(kind, identifier, title=self.draw.choice(["", "T1", "T2"]), **self.wish(kind))

    def entity_written(self, kind):
        if identifier := self.entity(kind):
            mode = self.draw.choice(["merge", "merge", "replace"])
            more = {"title": self.draw.choice(["", "T1", "T3"])} if self.draw.random() < 0.3 else {}
            more |= {"team": self.draw.choice([(), ("red",), ("red", "blue")])} if self.draw.random() < 0.3 else {}
            write(kind, identifier, mode=mode, **self.wish(kind), **more)

    def arrow_turned(self, kind):
        blueprint, identifier = queries.blueprint(kind), self.entity(kind)
        if identifier and (relation := self.pick(blueprint.relations)):
            write(kind, identifier, mode="merge", relations={relation: self.ends(blueprint.relations[relation])})

    def entity_gone(self, kind):
        if Entity.objects.filter(blueprint__identifier=kind).count() > 2:
            entity_delete(queries.entity_to_write(kind, self.entity(kind)), by=SETUP)

    def wish(self, kind):
        blueprint = queries.blueprint(kind)
        known = {name: each["type"] for name, each in blueprint.properties.items()}
        named = self.draw.sample(sorted(known), self.draw.randrange(len(known) + 1))
        relations = self.draw.sample(sorted(blueprint.relations), self.draw.randrange(len(blueprint.relations) + 1))
        return {
            "properties": {name: self.of_type(known[name]) for name in named},
            "relations": {name: self.ends(blueprint.relations[name]) for name in relations},
        }

    def of_type(self, kind):
        own = {STORED[name]["type"]: values for name, values in VALUES.items()}
        return None if self.draw.random() < 0.15 else self.draw.choice(own[kind])

    def ends(self, declared):
        target = declared["target"]
        found = Entity.objects.filter(blueprint__identifier=target).order_by("pk").values_list("identifier", flat=True)
        most = 3 if declared.get("many") else 1
        return tuple(self.draw.sample(list(found), min(len(found), self.draw.randrange(most + 1))))

    def relation_added(self, kind):
        relations = queries.blueprint(kind).relations
        if len(relations) < 3:
            declared = {"target": self.draw.choice(KINDS), "many": self.draw.random() < 0.4, "required": False}
            self.update(kind, relations=relations | {self.fresh("r"): declared})

    def relation_gone(self, kind):
        relations = queries.blueprint(kind).relations
        if len(relations) > 1:
            self.update(kind, relations={n: each for n, each in relations.items() if n != self.pick(relations)})

    def stored_gone(self, kind):
        own = queries.blueprint(kind).properties
        if len(own) > 2:
            gone = self.pick(own)
            kept = {name: each for name, each in own.items() if name != gone}
            self.update(kind, schema={"properties": kept, "required": []})

    def stored_added(self, kind):
        own = queries.blueprint(kind).properties
        if len(own) < 5:
            name = self.draw.choice([*STORED, self.fresh("p")])
            declared = STORED.get(name) or self.draw.choice(list(STORED.values()))
            self.update(kind, schema={"properties": own | {name: declared}, "required": []})

    def computed_set(self, kind):
        blueprint = queries.blueprint(kind)
        make = self.draw.choice([self.a_mirror, self.a_calculation, self.an_aggregation])
        known = blueprint.computed_properties
        name = self.pick(known) if len(known) > 5 or known and self.draw.random() < 0.4 else self.fresh("c")
        group, declared = make(blueprint)
        if declared:
            groups = {
                each: {key: was for key, was in blueprint.facts()[each].items() if key != name}
                for each in ("mirrorProperties", "calculationProperties", "aggregationProperties")
            }
            groups[group][name] = declared
            self.update(kind, **groups)

    def computed_gone(self, kind):
        blueprint = queries.blueprint(kind)
        group = self.draw.choice(["mirrorProperties", "calculationProperties", "aggregationProperties"])
        own = blueprint.facts()[group]
        if own:
            gone = self.pick(own)
            self.update(kind, **{group: {name: each for name, each in own.items() if name != gone}})

    def a_mirror(self, blueprint):
        path, here = [], blueprint
        for _ in range(self.draw.choice([1, 1, 2])):
            relation = self.pick(here.relations)
            if relation is None:
                return "mirrorProperties", None
            path.append(relation)
            here = queries.blueprint(here.relations[relation]["target"])
        last = self.draw.choice([self.pick(here.declared), self.pick(here.computed_properties), self.draw.choice(META)])
        return "mirrorProperties", last and {"path": ".".join([*path, last])}

    def a_calculation(self, blueprint):
        names = [*blueprint.properties, *blueprint.mirror_properties, *blueprint.aggregation_properties]
        number, name = self.draw.randrange(len(PROGRAMS)), self.draw.choice(names)
        program, kind = program_of(number, name)
        return "calculationProperties", {"type": kind, "calculation": program}

    def an_aggregation(self, blueprint):
        target = queries.blueprint(self.draw.choice(KINDS))
        spec = dict(self.draw.choice(MEASURES))
        numbers = [name for name, each in target.declared.items() if each.get("type", "number") == "number"]
        if spec["calculationBy"] == "property":
            if not numbers:
                return "aggregationProperties", None
            computed = [name for name in numbers if name in target.computed_properties]
            spec["property"] = self.draw.choice(computed if computed and self.draw.random() < 0.7 else numbers)
        declared = {"title": "N", "target": target.identifier, "calculationSpec": spec}
        if self.draw.random() < 0.4:
            declared["query"] = {"combinator": "and", "rules": [self.a_rule(target)]}
        if self.draw.random() < 0.4 and (chain := self.a_chain(blueprint, target)):
            declared["pathFilter"] = [chain]
        return "aggregationProperties", declared

    def a_rule(self, target):
        computed = self.pick(target.computed_properties)
        name = (
            computed if computed and self.draw.random() < 0.6 else self.draw.choice([self.pick(target.declared), "n"])
        )
        if self.draw.random() < 0.4:
            return {"property": name, "operator": ">", "value": self.draw.choice([0, 1])}
        return {"property": name, "operator": "=", "value": self.draw.choice(["x", "none", True, 1, 2, "ant"])}

    def a_chain(self, blueprint, target):
        forward = self.draw.random() < 0.5
        begin, end = (blueprint, target) if forward else (target, blueprint)
        for first, declared in sorted(begin.relations.items()):
            paths = [[first]] if declared["target"] == end.identifier else []
            there = queries.blueprint(declared["target"]).relations
            paths += [[first, name] for name, each in sorted(there.items()) if each["target"] == end.identifier]
            if paths:
                return {"path": self.draw.choice(paths)} | ({} if forward else {"fromBlueprint": target.identifier})
        return None

    def renamed(self, kind):
        blueprint = queries.blueprint(kind)
        what = self.draw.choice(["property", "mirror", "relation"])
        own = {
            "property": blueprint.properties | blueprint.aggregation_properties,
            "mirror": blueprint.mirror_properties,
            "relation": blueprint.relations,
        }[what]
        if old := self.pick(own):
            new = self.fresh("q")
            blueprint_rename(blueprint, what, old, new, path="name", by=SETUP)

    def update(self, kind, **changes):
        blueprint_update(queries.blueprint(kind), changes, partial=True, by=SETUP)

    def step(self):
        deeds = [
            *[self.entity_written] * 6, *[self.arrow_turned] * 5, *[self.entity_gone] * 2, *[self.entity_made] * 2,
            *[self.computed_set] * 4, self.computed_gone, self.renamed, self.relation_added, self.relation_gone,
            self.stored_gone, self.stored_added,
        ]  # fmt: skip
        return self.try_to(self.draw.choice(deeds), self.draw.choice(KINDS))

    def try_to(self, deed, kind):
        try:
            deed(kind)
            self.done[deed.__name__] += 1
        except PortalError as error:
            self.refused[f"{deed.__name__}: {error.message}"] += 1
        return f"{deed.__name__} {kind}"


def read():
    """Every computed value, as every door reads it."""
    entities = list(Entity.objects.select_related("blueprint"))
    values = queries.properties_of(entities)
    return {
        each.pk: {name: value for name, value in values[each.pk].items() if name in each.blueprint.computed_properties}
        for each in entities
    }


def differences(said, expected, names_of=lambda kind: kind.computed_properties):
    found = []
    for pk in expected.all:
        kind = expected.kinds[expected.kind_of[pk]]
        for name in names_of(kind):
            if not alike(said[pk].get(name), expected.all[pk].get(name)):
                found.append((kind.identifier, expected.entities[pk].identifier, name, kind.computed_properties[name],
                              said[pk].get(name), expected.all[pk].get(name)))  # fmt: skip
    return found


def alike(one, other):
    if isinstance(one, float) or isinstance(other, float):
        return one == pytest.approx(other, rel=1e-9) if one is not None and other is not None else one is other
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def settled(kind):
    """What is stored: not what depends on the clock."""
    return [name for name in kind.computed_properties if name not in kind.derived.get("live", ())]


def found_by(kind, name, value):
    rule = search.parse({"combinator": "and", "rules": [{"property": name, "operator": "=", "value": value}]})
    rows = search.matching(Entity.objects.filter(blueprint=kind), rule, by=SETUP, blueprint=kind)
    return set(rows.values_list("pk", flat=True))


def swept():
    while compute.sweep():
        pass
    assert not Stale.objects.exists()


def check_search(walk, expected):
    kind = expected.kinds[walk.draw.choice(KINDS)]
    own = [pk for pk in expected.entities if expected.kind_of[pk] == kind.identifier]
    for name in settled(kind):
        said = [expected.all[pk].get(name) for pk in own]
        plain = [each for each in said if isinstance(each, str | int | float)]
        plain += [each for listed in said if isinstance(listed, list) for each in listed]
        for value in plain[:1]:
            wanted = {pk for pk in own if is_or_has(expected.all[pk].get(name), value)}
            assert found_by(kind, name, value) == wanted, (kind.identifier, name, value)


@pytest.fixture
def steps(request):
    return int(request.config.getoption("--computed-steps") or 40)


@pytest.fixture
def seed(request):
    return int(request.config.getoption("--computed-seed") or 1)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("way", [0, 1, 2])
def test_what_is_read_is_what_a_plain_reckoning_says(db, way, steps, seed):
    walk = Walk(100 * seed + way)
    said = []
    for number in range(steps):
        said.append(walk.step())
        expected = Oracle()
        wrong = differences(read(), expected)
        assert wrong == [], (said[-6:], number)
        if walk.draw.random() < 0.3:
            swept()
            stored = dict(Entity.objects.values_list("pk", "computed"))
            assert differences(stored, expected, settled) == [], ("swept", said[-6:], number)
            check_search(walk, expected)
    assert sum(walk.done.values()) > 0.7 * steps, walk.refused


def named(kind, **more):
    blueprint_create({"identifier": kind, "title": kind, "schema": {"properties": {"n": STORED["n"]}}} | more, by=SETUP)


def test_a_number_over_what_targets_mirror_is_right_before_anybody_swept_and_after(db):
    named("ore")
    named("mine", relations={"of": {"target": "ore"}}, mirrorProperties={"m": {"path": "of.n"}})
    total = {"calculationBy": "property", "func": "sum", "property": "m"}
    some = {"combinator": "and", "rules": [{"property": "m", "operator": "=", "value": 9}]}
    numbers = {
        "sum": {"title": "Sum", "target": "mine", "calculationSpec": total},
        "nines": {"title": "Nines", "target": "mine", "calculationSpec": MEASURES[0], "query": some},
    }
    named("firm", relations={"owns": {"target": "mine", "many": True}}, aggregationProperties=numbers)
    write("ore", "iron", properties={"n": 1})
    for name in ("deep", "flat"):
        write("mine", name, relations={"of": ("iron",)})
    write("firm", "big", relations={"owns": ("deep", "flat")})
    swept()
    write("ore", "iron", mode="merge", properties={"n": 9})
    big = Entity.objects.get(identifier="big")
    assert read()[big.pk] == {"sum": 18, "nines": 2}
    swept()
    assert Entity.objects.get(pk=big.pk).computed == {"sum": 18, "nines": 2}


def test_what_comes_round_to_its_own_blueprint_by_another_property_has_a_value(db):
    named("hen", relations={"from": {"target": "hen"}})
    named("egg", relations={"of": {"target": "hen"}})
    relations = {"from": {"target": "hen"}, "laid": {"target": "egg"}}
    blueprint_update(queries.blueprint("hen"), {"relations": relations}, partial=True, by=SETUP)
    mirrors = {"near": {"path": "from.n"}, "round": {"path": "laid.back"}}
    blueprint_update(queries.blueprint("hen"), {"mirrorProperties": {"near": mirrors["near"]}}, partial=True, by=SETUP)
    blueprint_update(
        queries.blueprint("egg"), {"mirrorProperties": {"back": {"path": "of.near"}}}, partial=True, by=SETUP
    )
    blueprint_update(queries.blueprint("hen"), {"mirrorProperties": mirrors}, partial=True, by=SETUP)
    write("hen", "old", properties={"n": 7})
    write("hen", "mid", relations={"from": ("old",)})
    write("egg", "one", relations={"of": ("mid",)})
    write("hen", "new", relations={"laid": ("one",)})
    assert read()[Entity.objects.get(identifier="new").pk] == {"round": 7}
    swept()
    assert Entity.objects.get(identifier="new").computed == {"round": 7}
