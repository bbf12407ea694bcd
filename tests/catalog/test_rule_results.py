"""Scorecards, rules and results are entities like any other, and true at the instant of reading."""

from datetime import timedelta

import pytest
from django.test import Client

from catalog import queries as catalog
from catalog.commands import blueprint_create, entity_delete, permissions_update
from catalog.models import Blueprint, Entity
from catalog.scorecards.commands import levels_compare, rows, scorecard_create, scorecard_update
from catalog.scorecards.commands.rows import results_lay
from catalog.scorecards.kinds import install
from catalog.scorecards.models import Answer, RuleRow, Scorecard
from portal.kit.clock import database_now
from tests.catalog.test_scorecards import READY
from tests.catalog.vaults import token_of
from tests.conftest import SETUP, events, write


@pytest.fixture
def ready(shop, terraform):
    assert terraform.post("blueprints/service/scorecards", READY).status == 201
    return terraform


def found(v1, *rules, blueprint="_rule_result"):
    query = {"combinator": "and", "rules": list(rules)}
    answer = v1.post(f"blueprints/{blueprint}/entities/search", {"query": query})
    assert answer.status == 200, answer.json
    return answer.json["entities"]


def told(entities):
    return {(each["relations"]["service"], each["title"]): each["properties"].get("result") for each in entities}


def is_(name, value, operator="="):
    return {"property": name, "operator": operator, "value": value}


def test_the_scorecard_and_its_rules_are_entities(ready):
    (scorecard,) = ready.get("blueprints/_scorecard/entities").json["entities"]
    assert (scorecard["identifier"], scorecard["title"]) == ("service:ready", "Production readiness")
    assert scorecard["properties"]["blueprint"] == "service"
    rules = ready.get("blueprints/_rule/entities").json["entities"]
    assert {each["identifier"]: each["properties"]["level"] for each in rules} == {
        "service:ready:owned": "Bronze",
        "service:ready:described": "Silver",
        "service:ready:unlocked": "Gold",
    }
    assert all(each["relations"] == {"scorecard": "service:ready"} for each in rules)


def test_each_result_tells_how_an_entity_stands_by_a_rule_now(ready):
    rows = found(ready)
    assert told(rows) == {
        ("checkout", "Has an owner"): "Passed",
        ("checkout", "Says what it is"): "Not passed",
        ("checkout", "Uses something"): "Not passed",
        ("search", "Has an owner"): "Not passed",
        ("search", "Says what it is"): "Not passed",
        ("search", "Uses something"): "Not passed",
    }
    owned = next(each for each in rows if each["properties"]["result"] == "Passed")
    assert owned["relations"] == {"rule": "service:ready:owned", "service": "checkout"}
    assert owned["team"] == ["payments"]
    assert {name: owned["properties"][name] for name in ("level", "entity", "blueprint", "scorecard")} == {
        "level": "Bronze",
        "entity": "checkout",
        "blueprint": "service",
        "scorecard": "ready",
    }


def test_a_change_is_searched_counted_and_owned_at_once(ready):
    found(ready)
    ready.send("patch", "blueprints/service/entities/search", {"team": ["data"], "properties": {"description": "x"}})
    write("service", "cart")
    passed = found(ready, is_("result", "Passed"))
    assert set(told(passed)) == {
        ("checkout", "Has an owner"),
        ("search", "Has an owner"),
        ("search", "Says what it is"),
    }
    assert {each["relations"]["service"] for each in found(ready, is_("$team", ["data"], "containsAny"))} == {"search"}
    assert len(found(ready, is_("level", "Gold"), is_("entity", "cart"))) == 1
    query = {"combinator": "and", "rules": [is_("$blueprint", "_rule_result")]}
    counted = ready.post("entities/aggregate", {"func": "countValues", "property": "result", "query": query})
    assert counted.json["result"] == [{"value": "Not passed", "count": 6}, {"value": "Passed", "count": 3}]
    assert len(ready.post("entities/search", query).json["entities"]) == 9


def test_what_the_filter_leaves_out_has_no_result(ready):
    ready.send("patch", "blueprints/service/entities/search", {"properties": {"lifecycle": "retired"}})
    assert {key[0] for key in told(found(ready, {"property": "result", "operator": "isEmpty"}))} == {"search"}
    assert {key[0] for key in told(found(ready, {"property": "result", "operator": "isNotEmpty"}))} == {"checkout"}


def test_the_last_change_is_when_the_answer_flipped(ready):
    found(ready)
    levels_compare()
    write("service", "search", mode="patch", team=("data",))
    levels_compare()
    (owned,) = found(ready, is_("entity", "search"), is_("level", "Bronze"))
    (other,) = found(ready, is_("entity", "search"), is_("level", "Gold"))
    assert owned["properties"]["result_last_change"] > other["properties"]["result_last_change"]
    later = is_("result_last_change", other["properties"]["result_last_change"], ">")
    assert {each["identifier"] for each in found(ready, later)} == {owned["identifier"]}


def test_results_go_with_their_entity_their_rule_and_their_scorecard(ready):
    found(ready)
    entity_delete(catalog.service_named("search"), by=SETUP)
    assert len(found(ready)) == 3
    ready.send("patch", "blueprints/service/scorecards/ready", {"rules": READY["rules"][:1]})
    assert len(found(ready)) == 1
    assert [each["identifier"] for each in found(ready, blueprint="_rule")] == ["service:ready:owned"]
    assert ready.delete("blueprints/service/scorecards/ready").status == 200
    for kind in ("_rule_result", "_rule", "_scorecard"):
        assert found(ready, blueprint=kind) == []
    assert not Answer.objects.exists()


def test_an_identifier_stays_when_the_entity_gets_another_name(ready):
    before = {each["identifier"] for each in found(ready, is_("entity", "search"))}
    ready.send("patch", "blueprints/service/entities/search", {"identifier": "finder"})
    after = found(ready, is_("entity", "finder"))
    assert {each["identifier"] for each in after} == before
    assert {each["relations"]["service"] for each in after} == {"finder"}


def test_another_title_of_a_rule_is_that_of_its_results(ready):
    found(ready)
    rules = [READY["rules"][0] | {"title": "Is owned"}, *READY["rules"][1:]]
    ready.send("patch", "blueprints/service/scorecards/ready", {"rules": rules})
    assert ("checkout", "Is owned") in told(found(ready))


def test_people_add_an_owner_and_a_date_and_nothing_else(ready):
    kind = ready.get("blueprints/_rule_result").json["blueprint"]
    properties = kind["schema"]["properties"] | {"due": {"type": "string", "format": "date-time", "title": "Due"}}
    relations = kind["relations"] | {"assignee": {"target": "_user", "required": False, "many": False}}
    del relations["service"]  # it is the portal's and comes back
    changed = kind | {"schema": {"properties": properties, "required": []}, "relations": relations}
    assert ready.send("put", "blueprints/_rule_result", changed).status == 200
    assert "service" in ready.get("blueprints/_rule_result").json["blueprint"]["relations"]
    row = found(ready, is_("entity", "search"))[0]
    path = f"blueprints/_rule_result/entities/{row['identifier']}"
    answer = ready.send("patch", path, {"properties": {"due": "2030-01-01T00:00:00Z", "result": "Passed"}})
    assert answer.status == 200, answer.json
    assert answer.json["entity"]["properties"]["due"] == "2030-01-01T00:00:00Z"
    assert answer.json["entity"]["properties"]["result"] == "Not passed"
    assert found(ready, is_("due", "2031-01-01T00:00:00Z", "<"))[0]["identifier"] == row["identifier"]
    assert answer.json["entity"]["relations"] == row["relations"]


def test_of_many_results_nobody_sees_any_more_and_workers_take_them_away(ready, client, alice, monkeypatch):
    monkeypatch.setattr(rows, "BATCH", 2)
    monkeypatch.setattr(rows, "AT_ONCE", 1)
    first = found(ready)[0]["identifier"]
    client.force_login(alice)
    assert "taken away" not in client.get("/scorecards/").content.decode()
    assert ready.delete("blueprints/service/scorecards/ready").status == 200
    assert Answer.objects.count() == 6  # all of them are still there
    assert found(ready) == [] == found(ready, blueprint="_rule")
    assert ready.get(f"blueprints/_rule_result/entities/{first}").status == 404
    assert not catalog.all_entities(SETUP).filter(blueprint__identifier__in=["_rule", "_rule_result"]).exists()
    assert "6 results of rules that were deleted" in client.get("/scorecards/").content.decode()
    # The same again has names of its own, and is not taken for what goes.
    assert ready.post("blueprints/service/scorecards", READY).status == 201
    assert len(found(ready)) == 6
    assert rows.results_sweep(seconds=0) and rows._sweep()  # one died after its first batch
    assert Answer.objects.filter(rule__scorecard=None).count() == 5
    assert not rows.results_sweep(seconds=60)
    assert len(found(ready)) == 6 == Answer.objects.count() == Entity.objects.filter(answer__isnull=False).count()
    assert RuleRow.objects.count() == 3 == Entity.objects.filter(blueprint__identifier="_rule").count()


def test_a_rule_with_many_results_goes_alone(ready, monkeypatch):
    monkeypatch.setattr(rows, "BATCH", 1)
    found(ready)
    scorecard_update(Scorecard.objects.get(), {"rules": READY["rules"][:2]}, partial=True, by=SETUP)
    assert len(found(ready)) == 4 and len(found(ready, blueprint="_rule")) == 2
    assert not rows.results_sweep(seconds=60) and Answer.objects.count() == 4


def test_nobody_makes_renames_or_deletes_them(ready):
    row = found(ready)[0]["identifier"]
    before = events("entity")
    made = ready.post("blueprints/_rule_result/entities?upsert=true", {"identifier": "mine", "properties": {}})
    assert made.status == 409
    path = f"blueprints/_rule_result/entities/{row}"
    assert ready.send("patch", path, {"identifier": "other"}).status == 422
    for each in (path, "blueprints/_rule/entities/service:ready:owned", "blueprints/_scorecard/entities/service:ready"):
        assert ready.delete(each).status == 409
    assert ready.delete("blueprints/_rule_result").status == 409
    assert len(found(ready)) == 6
    assert events("entity") == before


def test_a_blueprint_with_results_can_go(ready):
    blueprint_create({"identifier": "box", "title": "Box", "schema": {"properties": {}}}, by=SETUP)
    rule = READY["rules"][0]
    scorecard_create(catalog.blueprint("box"), {"identifier": "neat", "title": "Neat", "rules": [rule]}, by=SETUP)
    write("box", "one")
    assert len(found(ready, is_("blueprint", "box"))) == 1
    entity_delete(Entity.objects.get(identifier="one"), by=SETUP)
    assert ready.delete("blueprints/box").status == 200
    assert "box" not in Blueprint.objects.get(identifier="_rule_result").relations
    assert [each["identifier"] for each in found(ready, blueprint="_scorecard")] == ["service:ready"]


def test_who_may_not_see_an_entity_sees_no_result_of_it(ready, bob, charlie):
    permissions_update(catalog.blueprint("service"), {"read": {"roles": ["Admin"]}}, by=SETUP)
    assert len(found(ready)) == 6
    assert {key[0] for key in told(found(token_of(bob, "catalog:read")))} == {"checkout"}
    reader = token_of(charlie, "catalog:read")
    assert found(reader) == []
    query = {"combinator": "and", "rules": [is_("$blueprint", "_rule_result")]}
    assert reader.post("entities/search", query).json["entities"] == []
    assert reader.get("blueprints/_rule_result/entities-count").json["count"] == 0
    row = found(ready)[0]["identifier"]
    assert reader.get(f"blueprints/_rule_result/entities/{row}").status == 404
    page = Client()
    page.force_login(charlie)
    assert "service:ready:owned:" not in page.get("/catalog/_rule_result/entities").content.decode()


def test_the_table_shows_filters_and_groups_them(ready, bob):
    page = Client()
    page.force_login(bob)
    html = page.get("/catalog/_rule_result/entities").content.decode()
    assert html.count("data-edit=") == 6
    query = {"property": "result", "operator": "=", "value": "Passed"}
    assert page.get("/catalog/_rule_result/entities", query).content.decode().count("data-edit=") == 1
    assert "2 groups" in page.get("/catalog/_rule_result/entities", {"group": "result"}).content.decode()


@pytest.mark.django_db(transaction=True)
def test_an_upgrade_makes_the_entities_of_the_scorecards_that_there_are(ready):
    Answer.objects.all().delete()
    RuleRow.objects.all().delete()
    Scorecard.objects.update(entity=None)
    Entity.objects.filter(blueprint__identifier__in=["_scorecard", "_rule", "_rule_result"]).delete()
    install()
    assert len(found(ready, blueprint="_rule")) == 3
    assert len(found(ready)) == 6


def test_they_cost_as_much_for_a_hundred_as_for_one(ready, django_assert_max_num_queries):
    for number in range(30):
        write("service", f"s{number}")
    assert len(found(ready)) == 96
    with django_assert_max_num_queries(25):
        found(ready, is_("result", "Not passed"))


def test_results_of_rules_have_no_results_of_their_own(ready):
    """Each would have one in turn: the table grew with every look."""
    before = len(found(ready))
    answer = ready.post("blueprints/_rule_result/scorecards", READY | {"filter": None})
    assert answer.status == 409 and "without end" in answer.json["message"]
    assert [each["identifier"] for each in ready.get("scorecards").json["scorecards"]] == ["ready"]
    assert len(found(ready)) == before


def test_what_was_laid_once_is_not_looked_at_again_but_by_a_worker(ready, monkeypatch):
    monkeypatch.setattr("catalog.scorecards.queries.rows.BEHIND", 0)
    monkeypatch.setattr("catalog.scorecards.commands.rows.BEHIND", 0)
    levels_compare()
    newest = Entity.objects.order_by("-pk").values_list("pk", flat=True)[0]
    assert set(RuleRow.objects.values_list("laid_to", flat=True)) == {newest}
    late = Answer.objects.filter(target__identifier="search")  # as of a transaction that was long under way
    Entity.objects.filter(answer__in=late).delete()
    count = len(found(ready))
    write("service", "new")
    assert len(found(ready)) == count + RuleRow.objects.count()
    levels_compare(now=database_now() + timedelta(minutes=6))
    assert len(found(ready)) == count + 2 * RuleRow.objects.count()


def test_a_thousand_results_are_laid_some_at_a_time_and_once(ready, monkeypatch):
    monkeypatch.setattr("catalog.scorecards.commands.rows.BATCH", 3)
    for number in range(7):
        write("service", f"s{number}")
    laid = [results_lay(most=4) for _ in range(20)]
    rules = RuleRow.objects.count()
    assert max(laid) < 4 + 3 and sum(laid) == 9 * rules == Answer.objects.count()
