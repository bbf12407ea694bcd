"""The published lock guide of the commercial portal, with its own property names: a switch on the service locks for real."""

import pytest

from catalog.models import Entity
from locks import scopes
from locks.commands import lock_take
from locks.models import Lock
from tests.conftest import SETUP, events, write

SERVICE = "blueprints/service/entities/checkout"
GUIDE = {
    "locked_in_prod": {"type": "boolean", "title": "Locked in Prod"},
    "locked_reason_prod": {"type": "string", "title": "Locked Reason Prod"},
    "locked_in_test": {"type": "boolean", "title": "Locked in Test"},
    "locked_reason_test": {"type": "string", "title": "Locked Reason Test"},
}


@pytest.fixture
def guide(shop, terraform):
    write("environment", "qa", properties={"tier": "test", "aliases": ["test"]})
    blueprint = terraform.get("blueprints/service").json["blueprint"]
    blueprint["schema"]["properties"] |= GUIDE
    assert terraform.send("put", "blueprints/service", blueprint).status == 200


def read(terraform, *names):
    properties = terraform.get(SERVICE).json["entity"]["properties"]
    return tuple(properties.get(name) for name in names)


def gate(terraform, environment):
    return terraform.get("gate", service="checkout", environment=environment).status


def test_the_guides_switch_locks_and_its_release_shows(guide, terraform):
    assert read(terraform, "locked_in_prod", "locked_in_test", "locked_reason_prod") == (False, False, None)
    action = {
        "identifier": "checkout",
        "properties": {"locked_in_prod": True, "locked_reason_prod": "release in progress"},
    }
    assert terraform.post("blueprints/service/entities?upsert=true&merge=true", action).status in (200, 201)
    assert (gate(terraform, "production"), gate(terraform, "qa")) == (423, 200)
    assert read(terraform, "locked_in_prod", "locked_reason_prod", "locked_in_test") == (
        True,
        "release in progress",
        False,
    )
    freed = {"properties": {"locked_in_prod": False, "locked_reason_prod": "done"}}
    assert terraform.send("patch", SERVICE, freed).status == 200
    assert read(terraform, "locked_in_prod", "locked_reason_prod") == (False, None)
    assert gate(terraform, "production") == 200
    assert (Lock.objects.get().release_reason, events("lock")) == ("done", ["lock.taken", "lock.released"])


def test_a_round_trip_changes_nothing_and_nothing_is_stored(guide, terraform, page, alice):
    lock_take(scopes.named("tier", tier="production"), reason="holidays", by=page(alice))
    properties = terraform.get(SERVICE).json["entity"]["properties"]
    assert properties["locked_in_prod"] is True and properties["locked_reason_prod"] == "holidays"
    assert terraform.send("patch", SERVICE, {"properties": properties}).status == 200
    assert Lock.objects.count() == 1
    assert Entity.objects.get(identifier="checkout").properties == {}
    refused = terraform.send("patch", SERVICE, {"properties": {"locked_in_prod": False}})
    assert (refused.status, refused.json["error"]) == (409, "still_locked")


def test_services_are_searched_by_the_switch(guide, terraform, page, alice):
    lock_take(scopes.pair(shop_place("search", "production")), reason="reindexing", by=page(alice))

    def found(name, value):
        rule = {"property": name, "operator": "=", "value": value}
        body = {"query": {"combinator": "and", "rules": [rule]}}
        answer = terraform.post("blueprints/service/entities/search", body)
        return sorted(each["identifier"] for each in answer.json["entities"])

    assert found("locked_in_prod", True) == ["search"]
    assert found("locked_in_prod", False) == ["checkout"]
    assert found("locked_reason_prod", "reindexing") == ["search"]
    assert found("locked_in_test", False) == ["checkout", "search"]


def shop_place(service, environment):
    from catalog import queries as catalog

    return catalog.place(service, environment)


@pytest.mark.parametrize(
    ("properties", "path"),
    [
        ({"locked_in_prod": "yes"}, "properties.locked_in_prod"),
        ({"locked_in_prod": True, "locked_reason_prod": "x"}, "properties.locked_reason_prod"),
        ({"locked": True}, "properties.locked"),
    ],
)
def test_faults_are_named_as_the_client_knows_them(guide, terraform, properties, path):
    answer = terraform.send("patch", SERVICE, {"properties": properties})
    assert (answer.status, answer.json["details"]["errors"][0]["path"]) == (422, path)
    assert not Lock.objects.exists()


def test_it_needs_the_right_to_lock(guide, db):
    from portal.accounts.commands import credential_create
    from tests.conftest import V1

    _, token = credential_create("Writer", kind="ci", scopes=["catalog:read", "catalog:write"], by=SETUP)
    assert V1(token).send("patch", SERVICE, {"properties": {"locked_in_prod": True}}).status == 403
    assert not Lock.objects.exists()


def test_any_blueprint_may_have_a_switch_of_its_own(shop, terraform):
    kind = {
        "identifier": "cluster",
        "title": "Cluster",
        "schema": {"properties": {"frozen": {"type": "boolean"}, "why": {"type": "string"}}},
        "relations": {"service": {"title": "Service", "target": "service"}},
        "lockProperties": {"frozen": {"environment": "staging", "reason": "why"}},
    }
    assert terraform.post("blueprints", kind).status == 201
    body = {"identifier": "eu", "relations": {"service": "checkout"}, "properties": {}}
    assert terraform.post("blueprints/cluster/entities", body).status == 201
    change = {"properties": {"frozen": True, "why": "moving house"}}
    assert terraform.send("patch", "blueprints/cluster/entities/eu", change).status == 200
    assert (gate(terraform, "staging"), gate(terraform, "production")) == (423, 200)
    shown = terraform.get("blueprints/cluster/entities/eu").json["entity"]["properties"]
    assert (shown["frozen"], shown["why"]) == (True, "moving house")
