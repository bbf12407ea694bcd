"""A blueprint changes under entities that are there: what would not fit is refused with how many, what goes is counted."""

import pytest

from catalog import moves, queries
from catalog.commands import blueprint_create, migrations_run
from catalog.models import Entity, Relation
from portal.audit.models import Event
from tests.conftest import SETUP, events, write

PROPERTIES = {
    "size": {"type": "string", "enum": ["small", "big"]},
    "cost": {"type": "number"},
    "name": {"type": "string"},
    "tags": {"type": "array"},
}
BOX = {
    "identifier": "box",
    "title": "Box",
    "schema": {"properties": PROPERTIES, "required": []},
    "relations": {"holds": {"target": "service", "many": True}, "of": {"target": "service"}},
}


@pytest.fixture
def boxes(shop):
    blueprint_create(BOX, by=SETUP)
    write("box", "a", properties={"size": "small", "cost": 1, "name": "a"}, relations={"holds": ("checkout", "search")})
    write("box", "b", properties={"size": "big", "cost": 2.5, "name": "3", "extra": "x"}, relations={"of": ("search",)})
    write("box", "c", properties={"tags": ["a"]})


def schema(required=(), **changed):
    properties = {name: each for name, each in (PROPERTIES | changed).items() if each}
    return {"schema": {"properties": properties, "required": list(required)}}


def relations(**changed):
    return {"relations": BOX["relations"] | changed}


REFUSED = [
    (schema(size={"type": "string", "enum": ["small"]}), "schema.properties.size", 1),
    (schema(size={"type": "number"}), "schema.properties.size.type", 2),
    (schema(cost={"type": "string"}), "schema.properties.cost.type", 2),
    (schema(cost={"type": "number", "maximum": 2}), "schema.properties.cost", 1),
    (schema(cost={"type": "number", "minimum": 5}), "schema.properties.cost", 2),
    (schema(name={"type": "string", "format": "url"}), "schema.properties.name", 2),
    (schema(name={"type": "string", "pattern": "^[a-z]"}), "schema.properties.name", 1),
    (schema(name={"type": "string", "minLength": 2}), "schema.properties.name", 2),
    (schema(tags={"type": "array", "items": {"type": "number"}}), "schema.properties.tags", 1),
    (schema(tags={"type": "array", "minItems": 2}), "schema.properties.tags", 1),
    (schema(extra={"type": "number"}), "schema.properties.extra.type", 1),  # nobody declared it so far
    (schema(required=["cost"]), "schema.required", 1),
    (schema(required=["fresh"], fresh={"type": "string"}), "schema.required", 3),
    (relations(of={"target": "environment"}), "relations.of.target", 1),
    (relations(holds={"target": "service"}), "relations.holds.many", 1),
    (relations(of={"target": "service", "required": True}), "relations.of.required", 2),
    (relations(fresh={"target": "service", "required": True}), "relations.fresh.required", 3),
]


@pytest.mark.parametrize(("change", "path", "count"), REFUSED, ids=[path for _, path, _ in REFUSED])
def test_what_entities_would_not_satisfy_is_refused_with_how_many(boxes, terraform, change, path, count):
    before = queries.blueprint("box").facts()
    whole = terraform.get("blueprints/box").json["blueprint"]
    for method, body in (("patch", change), ("put", whole | change)):
        answer = terraform.send(method, "blueprints/box", body)
        assert answer.status == 422
        [fault] = answer.json["details"]["errors"]
        assert (fault["path"], fault["entities"]) == (path, count)
        assert fault["message"].startswith(f"{count} entit")
    assert queries.blueprint("box").facts() == before and events("blueprint.updated") == []


@pytest.mark.parametrize(
    "change",
    [
        schema(size={"type": "string", "enum": ["small", "big", "huge"]}),
        schema(size={"type": "string"}),
        schema(cost={"type": "number", "minimum": 0}),
        schema(cost={"type": "number", "title": "Cost", "description": "In EUR"}),
        schema(tags={"type": "array", "items": {"type": "string"}}),
        schema(extra={"type": "string"}),
        schema(fresh={"type": "string"}),
        relations(of={"target": "service", "many": True}),
    ],
)
def test_what_all_entities_satisfy_is_taken(boxes, terraform, change):
    before = {each.identifier: each.properties for each in Entity.objects.all()}
    assert terraform.send("patch", "blueprints/box", change).status == 200
    assert {each.identifier: each.properties for each in Entity.objects.all()} == before


def test_a_number_becomes_a_text_by_the_documented_way(boxes, terraform):
    """A new property, the values moved there, the old one out, and the new one gets its name."""
    terraform.send("patch", "blueprints/box", schema(costText={"type": "string"}))
    mapping = {"entity": {"properties": {"costText": ".properties.cost | if . then tostring else null end"}}}
    started = terraform.post("migrations", {"sourceBlueprint": "box", "mapping": mapping})
    assert started.status == 201
    migrations_run()
    assert terraform.get(f"migrations/{started.json['migrationId']}").json["migration"]["status"] == "COMPLETED"
    assert terraform.send("patch", "blueprints/box", schema(cost=None, costText={"type": "string"})).status == 200
    terraform.send("patch", "blueprints/box/properties/costText/rename", {"newPropertyName": "cost"})
    values = {
        each.identifier: each.properties.get("cost") for each in Entity.objects.filter(blueprint__identifier="box")
    }
    assert values == {"a": "1", "b": "2.5", "c": None}


def test_what_a_blueprint_no_longer_declares_goes_and_is_counted(boxes, terraform):
    change = schema(cost=None) | {"relations": {"of": BOX["relations"]["of"]}}
    assert terraform.send("patch", "blueprints/box", change).status == 200
    assert not Entity.objects.filter(blueprint__identifier="box", properties__has_key="cost").exists()
    assert not Relation.objects.filter(name="holds").exists()
    assert Relation.objects.filter(source__blueprint__identifier="box", name="of").exists()
    told = Event.objects.get(name="blueprint.updated")
    assert told.payload["removed"] == {"cost": 2, "holds": 2}


def test_what_was_taken_out_does_not_come_back_with_the_property(boxes, terraform):
    terraform.send("patch", "blueprints/box", schema(cost=None))
    assert terraform.send("patch", "blueprints/box", schema(cost={"type": "string"})).status == 200
    assert "cost" not in terraform.get("blueprints/box/entities/a").json["entity"]["properties"]


def test_keys_that_were_never_declared_stay(boxes, terraform):
    terraform.send("patch", "blueprints/box", schema(cost=None))
    assert terraform.get("blueprints/box/entities/b").json["entity"]["properties"]["extra"] == "x"


def test_a_required_property_with_a_default_is_filled_in(boxes, terraform):
    change = schema(required=["cost"], cost={"type": "number", "default": 7})
    assert terraform.send("patch", "blueprints/box", change).status == 200
    values = {each.identifier: each.properties["cost"] for each in Entity.objects.filter(blueprint__identifier="box")}
    assert values == {"a": 1, "b": 2.5, "c": 7}
    assert Event.objects.get(name="blueprint.updated").payload["filled"] == {"cost": 1}


def test_without_entities_anything_goes(shop, terraform):
    terraform.post("blueprints", BOX)
    change = schema(required=["size"], size={"type": "number"}) | relations(
        of={"target": "environment", "required": True}
    )
    assert terraform.send("patch", "blueprints/box", change).status == 200


def test_while_values_still_go_the_page_does_not_show_them(boxes, terraform, monkeypatch):
    monkeypatch.setattr(moves.batch, "__kwdefaults__", {"limit": 1})
    terraform.send("patch", "blueprints/box", schema(name=None))
    shown = terraform.get("blueprints/box/entities").json["entities"]
    assert all("name" not in each["properties"] for each in shown)
    assert Entity.objects.filter(properties__has_key="name").exists()
    while migrations_run():
        pass
    assert not Entity.objects.filter(properties__has_key="name").exists()
