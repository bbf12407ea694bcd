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
