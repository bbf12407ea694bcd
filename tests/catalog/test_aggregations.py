"""Aggregations against a plain reading of the same random blueprints, arrows and numbers; and what is settled by hand."""

import math
import random
import statistics
import time
from datetime import UTC, datetime, timedelta

import pytest

from catalog.compute.aggregations import aggregated, depends_on_time, ways
from catalog.compute.graph import Graph
from catalog.compute.ways import MOST_WAYS, Step
from catalog.models import Blueprint, Entity, Relation

NOW = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
SIZES = [None, 0, 1, -3, 2.5, 1000, "many", True, [4]]
UNITS = {"hour": 3600, "day": 86400, "week": 7 * 86400, "month": 30 * 86400}


def blueprint(identifier, relations=None, **more):
    declared = {"size": {"type": "number"}, "at": {"type": "string", "format": "date-time"}, "ok": {"type": "boolean"}}
    return Blueprint.objects.create(
        identifier=identifier,
        title=identifier,
        schema={"properties": declared, "required": []},
        relations={
            name: {"target": target, "many": True, "required": False} for name, target in (relations or {}).items()
        },
        created_by="x",
        updated_by="x",
        **more,
    )


def entity(kind, identifier, **more):
    return Entity.objects.create(blueprint=kind, identifier=identifier, created_by="x", updated_by="x", **more)


def counting(target, **more):
    spec = more.pop("spec", {"calculationBy": "entities", "func": "count"})
    return {"title": "A number", "target": target, "calculationSpec": spec, **more}


def of(kind, declared, *owners, now=NOW):
    kind.aggregation_properties = {"n": declared}
    found = aggregated(kind, ["n"], [each.pk for each in owners], now=now)
    assert found.keys() == {each.pk for each in owners}
    return [found[each.pk]["n"] for each in owners]


# --- the model: nothing here knows SQL, or how ways are kept


class World:
    def __init__(self, seed):
        self.draw = random.Random(seed)
        names = ["a", "b", "c", "d"]
        self.relations = {
            name: {f"r{n}": self.draw.choice(names) for n in range(self.draw.randrange(4))} for name in names
        }
        self.kinds = {name: blueprint(name, self.relations[name]) for name in names}
        self.things = {name: [self.thing(name, n) for n in range(self.draw.randrange(1, 12))] for name in names}
        self.arrows = []
        for name in names:
            for thing in self.things[name]:
                for relation, target in self.relations[name].items():
                    ends = self.things[target]
                    for end in self.draw.sample(ends, self.draw.randrange(min(4, len(ends) + 1))):
                        self.arrows.append((thing, relation, end))
        Relation.objects.bulk_create(Relation(source=s, name=n, target=t) for s, n, t in self.arrows)

    def thing(self, name, n):
        back = timedelta(seconds=self.draw.choice([3600 * 30, 86400 * 40, -86400]) * self.draw.random())
        said = {
            "size": self.draw.choice(SIZES),
            "ok": self.draw.choice([True, False, None]),
            "at": self.draw.choice([None, "soon", (NOW - back).isoformat()]),
        }
        return entity(
            self.kinds[name],
            f"{name}{n}",
            properties={key: value for key, value in said.items() if value is not None},
            created_at=NOW - back,
        )

    def walk(self, things, path, *, forward):
        for relation, owner in path:
            things = {
                (t if forward else s)
                for s, name, t in self.arrows
                if name == relation and s.blueprint.identifier == owner and (s if forward else t) in things
            }
        return things

    def paths(self, here, target, *, forward, been=()):
        """Lists of (relation, the blueprint that has it)."""
        edges = (
            [(r, here, end) for r, end in self.relations[here].items()]
            if forward
            else [(r, o, o) for o, rs in self.relations.items() for r, end in rs.items() if end == here]
        )
        for relation, owner, end in edges:
            if end == target:
                yield [(relation, owner)]
            elif end not in (*been, here):
                for rest in self.paths(end, target, forward=forward, been=(*been, here)):
                    yield [(relation, owner), *rest]

    def reached(self, owner, target, chain=None):
        start = owner.blueprint.identifier
        if chain is None:
            both = [(path, way) for way in (True, False) for path in self.paths(start, target, forward=way)]
            return set().union(*(self.walk({owner}, path, forward=way) for path, way in both))
        place, path = chain.get("fromBlueprint", start), []
        for relation in chain["path"]:
            path.append((relation, place))
            place = self.relations[place][relation]
        forward = "fromBlueprint" not in chain
        return self.walk({owner}, path if forward else path[::-1], forward=forward)


def number(thing):
    size = thing.properties.get("size")
    return size if isinstance(size, int | float) and not isinstance(size, bool) else None


def moment(thing, name):
    if name == "$createdAt":
        return thing.created_at
    try:
        return datetime.fromisoformat(thing.properties.get("at", ""))
    except ValueError:
        return None


def plain(spec, things):
    func, of = spec["func"], spec.get("averageOf")
    numbers = [number(each) for each in things if number(each) is not None]
    if func == "average" and of != "total":
        timed = [each for each in things if moment(each, spec.get("measureTimeBy", "$createdAt"))]
        if not timed:
            return None
        first = min(moment(each, spec.get("measureTimeBy", "$createdAt")) for each in timed)
        units = max(1, math.ceil((NOW - first).total_seconds() / UNITS[of]))
        total = len(timed) if spec["calculationBy"] == "entities" else sum(number(each) or 0 for each in timed)
        return total / units
    if spec["calculationBy"] == "entities":
        return len(things)
    if func == "sum":
        return sum(numbers)
    measure = {"min": min, "max": max, "median": statistics.median, "average": statistics.fmean}[func]
    return measure(numbers) if numbers else None


def alike(found, expected):
    pairs = list(zip(found, expected, strict=True))
    return all(a == b if a is None or b is None else math.isclose(a, b, rel_tol=1e-9) for a, b in pairs)


SPECS = [
    {"calculationBy": "entities", "func": "count"},
    *({"calculationBy": "property", "func": each, "property": "size"} for each in ("sum", "min", "max", "median")),
    *(
        {"calculationBy": by, "func": "average", "averageOf": each}
        | ({"property": "size"} if by == "property" else {})
        | at
        for by in ("entities", "property")
        for each in (*UNITS, "total")
        for at in ({}, {"measureTimeBy": "at"})
    ),
]
QUERIES = [
    (None, lambda thing: True),
    (
        {"combinator": "and", "rules": [{"property": "ok", "operator": "=", "value": True}]},
        lambda t: t.properties.get("ok") is True,
    ),
    (
        {"combinator": "and", "rules": [{"property": "size", "operator": "!=", "value": 1}]},
        lambda t: number(t) != 1,
    ),
]


@pytest.mark.parametrize("seed", range(8))
def test_every_function_says_what_a_plain_reading_says(db, seed):
    world = World(seed)
    for owner, kind in world.kinds.items():
        for target in world.kinds:
            for spec in world.draw.sample(SPECS, 6):
                query, holds = world.draw.choice(QUERIES)
                declared = counting(target, spec=spec, query=query)
                found = of(kind, declared, *world.things[owner])
                expected = [
                    plain(spec, [each for each in world.reached(thing, target) if holds(each)])
                    for thing in world.things[owner]
                ]
                assert alike(found, expected), (owner, target, declared, found, expected)


@pytest.mark.parametrize("seed", range(4))
def test_one_path_counts_what_is_at_its_end_read_either_way(db, seed):
    world = World(100 + seed)
    for owner, kind in world.kinds.items():
        for target in world.kinds:
            for forward in (True, False):
                for path in list(world.paths(owner, target, forward=forward))[:3]:
                    names = [relation for relation, _ in path]
                    chain = {"path": names} if forward else {"path": names[::-1], "fromBlueprint": target}
                    found = of(kind, counting(target, pathFilter=[chain]), *world.things[owner])
                    assert found == [len(world.reached(thing, target, chain)) for thing in world.things[owner]]


# --- by hand


@pytest.fixture
def shop(db):
    team, service, deployment = blueprint("squad"), blueprint("shop", {"squad": "squad", "needs": "shop"}), None
    deployment = blueprint("ship", {"shop": "shop", "by": "squad"})
    payments = entity(team, "payments")
    cart, search = entity(service, "cart"), entity(service, "search")
    Relation.objects.create(source=cart, name="squad", target=payments)
    Relation.objects.create(source=cart, name="needs", target=search)
    for n, size in enumerate([1, 2, 6, "x"]):
        ship = entity(deployment, f"s{n}", properties={"size": size}, created_at=NOW - timedelta(hours=n))
        Relation.objects.create(source=ship, name="shop", target=cart)
        if n < 2:
            Relation.objects.create(source=ship, name="by", target=payments)
    return {
        each.blueprint.identifier + "/" + each.identifier: each for each in Entity.objects.select_related("blueprint")
    } | {
        "squad": team,
        "shop": service,
        "ship": deployment,
    }


def test_a_target_that_is_reached_by_two_ways_counts_once(shop):
    assert of(shop["squad"], counting("ship"), shop["squad/payments"]) == [4]
    found = {tuple(step.relation for step in way) for way in ways(shop["squad"], "n")}
    assert found == {("by",), ("squad", "shop")}


def test_a_relation_of_a_blueprint_to_itself_is_followed_one_step_each_way(shop):
    assert of(shop["shop"], counting("shop"), shop["shop/cart"], shop["shop/search"]) == [1, 1]
    assert ways(shop["shop"], "n") == [(Step("needs", True, "shop"),), (Step("needs", False, "shop"),)]
    # What another squad's services need is not this squad's.
    assert of(shop["squad"], counting("shop"), shop["squad/payments"]) == [1]


def test_of_nothing_the_sum_is_nought_and_there_is_no_least_or_middle(shop):
    for spec in SPECS:
        nought = (
            spec["func"] in ("count", "sum") or spec["calculationBy"] == "entities" and spec["averageOf"] == "total"
        )
        assert of(shop["shop"], counting("ship", spec=spec), shop["shop/search"]) == [0 if nought else None], spec


def test_a_begun_hour_counts_as_a_whole_one(shop):
    spec = {"calculationBy": "entities", "func": "average", "averageOf": "hour"}
    later = NOW + timedelta(minutes=1)
    assert of(shop["shop"], counting("ship", spec=spec), shop["shop/cart"]) == [4 / 3]
    assert of(shop["shop"], counting("ship", spec=spec), shop["shop/cart"], now=later) == [1]


def test_what_the_portal_computes_of_a_target_counts_too(shop):
    shop["ship"].calculation_properties = {"cost": {"type": "number", "calculation": ".properties.size"}}
    shop["ship"].save()
    Entity.objects.filter(blueprint=shop["ship"], identifier__in=["s0", "s1"]).update(computed={"cost": 7})
    spec = {"calculationBy": "property", "func": "sum", "property": "cost"}
    query = {"combinator": "and", "rules": [{"property": "cost", "operator": "=", "value": 7}]}
    assert of(shop["shop"], counting("ship", spec=spec), shop["shop/cart"]) == [14]
    assert of(shop["shop"], counting("ship", query=query), shop["shop/cart"]) == [2]


def test_values_and_arrows_that_are_still_being_moved_count_under_their_new_names(shop):
    shop["ship"].schema["properties"]["weight"] = shop["ship"].schema["properties"].pop("size")
    shop["ship"].relations["for"] = shop["ship"].relations.pop("shop")
    shop["ship"].moving = {"properties": {"size": "weight"}, "relations": {"shop": "for"}}
    shop["ship"].save()
    Entity.objects.filter(identifier="s0").update(properties={"weight": 1})
    Relation.objects.filter(source__identifier="s0", name="shop").update(name="for")
    spec = {"calculationBy": "property", "func": "sum", "property": "weight"}
    assert of(shop["shop"], counting("ship", spec=spec), shop["shop/cart"]) == [9]


def test_huge_numbers_and_far_dates_are_numbers_and_dates(shop):
    far = {"s0": "0001-01-01T00:00:00+14:00", "s1": "9999-12-31T23:59:59-14:00"}
    for name, at in far.items():
        Entity.objects.filter(identifier=name).update(properties={"size": 10**400, "at": at})
    middle = {"calculationBy": "property", "func": "median", "property": "size"}
    assert of(shop["shop"], counting("ship", spec=middle), shop["shop/cart"]) == [10**400]
    weekly = {"calculationBy": "entities", "func": "average", "averageOf": "week", "measureTimeBy": "at"}
    assert of(shop["shop"], counting("ship", spec=weekly), shop["shop/cart"])[0] > 0


def test_a_query_that_is_true_of_nothing_counts_nothing(shop):
    query = {"combinator": "and", "rules": [{"property": "size", "operator": "in", "value": []}]}
    assert of(shop["shop"], counting("ship", query=query), shop["shop/cart"]) == [0]


def test_a_target_or_a_path_that_is_gone_counts_nothing(shop):
    assert of(shop["shop"], counting("gone"), shop["shop/cart"]) == [0]
    assert of(shop["shop"], counting("ship", pathFilter=[{"path": ["gone"]}]), shop["shop/cart"]) == [0]
    # It leads to a squad, not to a ship.
    assert of(shop["shop"], counting("ship", pathFilter=[{"path": ["squad"]}]), shop["shop/cart"]) == [0]


def test_where_very_many_ways_lead_the_shortest_are_kept(db):
    names = [f"k{n}" for n in range(12)]
    for n, name in enumerate(names):
        blueprint(name, {f"to{other}": other for other in names[n + 1 :]})
    first = Blueprint.objects.get(identifier="k0")
    first.aggregation_properties = {"n": counting("k11")}
    found = ways(first, "n")
    assert len(found) == MOST_WAYS
    assert [len(way) for way in found] == sorted(len(way) for way in found)
    assert found[0] == (Step("tok11", True, "k11"),)
    assert of(first, counting("k11"), entity(first, "one")) == [0]


def tangled(count, seed, arrows=3):
    """Blueprints that point at each other at random, the first of which counts the entities of the last."""
    chance = random.Random(seed)
    among = {
        f"k{n}": Blueprint(
            pk=n,
            identifier=f"k{n}",
            relations={f"r{a}": {"target": f"k{chance.randrange(count)}"} for a in range(arrows)},
        )
        for n in range(count)
    }
    for each in among.values():
        each.aggregation_properties = {"n": counting(f"k{chance.randrange(count)}")}
    return among


def every_way(owner, target, among, forward, so_far=()):
    """By trying everything."""
    here = so_far[-1].blueprint if so_far else owner
    arrows = [(other, name, each["target"]) for other in among for name, each in among[other].relations.items()]
    for source, name, pointed in arrows:
        begin, end = (source, pointed) if forward else (pointed, source)
        way = (*so_far, Step(name, forward, end))
        if begin == here and end == target:
            yield way
        elif begin == here and end != owner and end not in [step.blueprint for step in so_far]:
            yield from every_way(owner, target, among, forward, way)


@pytest.mark.parametrize("seed", range(20))
def test_the_ways_are_those_that_are_found_by_trying_everything(seed):
    among = tangled(5, seed, arrows=2)
    for name, each in among.items():
        target = each.aggregation_properties["n"]["target"]
        tried = [way for forward in (True, False) for way in every_way(name, target, among, forward)]
        found = ways(each, "n", among)
        assert [len(way) for way in found] == sorted(map(len, tried))[:MOST_WAYS]
        assert set(found) <= set(tried)


def test_a_hundred_blueprints_that_all_point_at_others_are_walked_in_seconds():
    graph = Graph(tangled(100, seed=1))
    began = time.process_time()
    graph.derived()
    assert time.process_time() - began < 10  # it took hours when each step looked at every blueprint


def test_as_many_statements_for_one_entity_as_for_many(shop, django_assert_num_queries):
    shop["shop"].aggregation_properties = {"n": counting("ship"), "m": counting("squad")}
    for pks in ([shop["shop/cart"].pk], [shop["shop/cart"].pk, shop["shop/search"].pk]):
        with django_assert_num_queries(3):
            aggregated(shop["shop"], ["n", "m"], pks, now=NOW)


@pytest.mark.parametrize(
    ("more", "does"),
    [
        ({}, False),
        ({"spec": {"calculationBy": "entities", "func": "average", "averageOf": "week"}}, True),
        ({"spec": {"calculationBy": "entities", "func": "average", "averageOf": "total"}}, False),
        ({"query": {"combinator": "or", "rules": [{"property": "at", "operator": "isExpired"}]}}, True),
        (
            {
                "query": {
                    "combinator": "or",
                    "rules": [{"property": "at", "operator": "between", "value": {"preset": "today"}}],
                }
            },
            True,
        ),
        ({"query": {"combinator": "or", "rules": [{"property": "ok", "operator": "=", "value": True}]}}, False),
    ],
)
def test_it_is_known_which_numbers_change_while_nothing_is_written(more, does):
    assert depends_on_time(counting("ship", **more)) is does
