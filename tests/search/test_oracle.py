"""The compiler against a plain model, over random schemas, entities and queries."""

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog import search
from catalog.models import Blueprint, Entity, Relation
from tests.conftest import SETUP
from tests.search import model

NAMES = ["a", "b", "c", "d", "e", "f"]
RELATIONS = ["on", "with"]
DEFINITIONS = [
    {"type": "string"},
    {"type": "number"},
    {"type": "boolean"},
    {"type": "array"},
    {"type": "object"},
    {"type": "string", "format": "date-time"},
]
texts = st.sampled_from(["", "a", "A", "ab", "%", "_", "a_b", "\\", "é", "É", "1", "true", "x y", "2026-01-31", "null"])
dates = st.sampled_from(
    [
        "2026-01-31",
        "2026-01-31T12:00:00Z",
        "2026-01-31T13:00:00+01:00",
        "2026-02-30",
        "2099-01-01T00:00:00.5Z",
        "2026-01-31 12:00",
    ]
)
numbers = st.sampled_from([0, 1, 1.0, -1, 0.1, 2.5, 10, 1e15, -0.0])
scalars = st.one_of(texts, dates, numbers, st.booleans())
anything = st.one_of(
    scalars, st.lists(scalars, max_size=3), st.dictionaries(st.sampled_from(["k", "l"]), scalars, max_size=2)
)
good_dates = st.sampled_from(
    ["2026-01-31", "2026-01-31T12:00:00Z", "2026-01-31T13:00:00+01:00", "2099-01-01T00:00:00.5Z"]
)


@st.composite
def worlds(draw):
    declared = {f"p{place}": draw(st.sampled_from(DEFINITIONS)) for place in range(draw(st.integers(1, 4)))}
    entities = {}
    for name in NAMES[: draw(st.integers(1, len(NAMES)))]:
        keys = draw(st.sets(st.sampled_from([*declared, "undeclared"])))
        entities[name] = {
            "identifier": name,
            "title": draw(st.sampled_from(["", "A", "ab", "b%"])),
            "team": draw(st.sampled_from([[], ["t"], ["t", "U"]])),
            "properties": {key: draw(anything) for key in sorted(keys)},
            "relations": {},
        }
    for each in entities.values():
        for relation in RELATIONS:
            targets = draw(st.lists(st.sampled_from(sorted(entities)), unique=True, max_size=3))
            if targets:
                each["relations"][relation] = targets
    return declared, entities


@st.composite
def rules(draw, depth=0):
    kind = draw(
        st.sampled_from(
            ["property"] * 6 + ["relation", "related", "path", "schema"] + ["group"] * (2 if depth < 3 else 0)
        )
    )
    if kind == "group":
        return {
            "combinator": draw(st.sampled_from(["and", "or"])),
            "rules": draw(st.lists(rules(depth + 1), max_size=3)),
        }
    if kind == "related":
        asked = {
            "operator": "relatedTo",
            "blueprint": "thing",
            "value": draw(st.one_of(st.sampled_from(NAMES), st.lists(st.sampled_from(NAMES), min_size=1, max_size=2))),
        }
        way = draw(st.sampled_from(["upstream", "downstream", None]))
        return asked | ({"direction": way} if way else {})
    if kind == "path":
        steps = draw(st.lists(st.sampled_from(RELATIONS), min_size=1, max_size=3))
        if draw(st.booleans()):
            place = draw(st.integers(0, len(steps) - 1))
            steps[place] = {"relation": steps[place], "maxHops": draw(st.integers(1, 4))}
        return {
            "operator": "matchAny",
            "property": {"path": steps},
            "value": draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=2)),
        }
    if kind == "relation":
        operator = draw(
            st.sampled_from(["=", "!=", "in", "notIn", "contains", "beginsWith", "endsWith", "isEmpty", "isNotEmpty"])
        )
        target = draw(st.sampled_from(["$identifier", "$title"]))
        return {
            "relation": draw(st.sampled_from([*RELATIONS, "none"])),
            "targetProperty": target,
            "operator": operator,
            "value": draw(value_for(operator)),
        }
    operator = draw(
        st.sampled_from(
            [
                *model.POSITIVE,
                *sorted(set(model.POSITIVE.values())),
                ">",
                ">=",
                "<",
                "<=",
                "containsAny",
            ]
        )
    )
    if kind == "schema":
        return {
            "propertySchema": draw(st.sampled_from(DEFINITIONS)),
            "operator": operator,
            "value": draw(value_for(operator)),
        }
    named = draw(st.sampled_from(["p0", "p1", "p2", "p3", "undeclared", "nowhere", "$identifier", "$title", "$team"]))
    return {"property": named, "operator": operator, "value": draw(value_for(operator))}


def value_for(operator):
    positive = model.POSITIVE.get(operator, operator)
    if positive in ("isEmpty", "isExpired"):
        return st.none()
    if positive in ("in", "containsAny"):
        return st.one_of(st.lists(st.one_of(scalars, st.none()), max_size=4), st.just([*range(60), "a", True]))
    if positive == "between":
        return st.builds(lambda one, other: {"from": one, "to": other}, good_dates, good_dates)
    if positive in (">", ">=", "<", "<="):
        return st.one_of(numbers, good_dates)
    if positive in ("contains", "beginsWith", "endsWith"):
        return texts.filter(bool)
    return st.one_of(anything, st.none())


tried = {"queries": 0}


@pytest.mark.django_db
@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(worlds(), st.lists(rules(), min_size=20, max_size=20))
def test_the_compiler_finds_what_the_model_finds(world, asked):
    declared, entities = world
    with transaction.atomic():
        blueprint = make(declared, entities)
        for rule in asked:
            query = {"combinator": "and", "rules": [rule]}
            parsed = search.parse(query)
            expected = model.finds(query, entities, declared)
            rows = Entity.objects.filter(blueprint=blueprint)
            found = search.matching(rows, parsed, by=SETUP, blueprint=blueprint)
            assert set(found.values_list("identifier", flat=True)) == expected, rule
            tried["queries"] += 1
        transaction.set_rollback(True)


def test_enough_was_tried():
    assert tried["queries"] >= 1000


def make(declared, entities):
    blueprint = Blueprint.objects.create(
        identifier="thing",
        title="Thing",
        schema={"properties": declared, "required": []},
        created_by="x",
        updated_by="x",
    )
    fields = ("identifier", "title", "team", "properties")
    made = Entity.objects.bulk_create(
        Entity(blueprint=blueprint, created_by="x", updated_by="x", **{field: each[field] for field in fields})
        for each in entities.values()
    )
    keys = {each.identifier: each.pk for each in made}
    Relation.objects.bulk_create(
        Relation(source_id=keys[name], name=relation, target_id=keys[target])
        for name, each in entities.items()
        for relation, targets in each["relations"].items()
        for target in targets
    )
    return blueprint
