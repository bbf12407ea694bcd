"""Computed values through the doors: what clients write comes back, what they read is right, and nobody pays for others."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog import compute, queries
from catalog.commands import changes_undo, entities_delete_all, entities_write, entity_delete
from catalog.models import Blueprint, Entity, SelfCheck, Stale
from catalog.wishes import Wish
from portal.accounts.commands import team_update
from portal.accounts.models import Team
from portal.audit.models import Event
from tests.catalog.test_computed import (
    FULL,
    blueprint,
    calculation,
    mirror,
    park,
    read,
    stored,
    swept,
    to,
    update,
)
from tests.conftest import SETUP, write
from tests.deployments.test_reports import report

assert park
COUNT = {"calculationBy": "entities", "func": "count"}


def statements(do):
    with CaptureQueriesContext(connection) as asked:
        do()
    return len([each for each in asked if "SAVEPOINT" not in each["sql"]])


def test_what_a_client_wrote_comes_back_equal_when_it_asks_for_no_more(park, terraform):
    body = {
        "identifier": "v7",
        "title": "Seven",
        "properties": {"plate": "7", "count": 1.0, "none": [], "deep": {"a": [1, {"b": False}]}},
        "relations": {"driver": "dora", "load": ["p1", "p2"]},
    }
    assert terraform.post("blueprints/van/entities", body).status == 201
    back = terraform.get("blueprints/van/entities/v7", exclude_calculated_properties="true").json["entity"]
    assert {name: back[name] for name in body} == body
    assert isinstance(back["properties"]["count"], float)
    full = terraform.get("blueprints/van/entities/v7").json["entity"]["properties"]
    assert full == body["properties"] | FULL | {
        "label": "7 of Leipzig",
        "weights": [3, 9],
        "tags": ["glass", "glass", "cold"],
    }


def test_a_list_asks_as_often_for_fifty_as_for_one(park, terraform):
    def asked(path):
        return statements(lambda: terraform.get(path))

    path = "blueprints/van/entities"
    asked(path)
    plain = asked(path)
    write("depot", "east", mode="merge", properties={"city": "Halle"})
    marked = asked(path)
    for number in range(49):
        write("van", f"x{number}", properties={"plate": "P"}, relations={"driver": ("dora",), "load": ("p1", "p2")})
    assert asked(path) == marked <= plain + 9
    swept()
    assert asked(path) == plain


def test_a_bulk_of_twenty_takes_as_many_statements_as_one_of_two(park):
    def wish(number):
        return Wish("van", f"b{number}", "create", relations={"driver": ("dora",)}, given=frozenset({"relations"}))

    two = statements(lambda: entities_write([wish(1), wish(2)], by=SETUP))
    assert statements(lambda: entities_write([wish(number) for number in range(10, 30)], by=SETUP)) == two


def test_a_blueprint_that_computes_nothing_costs_its_writers_nothing(db):
    blueprint("stone")
    blueprint("gem", calculationProperties={"name": calculation(".identifier")})

    def cost(kind):
        return statements(lambda: write(kind, "x"))

    with CaptureQueriesContext(connection) as asked:
        write("stone", "s")
    assert not any("catalog_stale" in each["sql"] or each["sql"].startswith("update") for each in asked)
    assert cost("stone") < cost("gem")


def test_new_entities_are_stored_with_their_values_in_one_go(park):
    wishes = [Wish("van", f"b{number}", "create", properties={"plate": "P"}) for number in range(2)]
    with CaptureQueriesContext(connection) as asked:
        entities_write(wishes, by=SETUP)
    touching = [each["sql"] for each in asked if "catalog_entity" in each["sql"] and "update" in each["sql"][:30]]
    assert not touching
    assert [stored("van", each.identifier)["label"] for each in wishes] == ["P of "] * 2


def test_new_entities_that_show_each_other_are_right_at_once(db):
    blueprint(
        "link",
        schema={"properties": {"word": {"type": "string"}}, "required": []},
        relations={"next": {"target": "link"}},
        mirrorProperties={"after": {"title": "After", "path": "next.word"}},
        calculationProperties={"said": calculation('.properties.after // "none"')},
    )

    def wish(name, word, *after):
        return Wish("link", name, "create", properties={"word": word}, relations={"next": after} if after else {})

    entities_write([wish("last", "end"), wish("loop", "round", "loop")], by=SETUP)
    assert stored("link", "last") == {"said": "none"}
    assert stored("link", "loop") == {"after": "round", "said": "round"}


def test_a_target_that_is_made_on_the_way_is_read_at_once(db):
    blueprint("box", mirrorProperties={}, relations={})
    blueprint(
        "tag",
        relations={"on": {"target": "box"}},
        mirrorProperties={"box": {"title": "Box", "path": "on.$identifier"}},
    )
    tags = [
        Wish(
            "tag", f"t{n}", "create", relations={"on": (f"b{n}",)}, create_missing=True, given=frozenset({"relations"})
        )
        for n in range(3)
    ]
    assert all(each.created for each in entities_write(tags, by=SETUP))
    assert [stored("tag", f"t{n}") for n in range(3)] == [{"box": f"b{n}"} for n in range(3)]


def test_a_report_is_counted_at_once(shop):
    update(
        "service", aggregationProperties={"deploys": {"title": "D", "target": "deployment", "calculationSpec": COUNT}}
    )
    update("deploymentConfig", calculationProperties={"shout": calculation(".properties.version + '!'")})
    swept()
    report("1.0")
    assert read("service", "checkout") == {"deploys": 1}
    assert read("deploymentConfig", "checkout-production") == {"shout": "1.0!"}
    swept()
    assert stored("service", "checkout") == {"deploys": 1}
    assert stored("deploymentConfig", "checkout-production") == {"shout": "1.0!"}


def test_a_report_leaves_as_many_marks_whether_others_show_it_or_not(shop):
    report("1.0")
    blueprint("screen", relations={"of": to("deploymentConfig")}, mirrorProperties={"v": mirror("of.version")})
    for number in range(30):
        write("screen", f"s{number}", relations={"of": ("checkout-production",)})
    swept()
    with CaptureQueriesContext(connection) as asked:
        report("1.1")
    assert Stale.objects.count() == 1
    assert not any("screen" in each["sql"] for each in asked)
    assert read("screen", "s7") == {"v": "1.1"}
    swept()
    assert stored("screen", "s29") == {"v": "1.1"}


def test_all_entities_going_leaves_its_mark(park):
    update("depot", aggregationProperties={"vans": {"title": "V", "target": "van", "calculationSpec": COUNT}})
    swept()
    entities_delete_all(queries.blueprint("van"), by=SETUP)
    assert read("depot", "east") == {"vans": 0}
    swept()
    assert stored("depot", "east") == {"vans": 0}


def test_what_is_undone_is_computed_from_again(park, page, alice):
    entity_delete(queries.entity_to_write("driver", "dora"), by=page(alice))
    swept()
    assert "city" not in stored("van", "v1")
    changes_undo(Event.objects.filter(name="entity.deleted").latest("id").trace, by=page(alice))
    assert read("van", "v1") == FULL
    swept()
    assert stored("van", "v1") == FULL


def test_the_teams_of_a_person_are_mirrored(bob):
    blueprint("desk", relations={"of": to("_user")}, mirrorProperties={"teams": mirror("of.$team")})
    write("desk", "d", relations={"of": ("bob@example.org",)})
    swept()
    assert stored("desk", "d") == {"teams": ["payments"]}
    team_update(Team.objects.get(), title="Payments", description=None, members=[], by=SETUP)
    assert read("desk", "d") == {}
    swept()
    assert stored("desk", "d") == {}


def test_an_aggregation_counts_by_what_its_targets_compute_now(park):
    update("van", calculationProperties={"mass": calculation(".properties.weights | add", "number")})
    total = {"calculationBy": "property", "func": "sum", "property": "mass"}
    update("depot", aggregationProperties={"mass": {"title": "M", "target": "van", "calculationSpec": total}})
    swept()
    assert stored("depot", "east") == {"mass": 12}
    write("parcel", "p1", mode="merge", properties={"weight": 5})
    assert read("depot", "east") == {"mass": 14}
    swept()
    assert stored("depot", "east") == {"mass": 14}


def test_a_calculation_sees_how_what_it_points_at_is_called_now(park):
    update("van", calculationProperties={"by": calculation(".relations.driver")})
    swept()
    write("driver", "dora", mode="merge", rename="dot")
    assert read("van", "v1")["by"] == "dot"
    swept()
    assert stored("van", "v1")["by"] == "dot"


def test_what_fails_is_named_with_what_jq_said(park):
    update(
        "van",
        calculationProperties={"n": calculation(".properties.plate | tonumber", "number"), "ok": calculation("'x'")},
    )
    write("van", "v2", properties={"plate": "12"})
    (fault,) = compute.faults(queries.blueprint("van"))
    assert (fault.entity.identifier, fault.name) == ("v1", "n") and "L-1" in fault.message
    assert read("van", "v2")["n"] == 12 and "n" not in read("van", "v1")


def test_the_nightly_check_finds_nothing_and_mends_what_it_finds(park, caplog):
    assert (compute.check().looked, SelfCheck.objects.get().wrong) == (1, 0)
    Entity.objects.filter(identifier="v1").update(computed={"city": "Atlantis"})
    found = compute.check()
    assert (found.wrong, found.examples) == (1, ["van/v1"]) and "van/v1" in caplog.text
    assert stored("van", "v1") == FULL
    # What only waits for a worker is no mistake.
    write("depot", "east", mode="merge", properties={"city": "Halle"})
    assert compute.check().wrong == 0


def test_refresh_makes_the_rows_right_too(park):
    write("depot", "east", mode="merge", properties={"city": "Halle"})
    entity = Entity.objects.select_related("blueprint").get(identifier="v1")
    compute.refresh([entity])
    assert entity.computed["city"] == stored("van", "v1")["city"] == "Halle"


@pytest.mark.parametrize("length", [100, 101, 600])
def test_a_chain_of_computed_properties_has_an_end(db, terraform, length):
    up = {"up": {"target": "box", "many": False, "required": False}}
    mirrors = {f"m{n}": {"path": f"up.m{n - 1}"} for n in range(1, length)} | {"m0": {"path": "up.$title"}}
    box = {"identifier": "box", "title": "Box", "schema": {"properties": {}, "required": []}, "relations": up}
    answer = terraform.post("blueprints", box | {"mirrorProperties": mirrors})
    assert answer.status == (201 if length <= 100 else 422)
    assert length <= 100 or "a chain of more than 100" in answer.json["message"]
    assert Blueprint.objects.filter(identifier="box").exists() == (length <= 100)
