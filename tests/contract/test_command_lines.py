"""The vendor's command line that exports and imports a whole portal, and the importer from Backstage."""

import pytest

from tests.conftest import V1, events

BOX = {"identifier": "box", "title": "Box", "schema": {"properties": {"size": {"type": "number"}}}}


@pytest.fixture
def boxes(terraform: V1) -> V1:
    assert terraform.post("blueprints", BOX).status == 201
    for n in range(3):
        terraform.post("blueprints/box/entities", {"identifier": f"b{n}", "properties": {"size": n}})
    return terraform


def test_everything_that_an_export_reads_is_there(boxes):
    for path, key in [
        ("blueprints", "blueprints"),
        ("blueprints/box/entities", "entities"),
        ("blueprints/box/scorecards", "scorecards"),
        ("teams", "teams"),
        ("users", "users"),
        ("actions", "actions"),
        ("integration", "integrations"),
        ("webhooks", "webhooks"),
        ("audit-log", "audits"),
    ]:
        answer = boxes.get(path)
        assert answer.status == 200, path
        assert isinstance(answer.json[key], list), path
    assert boxes.get("blueprints/box/permissions").json["permissions"]["entities"]
    assert boxes.get("blueprints/box/entities-count").json["count"] == 3


def test_an_export_reads_page_after_page(boxes):
    found, more = [], {}
    while True:
        body = {"query": {"combinator": "and", "rules": []}, "limit": 2} | more
        answer = boxes.post("blueprints/box/entities/search", body).json
        found += [each["identifier"] for each in answer["entities"]]
        if not answer.get("next"):
            break
        more = {"from": answer["next"]}
    assert sorted(found) == ["b0", "b1", "b2"]


def test_an_import_switches_to_an_update_when_it_is_there(boxes):
    taken = boxes.post("blueprints", BOX)
    assert taken.status == 409
    assert taken.json["error"] and taken.json["message"]
    assert boxes.send("put", "blueprints/box", BOX | {"title": "Boxes"}).status == 200


def test_an_import_writes_in_bulk_and_reads_what_failed(boxes):
    entities = [{"identifier": "b9", "properties": {"size": 1}}, {"identifier": "b10", "properties": {"size": "big"}}]
    answer = boxes.post("blueprints/box/entities/bulk?upsert=true", {"entities": entities})
    assert answer.status == 207
    [fault] = answer.json["errors"]
    assert fault.keys() >= {"identifier", "index", "statusCode", "error", "message"}
    assert boxes.get("blueprints/box/entities-count").json["count"] == 4


def test_scorecards_are_imported_as_a_list(boxes):
    cards = [{"identifier": name, "title": name, "rules": []} for name in ("a", "b")]
    assert boxes.send("put", "blueprints/box/scorecards", cards).status == 200
    assert boxes.send("patch", "blueprints/box/scorecards/a", {"title": "A"}).status == 200
    assert boxes.delete("blueprints/box/scorecards/b").status == 200
    assert [each["title"] for each in boxes.get("scorecards").json["scorecards"]] == ["A"]


def test_backstage_is_imported_twice(terraform):
    """It makes blueprints bare, passes over those that are there, then sets them whole; nulls and nothing are allowed."""
    whole = BOX | {"relations": {"inner": {"target": "box", "many": True, "required": False}}}
    for _ in range(2):
        assert terraform.post("blueprints", BOX).status in (201, 409)
        assert terraform.send("put", "blueprints/box", whole).status == 200
        path = "blueprints/box/entities?create_missing_related_entities=true&upsert=true&merge=true"
        for relations in ({"inner": ["b2", "b3"]}, {"inner": []}, {"inner": None}):
            assert terraform.post(path, {"identifier": "b1", "properties": {}, "relations": relations}).status in (
                200,
                201,
            )
    assert terraform.get("blueprints/box/entities-count").json["count"] == 3
    assert events("blueprint.updated") == ["blueprint.updated"]  # the second round changes nothing
