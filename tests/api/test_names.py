"""Names at every door: an alias is as good as the identifier, and a name that nobody knows is told as such."""

import json

import pytest
from django.test import Client

from catalog.commands import entity_write
from catalog.models import Entity
from catalog.wishes import parse
from deployments.badges import path as badge_of
from deployments.commands import deployment_report, hook_create
from deployments.models import Deployment, InboxItem
from locks.models import Lock
from portal.audit.outbox import deliver_due
from portal.kit.errors import Conflict
from tests.conftest import SETUP, write

# Production is also called prod and Live; upper and lower case are the same, and blanks around it are none.
CALLED = ["prod", "PROD", " Live ", "lIVE", "production"]
REPORT = {"service": "checkout", "version": "1.0"}


@pytest.mark.parametrize("called", CALLED)
def test_a_report_and_a_batch_take_it(shop, ci, called):
    assert ci.post("deployments", REPORT | {"environment": called}).status == 201
    batch = {"deployments": [REPORT | {"environment": called, "version": "1.1"}]}
    assert ci.post("deployments/batch", batch).json["deployments"][0]["created"]
    assert set(Deployment.objects.values_list("environment_identifier", flat=True)) == {"production"}


@pytest.mark.parametrize("called", CALLED)
def test_the_gate_a_lock_and_what_is_live_take_it(shop, ci, called):
    deployment_report(REPORT | {"environment": "production"}, by=SETUP)
    assert ci.get("gate", service="checkout", environment=called).status == 200
    assert ci.post("locks", {"service": "checkout", "environment": called, "reason": "Debugging"}).status == 201
    assert ci.get("gate", service="checkout", environment=called).status == 423
    live = ci.get("deployments/current", environment=called).json["deployment_configs"]
    assert [(each["service"], each["environment"], each["locked"]) for each in live] == [
        ("checkout", "production", True)
    ]
    assert ci.get("deployments/dora", environment=called, days="30").status == 200
    assert [each["service"] for each in ci.get("deployments/ingest", environment=called).json["reports"]] == [
        "checkout"
    ]
    assert Lock.objects.get().environment.identifier == "production"


@pytest.mark.parametrize("called", CALLED)
def test_a_badge_and_the_pages_take_it(shop, client, alice, called):
    deployment_report(REPORT | {"environment": "production"}, by=SETUP)
    badge = Client().get(badge_of("checkout", called, "version"))
    assert badge.status_code == 200 and b"1.0" in badge.content
    client.force_login(alice)
    for page in ("/deployments/timeline", "/deployments/dora", "/deployments/ingest"):
        shown = client.get(page, {"environment": called})
        assert shown.status_code == 200 and b"checkout" in shown.content, page
    assert client.get("/deployments/dora", {"environment": "nowhere"}).status_code == 200
    assert b"1.0" in client.get(f"/deployments/card/checkout/in/{called}").content


@pytest.mark.parametrize("called", CALLED)
def test_a_hook_takes_it(shop, called):
    secret = "a secret of the larder"
    hook = hook_create({"name": "Events", "kind": "cdevents"}, secret=secret, by=SETUP)
    event = {
        "context": {"id": "1", "source": "/x", "type": "dev.cdevents.service.deployed.0.2.0"},
        "subject": {"id": "checkout", "content": {"environment": {"id": called}, "artifactId": "pkg:oci/checkout@1.0"}},
    }
    sent = Client().post(
        hook.path, json.dumps(event), content_type="application/json", headers={"Authorization": f"Bearer {secret}"}
    )
    deliver_due()
    assert (sent.status_code, Deployment.objects.get().environment_identifier) == (202, "production")


@pytest.mark.parametrize("wished", ["prod", "PROD", "production", "Production", " live "])
def test_an_alias_that_is_taken_is_refused_with_its_owners_name(shop, wished):
    wish = parse("environment", {"properties": {"aliases": [wished]}}, mode="patch", identifier="staging")
    with pytest.raises(Conflict, match="production"):
        entity_write(wish, by=SETUP)
    assert "aliases" not in Entity.objects.get(identifier="staging").properties


def test_an_alias_that_is_given_back_is_free(shop):
    write("environment", "production", mode="patch", properties={"aliases": ["prod"], "tier": "production"})
    write("environment", "staging", mode="patch", properties={"aliases": ["LIVE"], "tier": "staging"})
    assert deployment_report(REPORT | {"environment": "live"}, by=SETUP).deployment.environment_identifier == "staging"


@pytest.mark.parametrize("tier", ["production", "staging", "test", "development"])
def test_an_environment_has_a_tier_and_no_other_one(shop, terraform, tier):
    body = {"properties": {"tier": tier}}
    assert terraform.send("patch", "blueprints/environment/entities/staging", body).status == 200
    assert (
        terraform.send("patch", "blueprints/environment/entities/staging", {"properties": {"tier": "x"}}).status == 422
    )
    assert Entity.objects.get(identifier="staging").properties["tier"] == tier


@pytest.mark.parametrize(
    "place", [{"service": "chekout", "environment": "prod"}, {"service": "checkout", "environment": "prd"}]
)
def test_the_gate_and_the_locks_know_no_unknown_name(shop, ci, place):
    asked = ci.get("gate", **place)
    taken = ci.post("locks", place | {"reason": "Debugging"})
    for answer in (asked, taken, ci.get("deployments/current", **place)):
        assert (answer.status, answer.json["error"]) == (404, "not_found")
        assert answer.json["details"]["nearest"]
    assert not Lock.objects.exists() and not InboxItem.objects.exists()


CONFIG = {"identifier": "cp", "relations": {"service": "chekout", "environment": "production"}}
DEPLOYMENT = {"identifier": "d", "properties": {"version": "1"}, "relations": {"deploymentConfig": "nothing"}}


@pytest.mark.parametrize(("kind", "body"), [("deploymentConfig", CONFIG), ("deployment", DEPLOYMENT)])
def test_the_compatible_door_answers_404_and_makes_what_is_missing_only_when_it_is_asked_to(
    shop, terraform, kind, body
):
    path = f"blueprints/{kind}/entities?upsert=true"
    answer = terraform.post(path, body)
    assert (answer.status, answer.json["error"]) == (404, "not_found")
    assert not Entity.objects.filter(identifier__in=["cp", "d", "chekout", "nothing"]).exists()
    assert not InboxItem.objects.exists()
    assert terraform.post(path + "&create_missing_related_entities=true", body).status == 201
    assert Entity.objects.filter(identifier__in=["chekout", "nothing"]).count() == 1


def test_a_deployment_of_the_compatible_door_whose_config_is_made_with_its_names_is_live(shop, terraform):
    flags = "?upsert=true&create_missing_related_entities=true"
    assert terraform.post("blueprints/deploymentConfig/entities" + flags, CONFIG).status == 201
    body = DEPLOYMENT | {"relations": {"deploymentConfig": "cp"}}
    assert terraform.post("blueprints/deployment/entities" + flags, body).status == 201
    live = terraform.get("deployments/current", service="chekout").json["deployment_configs"]
    assert [(each["version"], each["environment"]) for each in live] == [("1", "production")]
