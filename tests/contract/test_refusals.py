"""What the contract says is refused: each with the place of the fault, and each leaves nothing behind."""

import pytest

from catalog.models import Blueprint, Entity, Relation
from tests.conftest import V1, events

ROCKET = {
    "identifier": "rocket",
    "title": "Rocket",
    "schema": {
        "properties": {
            "name": {"type": "string", "minLength": 2, "maxLength": 5, "pattern": "^[a-z]+$"},
            "stage": {"type": "string", "enum": ["one", "two"]},
            "height": {"type": "number", "minimum": 0, "exclusiveMaximum": 200},
            "manned": {"type": "boolean"},
            "parts": {
                "type": "array",
                "items": {"type": "string", "format": "email"},
                "maxItems": 2,
                "uniqueItems": True,
            },
            "spec": {"type": "object"},
            "at": {"type": "string", "format": "date-time"},
            "page": {"type": "string", "format": "url"},
            "ip": {"type": "string", "format": "ipv4"},
        },
        "required": ["name"],
    },
    "calculationProperties": {"loud": {"type": "string", "calculation": ".title"}},
    "relations": {
        "pad": {"target": "pad", "required": True, "many": False},
        "crew": {"target": "pad", "required": False, "many": True},
    },
}
GOOD = {"identifier": "r1", "properties": {"name": "moon"}, "relations": {"pad": "p1"}}


@pytest.fixture
def base(terraform: V1) -> V1:
    terraform.post("blueprints", {"identifier": "pad", "title": "Pad", "schema": {"properties": {}}})
    terraform.post("blueprints/pad/entities", {"identifier": "p1"})
    assert terraform.post("blueprints", ROCKET).status == 201
    return terraform


def properties(**more):
    return GOOD | {"properties": GOOD["properties"] | more}


BAD = [
    (properties(name=7), 422, "properties.name"),
    (properties(name="x"), 422, "properties.name"),
    (properties(name="abcdef"), 422, "properties.name"),
    (properties(name="ABC"), 422, "properties.name"),
    (properties(stage="three"), 422, "properties.stage"),
    (properties(height="high"), 422, "properties.height"),
    (properties(height=-1), 422, "properties.height"),
    (properties(height=200), 422, "properties.height"),
    (properties(height=True), 422, "properties.height"),
    (properties(manned="yes"), 422, "properties.manned"),
    (properties(manned=1), 422, "properties.manned"),
    (properties(parts="a@b.example"), 422, "properties.parts"),
    (properties(parts=["nobody"]), 422, "properties.parts.0"),
    (properties(parts=["a@b.example"] * 2), 422, "properties.parts"),
    (properties(parts=["a@b.example", "b@b.example", "c@b.example"]), 422, "properties.parts"),
    (properties(spec=[]), 422, "properties.spec"),
    (properties(at="yesterday"), 422, "properties.at"),
    (properties(page="not a page"), 422, "properties.page"),
    (properties(ip="1.2.3"), 422, "properties.ip"),
    (properties(loud="no"), 422, "properties.loud"),
    (GOOD | {"properties": {}}, 422, "properties"),
    (GOOD | {"properties": []}, 422, "properties"),
    (GOOD | {"relations": {}}, 422, "relations.pad"),
    (GOOD | {"relations": {"pad": None}}, 422, "relations.pad"),
    (GOOD | {"relations": {"pad": ["p1", "p2"]}}, 422, "relations.pad"),
    (GOOD | {"relations": {"pad": 7}}, 422, "relations.pad"),
    (GOOD | {"relations": {"pad": "p1", "crew": [7]}}, 422, "relations.crew"),
    (GOOD | {"relations": {"pad": "p9"}}, 404, "relations.pad"),
    (GOOD | {"relations": {"pad": "p1", "uncle": "p1"}}, 404, None),
    (GOOD | {"identifier": "a b"}, 422, "identifier"),
    (GOOD | {"identifier": ".."}, 422, "identifier"),
    (GOOD | {"identifier": ""}, 422, "identifier"),
    (GOOD | {"identifier": 7}, 422, "identifier"),
    (GOOD | {"identifier": "x" * 1001}, 422, "identifier"),
    (GOOD | {"title": 7}, 422, "title"),
    (GOOD | {"team": 7}, 422, "team"),
    ([], 422, "body"),
    ("text", 422, "body"),
]


@pytest.mark.parametrize(("body", "status", "where"), BAD, ids=[str(each[2]) + str(n) for n, each in enumerate(BAD)])
def test_a_bad_entity_is_refused_at_its_place(base, body, status, where):
    before = events()
    answer = base.post("blueprints/rocket/entities?upsert=true&merge=true", body)
    assert answer.status == status, answer.json
    assert answer.json["ok"] is False
    assert answer.json["message"]
    if where:
        assert answer.json["details"]["errors"][0]["path"] == where
    assert not Entity.objects.filter(blueprint__identifier="rocket").exists()
    assert not Relation.objects.exists()
    assert events() == before


@pytest.mark.parametrize("method", ["put", "patch"])
def test_a_bad_change_leaves_the_entity_as_it_was(base, method):
    base.post("blueprints/rocket/entities", GOOD)
    before, written = base.get("blueprints/rocket/entities/r1").json, events()
    for body, status, _ in BAD:
        if method == "patch" and body in (GOOD | {"properties": {}}, GOOD | {"relations": {}}):
            continue  # a patch that does not speak of them leaves them
        if isinstance(body, dict) and body.get("identifier") == "":
            continue
        assert base.send(method, "blueprints/rocket/entities/r1", body).status == status, body
    assert base.get("blueprints/rocket/entities/r1").json == before
    assert events() == written


def test_a_taken_identifier_an_unknown_blueprint_and_an_unknown_entity(base):
    base.post("blueprints/rocket/entities", GOOD)
    written = events()
    assert base.post("blueprints/rocket/entities", GOOD).status == 409
    assert base.post("blueprints/rockets/entities", GOOD).status == 404
    assert base.get("blueprints/rockets/entities/r1").status == 404
    for method in ("put", "patch"):
        assert base.send(method, "blueprints/rocket/entities/none", GOOD | {"identifier": "none"}).status == 404
    assert base.delete("blueprints/rocket/entities/none").status == 404
    assert events() == written


BLUEPRINT = {"identifier": "b", "title": "B", "schema": {"properties": {}}}


def declared(**property):
    return BLUEPRINT | {"schema": {"properties": {"p": property}}}


@pytest.mark.parametrize(
    "body",
    [
        {"title": "B", "schema": {"properties": {}}},
        BLUEPRINT | {"identifier": "a b"},
        BLUEPRINT | {"identifier": "x" * 101},
        BLUEPRINT | {"identifier": "!"},
        BLUEPRINT | {"title": "x" * 101},
        BLUEPRINT | {"description": "x" * 201},
        BLUEPRINT | {"schema": {}},
        BLUEPRINT | {"schema": {"properties": {}, "required": ["p"]}},
        declared(),
        declared(type="date"),
        declared(type="string", format="phone"),
        declared(type="string", enum=[]),
        declared(type="string", enum=["a", "a"]),
        declared(type="string", pattern="["),
        declared(type="array", items={"type": "thing"}),
        BLUEPRINT | {"schema": {"properties": {"a b": {"type": "string"}}}},
        BLUEPRINT | {"schema": {"properties": {"p": {"type": "string"}}}, "mirrorProperties": {"p": {"path": "a.b"}}},
        BLUEPRINT | {"mirrorProperties": {"m": {"path": "nowhere"}}},
        BLUEPRINT | {"calculationProperties": {"c": {"type": "string"}}},
        BLUEPRINT | {"relations": {"r": {}}},
        BLUEPRINT | {"relations": {"r": {"target": "b", "required": True, "many": True}}},
        BLUEPRINT | {"ownership": {"type": "Borrowed"}},
    ],
)
def test_a_bad_blueprint_is_refused(terraform, body):
    known, before = Blueprint.objects.count(), events()
    answer = terraform.post("blueprints", body)
    assert answer.status == 422, answer.json
    assert answer.json["details"]["errors"][0]["path"]
    assert Blueprint.objects.count() == known
    assert events() == before


def test_a_relation_to_nothing_is_refused(terraform):
    before = events()
    answer = terraform.post("blueprints", BLUEPRINT | {"relations": {"r": {"target": "nothing"}}})
    assert answer.status == 404
    assert "nothing" in answer.json["message"]
    assert events() == before


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("entities/search", {"combinator": "and"}, 422),
        ("entities/search", {"combinator": "xor", "rules": []}, 422),
        ("blueprints/rocket/entities/search", {"query": {"combinator": "and", "rules": []}, "limit": 1001}, 422),
        ("blueprints/rocket/entities/search", {"query": {"combinator": "and", "rules": []}, "from": "nonsense"}, 422),
        ("blueprints/rocket/entities/bulk", {"entities": []}, 422),
        ("blueprints/rocket/entities/bulk", {"entities": [GOOD] * 21}, 422),
        ("blueprints/rocket/bulk/entities/delete", {"entities": ["a"] * 101}, 422),
        ("entities/search", "x" * 1_100_000, 413),
    ],
)
def test_a_question_that_is_too_much_or_makes_no_sense_is_refused(base, path, body, status):
    before = events()
    answer = base.post(path, body)
    assert answer.status == status, answer.json
    assert events() == before


def test_without_a_token_nothing_is_told(base):
    stranger = V1("")
    for path in (
        "blueprints",
        "blueprints/rocket",
        "blueprints/rocket/entities/r1",
        "users",
        "webhooks",
        "integration",
    ):
        answer = stranger.get(path)
        assert answer.status == 401
        assert answer.json.keys() == {"ok", "error", "message", "details"}
