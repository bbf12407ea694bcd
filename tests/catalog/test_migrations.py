"""Work on all entities of a blueprint: deleting them, and writing others from them, by workers that may die."""

import pytest
from django.db import transaction

from catalog import queries
from catalog.commands import blueprint_create, entities_delete_all, migrations_run
from catalog.models import Blueprint, Entity, Migration
from portal.accounts.commands import credential_create
from portal.actions.models import Action
from portal.audit.models import Event
from portal.kit.errors import Conflict
from tests.conftest import SETUP, V1, events, write

BOX = {
    "identifier": "box",
    "title": "Box",
    "schema": {"properties": {"name": {"type": "string"}, "size": {"type": "number"}, "tags": {"type": "array"}}},
    "relations": {"in": {"target": "box"}},
}
CRATE = {
    "identifier": "crate",
    "title": "Crate",
    "schema": {"properties": {"label": {"type": "string"}, "size": {"type": "number"}}},
    "relations": {"box": {"target": "box"}},
}


@pytest.fixture
def boxes(shop):
    blueprint_create(BOX, by=SETUP)
    blueprint_create(CRATE, by=SETUP)
    for number in range(5):
        write("box", f"b{number}", title=f"Box {number}", properties={"name": f"n{number}", "size": number})


@pytest.fixture
def by_twos(boxes, monkeypatch):
    monkeypatch.setattr("catalog.commands.migrations.AT_ONCE", 2)


def start(client, mapping, source="box"):
    return client.post("migrations", {"sourceBlueprint": source, "mapping": mapping})


def left(blueprint="box"):
    return Entity.objects.filter(blueprint__identifier=blueprint).count()


def run():
    while migrations_run():
        pass
    return Migration.objects.order_by("-id").first()


MAPPING = {
    "blueprint": "crate",
    "filter": ".properties.size > 0",
    "entity": {
        "identifier": '"crate-" + .identifier',
        "title": ".title",
        "properties": {"label": ".properties.'name'", "size": ".properties.size * 2"},
        "relations": {"box": ".identifier"},
    },
}


def test_entities_are_written_into_another_blueprint(boxes, terraform):
    answer = start(terraform, MAPPING)
    assert answer.status == 201 and answer.json["migration"]["status"] == "PENDING"
    run()
    read = terraform.get(f"migrations/{answer.json['migrationId']}").json["migration"]
    assert (read["status"], read["done"], read["total"], read["mapping"]) == ("COMPLETED", 5, 5, MAPPING)
    assert {"id", "actor", "sourceBlueprint"} <= read.keys() and left("crate") == 4
    made = terraform.get("blueprints/crate/entities/crate-b2").json["entity"]
    assert (made["title"], made["properties"], made["relations"]) == (
        "Box 2",
        {"label": "n2", "size": 4},
        {"box": "b2"},
    )
    assert events("migration") == ["migration.started", "migration.ended"]


def test_each_item_of_a_list_becomes_an_entity(boxes, terraform):
    write("box", "b0", mode="patch", properties={"tags": ["x", "y"]})
    entity = {"identifier": '.identifier + "-" + .item', "properties": {"label": ".item"}}
    start(
        terraform,
        {"blueprint": "crate", "filter": ".properties.tags", "itemsToParse": ".properties.tags", "entity": entity},
    )
    run()
    assert left("crate") == 0  # the filter has to say true
    start(terraform, {"blueprint": "crate", "itemsToParse": ".properties.tags // []", "entity": entity})
    run()
    assert set(Entity.objects.filter(blueprint__identifier="crate").values_list("identifier", flat=True)) == {
        "b0-x",
        "b0-y",
    }


def test_what_cannot_be_written_is_counted_and_told_and_the_rest_goes_on(boxes, terraform):
    start(terraform, {"blueprint": "crate", "entity": {"properties": {"size": ".properties.name"}}})
    migration = run()
    assert (migration.state, migration.done, migration.failed) == ("FAILURE", 0, 5)
    assert migration.faults[0].startswith("b0: properties.size")
    write("box", "b9", properties={})
    start(terraform, {"blueprint": "crate", "entity": {"properties": {"size": ".properties.name"}}})
    migration = run()
    assert (migration.state, migration.done, migration.failed) == ("COMPLETED", 1, 5)


@pytest.mark.parametrize(
    ("body", "status", "path"),
    [
        ({"sourceBlueprint": "nothing", "mapping": MAPPING}, 404, None),
        ({"sourceBlueprint": "box", "mapping": MAPPING | {"blueprint": "nothing"}}, 404, None),
        ({"sourceBlueprint": "box"}, 422, "mapping"),
        ({"mapping": MAPPING}, 422, "sourceBlueprint"),
        ({"sourceBlueprint": "box", "mapping": {}}, 422, "mapping"),
        ({"sourceBlueprint": "box", "mapping": MAPPING, "more": 1}, 422, "more"),
        ({"sourceBlueprint": "box", "mapping": {"entity": {"title": "((("}}}, 422, "mapping.entity.title"),
        (
            {"sourceBlueprint": "box", "mapping": {"entity": {"properties": {"a": 1}}}},
            422,
            "mapping.entity.properties.a",
        ),
        ({"sourceBlueprint": "box", "mapping": MAPPING | {"filter": "|"}}, 422, "mapping.filter"),
    ],
)
def test_a_wrong_migration_is_refused_and_nothing_starts(boxes, terraform, body, status, path):
    answer = terraform.post("migrations", body)
    assert answer.status == status
    assert path is None or answer.json["details"]["errors"][0]["path"] == path
    assert not Migration.objects.exists()


def test_a_worker_that_dies_leaves_the_rest_to_the_next_and_nothing_is_done_twice(by_twos, terraform):
    start(terraform, MAPPING)
    migrations_run(0.0001)
    with transaction.atomic():
        migrations_run(0.0001)
        transaction.set_rollback(True)  # the process is gone before it could commit
    assert Migration.objects.get().done == 2
    migration = run()
    assert (migration.state, migration.done, left("crate")) == ("COMPLETED", 5, 4)
    assert Event.objects.filter(name="entity.created", blueprint="crate").count() == 4


def test_a_migration_is_stopped_between_two_batches(by_twos, terraform):
    started = start(terraform, MAPPING).json["migrationId"]
    migrations_run(0.0001)
    answer = terraform.post(f"migrations/{started}/cancel", {"reason": "wrong mapping"})
    assert (answer.json["migration"]["status"], answer.json["migration"]["reason"]) == ("CANCELLED", "wrong mapping")
    run()
    assert left("crate") == 1
    assert terraform.post(f"migrations/{started}/cancel", {}).json["migration"]["status"] == "CANCELLED"
    assert events("migration") == ["migration.started", "migration.cancelled"]


def test_migrations_are_listed_by_state_and_blueprint(boxes, terraform):
    start(terraform, MAPPING)
    run()
    start(terraform, MAPPING | {"blueprint": "box"}, source="crate")

    def listed(**params):
        return [each["sourceBlueprint"] for each in terraform.get("migrations", **params).json["migrations"]]

    assert listed() == ["crate", "box"]
    assert listed(status="COMPLETED") == ["box"] and listed(status="COMPLETED,PENDING") == ["crate", "box"]
    assert listed(blueprint="crate") == ["crate"] and listed(actor="nobody") == []
    assert terraform.get("migrations/nothing").status == 404


def test_a_job_that_may_only_report_starts_nothing(boxes, ci):
    assert start(ci, MAPPING).status == 403
    assert ci.delete("blueprints/box/all-entities").status == 403
    assert not Migration.objects.exists() and left() == 5


# --- deleting


def test_few_entities_go_at_once(boxes, terraform):
    answer = terraform.delete("blueprints/box/all-entities?delete_blueprint=false")
    assert answer.json["deleted"] == 5 and left() == 0
    read = terraform.get(f"migrations/{answer.json['migrationId']}").json["migration"]
    assert (read["status"], read["mapping"], read["sourceBlueprint"]) == ("COMPLETED", {}, "box")
    assert Event.objects.filter(name="entity.deleted", blueprint="box").count() == 5


def test_many_go_batch_by_batch_and_then_the_blueprint(by_twos, terraform, client, alice):
    client.force_login(alice)
    terraform.delete("blueprints/crate")
    answer = terraform.delete("blueprints/box/all-entities?delete_blueprint=true")
    assert (answer.json["deleted"], left()) == (0, 5)
    where = f"migrations/{answer.json['migrationId']}"
    assert terraform.get(where).json["migration"]["status"] == "PENDING"
    migrations_run(0.0001)
    assert (left(), terraform.get(where).json["migration"]["status"]) == (3, "RUNNING")
    assert "2 of 5 are gone" in client.get("/catalog/box/entities").content.decode()
    run()
    assert terraform.get(where).json["migration"]["status"] == "COMPLETED"
    assert terraform.get("blueprints/box").status == 404


def test_a_blueprint_that_has_to_stay_keeps_its_entities_too(boxes, terraform):
    write("service", "kept")
    for name, code in (("service", "protected"), ("box", "has_dependents")):
        answer = terraform.delete(f"blueprints/{name}/all-entities?delete_blueprint=true")
        assert (answer.status, answer.json["error"]) == (409, code)
    assert left() == 5 and left("service") == 3 and not Migration.objects.exists()


def test_entities_that_something_holds_stay_and_are_told(boxes, terraform, monkeypatch):
    from catalog import hooks

    def hold(entities, by):
        if any(each.identifier == "b3" for each in entities):
            raise Conflict("b3 is held.")

    monkeypatch.setattr(hooks, "_deletions", [hold])
    terraform.delete("blueprints/crate")
    migration = entities_delete_all(queries.blueprint("box"), itself=True, by=SETUP)
    assert (migration.state, migration.done, migration.failed) == ("FAILURE", 4, 1)
    assert migration.reason == "1 entity stays: b3 is held."
    assert left() == 1 and Blueprint.objects.filter(identifier="box").exists()


def test_a_refused_deletion_of_a_blueprint_says_how_many_stand_against_it(boxes, terraform):
    answer = terraform.delete("blueprints/crate")
    assert answer.json == {"ok": True}
    answer = terraform.delete("blueprints/box")
    assert (answer.status, answer.json["details"]["entities"]) == (409, 5)
    counting = CRATE | {
        "relations": {},
        "aggregationProperties": {
            "boxes": {"title": "B", "target": "box", "calculationSpec": {"calculationBy": "entities", "func": "count"}}
        },
    }
    terraform.post("blueprints", counting)
    terraform.delete("blueprints/box/all-entities")
    answer = terraform.delete("blueprints/box")
    assert (answer.status, answer.json["details"]["blueprints"]) == (409, ["Crate"])


@pytest.mark.parametrize(("wished", "left"), [("?delete_actions=true", 0), ("", 1)])
def test_the_actions_of_a_blueprint_go_with_it_if_wished(boxes, terraform, wished, left):
    trigger = {
        "type": "self-service",
        "operation": "DAY-2",
        "blueprintIdentifier": "crate",
        "userInputs": {"properties": {}},
    }
    terraform.post(
        "actions", {"identifier": "open", "title": "Open", "trigger": trigger, "invocationMethod": {"type": "KAFKA"}}
    )
    refused = terraform.delete("blueprints/box?delete_actions=true")  # it has entities
    assert refused.status == 409 and Action.objects.count() == 1
    assert terraform.delete(f"blueprints/crate{wished}").status == 200
    assert Action.objects.count() == left


# --- importing


def test_blueprints_that_point_at_each_other_come_in_one_import(shop, terraform):
    circle = [
        BOX
        | {"relations": {"crate": {"target": "crate"}}, "mirrorProperties": {"m": {"path": "crate.box.crate.label"}}},
        CRATE | {"ownership": {"type": "Direct"}},
        {"identifier": "service", "title": "Service", "schema": {"properties": {"cost": {"type": "number"}}}},
    ]
    answer = terraform.post("blueprints/bulk", {"blueprints": circle})
    assert answer.status == 200, answer.json
    assert [each["identifier"] for each in answer.json["blueprints"]] == ["box", "crate", "service"]
    assert {"cost", "tier"} <= queries.blueprint("service").properties.keys()
    assert events("blueprint")[-3:] == ["blueprint.created", "blueprint.created", "blueprint.updated"]
    changed = [circle[0] | {"title": "Big box"}, *circle[1:]]
    assert terraform.post("blueprints/bulk", {"blueprints": changed}).status == 200
    assert queries.blueprint("box").title == "Big box" and events("blueprint.updated")[-1] == "blueprint.updated"


@pytest.mark.parametrize(
    ("wrong", "status", "path"),
    [
        ([BOX, CRATE | {"title": ""}], 422, "blueprints.1.title"),
        ([BOX, CRATE | {"relations": {"x": {"target": "nothing"}}}], 404, None),
        ([BOX, CRATE | {"mirrorProperties": {"m": {"path": "box.nothing.x"}}}], 422, "mirrorProperties.m.path"),
        ([BOX, BOX], 422, "blueprints"),
        ([], 422, "blueprints"),
        ([1], 422, "blueprints.0"),
    ],
)
def test_an_import_is_all_or_nothing(shop, terraform, wrong, status, path):
    answer = terraform.post("blueprints/bulk", {"blueprints": wrong})
    assert answer.status == status
    assert path is None or answer.json["details"]["errors"][0]["path"] == path
    assert not Blueprint.objects.filter(identifier__in=["box", "crate"]).exists()


def test_the_structure_of_a_system_blueprint_is_what_came_with_the_portal(shop, terraform):
    extended = {"identifier": "service", "title": "Service", "schema": {"properties": {"cost": {"type": "number"}}}}
    terraform.post("blueprints", extended)
    read = terraform.get("blueprints/system/service/structure").json["blueprint"]
    assert "tier" in read["schema"]["properties"] and "cost" not in read["schema"]["properties"]
    assert {"createdAt", "updatedAt"} <= read.keys()
    terraform.post("blueprints", BOX)
    assert terraform.get("blueprints/system/box/structure").status == 404


def test_a_mapping_opens_no_lock_for_somebody_who_may_not(shop):
    _, token = credential_create("Sync", kind="ci", scopes=["catalog:read", "catalog:write"], by=SETUP)
    config = {"service": ("checkout",), "environment": ("production",)}
    write("deploymentConfig", "checkout-production", relations=config, properties={"locked": True})
    locks = events("lock")
    assert start(V1(token), {"entity": {"properties": {"locked": "false"}}}, "deploymentConfig").status == 201
    migration = run()
    assert (migration.done, migration.failed) == (0, 1)
    assert "lock" in migration.faults[0] and events("lock") == locks


@pytest.mark.parametrize("blueprint", ["_user", "_team"])
def test_who_writes_the_catalog_deletes_no_accounts_by_it(shop, blueprint):
    _, token = credential_create("Sync", kind="ci", scopes=["catalog:read", "catalog:write"], by=SETUP)
    before = left(blueprint)
    answer = V1(token).delete(f"blueprints/{blueprint}/all-entities")
    assert answer.status == 403, answer.json
    assert not Migration.objects.exists() and left(blueprint) == before
