"""Starters: what comes with one import, what stays as it is, and what goes again."""

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from catalog import kinds
from catalog.commands import blueprint_create, blueprint_update, entity_write
from catalog.models import Blueprint, Entity, View
from catalog.scorecards.models import Scorecard
from catalog.starters import shelf
from catalog.starters.commands import starter_import, starter_remove
from catalog.starters.models import Brought
from catalog.starters.queries import standing
from catalog.wishes import Wish
from portal.audit.models import Event
from portal.kit.errors import Missing, Refused
from tests.conftest import SETUP, events, write

ALL = list(shelf.starters())


def definition(name):
    return kinds.definition_of(Blueprint.objects.get(identifier=name))


def definitions():
    return {each.identifier: each.facts() for each in Blueprint.objects.all()}


def labels(changes):
    return {(each.kind, each.blueprint, each.name) for each in changes}


@pytest.mark.parametrize("name", ALL)
def test_each_starter_comes_whole_with_its_examples_and_a_second_time_changes_nothing(db, name):
    starter = shelf.starter(name)
    told = starter_import(name, examples=True, by=SETUP)
    assert not told.left
    assert {each["identifier"] for each in starter.blueprints} <= set(definitions())
    assert Scorecard.objects.count() == len(starter.scorecards)
    assert View.objects.filter(owner=None).count() == len(starter.views)
    for each in starter.examples:
        made = Entity.objects.get(blueprint__identifier=each["blueprint"], identifier=each["identifier"])
        assert made.properties == each["properties"]
    before = Event.objects.count()
    again = starter_import(name, examples=True, overwrite=True, by=SETUP)
    assert (again.done, again.left) == ([], [])
    assert Event.objects.count() == before


def test_all_of_them_stand_beside_each_other(shop):
    told = [starter_import(name, examples=True, by=SETUP) for name in [*ALL, *reversed(ALL)]]
    assert not any(each.left for each in told)
    assert not any(each.done for each in told[len(ALL) :])


@pytest.mark.parametrize("name", ALL)
def test_what_was_imported_goes_again_and_leaves_the_catalog_as_it_was(shop, name):
    before, entities = definitions(), Entity.objects.count()
    starter_import(name, examples=True, by=SETUP)
    told = starter_remove(name, by=SETUP)
    assert [(each.label, each.why) for each in told.left] == []
    after = definitions()
    assert {key: after[key] for key in before} == before and after.keys() == before.keys()
    assert (Entity.objects.count(), Scorecard.objects.count(), View.objects.count()) == (entities, 0, 0)
    assert not Brought.objects.exists()


def test_one_import_is_one_trail(db, alice, page):
    by = page(alice)
    starter_import("on-call", by=by)
    assert {each.trace for each in Event.objects.filter(name="starter.imported")} == {by.trace}
    told = Event.objects.filter(trace=by.trace).values_list("name", flat=True)
    assert sorted(told) == [
        "blueprint.created",
        "blueprint.created",
        "blueprint.updated",
        "scorecard.created",
        "starter.imported",
        "view.created",
    ]


def test_what_somebody_made_of_it_stays_until_he_is_told(shop):
    starter_import("on-call", by=SETUP)
    mine = definition("onCallSchedule")
    properties = mine["schema"]["properties"] | {"link": {"type": "string", "title": "Rota"}}
    mine = mine | {"title": "Rota", "schema": mine["schema"] | {"properties": properties}}
    blueprint_update(Blueprint.objects.get(identifier="onCallSchedule"), mine, by=SETUP)
    before = Event.objects.count()
    told = starter_import("on-call", by=SETUP)
    assert labels(told.left) == {
        ("title and description", "onCallSchedule", ""),
        ("property", "onCallSchedule", "link"),
    }
    assert Event.objects.count() == before
    differing = next(each for each in told.left if each.name == "link")
    assert (differing.word, differing.now, differing.wished["title"]) == (
        "taken",
        {"type": "string", "title": "Rota"},
        "Link",
    )


def test_it_is_set_as_it_came_by_who_says_so(shop):
    starter_import("on-call", by=SETUP)
    blueprint_update(Blueprint.objects.get(identifier="onCallSchedule"), {"title": "Rota"}, partial=True, by=SETUP)
    told = starter_import("on-call", overwrite=True, by=SETUP)
    assert labels(told.done) == {("title and description", "onCallSchedule", "")}
    assert definition("onCallSchedule")["title"] == "On-call schedule"


def test_a_name_that_means_something_else_here_keeps_its_meaning(shop):
    blueprint_create(
        {"identifier": "queue", "title": "Line", "schema": {"properties": {"depth": {"type": "string"}}}}, by=SETUP
    )
    write("queue", "monday", properties={"depth": "deep"})
    told = starter_import("cloud", overwrite=True, by=SETUP)
    assert ("property", "queue", "depth") in labels(told.left)
    assert definition("queue")["schema"]["properties"]["depth"] == {"type": "string"}
    assert "region" in definition("queue")["schema"]["properties"]


def test_what_was_here_before_it_stays_when_it_goes(shop):
    own = {"identifier": "queue", "title": "Queue", "schema": {"properties": {"depth": {"type": "number"}}}}
    blueprint_create(own, by=SETUP)
    starter_import("cloud", by=SETUP)
    starter_remove("cloud", by=SETUP)
    assert definition("queue")["schema"]["properties"] == {"depth": {"type": "number"}}


def test_removal_says_what_it_leaves(shop):
    starter_import("on-call", by=SETUP)
    write("onCallSchedule", "nights")
    entity_write(
        Wish("service", "checkout", "patch", relations={"onCallSchedule": ("nights",)}, given=frozenset({"relations"})),
        by=SETUP,
    )
    told = starter_remove("on-call", preview=True, by=SETUP)
    assert "starter.removed" not in events()
    why = {each.label: each.why for each in told.left}
    assert why["blueprint onCallSchedule"] == "has 1 entity"
    assert why["relation onCallSchedule of service"] == "has entities at both its ends"
    assert why["blueprint escalationPolicy"] == "onCallSchedule points at it"
    starter_remove("on-call", by=SETUP)
    assert "nights" in Entity.objects.values_list("identifier", flat=True)
    assert {each["blueprint"] for each in Brought.objects.get().parts} >= {"onCallSchedule", "escalationPolicy"}
    before = Event.objects.count()
    starter_remove("on-call", by=SETUP)
    assert Event.objects.count() == before


def test_only_administrators_import_and_remove(shop, bob, page):
    before = Event.objects.count()
    for command in (starter_import, starter_remove):
        with pytest.raises(Refused):
            command("incidents", by=page(bob))
    with pytest.raises(Missing):
        starter_import("nothing", by=SETUP)
    assert Event.objects.count() == before
    assert standing(page(bob), "incidents").brought is None


# The pages, /v1 and the command.


@pytest.fixture
def browser(alice):
    client = Client(raise_request_exception=False)
    client.force_login(alice)
    return client


def test_the_page_shows_what_would_change_and_imports_by_one_click(shop, browser):
    listed = browser.get("/starters/").content.decode()
    assert all(each.title in listed for each in shelf.starters().values())
    shown = browser.get("/starters/on-call").content.decode()
    assert "2 blueprints, 2 mirrors, 1 relation, 1 scorecard and 1 view would come." in shown
    assert browser.post("/starters/on-call", {"examples": "1"}).status_code == 303
    assert Entity.objects.filter(identifier="example-schedule").exists()
    assert "All of it is here." in browser.get("/starters/on-call").content.decode()
    assert "blueprint onCallSchedule" in browser.get("/starters/on-call/removal").content.decode()
    assert browser.post("/starters/on-call/removal").status_code == 303
    assert not Blueprint.objects.filter(identifier="onCallSchedule").exists()
    assert browser.get("/starters/on-call/removal").status_code == 404
    assert browser.get("/starters/nothing").status_code == 404


def test_the_preview_shows_the_exact_difference(shop, browser):
    starter_import("on-call", by=SETUP)
    blueprint_update(Blueprint.objects.get(identifier="onCallSchedule"), {"title": "<Rota>"}, partial=True, by=SETUP)
    shown = browser.get("/starters/on-call").content.decode()
    assert "&lt;Rota&gt;" in shown and "1 part differs from what is here." in shown and "overwrite" in shown


def test_a_member_sees_and_may_not(shop, bob):
    client = Client(raise_request_exception=False)
    client.force_login(bob)
    before = Event.objects.count()
    assert "An administrator imports it." in client.get("/starters/on-call").content.decode()
    assert client.post("/starters/on-call").status_code == 403
    assert client.post("/starters/on-call/removal").status_code == 403
    assert Event.objects.count() == before


def test_the_list_asks_as_often_whatever_is_here(shop, browser):
    def asked():
        with CaptureQueriesContext(connection) as queries:
            assert browser.get("/starters/").status_code == 200
        return len(queries)

    few = asked()
    for name in ("on-call", "github"):
        starter_import(name, examples=True, by=SETUP)
    assert asked() == few


def test_programs_import_and_take_out_over_v1(shop, terraform, ci):
    assert ci.post("starters/on-call", {}).status == 403
    seen = terraform.get("starters/on-call").json
    assert seen["starter"]["imported"] is False and {each["state"] for each in seen["changes"]} == {"new"}
    done = terraform.post("starters/on-call?examples=true", {}).json
    assert (len(done["done"]), done["left"]) == (10, [])
    assert terraform.post("starters/on-call", {}).json["done"] == []
    assert [each["imported"] for each in terraform.get("starters").json["starters"]].count(True) == 1
    assert len(terraform.delete("starters/on-call").json["gone"]) == 10
    assert terraform.delete("starters/on-call").status == 404


def test_the_command_does_the_same(shop, capsys):
    for words in (["list"], ["show", "on-call"], ["import", "on-call", "--examples"], ["remove", "on-call"]):
        call_command("starters", *words)
    told = capsys.readouterr().out
    assert "comes: blueprint onCallSchedule" in told and "10 changed, 0 left" in told and "10 went, 0 stayed." in told
    for wrong in (["import"], ["import", "nothing"], ["remove", "on-call"]):
        with pytest.raises(CommandError):
            call_command("starters", *wrong)
