"""A level that changes is told exactly once, with what flipped and what caused it, however many workers look."""

import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction

from catalog import queries as catalog
from catalog.commands import entity_delete
from catalog.models import Entity
from catalog.scorecards.commands import levels_compare, scorecard_create, scorecard_update
from catalog.scorecards.commands.levels import chunk_compare
from catalog.scorecards.models import Day, Scorecard, Standing
from portal.audit.models import Event
from portal.kit.clock import database_now
from tests.catalog.test_scorecards import READY
from tests.conftest import SETUP, write

CHANGED = "scorecard.level_changed"


def change(identifier, **wish):
    return write("service", identifier, mode="patch", **wish)


def told():
    return list(Event.objects.filter(name=CHANGED).order_by("id"))


@pytest.fixture
def ready(shop):
    made = scorecard_create(catalog.blueprint("service"), READY, by=SETUP)
    assert levels_compare() == 0
    return made


def test_the_first_look_tells_nothing(ready):
    assert told() == []
    assert {each.entity.identifier: each.level for each in Standing.objects.select_related("entity")} == {
        "checkout": "Bronze",
        "search": "Basic",
    }


def test_a_change_is_told_once_with_what_flipped_and_what_caused_it(ready):
    change("checkout", properties={"description": "Takes the money"})
    cause = Event.objects.order_by("-id").first()
    assert levels_compare() == 1
    assert levels_compare() == 0
    (event,) = told()
    assert (event.blueprint, event.entity, event.service) == ("service", "checkout", "checkout")
    assert event.title == "Checkout from Bronze to Silver by Production readiness"
    assert (event.payload["from"], event.payload["to"]) == ("Bronze", "Silver")
    assert [(each["identifier"], each["from"], each["to"]) for each in event.payload["rules"]] == [
        ("described", "FAILURE", "SUCCESS")
    ]
    assert event.payload["cause"]["event"] == str(cause.public_id)
    assert event.payload["cause"]["name"] == "entity.updated"


def test_a_rule_that_flips_without_the_level_is_no_event_and_is_kept(ready):
    change("search", properties={"description": "Finds"})
    assert levels_compare() == 0
    standing = Standing.objects.get(entity__identifier="search")
    assert (standing.level, standing.passed["described"]) == ("Basic", True)
    first = standing.flipped.pop("owned")
    assert standing.flipped["described"] > first == standing.flipped["unlocked"]


def test_another_definition_is_the_cause_of_what_it_changes(ready):
    scorecard_update(ready, {"rules": READY["rules"][1:]}, partial=True, by=SETUP)
    assert levels_compare() == 1
    assert [(each.entity, each.payload["to"], each.payload["cause"]["name"]) for each in told()] == [
        ("search", "Bronze", "scorecard.updated"),
    ]


def test_out_of_the_filter_and_back_is_told(ready):
    for lifecycle in ("retired", None):
        change("checkout", properties={"lifecycle": lifecycle})
        assert levels_compare() == 1
    assert [(each.payload["from"], each.payload["to"]) for each in told()] == [("Bronze", None), (None, "Bronze")]


def test_what_follows_from_a_neighbour_or_from_time_is_found_by_the_next_whole_look(ready):
    old = database_now() - timedelta(hours=1)
    Entity.objects.update(updated_at=old)
    Entity.objects.filter(identifier="checkout").update(properties={"description": "by nobody's event"})
    Event.objects.filter(entity="checkout").delete()
    assert levels_compare() == 0
    assert levels_compare(now=database_now() + timedelta(minutes=6)) == 1
    assert told()[0].payload["cause"] is None


def test_what_is_gone_leaves_no_standing(ready):
    entity_delete(catalog.service_named("search"), by=SETUP)
    levels_compare()
    assert Standing.objects.count() == 1
    assert told() == []


def test_a_day_keeps_its_last_count(ready):
    day = datetime(2026, 3, 1, 12, tzinfo=UTC)
    levels_compare(now=day + timedelta(days=3000))
    change("search", team=("payments",))
    levels_compare(now=day + timedelta(days=3000, hours=1))
    levels_compare(now=day + timedelta(days=3001))
    kept = list(Day.objects.order_by("day").values_list("levels", flat=True))[-2:]
    assert kept == [{"Bronze": 2}, {"Bronze": 2}]


def test_a_crash_leaves_nothing_and_the_next_worker_tells_it(ready):
    change("checkout", properties={"description": "x"})
    keys = list(Entity.objects.values_list("pk", flat=True))
    with suppress(ZeroDivisionError), transaction.atomic():
        assert chunk_compare(ready.pk, keys, now=database_now()) == 1
        raise ZeroDivisionError
    assert told() == []
    assert levels_compare() == 1
    assert len(told()) == 1


def test_it_costs_as_much_for_a_hundred_as_for_one(ready, django_assert_max_num_queries):
    for number in range(100):
        write("service", f"s{number}")
    levels_compare()
    Entity.objects.filter(identifier__startswith="s").update(team=["payments"])
    # The last one is of the routes of notifications, which are looked at anew every few seconds.
    with django_assert_max_num_queries(25):
        assert levels_compare() == 101


@pytest.mark.django_db(transaction=True)
def test_two_workers_tell_it_once(ready):
    for number in range(20):
        write("service", f"s{number}")
    levels_compare()
    Entity.objects.filter(identifier__startswith="s").exclude(identifier="search").update(team=["payments"])
    keys = list(Entity.objects.filter(blueprint=ready.blueprint_id).order_by("pk").values_list("pk", flat=True))
    start, counts = threading.Barrier(4), []

    def work():
        try:
            start.wait()
            counts.append(chunk_compare(ready.pk, keys, now=database_now()))
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for each in workers:
        each.start()
    for each in workers:
        each.join()
    assert sorted(counts) == [0, 0, 0, 20]
    assert len(told()) == 20
    assert Scorecard.objects.count() == 1
