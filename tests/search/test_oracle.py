"""The compiler against a plain model, over random schemas, entities and queries."""

from dataclasses import dataclass

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from catalog import search
from catalog.models import Blueprint, Entity, Relation
from portal.kit.by import Actor, By
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


@dataclass(frozen=True)
class World:
    """`declared`, `computed` and `relations` (whether each is required) are by blueprint; the one who asks has one `user`."""

    declared: dict
    computed: dict
    relations: dict
    entities: dict
    user: dict
    teams: dict


BLUEPRINTS = ["thing", "gadget"]
OWN = {"at": st.one_of(st.sampled_from([1, "1", True, "a", "ab", "2026-01-31"]), st.just(["a", "2026-01-31", 10]))}
INSTANTS = ["2026-01-31T12:00:00+00:00", "2026-02-01T00:00:00+00:00", "2099-01-01T00:00:00+00:00"]
METAS = "$identifier $title $team $icon $datasource $blueprint $createdBy $updatedBy $createdAt $updatedAt".split()


@st.composite
def worlds(draw):
    declared = {
        each: {f"p{place}": draw(st.sampled_from(DEFINITIONS)) for place in range(draw(st.integers(1, 4)))}
        for each in BLUEPRINTS
    }
    # What the one computes, the other stores.
    declared["thing"]["m"], declared["gadget"]["m"] = {"type": "string"}, draw(st.sampled_from(DEFINITIONS))
    entities = {}
    for name in NAMES[: draw(st.integers(1, len(NAMES)))]:
        own = draw(st.sampled_from(BLUEPRINTS))
        keys = draw(st.sets(st.sampled_from([*declared[own], "undeclared"])))
        held = {key: draw(anything) for key in sorted(keys)}
        entities[name] = {
            "identifier": name,
            "blueprint": own,
            "title": draw(st.sampled_from(["", "A", "ab", "b%"])),
            "team": draw(st.sampled_from([[], ["t"], ["t", "U"]])),
            "properties": {key: value for key, value in held.items() if (own, key) != ("thing", "m")},
            "computed": {key: value for key, value in held.items() if (own, key) == ("thing", "m")},
            "relations": {},
            "$icon": draw(st.sampled_from(["", "a", "Box"])),
            "$datasource": draw(st.sampled_from(["", "ab"])),
            "$createdBy": draw(st.sampled_from(["Dana", "a"])),
            "$updatedBy": draw(st.sampled_from(["Dana", "a"])),
            "$createdAt": draw(st.sampled_from(INSTANTS)),
            "$updatedAt": draw(st.sampled_from(INSTANTS)),
        }
    for each in entities.values():
        for relation in RELATIONS:
            targets = draw(st.lists(st.sampled_from(sorted(entities)), unique=True, max_size=3))
            if targets:
                each["relations"][relation] = targets
    relations = {each: {relation: draw(st.booleans()) for relation in RELATIONS[:1]} for each in BLUEPRINTS}
    user = {"identifier": "a", "properties": {key: draw(value) for key, value in OWN.items()}}
    teams = {
        each: {"identifier": each, "properties": {key: draw(value) for key, value in OWN.items()}}
        for each in draw(st.sets(st.sampled_from(["a", "t", "U"])))
    }
    return World(declared, {"thing": {"m"}, "gadget": set()}, relations, entities, user, teams)


contexts = st.builds(
    lambda who, what: {"context": who, "property": what},
    st.sampled_from(["user", "userTeams"]),
    st.sampled_from(["$identifier", "at", "nothing"]),
)


@st.composite
def rules(draw, depth=0):
    kind = draw(
        st.sampled_from(
            ["property"] * 6
            + ["relation", "related", "path", "schema", "mine", "pinned"]
            + ["group"] * (2 if depth < 3 else 0)
        )
    )
    if kind == "group":
        return {
            "combinator": draw(st.sampled_from(["and", "or"])),
            "rules": draw(st.lists(rules(depth + 1), max_size=3)),
        }
    if kind == "pinned":
        return {"property": "$blueprint", "operator": "=", "value": draw(st.sampled_from([*BLUEPRINTS, "none"]))}
    if kind == "related":
        asked = {
            "operator": "relatedTo",
            "blueprint": draw(st.sampled_from(BLUEPRINTS)),
            "value": draw(st.one_of(st.sampled_from(NAMES), st.lists(st.sampled_from(NAMES), min_size=1, max_size=2))),
        }
        more = {"direction": ["upstream", "downstream"], "required": [True, False]}
        return asked | {key: draw(st.sampled_from(each)) for key, each in more.items() if draw(st.booleans())}
    if kind == "path":
        steps = draw(st.lists(st.sampled_from(RELATIONS), min_size=1, max_size=3))
        if draw(st.booleans()):
            place = draw(st.integers(0, len(steps) - 1))
            steps[place] = {"relation": steps[place], "maxHops": draw(st.integers(1, 4))}
        start = {"fromBlueprint": draw(st.sampled_from(BLUEPRINTS))} if draw(st.booleans()) else {}
        return {
            "operator": "matchAny",
            "property": {"path": steps} | start,
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
        st.sampled_from([*model.POSITIVE, *sorted(set(model.POSITIVE.values())), ">", ">=", "<", "<=", "containsAny"])
    )
    positive = model.POSITIVE.get(operator, operator)
    given = (
        value_for(operator) if positive == "between" else st.one_of(value_for(operator), value_for(operator), contexts)
    )
    if kind == "mine":
        expired = positive == "isExpired"
        return {
            "property": draw(contexts),
            "operator": "=" if expired else operator,
            "value": draw(value_for(operator)),
        }
    if kind == "schema":
        return {"propertySchema": draw(st.sampled_from(DEFINITIONS)), "operator": operator, "value": draw(given)}
    named = draw(st.sampled_from(["p0", "p1", "p2", "p3", "m", "undeclared", "nowhere", *METAS]))
    return {"property": named, "operator": operator, "value": draw(given)}


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


# Without shrinking, which would take minutes: the rule at fault is named by the assertion.
@pytest.mark.django_db
@settings(max_examples=52, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
@given(worlds(), st.lists(rules(), min_size=20, max_size=20), st.sampled_from(["thing", "gadget", None]))
def test_the_compiler_finds_what_the_model_finds(world, asked, within):
    with transaction.atomic():
        made = make(world)
        by = By(Actor("user", "user:1", "Dana", email=world.user["identifier"], teams=frozenset(world.teams)), "page")
        own = Entity.objects.filter(blueprint__in=made.values())
        rows = own.filter(blueprint=made[within]) if within else own
        for rule in asked:
            query = {"combinator": "and", "rules": [rule]}
            expected = model.finds(query, world, within)
            found = search.matching(rows, search.parse(query), by=by, blueprint=made.get(within))
            assert set(found.values_list("identifier", flat=True)) == expected, rule
            tried["queries"] += 1
        transaction.set_rollback(True)


def test_enough_was_tried():
    assert tried["queries"] >= 1000


def make(world):
    made = {
        name: Blueprint.objects.create(
            identifier=name,
            title=name,
            schema={
                "properties": {key: each for key, each in declared.items() if key not in world.computed[name]},
                "required": [],
            },
            mirror_properties={key: declared[key] for key in world.computed[name]},
            relations={key: {"target": name, "required": each} for key, each in world.relations[name].items()},
            created_by="x",
            updated_by="x",
        )
        for name, declared in world.declared.items()
    }
    columns = {
        "icon": "$icon",
        "datasource": "$datasource",
        "created_by": "$createdBy",
        "updated_by": "$updatedBy",
        "created_at": "$createdAt",
        "updated_at": "$updatedAt",
    }
    fields = {name: name for name in ("identifier", "title", "team", "properties", "computed")} | columns
    rows = Entity.objects.bulk_create(
        Entity(blueprint=made[each["blueprint"]], **{field: each[key] for field, key in fields.items()})
        for each in world.entities.values()
    )
    keys = {each.identifier: each.pk for each in rows}
    Relation.objects.bulk_create(
        Relation(source_id=keys[name], name=relation, target_id=keys[target])
        for name, each in world.entities.items()
        for relation, targets in each["relations"].items()
        for target in targets
    )
    for kind, people in (("_user", [world.user]), ("_team", world.teams.values())):
        blueprint, _ = Blueprint.objects.get_or_create(identifier=kind, defaults={"title": kind, "created_by": "x"})
        for each in people:
            Entity.objects.create(blueprint=blueprint, created_by="x", updated_by="x", **each)
    return made
