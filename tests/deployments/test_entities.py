"""Deployments that come through the compatible door, as the vendor's GitHub Action sends them."""

import pytest

from deployments.models import Deployment, DeploymentConfig
from tests.conftest import events, write

UPSERT = "blueprints/deployment/entities?upsert=true&merge=true"


@pytest.fixture
def config(shop):
    return write(
        "deploymentConfig", "checkout-production", relations={"service": ("checkout",), "environment": ("production",)}
    )


def body(**properties):
    return {
        "identifier": "checkout-production-4f2a9c1",
        "title": "Checkout 4f2a9c1",
        "blueprint": "deployment",
        "properties": {"imageTag": "1.0", "commitSha": "4f2a9c1", "deployingUser": "dana", **properties},
        "relations": {"deploymentConfig": "checkout-production"},
    }


def test_an_upserted_deployment_is_a_report(config, terraform):
    assert terraform.post(UPSERT, body()).status == 201
    live = DeploymentConfig.objects.get().current
    assert (live.version, live.commit, live.actor, live.status) == ("1.0", "4f2a9c1", "dana", "success")


def test_it_reads_back_exactly_as_it_was_written(config, terraform):
    terraform.post(UPSERT, body(extra={"a": [1, 2.5, None]}))
    entity = terraform.get("blueprints/deployment/entities/checkout-production-4f2a9c1").json["entity"]
    assert entity["properties"] == body(extra={"a": [1, 2.5, None]})["properties"]
    assert entity["relations"] == {"deploymentConfig": "checkout-production"}


def test_upserting_it_again_is_one_deployment_and_one_event(config, terraform):
    terraform.post(UPSERT, body())
    before = events()
    terraform.post(UPSERT, body())
    assert Deployment.objects.count() == 1
    assert events() == before


def test_its_status_advances(config, terraform):
    terraform.post(UPSERT, body(status="in_progress"))
    assert DeploymentConfig.objects.get().current is None
    terraform.post(UPSERT, body(status="success"))
    assert DeploymentConfig.objects.get().current.version == "1.0"


def test_an_unknown_config_is_404_and_leaves_nothing(shop, terraform):
    answer = terraform.post(UPSERT, body())
    assert (answer.status, answer.json["error"]) == (404, "not_found")
    assert not Deployment.objects.exists()
    assert terraform.get("blueprints/deployment/entities-count").json["count"] == 0


def test_a_second_config_of_a_pair_is_a_conflict(config, terraform):
    twin = {"identifier": "twin", "relations": {"service": "checkout", "environment": "production"}}
    answer = terraform.post("blueprints/deploymentConfig/entities", twin)
    assert (answer.status, answer.json["error"]) == (409, "config_taken")
    assert DeploymentConfig.objects.count() == 1


def test_a_generic_write_does_not_overrule_what_is_live(config, terraform):
    terraform.post(UPSERT, body())
    path = "blueprints/deploymentConfig/entities/checkout-production"
    terraform.send("patch", path, {"properties": {"version": "a lie", "logsUrl": "https://logs.example"}})
    properties = terraform.get(path).json["entity"]["properties"]
    assert (properties["version"], properties["logsUrl"]) == ("1.0", "https://logs.example")


def test_a_report_and_its_entity_advance_together(config, terraform, ci):
    ci.post(
        "deployments",
        {"service": "checkout", "environment": "prod", "version": "2.0", "status": "in_progress", "ci": {"run": "9"}},
    )
    name = Deployment.objects.get().entity.identifier
    terraform.post(UPSERT, {"identifier": name, "properties": {"status": "success"}})
    assert Deployment.objects.get().status == "success"


def test_a_deployment_reported_without_a_run_is_patched_not_made_again(config, terraform, ci):
    ci.post("deployments", {"service": "checkout", "environment": "prod", "version": "2.0"})
    name = Deployment.objects.get().entity.identifier
    answer = terraform.send("patch", f"blueprints/deployment/entities/{name}", {"title": "By hand"})
    assert answer.status == 200
    assert Deployment.objects.count() == 1


def test_renaming_a_deployment_of_a_client_keeps_it_one(config, terraform):
    terraform.post(UPSERT, body())
    path = "blueprints/deployment/entities/checkout-production-4f2a9c1"
    assert terraform.send("patch", path, {"identifier": "other"}).status == 200
    assert Deployment.objects.get().entity.identifier == "other"


def test_a_deployment_does_not_move_to_another_config(config, terraform):
    terraform.post(UPSERT, body())
    write("deploymentConfig", "s", relations={"service": ("checkout",), "environment": ("staging",)})
    answer = terraform.post(UPSERT, body() | {"relations": {"deploymentConfig": "s"}})
    assert (answer.status, answer.json["error"]) == (409, "deployment_conflict")
    assert DeploymentConfig.objects.get(entity__identifier="checkout-production").current.version == "1.0"


def test_long_identifiers_that_begin_alike_are_two_deployments(config, terraform):
    for last in "ab":
        terraform.post(UPSERT, body() | {"identifier": "x" * 600 + last})
    assert Deployment.objects.count() == 2


@pytest.mark.parametrize(
    ("properties", "path"),
    [
        ({"finishedAt": "2099-01-01T00:00:00Z"}, "properties.finishedAt"),
        ({"version": "v" * 400}, "properties.version"),
        ({"jobUrl": "javascript:alert(1)"}, "properties.jobUrl"),
    ],
)
def test_the_entity_door_checks_what_the_report_door_checks(config, terraform, properties, path):
    answer = terraform.post(UPSERT, body(**properties))
    assert answer.status == 422
    assert path in [fault["path"] for fault in answer.json["details"]["errors"]]
    assert not Deployment.objects.exists()
    assert terraform.get("blueprints/deployment/entities-count").json["count"] == 0


def test_writing_a_deployment_needs_the_right_to_report(config, db):
    from portal.accounts.commands import credential_create
    from tests.conftest import SETUP, V1

    _, token = credential_create("Writer", kind="ci", scopes=["catalog:read", "catalog:write"], by=SETUP)
    answer = V1(token).post(UPSERT, body())
    assert (answer.status, answer.json["details"]["scope"]) == (403, "report")
    assert not Deployment.objects.exists()


def test_a_plain_deployment_and_an_edit_of_it_are_events(shop, terraform):
    terraform.post(UPSERT, {"identifier": "plain", "properties": {"version": "1"}})
    terraform.post(UPSERT, {"identifier": "plain", "properties": {"version": "2"}})
    assert events()[-2:] == ["entity.created", "entity.updated"]


def test_an_edit_of_a_running_deployment_does_not_end_it(config, terraform, ci):
    ci.post(
        "deployments",
        {"service": "checkout", "environment": "prod", "version": "2.0", "status": "in_progress", "ci": {"run": "9"}},
    )
    name = Deployment.objects.get().entity.identifier
    relations = {"deploymentConfig": "checkout-production"}
    put = terraform.send("put", f"blueprints/deployment/entities/{name}", {"properties": {}, "relations": relations})
    assert put.status == 200
    assert Deployment.objects.get().status == "in_progress"


def test_a_report_after_its_entity_was_deleted_still_counts(config, terraform, ci):
    body = {"service": "checkout", "environment": "prod", "version": "2.0", "status": "in_progress", "ci": {"run": "9"}}
    ci.post("deployments", body)
    name = Deployment.objects.get().entity.identifier
    assert terraform.delete(f"blueprints/deployment/entities/{name}").status == 200
    assert ci.post("deployments", body | {"status": "success"}).status == 200
    assert DeploymentConfig.objects.get().current.version == "2.0"


def test_a_freed_identifier_is_a_deployment_of_its_own(config, terraform):
    terraform.post(UPSERT, body())
    terraform.send("patch", "blueprints/deployment/entities/checkout-production-4f2a9c1", {"identifier": "other"})
    assert terraform.post(UPSERT, body(imageTag="2.0", commitSha="beef")).status == 201
    assert Deployment.objects.count() == 2


def test_a_put_of_a_config_answers_what_is_live(config, terraform):
    terraform.post(UPSERT, body())
    path = "blueprints/deploymentConfig/entities/checkout-production"
    ends = {"service": "checkout", "environment": "production"}
    put = terraform.send("put", path, {"properties": {"logsUrl": "https://logs.example"}, "relations": ends})
    assert put.json["entity"]["properties"] == terraform.get(path).json["entity"]["properties"]
    assert put.json["entity"]["properties"]["version"] == "1.0"
