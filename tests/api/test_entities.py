"""The flags and addresses of entities; what a write does is in tests/catalog/test_entities.py."""

import pytest

from catalog.models import Entity
from portal.audit.models import Event
from tests.conftest import write

ENTITIES = "blueprints/service/entities"


@pytest.mark.parametrize("identifier", ["a/entities", "a/entities-count", "entities", "entities-count", "a/entities/b"])
def test_an_entity_may_be_called_like_a_route(terraform, identifier):
    assert terraform.post(ENTITIES, {"identifier": identifier}).status == 201
    assert terraform.get(f"{ENTITIES}/{identifier}").json["entity"]["identifier"] == identifier
    assert terraform.get("blueprints/service/entities-count").json["count"] == 1
    assert terraform.delete(f"{ENTITIES}/{identifier}").status == 200
    assert not Entity.objects.exists()


@pytest.mark.parametrize("flags", ["validation_only=true", "upsert=true&merge=true&validation_only=true"])
def test_a_dry_run_answers_what_would_be_and_writes_nothing(shop, terraform, flags):
    before = Event.objects.count()
    body = {"identifier": "cart", "title": "Cart", "properties": {"description": "d"}}
    answer = terraform.post(f"{ENTITIES}?{flags}", body)
    assert (answer.status, answer.json["entity"]["title"]) == (201, "Cart")
    assert terraform.send("patch", f"{ENTITIES}/search?validation_only=true", {"title": "Found"}).status == 200
    assert not Entity.objects.filter(identifier="cart").exists()
    assert Entity.objects.get(identifier="search").title == "Search"
    assert Event.objects.count() == before


def test_a_dry_run_refuses_what_a_write_would(shop, terraform):
    answer = terraform.post(f"{ENTITIES}?validation_only=true", {"identifier": "checkout"})
    assert (answer.status, answer.json["error"]) == (409, "identifier_taken")


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("include=identifier", {"identifier": "production"}),
        ("include=identifier&include=$title", {"identifier": "production", "title": "Prod"}),
        ("include=identifier,properties.tier", {"identifier": "production", "properties": {"tier": "production"}}),
        ("include=properties&exclude=properties.aliases", {"properties": {"tier": "production"}}),
        ("include=properties.gone&include=relations.gone", {"properties": {}, "relations": {}}),
        ("include=team&include=blueprint", {"team": ["ops"], "blueprint": "environment"}),
    ],
)
def test_an_answer_shows_what_is_included(terraform, query, shown):
    write(
        "environment",
        "production",
        title="Prod",
        team=("ops",),
        properties={"tier": "production", "aliases": ["prod"]},
    )
    assert terraform.get(f"blueprints/environment/entities/production?{query}").json["entity"] == shown
    assert terraform.get(f"blueprints/environment/entities?{query}").json["entities"] == [shown]


def test_an_answer_leaves_out_what_is_excluded(shop, terraform):
    whole = terraform.get(f"{ENTITIES}/checkout").json["entity"]
    less = terraform.get(f"{ENTITIES}/checkout?exclude=title,properties&exclude=$team").json["entity"]
    assert whole.keys() - less.keys() == {"title", "properties", "team"}


def test_what_was_written_comes_back_to_the_letter(shop, terraform):
    sent = {
        "properties": {
            "language": "Go",
            "whole": 1,
            "half": 1.0,
            "small": 1e-7,
            "big": 9007199254740993,
            "minus": -0.5,
            "yes": True,
            "text": " 01 ",
            "day": "2026-01-31",
            "instant": "2026-01-31T10:00:00.123456+02:00",
            "nothing inside": {"a": None, "": [], "b": {}},
            "mixed": [1, 1.5, "1", None, False, [], {"x": "é 箱 🙂"}],
            "empty": "",
        },
        "team": ["b", "a"],
        "relations": {"dependsOn": ["search", "checkout"]},
    }
    terraform.post(f"{ENTITIES}?upsert=true", {"identifier": "cart", **sent})
    for read in (
        terraform.get(f"{ENTITIES}/cart").json["entity"],
        terraform.post("entities/search", {"combinator": "and", "rules": [IS_CART]}).json["entities"][0],
    ):
        assert {key: read[key] for key in sent} == sent
        kinds = {name: type(value) for name, value in read["properties"].items()}
        assert kinds == {name: type(value) for name, value in sent["properties"].items()}


IS_CART = {"property": "$identifier", "operator": "=", "value": "cart"}


def test_an_unknown_key_a_stray_parameter_and_an_empty_run_change_nothing(shop, terraform):
    path = f"{ENTITIES}?upsert=true&merge=true&run_id=&ocean_info_resync_id=7&validation_only=0xc000"
    answer = terraform.post(path, {"identifier": "cart", "blueprint": "elsewhere", "surplus": 1})
    assert (answer.status, answer.json["entity"]["blueprint"]) == (201, "service")
    assert Event.objects.latest("id").payload == {}


def test_merge_alone_is_no_upsert(shop, terraform):
    assert terraform.post(f"{ENTITIES}?merge=true", {"identifier": "checkout"}).status == 409


ACTION = {
    "identifier": "scaffold",
    "title": "Scaffold",
    "trigger": {"type": "self-service", "operation": "CREATE", "userInputs": {"properties": {}}},
    "invocationMethod": {"type": "KAFKA"},
}


def test_every_change_of_a_run_is_told_with_its_run(shop, terraform):
    terraform.post("actions", ACTION)
    run = terraform.post("actions/scaffold/runs", {"properties": {}}).json["run"]["id"]
    terraform.post(f"{ENTITIES}?run_id={run}", {"identifier": "cart"})
    terraform.send("patch", f"{ENTITIES}/cart?run_id={run}", {"title": "Cart"})
    terraform.post(f"blueprints/service/entities/bulk?upsert=true&run_id={run}", {"entities": [{"identifier": "mail"}]})
    terraform.delete(f"{ENTITIES}/cart?run_id={run}")
    audits = terraform.get("audit-log", run_id=run, resources="entity").json["audits"]
    assert [(each["action"], each["context"]["entity"]) for each in audits] == [
        ("DELETE", "cart"),
        ("CREATE", "mail"),
        ("UPDATE", "cart"),
        ("CREATE", "cart"),
    ]


def test_a_change_belongs_to_a_run_only_while_it_is_in_progress(shop, terraform):
    terraform.post("actions", ACTION)
    run = terraform.post("actions/scaffold/runs", {"properties": {}}).json["run"]["id"]
    terraform.send("patch", f"actions/runs/{run}", {"status": "SUCCESS"})
    late = terraform.post(f"{ENTITIES}?run_id={run}", {"identifier": "cart"})
    assert (late.status, late.json["details"]["errors"][0]["path"]) == (422, "run_id")
    unknown = terraform.post(f"{ENTITIES}?run_id=r_nothing", {"identifier": "cart"})
    assert (unknown.status, unknown.json["error"]) == (404, "not_found")
    assert not Entity.objects.filter(identifier="cart").exists()


def test_the_last_writers_name_is_the_datasource(shop, terraform):
    terraform.post(f"{ENTITIES}?upsert=true", {"identifier": "cart"}, User_Agent="port-ocean/a/1/me/exporter")
    terraform.post(
        "blueprints/service/entities/bulk?upsert=true",
        {"entities": [{"identifier": "cart", "title": "C"}]},
        User_Agent="x",
    )
    assert Entity.objects.get(identifier="cart").datasource == "x"


def test_people_and_teams_are_not_made_by_pointing_at_them(terraform):
    if terraform.get("blueprints/_user").status == 404:
        terraform.post("blueprints", {"identifier": "_user", "title": "User", "schema": {"properties": {}}})
    body = {"identifier": "pad", "title": "Pad", "schema": {"properties": {}}, "relations": {"of": {"target": "_user"}}}
    terraform.post("blueprints", body)
    path = "blueprints/pad/entities?create_missing_related_entities=true"
    answer = terraform.post(path, {"identifier": "p", "relations": {"of": "nobody@example.org"}})
    assert (answer.status, answer.json["details"]["errors"][0]["path"]) == (404, "relations.of")
    assert not Entity.objects.filter(identifier__in=["p", "nobody@example.org"]).exists()


def test_all_entities_of_a_blueprint_go_at_once_and_the_blueprint_if_wished(shop, terraform):
    terraform.post("blueprints", {"identifier": "box", "title": "Box", "schema": {"properties": {}}})
    for name in ("a", "b", "all-entities"):
        write("box", name)
    assert terraform.delete("blueprints/box/all-entities").json["deleted"] == 3
    assert terraform.get("blueprints/box").status == 200
    assert Event.objects.filter(name="entity.deleted", blueprint="box").count() == 3
    write("box", "c")
    assert terraform.delete("blueprints/box/all-entities?delete_blueprint=true").json["deleted"] == 1
    assert terraform.get("blueprints/box").status == 404


def test_all_stay_while_another_blueprint_needs_one(shop, terraform):
    pod = {"identifier": "pod", "title": "Pod", "schema": {"properties": {}}}
    terraform.post("blueprints", pod | {"relations": {"of": {"target": "service", "required": True}}})
    write("pod", "p", relations={"of": ("search",)})
    answer = terraform.delete("blueprints/service/all-entities")
    assert (answer.status, answer.json["error"], answer.json["details"]["blueprints"]) == (
        409,
        "has_dependents",
        ["pod"],
    )
    assert Entity.objects.filter(blueprint__identifier="service").count() == 2


def test_a_job_that_may_only_report_deletes_nothing(shop, ci):
    assert ci.delete("blueprints/service/all-entities").status == 403
    assert Entity.objects.filter(blueprint__identifier="service").count() == 2
