"""Many entities written together: as quickly as one statement each kind, and each with a fate of its own."""

import threading

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog import queries
from catalog.commands import blueprint_create, entities_write
from catalog.commands.batch import Written
from catalog.models import Entity, Relation
from catalog.wishes import Wish
from portal.audit.models import Event
from portal.kit.errors import Invalid, Missing
from tests.conftest import SETUP, events, write

BOX = {
    "identifier": "box",
    "title": "Box",
    "schema": {"properties": {"size": {"type": "number"}}},
    "relations": {"in": {"target": "box"}, "near": {"target": "box", "many": True}},
}


@pytest.fixture
def box(db):
    return blueprint_create(BOX, by=SETUP)


def wish(identifier, mode="merge", **more):
    return Wish("box", identifier, mode, given=frozenset(more.keys() & {"title", "properties", "relations"}), **more)


def told(fates):
    return [("new" if each.created else "old") if isinstance(each, Written) else type(each).__name__ for each in fates]


def arrows(identifier):
    return queries.relations_of(Entity.objects.get(identifier=identifier))


def test_fifty_ask_the_database_as_often_as_two(box):
    def asked(wishes):
        with CaptureQueriesContext(connection) as queries:
            fates = entities_write(wishes, by=SETUP)
        assert all(isinstance(each, Written) for each in fates)
        return len(queries)

    write("box", "big")
    new = [wish(f"a{n}", properties={"size": n}, relations={"in": ("big",)}) for n in range(52)]
    assert asked(new[:2]) == asked(new[2:])
    again = [wish(f"a{n}", title=f"A {n}", relations={"in": (), "near": ("big",)}) for n in range(52)]
    assert asked(again[:2]) == asked(again[2:])
    assert Event.objects.filter(name="entity.updated").count() == 52


def test_one_that_is_wrong_leaves_the_others_and_no_trace(box):
    before = len(events())
    fates = entities_write(
        [
            wish("a", properties={"size": 1}),
            wish("b", properties={"size": "big"}),
            wish("c", relations={"in": ("nowhere",)}),
            wish("d", relations={"in": ("new",), "near": ("nowhere",)}, create_missing=True, properties={"size": "x"}),
            wish("e", relations={"in": ("a",)}),
        ],
        by=SETUP,
    )
    assert told(fates) == ["new", "Invalid", "Missing", "Invalid", "new"]
    assert sorted(Entity.objects.filter(blueprint=box).values_list("identifier", flat=True)) == ["a", "e"]
    assert events()[before:] == ["entity.created", "entity.created"]
    assert arrows("e") == {"in": "a"}


def test_one_that_the_database_refuses_is_the_only_one_that_is_not_written(box):
    unholdable = {"size": float("inf")}
    fates = entities_write([wish("a"), wish("b", properties=unholdable), wish("c")], by=SETUP)
    assert told(fates) == ["new", "Invalid", "new"]
    assert set(Entity.objects.filter(blueprint=box).values_list("identifier", flat=True)) == {"a", "c"}
    assert events("entity") == ["entity.created", "entity.created"]


def test_one_that_its_followers_refuse_is_the_only_one_that_is_not_written(shop):
    wishes = [Wish("environment", name, "create", properties={"aliases": [alias]}) for name, alias in NAMES]
    assert told(entities_write(wishes, by=SETUP)) == ["new", "Conflict", "new"]
    assert not Entity.objects.filter(identifier="qa").exists()


NAMES = [("uat", "u"), ("qa", "PROD"), ("dev", "d")]


def test_those_that_depend_on_each_other_come_as_if_one_after_the_other(box):
    fates = entities_write(
        [
            wish("a", relations={"in": ("later",)}, create_missing=True),
            wish("later", title="Later", relations={"near": ("a", "later")}),
            wish("a", title="A"),
            wish("a", "create"),
            wish("early", relations={"in": ("last",)}),
            wish("last", relations={"in": ("a",)}),
        ],
        by=SETUP,
    )
    assert told(fates) == ["new", "old", "old", "Conflict", "Missing", "new"]
    assert (arrows("a"), arrows("later"), arrows("last")) == ({"in": "later"}, {"near": ["a", "later"]}, {"in": "a"})
    assert Entity.objects.get(identifier="a").title == "A"


def test_what_an_event_says_before_and_after_is_what_was_and_is(box):
    for name in "xyz":
        write("box", name)
    entities_write([wish("a", relations={"near": ("x", "y"), "in": ("z",)})], by=SETUP)
    entities_write([wish("a", relations={"near": ("y", "x")}), wish("b")], by=SETUP)
    entities_write([wish("a", "override", title="A"), wish("b")], by=SETUP)
    first, second, third = Event.objects.filter(noun="entity", entity="a").order_by("id")
    assert (first.before, first.after["relations"]) == (None, {"in": "z", "near": ["x", "y"]})
    assert second.after["relations"] == {"in": "z", "near": ["y", "x"]}
    assert (second.before, third.before) == (first.after, second.after)
    assert third.after == Entity.objects.get(identifier="a").facts(arrows("a"))
    assert not Relation.objects.exists()


def test_arrows_that_stay_are_left_alone(box):
    for name in "xyz":
        write("box", name)
    write("box", "a", relations={"near": ("x", "y")})
    kept = Relation.objects.get(target__identifier="x").pk
    write("box", "a", mode="merge", relations={"near": ("x", "z")})
    assert Relation.objects.get(target__identifier="x").pk == kept
    assert arrows("a") == {"near": ["x", "z"]}


def test_a_dry_run_of_many_writes_nothing(box):
    fates = entities_write([wish("a"), wish("b", properties={"size": "x"})], dry=True, by=SETUP)
    assert told(fates) == ["new", "Invalid"]
    assert not Entity.objects.filter(blueprint=box).exists() and events("entity") == []


@pytest.mark.parametrize(("kind", "error"), [("nothing", Missing), ("box", Invalid)])
def test_a_single_one_is_refused_by_the_same_rules(box, kind, error):
    with pytest.raises(error):
        write(kind, "a", properties={"size": "x"})
    assert not Entity.objects.filter(identifier="a").exists()


@pytest.mark.django_db(transaction=True)
def test_bulks_of_the_same_entities_at_once_lose_none_and_double_none():
    """In opposite orders, pointing at each other, making what is missing: nobody waits for ever, nobody is lost."""
    blueprint_create(BOX, by=SETUP)
    barrier, fates = threading.Barrier(4), []

    def bulk(place):
        numbers = range(12) if place % 2 else range(11, -1, -1)
        barrier.wait(10)
        for turn in range(4):
            wishes = [
                wish(
                    f"a{n}",
                    properties={f"p{place}": turn},
                    relations={"near": (f"a{(n + 5) % 12}", f"m{n % 3}")},
                    create_missing=True,
                )
                for n in numbers
            ]
            fates.extend(entities_write(wishes, by=SETUP))
        connection.close()

    threads = [threading.Thread(target=bulk, args=(place,)) for place in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(fates) == 4 * 4 * 12
    assert {type(each) for each in fates} == {Written}
    made = Entity.objects.filter(blueprint__identifier="box")
    assert made.count() == 15
    for each in made.filter(identifier__startswith="a"):
        assert each.properties == {f"p{place}": 3 for place in range(4)}
        told_of = Event.objects.filter(noun="entity", entity=each.identifier).order_by("id")
        assert [event.name for event in told_of].count("entity.created") == 1
        # What each event found before is what the one before it left: no change was written over unseen.
        assert [event.before for event in told_of[1:]] == [event.after for event in list(told_of)[:-1]]
