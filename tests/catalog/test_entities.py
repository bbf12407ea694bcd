import threading

import pytest
from django.db import connection

from catalog.commands import entity_write
from catalog.models import Entity
from catalog.wishes import Wish
from tests.conftest import SETUP, events, write

ITEMS = "blueprints/item/entities"


@pytest.fixture
def item(terraform):
    """A blueprint of the user's own: a name, a size, a required box, friends."""
    terraform.post("blueprints", {"identifier": "box", "title": "Box", "schema": {"properties": {}}})
    terraform.post(
        "blueprints",
        {
            "identifier": "item",
            "title": "Item",
            "schema": {
                "properties": {
                    "size": {"type": "number", "minimum": 0},
                    "colour": {"type": "string", "enum": ["red", "blue"]},
                    "site": {"type": "string", "format": "url"},
                    "born": {"type": "string", "format": "date-time"},
                    "tags": {"type": "array", "items": {"type": "string"}},
                },
                "required": ["size"],
            },
            "relations": {"box": {"target": "box"}, "friends": {"target": "item", "many": True}},
        },
    )
    return terraform


def test_what_was_written_is_what_is_read(item):
    item.post("blueprints/box/entities", {"identifier": "b"})
    sent = {
        "identifier": "a/b=c",
        "title": "A",
        "icon": "Box",
        "team": ["x"],
        "properties": {"size": 1, "undeclared": {"k": [1.0, "2", None, True]}, "born": "2026-01-01T00:00:00.5+02:00"},
        "relations": {"box": "b"},
    }
    assert item.post(ITEMS, sent).status == 201
    read = item.get(f"{ITEMS}/a/b=c").json["entity"]
    assert {key: read[key] for key in sent} == sent
    assert (read["createdBy"], read["blueprint"]) == ("Terraform", "item")


def test_create_override_merge_replace_and_patch_differ_in_what_survives(item):
    item.post(ITEMS, {"identifier": "a", "title": "A", "properties": {"size": 1, "tags": ["t"]}})
    assert item.post(ITEMS, {"identifier": "a", "properties": {"size": 2}}).json["error"] == "identifier_taken"

    def after(path, body, method="post"):
        item.send(method, path, body)
        entity = item.get(f"{ITEMS}/a").json["entity"]
        return entity.get("title"), entity["properties"]

    merged = after(f"{ITEMS}?upsert=true&merge=true", {"identifier": "a", "properties": {"size": 2}})
    assert merged == ("A", {"size": 2, "tags": ["t"]})
    assert after(f"{ITEMS}/a", {"properties": {"tags": None}}, "patch") == ("A", {"size": 2})
    assert after(f"{ITEMS}?upsert=true", {"identifier": "a", "properties": {"size": 3}}) == (None, {"size": 3})
    assert after(f"{ITEMS}/a", {"title": "B", "properties": {"size": 4}}, "put") == ("B", {"size": 4})


@pytest.mark.parametrize(
    ("properties", "path"),
    [
        ({}, "properties"),
        ({"size": "big"}, "properties.size"),
        ({"size": -1}, "properties.size"),
        ({"size": 1, "colour": "green"}, "properties.colour"),
        ({"size": 1, "site": "nowhere"}, "properties.site"),
        ({"size": 1, "born": "yesterday"}, "properties.born"),
        ({"size": 1, "tags": ["a", 1]}, "properties.tags.1"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused_with_its_path_and_leaves_nothing(item, properties, path):
    before = events()
    answer = item.post(ITEMS, {"identifier": "a", "properties": properties})
    assert (answer.status, answer.json["error"]) == (422, "invalid_request")
    assert [fault["path"] for fault in answer.json["details"]["errors"]] == [path]
    assert not Entity.objects.filter(blueprint__identifier="item").exists()
    assert events() == before


@pytest.mark.parametrize("identifier", ["", ".", "..", "a b", "a?b", "x" * 1001, 7, "é\0"])
def test_a_bad_identifier_is_refused(item, identifier):
    answer = item.post(ITEMS, {"identifier": identifier, "properties": {"size": 1}})
    assert answer.status == 422
    assert not Entity.objects.filter(blueprint__identifier="item").exists()


def test_letters_of_any_script_are_fine(item):
    assert item.post(ITEMS, {"identifier": "коробка/箱@1", "properties": {"size": 1}}).status == 201
    assert item.get(f"{ITEMS}/коробка/箱@1").json["entity"]["identifier"] == "коробка/箱@1"


def test_an_entity_without_an_identifier_gets_one(item):
    identifier = item.post(ITEMS, {"properties": {"size": 1}}).json["entity"]["identifier"]
    assert identifier.startswith("e_") and len(identifier) == 18


def test_unknown_names_are_404(item):
    assert item.get("blueprints/nothing/entities").json["error"] == "not_found"
    assert item.get(f"{ITEMS}/nothing").json["error"] == "not_found"
    unknown = {"identifier": "a", "properties": {"size": 1}, "relations": {"nothing": "x"}}
    assert item.post(ITEMS, unknown).json["error"] == "not_found"
    missing = unknown | {"relations": {"box": "x"}}
    assert item.post(ITEMS, missing).json["error"] == "not_found"
    assert not Entity.objects.filter(blueprint__identifier="item").exists()


def test_missing_targets_are_made_when_asked_for(item):
    body = {"identifier": "a", "properties": {"size": 1}, "relations": {"box": "new"}}
    item.post(f"{ITEMS}?create_missing_related_entities=true", body)
    assert item.get("blueprints/box/entities/new").status == 200


def test_many_is_a_list_and_one_is_not(item):
    for name in "ab":
        item.post(ITEMS, {"identifier": name, "properties": {"size": 1}})
    item.post(ITEMS, {"identifier": "c", "properties": {"size": 1}, "relations": {"friends": ["b", "a"]}})
    assert item.get(f"{ITEMS}/c").json["entity"]["relations"] == {"friends": ["b", "a"]}
    two = item.post(ITEMS, {"identifier": "d", "properties": {"size": 1}, "relations": {"box": ["a", "b"]}})
    assert two.json["details"]["errors"][0]["path"] == "relations.box"


def test_deleting_what_others_need_names_them_or_takes_them_along(terraform):
    terraform.post("blueprints", {"identifier": "a", "title": "A", "schema": {"properties": {}}})
    needing = {
        "identifier": "b",
        "title": "B",
        "schema": {"properties": {}},
        "relations": {"a": {"target": "a", "required": True}},
    }
    terraform.post("blueprints", needing)
    terraform.post("blueprints/a/entities", {"identifier": "one"})
    terraform.post("blueprints/b/entities", {"identifier": "two", "relations": {"a": "one"}})
    refused = terraform.delete("blueprints/a/entities/one")
    assert (refused.status, refused.json["error"], refused.json["details"]["dependents"]) == (
        409,
        "has_dependents",
        ["two"],
    )
    assert Entity.objects.filter(identifier="one").exists()
    assert terraform.delete("blueprints/a/entities/one?delete_dependents=true").status == 200
    assert not Entity.objects.filter(identifier__in=["one", "two"]).exists()
    assert events("entity.deleted") == ["entity.deleted", "entity.deleted"]


def test_writing_the_same_again_is_no_event(item):
    body = {"identifier": "a", "properties": {"size": 1}}
    item.post(f"{ITEMS}?upsert=true", body)
    before = events()
    item.post(f"{ITEMS}?upsert=true", body)
    assert events() == before


def test_aliases_of_environments_are_unique_whatever_their_case(shop, terraform):
    answer = terraform.post(
        "blueprints/environment/entities", {"identifier": "qa", "properties": {"aliases": ["PROD"]}}
    )
    assert (answer.status, answer.json["error"]) == (409, "alias_taken")
    assert not Entity.objects.filter(identifier="qa").exists()


@pytest.mark.django_db(transaction=True)
def test_upserts_of_one_identifier_at_once_all_succeed_and_make_one():
    write("service", "warm-up")
    barrier, results = threading.Barrier(6), []

    def upsert():
        try:
            barrier.wait(5)
            entity_write(Wish("service", "new", "merge"), by=SETUP)
            results.append("ok")
        except Exception as error:
            results.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=upsert) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert results == ["ok"] * 6
    assert Entity.objects.filter(identifier="new").count() == 1
