"""Which definitions of a blueprint are taken, which are refused and where, and which values each type takes."""

import pytest

from catalog import queries
from catalog.commands import blueprint_create, blueprint_delete
from catalog.models import Blueprint, Entity
from portal.api.present import blueprint_json
from portal.kit.errors import Invalid
from tests.conftest import SETUP, events, write

BOX = {"identifier": "box", "title": "Box", "schema": {"properties": {}}}
LOGIN = {"clientId": "a", "authorizationUrl": "https://a.example", "tokenUrl": "https://b.example"}


def with_property(declared):
    return BOX | {"schema": {"properties": {"x": declared}}}


def text(form, **more):
    return {"type": "string", "format": form, **more}


def several(**items):
    return {"type": "array", "items": items}


# The definition of a property, values that it takes, values that it refuses with the path below the property.
VALUES = [
    ({"type": "string"}, ["", "a", "1"], [(1, ""), (True, ""), ([], ""), ({}, "")]),
    ({"type": "string", "minLength": 2, "maxLength": 3}, ["ab", "abc"], [("a", ""), ("abcd", "")]),
    ({"type": "string", "pattern": "^v[0-9]+$"}, ["v1"], [("1", ""), ("v", "")]),
    ({"type": "string", "enum": ["a", "b"]}, ["a", "b"], [("c", ""), (1, "")]),
    ({"type": "number", "enum": [1, 2.5]}, [1, 2.5], [(2, ""), ("1", "")]),
    ({"type": "number"}, [0, -1, 1.5, 1e9], [("1", ""), (True, "")]),
    ({"type": "number", "minimum": 1, "exclusiveMaximum": 3}, [1, 2.9], [(0, ""), (3, "")]),
    ({"type": "boolean"}, [True, False], [("true", ""), (0, "")]),
    ({"type": "object"}, [{}, {"a": [1]}], [("{}", ""), ([], "")]),
    (
        {"type": "object", "properties": {"a": {"type": "number"}}, "additionalProperties": False},
        [{}, {"a": 1}],
        [({"a": "1"}, ".a"), ({"b": 1}, "")],
    ),
    (
        {"type": "object", "patternProperties": {"^n": {"type": "number"}}},
        [{"n1": 1, "m": "x"}],
        [({"n1": "x"}, ".n1")],
    ),
    ({"type": "array"}, [[], [1, "a", None]], [("a", ""), ({}, "")]),
    (several(type="string"), [[], ["a"]], [([1], ".0"), (["a", 2], ".1")]),
    (several(type="string", format="url"), [["https://a.example"]], [(["nowhere"], ".0")]),
    (several(type="string", enum=["a", "b"]), [["b", "a"]], [(["a", "c"], ".1")]),
    (several(type="object", format="labeled-url"), [[{"url": "https://a.example"}]], [([{"displayText": "a"}], ".0")]),
    (
        {"type": "array", "minItems": 1, "maxItems": 2, "uniqueItems": True},
        [["a"]],
        [([], ""), ([1, 1], ""), ([1, 2, 3], "")],
    ),
    (text("url"), ["https://a.example/b?c#d"], [("a", ""), ("javascript:alert(1)", "")]),
    (text("email"), ["a@b.example"], [("a", ""), ("", "")]),
    (text("idn-email"), ["ä@b.example"], [("a", "")]),
    (text("ipv4"), ["10.0.0.1"], [("10.0.0", ""), ("::1", "")]),
    (text("ipv6"), ["::1", "2001:db8::1"], [("10.0.0.1", "")]),
    (text("date-time"), ["2026-01-31T15:40:00Z", "2026-01-31"], [("31 Jan", ""), (1769874000, "")]),
    (text("timer"), ["2030-01-31T15:40:00.000Z"], [("in a week", ""), (3600, "")]),
    (text("user"), ["dana@example.org", "dana"], [(1, "")]),
    (text("team"), ["payments"], [(["payments"], "")]),
    (text("markdown"), ["# A"], [(1, "")]),
    (text("yaml"), ["a: [1"], [({"a": 1}, "")]),
    (text("proto"), ['syntax = "proto3";'], [(1, "")]),
    (text("blueprints"), ["service"], [(1, "")]),
    (text("user", enum=["dana"]), ["dana"], [("sam", "")]),
    (
        {"type": "object", "format": "labeled-url"},
        [
            {"url": "https://a.example"},
            {"url": "https://a.example", "displayText": "A"},
            {"url": "https://a", "label": "A"},
        ],
        [({}, ""), ({"url": "a"}, ".url"), ({"url": "https://a", "displayText": 1}, ".displayText"), ("https://a", "")],
    ),
    ({"type": "string", "spec": "open-api"}, ["openapi: 3.1.0"], [({"openapi": "3.1.0"}, "")]),
    ({"type": "object", "spec": "open-api"}, [{"openapi": "3.1.0"}], [("openapi: 3.1.0", "")]),
    ({"type": "object", "spec": "async-api"}, [{"asyncapi": "3.0.0"}], [("asyncapi: 3.0.0", "")]),
    (text("url", spec="open-api"), ["https://a.example/openapi.json"], [("openapi: 3.1.0", "")]),
    (text("url", spec="embedded-url"), ["https://a.example"], [("a", "")]),
    (text("url", spec="embedded-url", specAuthentication=LOGIN), ["https://a.example"], [("a", "")]),
]


def test_each_type_takes_its_values_and_refuses_others_with_their_path(db):
    for declared, good, bad in VALUES:
        box = blueprint_create(with_property(declared), by=SETUP)
        assert blueprint_json(box, by=SETUP)["schema"]["properties"]["x"] == declared
        for value in good:
            made = write("box", "a", mode="override", properties={"x": value})
            assert queries.properties_of([made])[made.pk] == {"x": value}
        before = Entity.objects.get(identifier="a").properties
        for value, path in bad:
            with pytest.raises(Invalid) as refusal:
                write("box", "a", mode="patch", properties={"x": value})
            assert refusal.value.details["errors"][0]["path"] == f"properties.x{path}", (declared, value)
        assert Entity.objects.get(identifier="a").properties == before
        Entity.objects.all().delete()
        blueprint_delete(box, by=SETUP)


PROPERTY = [
    ({}, ""),
    ({"type": "markdown"}, ".type"),
    ({"type": ["string", "null"]}, ".type"),
    ({"type": "string", "title": "x" * 101}, ".title"),
    ({"type": "string", "title": 1}, ".title"),
    ({"type": "string", "description": 1}, ".description"),
    ({"type": "string", "icon": 1}, ".icon"),
    (text("date"), ".format"),
    ({"type": "number", "format": "date-time"}, ".format"),
    ({"type": "boolean", "format": "user"}, ".format"),
    ({"type": "array", "format": "user"}, ".format"),
    ({"type": "object", "format": "url"}, ".format"),
    (text("labeled-url"), ".format"),
    ({"type": "string", "spec": "raml"}, ".spec"),
    ({"type": "number", "spec": "open-api"}, ".spec"),
    ({"type": "object", "spec": "embedded-url"}, ".spec"),
    (text("url", specAuthentication=LOGIN), ".specAuthentication"),
    (text("url", spec="embedded-url", specAuthentication={"clientId": "a"}), ".specAuthentication"),
    (text("url", spec="embedded-url", specAuthentication=LOGIN | {"tokenUrl": "a"}), ".specAuthentication.tokenUrl"),
    ({"type": "string", "enum": []}, ".enum"),
    ({"type": "string", "enum": ["a", "a"]}, ".enum"),
    ({"type": "string", "enum": ["a", 1]}, ".enum.1"),
    ({"type": "number", "enum": ["a"]}, ".enum.0"),
    ({"type": "string", "enum": ["a"], "enumColors": {"a": "mauve"}}, ".enumColors.a"),
    ({"type": "string", "minLength": 3, "maxLength": 2}, ".minLength"),
    ({"type": "number", "minimum": 3, "maximum": 2}, ".minimum"),
    ({"type": "array", "minItems": 3, "maxItems": 2}, ".minItems"),
    ({"type": "string", "minLength": "a"}, ""),
    ({"type": "string", "pattern": "("}, ""),
    ({"type": "number", "default": "a"}, ".default"),
    ({"type": "string", "enum": ["a"], "default": "b"}, ".default"),
    (text("url", default="a"), ".default"),
    ({"type": "array", "items": 5}, ".items"),
    (several(type="text"), ".items.type"),
    (several(type="number", format="url"), ".items.format"),
    (several(type="string", enum=["a"], enumColors={"a": "mauve"}), ".items.enumColors.a"),
    (several(type="string", title="x" * 101), ".items.title"),
]


COUNT = {"calculationBy": "entities", "func": "count"}
AGGREGATION = {"title": "T", "target": "service", "calculationSpec": COUNT}


def aggregation(**change):
    return {"aggregationProperties": {"a": AGGREGATION | change}}


def measure(**spec):
    return aggregation(calculationSpec=spec)


def calculation(**change):
    return {"calculationProperties": {"c": {"type": "string", "calculation": ".identifier"} | change}}


def relation(**change):
    return {"relations": {"r": {"target": "service"} | change}}


A, C = "aggregationProperties.a", "calculationProperties.c"
DEFINITIONS = [
    ({"identifier": "a=b"}, "identifier"),
    ({"identifier": ".."}, "identifier"),
    ({"identifier": "x" * 101}, "identifier"),
    ({"title": "x" * 101}, "title"),
    ({"description": "x" * 201}, "description"),
    ({"schema": {"properties": {}, "order": []}}, "schema"),
    ({"schema": {"properties": {"x" * 101: {"type": "string"}}}}, f"schema.properties.{'x' * 101}"),
    ({"schema": {"properties": {"ä": {"type": "string"}}}}, "schema.properties.ä"),
    ({"relations": {"a.b": {"target": "service"}}}, "relations.a.b"),
    (relation(title="x" * 101), "relations.r.title"),
    (relation(required=True, many=True), "relations.r"),
    (relation(requierd=True), "relations.r"),
    (relation(many="yes"), "relations.r.many"),
    (relation(target=""), "relations.r.target"),
    ({"mirrorProperties": {"m": {"path": "service"}}}, "mirrorProperties.m.path"),
    ({"mirrorProperties": {"m": {}}}, "mirrorProperties.m"),
    (relation() | {"mirrorProperties": {"m": {"path": "q.tier"}}}, "mirrorProperties.m.path"),
    (relation() | {"mirrorProperties": {"m": {"path": "r.q.tier"}}}, "mirrorProperties.m.path"),
    (relation() | {"mirrorProperties": {"m": {"path": "r.$nothing"}}}, "mirrorProperties.m.path"),
    ({"calculationProperties": {"c": {"type": "string"}}}, C),
    ({"calculationProperties": {"c": {"calculation": ".a"}}}, C),
    (calculation(calculation=""), f"{C}.calculation"),
    (calculation(format="timer"), f"{C}.format"),
    (calculation(colors={"a": "mauve"}), f"{C}.colors.a"),
    (calculation(colorized="yes"), f"{C}.colorized"),
    (calculation(kalkulation=""), C),
    (calculation() | {"schema": {"properties": {"c": {"type": "string"}}}}, C),
    (aggregation(title=None), f"{A}.title"),
    (aggregation(type="string"), f"{A}.type"),
    (aggregation(calculationSpec={"func": "count"}), f"{A}.calculationSpec"),
    (measure(calculationBy="hand", func="count"), f"{A}.calculationSpec.calculationBy"),
    (measure(calculationBy="entities", func="sum"), f"{A}.calculationSpec.func"),
    (measure(calculationBy="entities", func="average"), f"{A}.calculationSpec.averageOf"),
    (measure(calculationBy="entities", func="average", averageOf="year"), f"{A}.calculationSpec.averageOf"),
    (measure(calculationBy="entities", func="count", property="x"), f"{A}.calculationSpec.property"),
    (measure(calculationBy="property", func="sum"), f"{A}.calculationSpec.property"),
    (measure(calculationBy="property", func="sum", property="tier"), f"{A}.calculationSpec.property"),
    (
        measure(calculationBy="entities", func="average", averageOf="day", measureTimeBy="tier"),
        f"{A}.calculationSpec.measureTimeBy",
    ),
    (aggregation(query={"combinator": "nor", "rules": []}), f"{A}.query.combinator"),
    (aggregation(pathFilter=[{"path": ["a"]}, {"path": ["b"]}]), f"{A}.pathFilter"),
    (aggregation(pathFilter=[{"path": ["nothing"]}]), f"{A}.pathFilter.0.path"),
    (aggregation(pathFilter=[{"path": ["x"], "fromBlueprint": "nothing"}]), f"{A}.pathFilter.0.path"),
    (aggregation(pathFilter=[{"path": ["service"], "fromBlueprint": "deployment"}]), f"{A}.pathFilter.0.path"),
    (relation(target="environment") | aggregation(pathFilter=[{"path": ["r"]}]), f"{A}.pathFilter.0.path"),
    (
        relation()
        | aggregation(target="environment", pathFilter=[{"path": ["service"], "fromBlueprint": "deployment"}]),
        f"{A}.pathFilter.0.path",
    ),
    (
        aggregation(
            query={
                "combinator": "and",
                "rules": [{"property": "x", "operator": "=", "value": {"context": "user", "property": "y"}}],
            }
        ),
        f"{A}.query",
    ),
    ({"ownership": {"type": "Shared"}}, "ownership.type"),
    ({"ownership": {"type": "Inherited"}}, "ownership"),
    ({"ownership": {"type": "Direct", "title": "x" * 101}}, "ownership.title"),
    ({"ownership": {"type": "Inherited", "path": "nothing"}}, "ownership.path"),
    (relation() | {"ownership": {"type": "Inherited", "path": "r.nothing"}}, "ownership.path"),
    (relation(many=True) | {"ownership": {"type": "Inherited", "path": "r"}}, "ownership.path"),
    (relation(target="deployment") | {"ownership": {"type": "Inherited", "path": "r"}}, "ownership.path"),
    ({"changelogDestination": {"type": "WEBHOOK"}}, "changelogDestination"),
    ({"changelogDestination": {"type": "FAX"}}, "changelogDestination.type"),
    ({"changelogDestination": {"type": "WEBHOOK", "url": "nowhere"}}, "changelogDestination.url"),
]


def test_a_wrong_definition_is_refused_with_the_path_of_the_fault(db):
    before = events()
    wrong = [(with_property(declared), f"schema.properties.x{path}") for declared, path in PROPERTY]
    for definition, path in wrong + [(BOX | change, path) for change, path in DEFINITIONS]:
        with pytest.raises(Invalid) as refusal:
            blueprint_create(definition, by=SETUP)
        assert refusal.value.details["errors"][0]["path"] == path, definition
    assert events() == before and not Blueprint.objects.filter(identifier="box").exists()


def test_what_is_counted_of_an_unknown_blueprint_is_404(terraform):
    assert terraform.post("blueprints", BOX | aggregation(target="nothing")).status == 404
    assert not Blueprint.objects.filter(identifier="box").exists()


def test_every_part_of_a_definition_reads_back_as_it_was_sent(terraform):
    whole = BOX | {
        "description": "Tin",
        "icon": "Box",
        "schema": {"properties": {"cost": {"type": "number", "unit": "EUR"}}, "required": ["cost"]},
        "relations": {
            "service": {"title": "S", "target": "service", "required": True, "many": False, "description": "d"},
            "in": {"target": "box", "required": False, "many": False},
        },
        "mirrorProperties": {"tier": {"title": "Tier", "path": "service.tier"}, "own": {"path": "service.$team"}},
        "calculationProperties": {
            "link": {"title": "L", "type": "string", "format": "url", "calculation": ".identifier", "dateFormat": "x"},
            "state": {"type": "string", "calculation": "'ok'", "colorized": True, "colors": {"ok": "green"}},
        },
        "aggregationProperties": {
            "all": AGGREGATION | {"query": {"combinator": "and", "rules": []}},
            "average": AGGREGATION
            | {
                "target": "box",
                "type": "number",
                "calculationSpec": {
                    "calculationBy": "property",
                    "func": "average",
                    "property": "cost",
                    "averageOf": "week",
                    "measureTimeBy": "$createdAt",
                },
                "pathFilter": [{"path": ["in"], "fromBlueprint": "box"}],
            },
        },
        "ownership": {"type": "Inherited", "path": "service", "title": "Owners", "union": True},
        "teamInheritance": {"path": "service"},
        "changelogDestination": {"type": "WEBHOOK", "url": "https://a.example/hook", "agent": True},
        "includeInGlobalSearch": False,
        "notes": {"a": [1, None]},
    }
    assert terraform.post("blueprints", whole).status == 201
    read = terraform.get("blueprints/box").json["blueprint"]
    stamps = {key: read.pop(key) for key in ("createdAt", "createdBy", "updatedAt", "updatedBy")}
    assert read == whole
    # As Terraform does: what was read is sent back, stamps and all, and nothing changes.
    assert terraform.send("put", "blueprints/box", read | stamps).json["blueprint"] == read | stamps
    assert events("blueprint.updated") == []


def test_put_sets_the_whole_and_patch_the_keys_that_are_given(terraform):
    terraform.post("blueprints", BOX | {"icon": "Box", "notes": "mine"} | calculation())
    patched = terraform.send("patch", "blueprints/box", {"title": "Crate", "more": 1}).json["blueprint"]
    assert (patched["title"], patched["icon"], patched["notes"], patched["more"]) == ("Crate", "Box", "mine", 1)
    assert "c" in patched["calculationProperties"]
    put = terraform.send("put", "blueprints/box", {"title": "Box", "schema": {"properties": {}}})
    assert put.status == 200  # the address says which
    assert put.json["blueprint"].keys().isdisjoint({"icon", "notes", "more"})
    assert put.json["blueprint"]["calculationProperties"] == {}


@pytest.mark.parametrize("missing", ["title", "schema"])
def test_put_needs_title_and_schema(terraform, missing):
    terraform.post("blueprints", BOX)
    whole = {key: value for key, value in BOX.items() if key != missing}
    assert terraform.send("put", "blueprints/box", whole).status == 422
    assert queries.blueprint("box").title == "Box"


def test_clients_that_make_bare_blueprints_first_add_circular_relations_and_owners_after(terraform):
    """As Ocean does: bare, then relations and ownership in any order, then mirrors."""
    for name in ("repo", "pull"):
        terraform.post("blueprints", {"identifier": name, "title": name, "schema": {"properties": {}}})
    pull = {"relations": {"repo": {"target": "repo"}}, "ownership": {"type": "Inherited", "path": "repo"}}
    assert terraform.send("patch", "blueprints/pull", pull).status == 200  # its owner is Direct only later
    repo = {"relations": {"latest": {"target": "pull"}}, "ownership": {"type": "Direct"}}
    assert terraform.send("patch", "blueprints/repo", repo).status == 200
    mirror = {"mirrorProperties": {"name": {"path": "repo.latest.repo.computedLater"}}}
    assert terraform.send("patch", "blueprints/pull", mirror).status == 200


def test_a_path_that_another_blueprint_broke_is_not_this_writers_fault(terraform):
    terraform.post("blueprints", BOX | relation(target="service"))
    holder = {
        "identifier": "holder",
        "title": "H",
        "schema": {"properties": {}},
        "relations": {"box": {"target": "box"}},
    }
    terraform.post("blueprints", holder | {"mirrorProperties": {"tier": {"path": "box.r.tier"}}})
    terraform.send("put", "blueprints/box", BOX)  # r goes
    assert terraform.send("patch", "blueprints/holder", {"title": "Holder"}).status == 200
    other = {"mirrorProperties": {"other": {"path": "box.r.title"}}}
    assert terraform.send("patch", "blueprints/holder", other).status == 422


def test_a_relation_that_an_own_mirror_walks_along_stays(terraform):
    terraform.post("blueprints", BOX | relation() | {"mirrorProperties": {"m": {"path": "r.tier"}}})
    answer = terraform.send("patch", "blueprints/box", {"relations": {}})
    assert answer.status == 422 and answer.json["details"]["errors"][0]["path"] == "mirrorProperties.m.path"
    assert "r" in queries.blueprint("box").relations


def test_a_new_entity_has_the_defaults_of_what_it_does_not_say(terraform):
    declared = {"tier": {"type": "string", "default": "low"}, "size": {"type": "number", "default": 3}}
    terraform.post("blueprints", BOX | {"schema": {"properties": declared, "required": ["tier"]}})
    made = terraform.post("blueprints/box/entities", {"identifier": "a", "properties": {"size": None}})
    assert made.json["entity"]["properties"] == {"tier": "low"}
    kept = terraform.send("patch", "blueprints/box/entities/a", {"title": "A"})
    assert kept.json["entity"]["properties"] == {"tier": "low"}
