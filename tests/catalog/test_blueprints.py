import pytest

from catalog import queries
from catalog.commands import blueprint_delete, blueprint_update
from catalog.models import Blueprint, Entity
from portal.kit.errors import Missing
from tests.conftest import SETUP, events

SERVER = {
    "identifier": "server",
    "title": "Server",
    "schema": {"properties": {"cores": {"type": "number"}}, "required": []},
}
# It stands for something inside the property alone, and for nothing inside the whole blueprint.
LOOP = {"a": {"$ref": "#/items"}}


def test_a_blueprint_reads_back_with_what_the_portal_adds(terraform):
    assert terraform.post("blueprints", SERVER).status == 201
    read = terraform.get("blueprints/server").json["blueprint"]
    assert read["schema"] == SERVER["schema"]
    assert {"createdAt", "createdBy", "updatedAt", "updatedBy"} <= read.keys()
    assert read.keys().isdisjoint({"icon", "description"})  # nobody set them


def test_a_taken_identifier_is_a_conflict(terraform):
    terraform.post("blueprints", SERVER)
    answer = terraform.post("blueprints", SERVER)
    assert (answer.status, answer.json["error"]) == (409, "identifier_taken")


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"title": ""}, "title"),
        ({"identifier": "a b"}, "identifier"),
        ({"schema": {}}, "schema"),
        ({"schema": {"properties": {"x": {"type": "text"}}}}, "schema.properties.x.type"),
        ({"schema": {"properties": {"x y": {"type": "string"}}}}, "schema.properties.x y"),
        ({"schema": {"properties": {"x": {"type": "string", "pattern": "("}}}}, "schema.properties.x"),
        ({"schema": {"properties": {}, "required": ["x"]}}, "schema.required"),
        ({"relations": {"r": {"target": "service", "required": True, "many": True}}}, "relations.r"),
        ({"schema": {"properties": {"x": {"type": "object", "properties": {"$ref": 1}}}}}, "schema.properties.x"),
        (
            {"schema": {"properties": {"x": {"type": "array", "items": {"type": "object", "properties": LOOP}}}}},
            "schema.properties.x",
        ),
        (
            {"schema": {"properties": {"x": {"type": "array", "items": {"type": "array", "items": 5}}}}},
            "schema.properties.x.items.items",
        ),
        (
            {"schema": {"properties": {"x": {"type": "array", "items": {"type": "array", "items": "a type"}}}}},
            "schema.properties.x.items.items",
        ),
    ],
)
def test_a_wrong_definition_is_refused_with_the_path_of_the_fault(terraform, change, path):
    answer = terraform.post("blueprints", SERVER | change)
    assert answer.status == 422
    assert [fault["path"] for fault in answer.json["details"]["errors"]] == [path]
    assert not Blueprint.objects.filter(title__in=["Server", ""]).exists()


def test_items_of_several_types_are_taken(terraform):
    items = {"type": ["string", "null"], "enum": ["a"]}
    listed = SERVER | {"schema": {"properties": {"x": {"type": "array", "items": items}}}}
    assert terraform.post("blueprints", listed).status == 201


def test_a_relation_to_an_unknown_blueprint_is_404(terraform):
    answer = terraform.post("blueprints", SERVER | {"relations": {"r": {"target": "nothing"}}})
    assert (answer.status, answer.json["message"]) == (404, 'Blueprint with identifier "nothing" was not found')


def test_a_schema_never_fetches_another_document(terraform):
    reference = {"type": "object", "properties": {"a": {"$ref": "http://127.0.0.1:9/schema"}}}
    answer = terraform.post("blueprints", SERVER | {"schema": {"properties": {"x": reference}}})
    assert answer.status == 422 and "not fetched" in answer.json["message"]


def test_patch_changes_what_is_given_and_keeps_the_rest(terraform):
    terraform.post("blueprints", SERVER)
    schema = {"properties": {"cores": {"type": "number"}, "os": {"type": "string"}}, "required": []}
    terraform.send("patch", "blueprints/server", {"schema": schema})
    read = terraform.get("blueprints/server").json["blueprint"]
    assert (read["title"], list(read["schema"]["properties"])) == ("Server", ["cores", "os"])
    assert events("blueprint")[-1] == "blueprint.updated"


def test_two_who_patch_different_keys_at_once_lose_nothing(terraform):
    terraform.post("blueprints", SERVER)
    seen = queries.blueprint("server")  # by both, before either writes
    blueprint_update(seen, {"title": "Machine"}, partial=True, by=SETUP)
    blueprint_update(seen, {"description": "Made of tin"}, partial=True, by=SETUP)
    read = terraform.get("blueprints/server").json["blueprint"]
    assert (read["title"], read["description"]) == ("Machine", "Made of tin")


def test_patch_keeps_the_order_of_the_properties(terraform):
    properties = {name: {"type": "string"} for name in ("zebra", "ant", "mouse")}
    terraform.post("blueprints", SERVER | {"schema": {"properties": properties}})
    terraform.send("patch", "blueprints/server", {"title": "Zoo"})
    read = terraform.get("blueprints/server").json["blueprint"]
    assert list(read["schema"]["properties"]) == ["zebra", "ant", "mouse"]


def test_a_blueprint_that_went_meanwhile_is_missing(terraform):
    terraform.post("blueprints", SERVER)
    seen = queries.blueprint("server")
    blueprint_delete(seen, by=SETUP)
    for verb in (lambda: blueprint_update(seen, SERVER, by=SETUP), lambda: blueprint_delete(seen, by=SETUP)):
        with pytest.raises(Missing, match='"server" was not found'):
            verb()


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"schema": "x"}, "schema"),
        ({"schema": None}, "schema"),
        ({"schema": {"properties": {"tier": 5}}}, "schema.properties.tier"),
        ({"schema": {"properties": None}}, "schema.properties"),
        ({"relations": [1]}, "relations"),
        ({"relations": None}, "relations"),
        ({"relations": {"service": 5}}, "relations.service"),
        ({"title": 5}, "title"),
    ],
)
@pytest.mark.parametrize("kind", ["environment", "deploymentConfig"])
def test_a_malformed_change_of_a_kind_is_refused_with_its_path(terraform, kind, change, path):
    before = terraform.get(f"blueprints/{kind}").json
    whole = {"identifier": kind, "title": "K", "schema": {"properties": {}}} | change
    for method, where, body in (
        ("patch", f"blueprints/{kind}", change),
        ("put", f"blueprints/{kind}", whole),
        ("post", "blueprints", whole),
    ):
        answer = terraform.send(method, where, body)
        assert (answer.status, answer.json["details"]["errors"][0]["path"]) == (422, path), method
    assert terraform.get(f"blueprints/{kind}").json == before


def test_a_property_with_values_keeps_its_type_and_says_how_many(terraform):
    terraform.post("blueprints", SERVER)
    terraform.post("blueprints/server/entities", {"identifier": "a", "properties": {"cores": 2}})
    answer = terraform.send("patch", "blueprints/server", {"schema": {"properties": {"cores": {"type": "string"}}}})
    assert answer.status == 422 and "1 entity has a value that would not fit" in answer.json["message"]


def test_a_blueprint_with_entities_is_not_deleted(terraform):
    terraform.post("blueprints", SERVER)
    terraform.post("blueprints/server/entities", {"identifier": "a"})
    assert terraform.delete("blueprints/server").json["error"] == "has_dependents"
    terraform.delete("blueprints/server/entities/a")
    assert terraform.delete("blueprints/server").json == {"ok": True}


def test_the_kinds_come_installed_and_stay(terraform):
    names = {each["identifier"] for each in terraform.get("blueprints").json["blueprints"]}
    ours = {"service", "environment", "deploymentConfig", "deployment"}
    assert names == {*ours, "_user", "_team", "_scorecard", "_rule", "_rule_result"}
    assert terraform.delete("blueprints/service").status == 409


def test_sending_a_kinds_own_identifier_merges_into_it(terraform):
    mine = {"identifier": "service", "title": "Micro", "schema": {"properties": {"lifecycle": {"type": "string"}}}}
    assert terraform.post("blueprints", mine).status == 201
    read = terraform.get("blueprints/service").json["blueprint"]
    assert read["title"] == "Micro"
    assert {"lifecycle", "slackChannel"} <= read["schema"]["properties"].keys()


def test_a_base_property_of_a_kind_keeps_its_type(terraform):
    wrong = {"identifier": "deploymentConfig", "title": "D", "schema": {"properties": {"locked": {"type": "string"}}}}
    assert terraform.post("blueprints", wrong).status == 422


def test_a_member_may_not_change_blueprints(shop, page, bob):
    from catalog.commands import blueprint_create
    from portal.kit.errors import Refused

    with pytest.raises(Refused, match="moderators"):
        blueprint_create(SERVER, by=page(bob))
    assert not Blueprint.objects.filter(identifier="server").exists()
    assert not Entity.objects.filter(blueprint__identifier="server").exists()
