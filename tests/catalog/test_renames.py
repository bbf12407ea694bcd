"""A property, a mirror or a relation gets another name, and everything that speaks of it comes along."""

import pytest

from catalog import moves, queries
from catalog.commands import blueprint_create, blueprint_update, index_add, migrations_run, view_save
from catalog.models import Blueprint, Entity, Migration, Relation, View
from catalog.schema.renames import Rename
from portal.audit.models import Event
from tests.conftest import SETUP, events, write

BOX = {
    "identifier": "box",
    "title": "Box",
    "schema": {"properties": {"z": {"type": "string"}, "tier": {"type": "string"}}, "required": ["tier"]},
    "relations": {"in": {"target": "box"}, "service": {"target": "service", "required": True}},
    "mirrorProperties": {"outer": {"path": "in.tier"}, "far": {"path": "in.in.service.tier"}},
    "calculationProperties": {
        "link": {"type": "string", "calculation": '"\\(.properties.tier)/" + .relations.service'}
    },
    "ownership": {"type": "Inherited", "path": "in.service"},
}
SHELF = {
    "identifier": "shelf",
    "title": "Shelf",
    "schema": {"properties": {"tier": {"type": "string"}}},
    "relations": {"box": {"target": "box"}},
    "mirrorProperties": {
        "boxTier": {"path": "box.tier"},
        "outer": {"path": "box.outer"},
        "own": {"path": "box.service.tier"},
    },
    "aggregationProperties": {
        "count": {
            "title": "Boxes",
            "target": "box",
            "calculationSpec": {"calculationBy": "entities", "func": "count"},
            "query": {
                "combinator": "and",
                "rules": [
                    {"property": "tier", "operator": "=", "value": "tier"},
                    {"combinator": "or", "rules": [{"relation": "service", "operator": "=", "value": "search"}]},
                ],
            },
        },
        "services": {
            "title": "Services",
            "target": "service",
            "calculationSpec": {"calculationBy": "entities", "func": "count"},
            "pathFilter": [{"path": ["box", "in", "service"]}],
        },
    },
}


@pytest.fixture
def boxes(shop):
    blueprint_create(BOX, by=SETUP)
    blueprint_create(SHELF, by=SETUP)
    for name in ("a", "b"):
        write("box", name, properties={"tier": "high", "z": name}, relations={"service": ("search",)})


def rename(client, what, old, **body):
    return client.send("patch", f"blueprints/box/{what}/{old}/rename", body)


def test_a_renamed_property_keeps_its_values_and_its_place(boxes, terraform):
    answer = rename(terraform, "properties", "tier", newPropertyName="level")
    assert answer.status == 200
    schema = answer.json["blueprint"]["schema"]
    assert (list(schema["properties"]), schema["required"]) == (["z", "level"], ["level"])
    read = terraform.get("blueprints/box/entities/a").json["entity"]["properties"]
    assert read == {"level": "high", "z": "a", "link": "high/search"}
    found = terraform.post(
        "blueprints/box/entities/search",
        {"query": {"combinator": "and", "rules": [{"property": "level", "operator": "=", "value": "high"}]}},
    )
    assert len(found.json["entities"]) == 2
    assert terraform.get("blueprints/box").json["blueprint"]["schema"] == schema


def test_whatever_speaks_of_a_property_is_rewritten(boxes, terraform):
    rename(terraform, "properties", "tier", newPropertyName="the-level")
    box, shelf = queries.blueprint("box"), queries.blueprint("shelf")
    assert box.mirror_properties["outer"]["path"] == "in.the-level"
    assert box.mirror_properties["far"]["path"] == "in.in.service.tier"  # of a service
    assert box.calculation_properties["link"]["calculation"] == '"\\(.properties["the-level"])/" + .relations.service'
    assert shelf.mirror_properties["boxTier"]["path"] == "box.the-level"
    assert shelf.mirror_properties["own"]["path"] == "box.service.tier"
    assert list(shelf.properties) == ["tier"]  # its own
    rule = shelf.aggregation_properties["count"]["query"]["rules"][0]
    assert rule == {"property": "the-level", "operator": "=", "value": "tier"}


def test_whatever_speaks_of_a_relation_is_rewritten(boxes, terraform):
    answer = rename(terraform, "relations", "service", newRelationIdentifier="svc")
    assert answer.json["blueprint"]["relations"].keys() == {"in", "svc"}
    box, shelf = queries.blueprint("box"), queries.blueprint("shelf")
    assert box.ownership["path"] == "in.svc" and box.mirror_properties["far"]["path"] == "in.in.svc.tier"
    assert box.calculation_properties["link"]["calculation"].endswith(".relations.svc")
    assert shelf.mirror_properties["own"]["path"] == "box.svc.tier"
    counted = shelf.aggregation_properties["count"]
    assert shelf.aggregation_properties["services"]["pathFilter"] == [{"path": ["box", "in", "svc"]}]
    assert counted["query"]["rules"][1]["rules"][0]["relation"] == "svc"
    assert terraform.get("blueprints/box/entities/a").json["entity"]["relations"] == {"svc": "search"}


def test_a_renamed_mirror_is_found_by_those_that_mirror_it(boxes, terraform):
    answer = rename(terraform, "mirror", "outer", newMirrorName="around")
    assert answer.json["blueprint"]["mirrorProperties"]["around"] == {"path": "in.tier"}
    assert queries.blueprint("shelf").mirror_properties["outer"] == {"path": "box.around"}


def test_saved_views_follow(boxes, terraform):
    query = "property=tier&operator=%3D&value=tier&sort=-tier%2Cz&group=tier&column=tier&column=relations.service"
    view = view_save(queries.blueprint("box"), "High", query, shared=True, by=SETUP)
    rename(terraform, "properties", "tier", newPropertyName="level")
    rename(terraform, "relations", "service", newRelationIdentifier="svc")
    assert View.objects.get(pk=view.pk).query == (
        "property=level&operator=%3D&value=tier&sort=-level%2Cz&group=level&column=level&column=relations.svc"
    )


def test_scorecards_follow(boxes, terraform):
    rule = {"property": "tier", "operator": "=", "value": "high"}
    terraform.post(
        "blueprints/box/scorecards",
        {
            "identifier": "ready",
            "title": "Ready",
            "filter": {"combinator": "and", "conditions": [rule]},
            "rules": [
                {"identifier": "r", "title": "R", "level": "Gold", "query": {"combinator": "and", "conditions": [rule]}}
            ],
        },
    )
    rename(terraform, "properties", "tier", newPropertyName="level")
    read = terraform.get("blueprints/box/scorecards/ready").json["scorecard"]
    assert read["filter"]["conditions"][0]["property"] == "level"
    assert read["rules"][0]["query"]["conditions"] == [rule | {"property": "level"}]
    entity = terraform.get("blueprints/box/entities/a").json["entity"]
    assert entity["scorecards"]["ready"]["level"] == "Gold"


def test_who_may_change_it_stays_the_same(boxes, bob, terraform):
    block = {"users": [], "roles": ["Admin"], "teams": ["payments"], "ownedByTeam": False}
    changes = {"entities": {"updateProperties": {"tier": block}, "updateRelations": {"service": block}}}
    assert terraform.send("patch", "blueprints/box/permissions", changes).status == 200
    rename(terraform, "properties", "tier", newPropertyName="level")
    rename(terraform, "relations", "service", newRelationIdentifier="svc")
    read = terraform.get("blueprints/box/permissions").json["permissions"]["entities"]
    assert read["updateProperties"]["level"]["teams"] == read["updateRelations"]["svc"]["teams"] == ["payments"]
    assert "tier" not in read["updateProperties"] and "service" not in read["updateRelations"]


def test_an_index_of_a_property_follows(boxes, terraform):
    index_add(queries.blueprint("box"), "tier", by=SETUP)
    rename(terraform, "properties", "tier", newPropertyName="level")
    assert [each.property for each in queries.blueprint("box").indexed.all()] == ["level"]


def test_one_event_for_each_blueprint_that_changed(boxes, terraform):
    rename(terraform, "properties", "tier", newPropertyName="level")
    told = Event.objects.filter(name="blueprint.updated").order_by("id")
    assert [each.blueprint for each in told] == ["box", "shelf"]
    assert told[0].payload["renamed"] == {"what": "property", "blueprint": "box", "from": "tier", "to": "level"}
    assert told[0].payload["entities"] == 2


@pytest.mark.parametrize(
    ("what", "old", "body", "status"),
    [
        ("properties", "nothing", {"newPropertyName": "x"}, 404),
        ("properties", "outer", {"newPropertyName": "x"}, 404),  # a mirror has a route of its own
        ("mirror", "tier", {"newMirrorName": "x"}, 404),
        ("relations", "tier", {"newRelationIdentifier": "x"}, 404),
        ("properties", "tier", {"newPropertyName": "z"}, 409),
        ("properties", "tier", {"newPropertyName": "outer"}, 409),
        ("relations", "service", {"newRelationIdentifier": "in"}, 409),
        ("properties", "tier", {"newPropertyName": "a b"}, 422),
        ("properties", "tier", {"newPropertyName": "x" * 101}, 422),
        ("properties", "tier", {"newMirrorName": "x"}, 422),
        ("properties", "tier", {}, 422),
    ],
)
def test_a_refused_rename_changes_nothing(boxes, terraform, what, old, body, status):
    before = queries.blueprint("box").facts()
    assert rename(terraform, what, old, **body).status == status
    assert queries.blueprint("box").facts() == before and events("blueprint.updated") == []


def test_what_came_with_the_portal_keeps_its_name(shop, terraform):
    answer = terraform.send("patch", "blueprints/environment/properties/tier/rename", {"newPropertyName": "level"})
    assert (answer.status, answer.json["error"]) == (409, "protected")
    answer = terraform.send(
        "patch", "blueprints/deploymentConfig/relations/service/rename", {"newRelationIdentifier": "svc"}
    )
    assert answer.status == 409
    assert "tier" in queries.blueprint("environment").properties


def test_a_name_to_itself_is_no_change(boxes, terraform):
    assert rename(terraform, "properties", "tier", newPropertyName="tier").status == 200
    assert events("blueprint.updated") == []


@pytest.mark.parametrize(
    ("program", "rewritten"),
    [
        (".properties.a", ".properties.b"),
        (".properties.a.a", ".properties.b.a"),
        (".properties.ab + .properties.a", ".properties.ab + .properties.b"),
        ('.properties["a"]', ".properties.b"),
        ('.properties.["a"]', ".properties.b"),
        ('.properties."a"', ".properties.b"),
        (".properties.'a'", ".properties.b"),
        ('"x .properties.a" + .properties.a', '"x .properties.a" + .properties.b'),
        ("'.properties.a' + .properties.a", "'.properties.a' + .properties.b"),
        ('"\\(.properties.a | f(1))/.properties.a"', '"\\(.properties.b | f(1))/.properties.a"'),
        ('"\\"\\(.properties.a)"', '"\\"\\(.properties.b)"'),
        (". as $e | $e.properties.a", ". as $e | $e.properties.a"),
        (".relations.a", ".relations.a"),
        (".properties | .a", ".properties | .a"),
    ],
)
def test_only_plain_paths_of_a_calculation_are_rewritten(program, rewritten):
    assert Rename("box", "property", "a", "b", {}).of_program(program) == rewritten


def test_calculations_that_may_still_mean_the_old_name_are_told(boxes, terraform):
    more = {"calculationProperties": {"odd": {"type": "string", "calculation": ".properties | .tier"}}}
    terraform.send("patch", "blueprints/box", more)
    rename(terraform, "properties", "tier", newPropertyName="tier-2")
    told = Event.objects.filter(name="blueprint.updated", blueprint="box").last()
    assert told.payload["lookAt"] == ["odd"]


# --- more entities than are moved at once


@pytest.fixture
def many(boxes, monkeypatch):
    """Ten boxes, of which two are moved at a time."""
    for number in range(8):
        write("box", f"n{number}", properties={"tier": f"t{number}"}, relations={"service": ("checkout",)})
    monkeypatch.setattr(moves.batch, "__kwdefaults__", {"limit": 2})


def stored(name):
    return Entity.objects.filter(blueprint__identifier="box", properties__has_key=name).count()


def test_reading_is_right_before_all_are_moved(many, terraform):
    rename(terraform, "properties", "tier", newPropertyName="level")
    assert (stored("level"), stored("tier")) == (2, 8)
    shown = terraform.get("blueprints/box/entities").json["entities"]
    assert len(shown) == 10 and all(each["properties"].keys() <= {"level", "z", "link"} for each in shown)
    assert {each["properties"]["level"] for each in shown} == {"high", *(f"t{number}" for number in range(8))}
    assert not migrations_run()
    assert (stored("level"), stored("tier"), queries.blueprint("box").moving) == (10, 0, {})
    assert Migration.objects.get().state == "COMPLETED" and events("migration") == ["migration.ended"]


def test_what_is_written_meanwhile_stays(many, terraform):
    terraform.send("patch", "blueprints/box", {"schema": BOX["schema"] | {"required": []}})
    rename(terraform, "properties", "tier", newPropertyName="level")
    terraform.send("patch", "blueprints/box/entities/n5", {"properties": {"level": "new"}})
    terraform.send("patch", "blueprints/box/entities/n6", {"title": "Six"})
    terraform.send("patch", "blueprints/box/entities/n7", {"properties": {"level": None}})
    migrations_run()
    values = {
        each.identifier: each.properties.get("level") for each in Entity.objects.filter(blueprint__identifier="box")
    }
    assert (values["n5"], values["n6"], values["n7"], values["n4"]) == ("new", "t6", None, "t4")


def test_arrows_on_the_move_are_read_needed_and_written_under_the_new_name(many, terraform):
    rename(terraform, "relations", "service", newRelationIdentifier="svc")
    assert Relation.objects.filter(name="service").count() == 8
    assert terraform.get("blueprints/box/entities/n7").json["entity"]["relations"] == {"svc": "checkout"}
    assert terraform.delete("blueprints/service/entities/checkout").status == 409
    terraform.send("patch", "blueprints/box/entities/n6", {"relations": {"svc": "search"}})
    migrations_run()
    assert set(Relation.objects.filter(source__blueprint__identifier="box").values_list("name", flat=True)) == {"svc"}
    assert terraform.get("blueprints/box/entities/n6").json["entity"]["relations"] == {"svc": "search"}


def test_a_name_that_is_wanted_again_is_moved_to_the_end_first(many, terraform):
    rename(terraform, "properties", "tier", newPropertyName="level")
    assert rename(terraform, "properties", "level", newPropertyName="rank").status == 200
    migrations_run()
    assert (stored("rank"), stored("level"), stored("tier")) == (10, 0, 0)


def test_a_property_that_is_taken_out_and_comes_back_with_another_type_is_empty(many, terraform):
    """As Terraform changes a type: out, then in again, one straight after the other."""
    bare = {"properties": {"z": {"type": "string"}}, "required": []}
    free = {"mirrorProperties": {}, "calculationProperties": {}}
    assert terraform.send("patch", "blueprints/box", free | {"schema": bare}).status == 200
    assert stored("tier") == 8
    assert all("tier" not in each["properties"] for each in terraform.get("blueprints/box/entities").json["entities"])
    number = {"properties": {"z": {"type": "string"}, "tier": {"type": "number"}}, "required": []}
    assert terraform.send("patch", "blueprints/box", {"schema": number}).status == 200
    assert (stored("tier"), queries.blueprint("box").moving) == (0, {})


def test_who_requires_what_has_a_default_fills_it_in(many, terraform):
    schema = BOX["schema"]["properties"] | {"z": {"type": "string", "default": "?"}}
    assert (
        terraform.send("patch", "blueprints/box", {"schema": {"properties": schema, "required": ["z"]}}).status == 200
    )
    migrations_run()
    assert stored("z") == 10
    assert Entity.objects.get(identifier="a").properties["z"] == "a"
    assert Entity.objects.get(identifier="n3").properties["z"] == "?"


def test_a_worker_that_dies_in_a_batch_leaves_it_to_the_next(many, terraform):
    from django.db import transaction

    rename(terraform, "properties", "tier", newPropertyName="level")
    with transaction.atomic():
        migrations_run(0.0001)
        transaction.set_rollback(True)  # the process is gone before it could commit
    migration = Migration.objects.get()
    assert (migration.done, stored("level")) == (2, 2)
    while migrations_run(0.0001):
        pass
    migration.refresh_from_db()
    assert (migration.state, migration.done, stored("level")) == ("COMPLETED", 10, 10)


def test_an_update_of_something_else_does_not_wait(many, terraform):
    rename(terraform, "properties", "tier", newPropertyName="level")
    assert terraform.send("patch", "blueprints/box", {"title": "Crate"}).status == 200
    assert stored("tier") == 8 and Blueprint.objects.get(identifier="box").moving
    blueprint_update(queries.blueprint("box"), {"description": "d"}, partial=True, by=SETUP)
    assert queries.blueprint("box").moving
