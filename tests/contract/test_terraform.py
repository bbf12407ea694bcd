"""What the Terraform provider sends, and what it reads back: any difference is a change in every plan, for ever."""

import pytest

from tests.conftest import V1

SERVICE = {
    "identifier": "tf-service",
    "title": "Service",
    "icon": "Terraform",
    "description": "Made by Terraform",
    "schema": {
        "properties": {
            "language": {"type": "string", "title": "Language", "enum": ["go", "python"], "enumColors": {"go": "blue"}},
            "replicas": {"type": "number", "minimum": 1, "maximum": 9, "default": 2},
            "public": {"type": "boolean", "icon": "Lock"},
            "labels": {"type": "object"},
            "tags": {"type": "array", "items": {"type": "string", "pattern": "^[a-z]+$"}, "minItems": 0, "maxItems": 5},
            "docs": {"type": "string", "format": "url", "spec": "embedded-url"},
            "until": {"type": "string", "format": "timer"},
        },
        "required": ["language"],
    },
    "mirrorProperties": {"zone": {"title": "Zone", "path": "cluster.zone"}},
    "calculationProperties": {
        "link": {
            "type": "string",
            "calculation": "'https://x.example/' + .identifier",
            "format": "url",
            "title": "Link",
        }
    },
    "relations": {"cluster": {"title": "Cluster", "target": "tf-cluster", "required": False, "many": False}},
    "ownership": {"type": "Direct", "title": "Owners"},
    "changelogDestination": {"type": "WEBHOOK", "url": "https://x.example/hook", "agent": False},
}
CLUSTER = {
    "identifier": "tf-cluster",
    "title": "Cluster",
    "schema": {"properties": {"zone": {"type": "string"}}, "required": []},
    "mirrorProperties": {},
    "calculationProperties": {},
    "relations": {},
}
AGGREGATION = {
    "services": {
        "title": "Services",
        "target": "tf-service",
        "calculationSpec": {"func": "count", "calculationBy": "entities"},
        "query": {"combinator": "and", "rules": [{"property": "public", "operator": "=", "value": True}]},
    }
}


class Terraform:
    """Its only test of success is `ok`; 404 on a read removes the resource from its state."""

    def __init__(self, v1: V1) -> None:
        self.v1 = v1

    def do(self, method, path, body=None):
        answer = (
            self.v1.send(method, path, body, User_Agent="terraform-provider-port-labs/0.1")
            if body is not None
            else (self.v1.delete(path) if method == "delete" else self.v1.get(path))
        )
        assert answer.json["ok"] is True, answer.json
        return answer.json

    def gone(self, path):
        return self.v1.get(path).status == 404


@pytest.fixture
def tf(terraform):
    return Terraform(terraform)


@pytest.fixture
def made(tf):
    tf.do("post", "blueprints?create_catalog_page=false", CLUSTER)
    tf.do("post", "blueprints", SERVICE)
    return tf


def sent(read, wished):
    """Those keys of an answer that were sent."""
    return {name: read.get(name) for name in wished}


def test_a_blueprint_comes_back_as_it_was_sent(made):
    read = made.do("get", "blueprints/tf-service?exclude_calculated_properties=true")["blueprint"]
    assert sent(read, SERVICE) == SERVICE
    assert {"createdAt", "createdBy", "updatedAt", "updatedBy"} <= read.keys()
    again = made.do("put", "blueprints/tf-service", SERVICE)["blueprint"]
    assert again["updatedAt"] == read["updatedAt"]  # nothing changed


def test_two_blueprints_that_point_at_each_other_are_made_in_two_steps(made):
    circular = CLUSTER | {
        "relations": {"main": {"title": "Main", "target": "tf-service", "required": False, "many": False}}
    }
    made.do("put", "blueprints/tf-cluster", circular)
    assert sent(made.do("get", "blueprints/tf-cluster")["blueprint"], circular) == circular


def test_aggregations_are_kept_through_a_replacement(made):
    """The provider reads them, and sends them again with every change of the blueprint."""
    read = made.do("get", "blueprints/tf-cluster")["blueprint"]
    made.do("put", "blueprints/tf-cluster", read | {"aggregationProperties": AGGREGATION})
    read = made.do("get", "blueprints/tf-cluster")["blueprint"]
    assert read["aggregationProperties"] == AGGREGATION
    made.do("put", "blueprints/tf-cluster", read | {"title": "Clusters"})
    assert made.do("get", "blueprints/tf-cluster")["blueprint"]["aggregationProperties"] == AGGREGATION


def test_an_entity_comes_back_as_it_was_sent(made):
    made.do("post", "blueprints/tf-cluster/entities?upsert=true&run_id=", CLUSTER_1)
    entity = {
        "identifier": "cart",
        "title": "Cart",
        "icon": "Go",
        "blueprint": "tf-service",
        "team": ["payments"],
        "properties": {"language": "go", "replicas": 3, "public": False, "labels": {"a": {"b": 1}}, "tags": []},
        "relations": {"cluster": "c1"},
    }
    made.do("post", "blueprints/tf-service/entities?upsert=true&run_id=", entity)
    read = made.do("get", "blueprints/tf-service/entities/cart?exclude_calculated_properties=true")["entity"]
    assert sent(read, entity) == entity
    changed = entity | {"properties": {"language": "python"}, "relations": {"cluster": None}, "team": None}
    made.do("put", "blueprints/tf-service/entities/cart?run_id=", changed)
    read = made.do("get", "blueprints/tf-service/entities/cart?exclude_calculated_properties=true")["entity"]
    assert read["properties"] == {"language": "python"}
    assert not read["relations"].get("cluster")
    assert not read.get("team")
    made.do("delete", "blueprints/tf-service/entities/cart")
    assert made.gone("blueprints/tf-service/entities/cart")


CLUSTER_1 = {
    "identifier": "c1",
    "title": "C1",
    "blueprint": "tf-cluster",
    "team": None,
    "properties": {"zone": "eu"},
    "relations": {},
}


def test_odd_flags_are_passed_over(made):
    """It formats pointers into truth values, and joins what it includes with commas."""
    made.do("post", "blueprints/tf-cluster/entities?upsert=true&run_id=", CLUSTER_1)
    query = {"combinator": "and", "rules": [{"property": "$blueprint", "operator": "=", "value": "tf-cluster"}]}
    flags = (
        "exclude_calculated_properties=0xc000123&attach_title_to_relation=0xc000124&include=identifier,properties.zone"
    )
    found = made.do("post", f"entities/search?{flags}", query)
    assert found["matchingBlueprints"] == ["tf-cluster"]
    assert found["entities"] == [{"identifier": "c1", "properties": {"zone": "eu"}}]


def test_a_team(tf, bob):
    made = tf.do("post", "teams", {"name": "Platform", "description": "Runs it", "users": ["bob@example.org"]})["team"]
    assert all(isinstance(each, str) for each in made.get("users", []))
    fields = "&".join(f"fields={name}" for name in ("id", "name", "description", "provider", "users.email"))
    read = tf.do("get", f"teams/Platform?{fields}")["team"]
    assert read["name"] == "Platform"
    assert [each["email"] for each in read["users"]] == ["bob@example.org"]
    tf.do("put", "teams/Platform", {"name": "Platform", "description": "Runs all", "users": []})
    assert tf.do("get", f"teams/Platform?{fields}")["team"]["description"] == "Runs all"
    tf.do("delete", "teams/Platform")
    assert tf.gone("teams/Platform")


def test_a_scorecard(made):
    wished = {
        "identifier": "ready",
        "title": "Ready",
        "levels": [{"title": "Bronze", "color": "bronze"}, {"title": "Gold", "color": "gold"}],
        "rules": [
            {
                "identifier": "owned",
                "title": "Owned",
                "level": "Gold",
                "query": {"combinator": "and", "conditions": [{"property": "$team", "operator": "isNotEmpty"}]},
            }
        ],
    }
    made.do("post", "blueprints/tf-service/scorecards", wished)
    assert sent(made.do("get", "blueprints/tf-service/scorecards/ready")["scorecard"], wished) == wished
    made.do("put", "blueprints/tf-service/scorecards/ready", wished | {"title": "Set"})
    entity = {"identifier": "cart", "blueprint": "tf-service", "properties": {"language": "go"}, "relations": {}}
    made.do("post", "blueprints/tf-service/entities?upsert=true&run_id=", entity)
    read = made.do("get", "blueprints/tf-service/entities/cart")["entity"]["scorecards"]["ready"]
    assert read == {"level": "Bronze", "rules": [{"identifier": "owned", "status": "FAILURE", "level": "Gold"}]}
    made.do("delete", "blueprints/tf-service/scorecards/ready")
    assert made.gone("blueprints/tf-service/scorecards/ready")


def test_a_webhook(made):
    wished = {
        "identifier": "hook",
        "title": "Hook",
        "icon": "Terraform",
        "enabled": True,
        "security": {
            "secret": "s",
            "signatureHeaderName": "x",
            "signatureAlgorithm": "sha256",
            "signaturePrefix": "p=",
        },
        "mappings": [
            {
                "blueprint": "tf-service",
                "operation": {"type": "create"},
                "filter": ".headers.event == 'x'",
                "entity": {"identifier": ".body.id", "properties": {"language": ".body.language"}, "relations": {}},
            }
        ],
    }
    made.do("post", "webhooks", wished)
    read = made.do("get", "webhooks/hook")["integration"]
    assert sent(read, wished) == wished
    assert read["url"].endswith(read["webhookKey"])
    made.do("put", "webhooks/hook", wished | {"enabled": False})
    assert made.do("get", "webhooks/hook")["integration"]["webhookKey"] == read["webhookKey"]
    made.do("delete", "webhooks/hook")
    assert made.gone("webhooks/hook")


def test_an_integration(tf):
    wished = {"installationId": "gh", "title": "GitHub", "installationAppType": "github", "version": "1", "config": {}}
    tf.do("post", "integration", wished)
    assert sent(tf.do("get", "integration/gh?byField=installationId")["integration"], wished) == wished
    tf.do("patch", "integration/gh", {"title": "GitHub.com"})
    assert tf.do("get", "integration/gh")["integration"]["title"] == "GitHub.com"
    tf.do("delete", "integration/gh")
    assert tf.gone("integration/gh")


def test_permissions_of_a_blueprint(made, bob):
    """Asked again and again until `ok`: a new blueprint has them at once."""
    read = made.do("get", "blueprints/tf-service/permissions")["permissions"]
    assert {"register", "unregister", "update"} <= read["entities"].keys()
    wished = {
        "entities": {"register": {"users": ["bob@example.org"], "roles": ["Admin"], "teams": [], "ownedByTeam": False}}
    }
    made.do("patch", "blueprints/tf-service/permissions", wished)
    again = made.do("get", "blueprints/tf-service/permissions")["permissions"]
    assert again["entities"]["register"]["users"] == ["bob@example.org"]
    assert again["entities"]["update"] == read["entities"]["update"]
