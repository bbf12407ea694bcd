"""Names given as search queries: the entity's own, its relations' targets, its team (docs/decisions/0009)."""

import pytest

from catalog.models import Blueprint, Entity
from tests.conftest import events, write

ENTITIES = "blueprints/laptop/entities"
UPSERT = f"{ENTITIES}?upsert=true&merge=true"


def where(*rules, combinator="and"):
    return {"combinator": combinator, "rules": [dict(zip(("property", "operator", "value"), each)) for each in rules]}


@pytest.fixture
def desk(terraform):
    """People with addresses, and laptops that belong to one of them and are lent to several."""
    terraform.post(
        "blueprints",
        {"identifier": "person", "title": "Person", "schema": {"properties": {"email": {"type": "string"}}}},
    )
    terraform.post(
        "blueprints",
        {
            "identifier": "laptop",
            "title": "Laptop",
            "schema": {"properties": {"serial": {"type": "string"}}},
            "relations": {"owner": {"target": "person"}, "lent": {"target": "person", "many": True}},
            "mirrorProperties": {"ownerMail": {"path": "owner.email"}},
        },
    )
    for name in ("dana", "priya", "sam"):
        write("person", name, properties={"email": f"{name}@example.org", "floor": 1 + (name == "sam")})
    write("laptop", "l1", properties={"serial": "A-1"})
    return terraform


def test_an_entity_is_named_by_what_it_has(desk):
    body = {"identifier": where(("serial", "=", "A-1")), "title": "Dana's"}
    answer = desk.post(UPSERT, body)
    assert (answer.status, answer.json["entity"]["identifier"]) == (201, "l1")
    assert Entity.objects.get(identifier="l1").title == "Dana's"


def test_a_relation_to_one_is_found_and_to_many_takes_all_that_match(desk):
    body = {
        "identifier": "l1",
        "relations": {"owner": where(("email", "=", "priya@example.org")), "lent": where(("floor", "=", 1))},
    }
    assert desk.post(UPSERT, body).json["entity"]["relations"] == {"owner": "priya", "lent": ["dana", "priya"]}
    nobody = desk.post(UPSERT, {"identifier": "l1", "relations": {"lent": where(("floor", "=", 9))}})
    assert nobody.json["entity"]["relations"] == {"owner": "priya"}


@pytest.mark.parametrize(
    ("body", "status", "path"),
    [
        ({"identifier": where(("serial", "=", "Z"))}, 404, "identifier"),
        ({"relations": {"owner": where(("email", "=", "nobody@example.org"))}}, 404, "relations.owner"),
        ({"relations": {"owner": where(("email", "contains", "@example.org"))}}, 422, "relations.owner"),
        ({"relations": {"owner": where(("email", "beginsWith", "dana"))}}, 422, "relations.owner"),
        ({"relations": {"owner": where(("email", "!=", "dana@example.org"))}}, 422, "relations.owner"),
        ({"relations": {"owner": where()}}, 422, "relations.owner"),
        ({"relations": {"owner": {"rules": []}}}, 422, "relations.owner.combinator"),
        ({"identifier": where(("ownerMail", "=", "x"))}, 422, "identifier"),
        ({"team": where(("floor", ">", 3))}, 422, "team"),
    ],
)
def test_a_query_that_is_not_clear_is_refused_with_its_path_and_leaves_nothing(desk, body, status, path):
    before = events()
    answer = desk.post(UPSERT, {"identifier": "l2", **body})
    assert answer.status == status
    assert [fault["path"] for fault in answer.json["details"]["errors"]] == [path]
    assert not Entity.objects.filter(identifier="l2").exists() and events() == before


def test_a_query_in_a_patch_must_not_name_another_entity(desk):
    answer = desk.send("patch", f"{ENTITIES}/l1", {"identifier": where(("serial", "=", "A-1"))})
    assert (answer.status, answer.json["details"]["errors"][0]["path"]) == (422, "identifier")


def test_a_create_by_query_of_what_is_there_is_taken(desk):
    assert desk.post(ENTITIES, {"identifier": where(("serial", "=", "A-1"))}).json["error"] == "identifier_taken"


def test_a_team_is_found_by_its_title(desk):
    if not Blueprint.objects.filter(identifier="_team").exists():
        desk.post("blueprints", {"identifier": "_team", "title": "Team", "schema": {"properties": {}}})
    desk.post("teams", {"name": "payments"})
    if not Entity.objects.filter(blueprint__identifier="_team", identifier="payments").exists():
        write("_team", "payments", title="payments")
    answer = desk.post(UPSERT, {"identifier": "l1", "team": where(("$title", "=", "payments"))})
    assert answer.json["entity"]["team"] == ["payments"]


def test_in_a_bulk_each_query_has_a_fate_of_its_own(desk):
    wished = [
        {"identifier": where(("serial", "=", "A-1")), "title": "Found"},
        {"identifier": where(("serial", "=", "Z"))},
        {"identifier": "l3", "relations": {"owner": where(("email", "in", ["sam@example.org"]))}},
    ]
    answer = desk.post("blueprints/laptop/entities/bulk?upsert=true&merge=true", {"entities": wished})
    assert answer.status == 207
    assert [(each["identifier"], each["created"]) for each in answer.json["entities"]] == [("l1", False), ("l3", True)]
    assert [(each["index"], each["identifier"], each["statusCode"]) for each in answer.json["errors"]] == [
        (1, "unknown", 404)
    ]
    assert desk.get(f"{ENTITIES}/l3").json["entity"]["relations"] == {"owner": "sam"}


def test_who_may_not_read_finds_nothing_out_by_writing(desk):
    from portal.accounts.commands import credential_create
    from tests.conftest import SETUP, V1

    _, token = credential_create("Writer", kind="ci", scopes=["catalog:write"], by=SETUP)
    answer = V1(token).post(UPSERT, {"identifier": "l1", "relations": {"owner": where(("floor", "=", 2))}})
    assert answer.status == 403
    assert not Entity.objects.get(identifier="l1").arrows.exists()
