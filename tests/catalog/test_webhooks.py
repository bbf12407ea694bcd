"""Payloads of others become entities: kept first, mapped once, shown when they fail, and mapped again on demand."""

import json
import threading

import pytest
from django.db import connection

from catalog.commands import permissions_update
from catalog.models import Entity
from catalog.queries import blueprint
from catalog.webhooks.commands import received_forget, received_map
from catalog.webhooks.commands.payloads import MOST_REFUSED
from catalog.webhooks.models import Received, Webhook
from portal.accounts.commands import credential_create
from portal.audit.models import Delivery, Event
from portal.audit.outbox import deliver_due
from portal.kit.errors import Conflict
from portal.kit.seal import seal, unseal
from tests.catalog.conftest import PAGER, TWO
from tests.conftest import SETUP, V1, events, write

HIDDEN = {"read": {"roles": ["Admin"]}} | {
    deed: {"ownedByTeam": False} for deed in ("register", "update", "unregister")
}


def log(v1):
    return v1.get("webhooks/pager/received").json["received"]


def services():
    return sorted(Entity.objects.filter(blueprint__identifier="service").values_list("identifier", flat=True))


def test_a_payload_is_kept_then_mapped_item_by_item(pager, sender):
    assert sender.send(TWO).status_code == 202
    assert services() == ["checkout", "search"]
    deliver_due()
    assert services() == ["cart", "checkout", "search", "till"]
    cart = pager.get("blueprints/service/entities/cart").json["entity"]
    assert cart["title"] == "Cart"
    assert cart["team"] == ["payments"]
    assert cart["properties"]["description"] == "From pager"
    assert log(pager)[0]["state"] == "done"


def test_a_part_that_comes_to_nothing_is_named_and_the_rest_is_written(pager, sender):
    sender.send({"services": [{"id": "till", "source": 7}]})
    deliver_due()
    outcome, unwanted = log(pager)[0]["outcomes"]
    assert unwanted["status"] == "filtered"
    assert outcome["status"] == "created"
    assert "properties.description" in outcome["problems"][0]
    assert "description" not in pager.get("blueprints/service/entities/till").json["entity"]["properties"]


def test_one_item_that_fails_does_not_hold_up_the_others(pager, sender):
    sender.send({"services": [{"name": "nameless"}, {"id": "till"}, {"id": "a b"}]})
    deliver_due()
    assert services() == ["checkout", "search", "till"]
    received = log(pager)[0]
    assert received["state"] == "failed"
    assert [each["status"] for each in received["outcomes"]] == ["refused", "created", "refused", "filtered"]
    assert "identifier" in received["outcomes"][0]["error"]


def test_what_no_mapping_wants_is_ignored_and_shown(pager, sender):
    sender.send({}, event="ping")
    deliver_due()
    assert log(pager)[0]["state"] == "ignored"


def test_a_deletion(pager, sender):
    sender.send({"id": "search"}, event="gone")
    deliver_due()
    assert services() == ["checkout"]


def test_the_same_delivery_twice_is_taken_once(pager, sender):
    first, second = sender.send(TWO), sender.send(TWO)
    assert first.json()["id"] == second.json()["id"]
    assert Received.objects.count() == 1
    assert events("webhook.received") == ["webhook.received"]


def test_a_worker_that_comes_twice_maps_once(pager, sender):
    public_id = sender.send(TWO).json()["id"]
    received_map(public_id)
    written = events("entity")
    received_map(public_id)
    deliver_due()
    assert events("entity") == written


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Hub-Signature-256": ""},
        {"X-Hub-Signature-256": "sha256=" + "0" * 64},
        {"X-Hub-Signature-256": "sha1=abc"},
        {"X-Hub-Signature-256": "sha256=é"},
    ],
)
def test_a_wrong_signature_is_refused_and_leaves_nothing(pager, sender, headers):
    assert sender.send(TWO, **headers).status_code == 403
    refused = Received.objects.get()
    assert (refused.state, refused.body, refused.request_id) == ("refused", None, "")
    assert "hunter2" not in json.dumps([refused.reason, refused.headers])
    deliver_due()
    assert services() == ["checkout", "search"]
    assert events("webhook") == ["webhook.created", "webhook.refused"]


def test_an_unknown_address_and_one_that_is_switched_off_are_not_there(pager, sender):
    sender.path += "x"
    assert sender.send(TWO).status_code == 404
    sender.path = sender.path[:-1]
    pager.send("patch", "webhooks/pager", {"enabled": False})
    assert sender.send(TWO).status_code == 404
    assert not Received.objects.exists()


@pytest.mark.parametrize("body", [b"{", b"\xff", b'"\\u0000"', b"[" * 100 + b"]" * 100, b"1e999999"])
def test_what_is_not_json_that_can_be_kept_is_refused(pager, sender, body):
    assert sender.send(body).status_code in (202, 422)
    came = Received.objects.get()
    assert came.body is None or isinstance(came.body, int | float)
    assert came.state == "waiting" or "body: " in came.reason


def test_a_failed_payload_is_mapped_again_once_the_mapping_is_mended(pager, sender):
    sender.send({"services": [{"key": "till"}]})
    deliver_due()
    assert log(pager)[0]["state"] == "failed"
    mended = json.loads(json.dumps(PAGER["mappings"]))
    mended[0]["entity"]["identifier"] = ".item.id // .item.key"
    pager.send("patch", "webhooks/pager", {"mappings": mended})
    public_id = log(pager)[0]["id"]
    assert pager.post(f"webhooks/pager/received/{public_id}/replay", {}).status == 202
    deliver_due()
    assert log(pager)[0]["state"] == "done"
    assert "till" in services()


def test_trying_a_payload_writes_nothing(pager):
    before = events()
    answer = pager.post("webhooks/pager/trial", {"body": TWO, "headers": {"X-Event": "service"}})
    assert [each["identifier"] for each in answer.json["outcomes"]] == ["cart", "till", ""]
    assert answer.json["outcomes"][0]["entity"]["properties"]["url"] == "https://x.example/cart"
    assert services() == ["checkout", "search"]
    assert events() == before


def test_a_query_finds_what_a_relation_points_at(pager, sender):
    mapping = {
        "blueprint": "service",
        "entity": {
            "identifier": ".body.id",
            "relations": {
                "dependsOn": {
                    "combinator": "'and'",
                    "rules": [{"property": "'$title'", "operator": "'='", "value": ".body.uses"}],
                }
            },
        },
    }
    pager.send("patch", "webhooks/pager", {"mappings": [mapping]})
    sender.send({"id": "cart", "uses": "Checkout"})
    deliver_due()
    assert log(pager)[0]["outcomes"][0]["error"] == ""
    assert pager.get("blueprints/service/entities/cart").json["entity"]["relations"]["dependsOn"] == ["checkout"]


def test_the_secret_is_sealed_in_the_database_and_in_no_event(pager):
    webhook = Webhook.objects.get()
    assert "hunter2" not in json.dumps(webhook.security) + webhook.secret
    assert unseal(webhook.secret) == "hunter2"
    pager.send("patch", "webhooks/pager", {"security": PAGER["security"] | {"secret": "new"}})
    assert unseal(Webhook.objects.get().secret) == "new"
    assert events("webhook") == ["webhook.created", "webhook.updated"]
    assert "hunter2" not in json.dumps([[each.before, each.after, each.payload] for each in Event.objects.all()])


def test_a_secret_that_nobody_speaks_of_stays(pager, sender):
    shown = pager.get("webhooks/pager").json["webhook"]
    assert shown["security"] == PAGER["security"]
    plain = {name: value for name, value in PAGER["security"].items() if name != "secret"}
    assert pager.send("put", "webhooks/pager", shown | {"security": plain}).status == 200
    assert sender.send(TWO).status_code == 202


def test_a_secret_survives_a_change_of_the_key_while_the_old_one_stands_by(settings, db):
    settings.SECRET_KEY = "old" * 20
    sealed = seal("hunter2")
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new" * 20, ["old" * 20]
    assert unseal(sealed) == "hunter2"
    settings.SECRET_KEY_FALLBACKS = []
    with pytest.raises(Conflict):
        unseal(sealed)


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"title": "x" * 31}, "title"),
        ({"mappings": [{"blueprint": "service"}]}, "mappings.0"),
        ({"mappings": [{"blueprint": "service", "entity": {}}]}, "mappings.0.entity"),
        ({"mappings": [{"blueprint": "service", "entity": {"identifier": ".a |"}}]}, "mappings.0.entity.identifier"),
        (
            {"mappings": [{"blueprint": "service", "filter": "no_such_thing", "entity": {"identifier": ".a"}}]},
            "mappings.0.filter",
        ),
        ({"security": {"secret": "x"}}, "security.signatureHeaderName"),
        ({"security": {"secret": "x", "signatureHeaderName": "y"}}, "security.signatureAlgorithm"),
        ({"security": {"signatureAlgorithm": "md5"}}, "security.signatureAlgorithm"),
        ({"enabled": "yes"}, "enabled"),
        ({"identifier": "a/b"}, "identifier"),
        ({"identifier": "metadata"}, "identifier"),
        ({"identifier": ".."}, "identifier"),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(pager, change, where):
    for answer in [
        pager.post("webhooks", PAGER | {"identifier": "other"} | change),
        pager.send("put", "webhooks/pager", PAGER | change),
    ]:
        assert answer.status == 422, answer.json
        assert answer.json["details"]["errors"][0]["path"] == where
    assert events("webhook") == ["webhook.created"]
    assert Webhook.objects.get().mappings == PAGER["mappings"]


def test_its_address_is_for_administrators_alone(pager, ci):
    assert ci.get("webhooks").status == 403
    assert ci.get("webhooks/pager").status == 403
    assert ci.get("webhooks/metadata").json["webhooks"] == [{"identifier": "pager", "title": "Pager", "icon": None}]


@pytest.mark.django_db(transaction=True)
def test_the_same_delivery_at_the_same_moment_is_taken_once(pager, sender):
    ids = []

    def send():
        ids.append(sender.send(TWO).json()["id"])
        connection.close()

    threads = [threading.Thread(target=send) for _ in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(set(ids)) == 1
    assert Received.objects.count() == 1
    assert events("webhook.received") == ["webhook.received"]


def test_a_webhook_writes_the_catalog_and_opens_no_lock(pager, sender):
    config = {"service": ("checkout",), "environment": ("production",)}
    write("deploymentConfig", "checkout-production", relations=config, properties={"locked": True})
    opening = {
        "blueprint": "deploymentConfig",
        "entity": {"identifier": ".body.id", "properties": {"locked": ".body.locked"}},
    }
    pager.send("patch", "webhooks/pager", {"mappings": [opening]})
    sender.send({"id": "checkout-production", "locked": False})
    deliver_due()
    assert log(pager)[0]["state"] == "failed"
    assert "lock" in log(pager)[0]["outcomes"][0]["error"]
    assert pager.get("blueprints/deploymentConfig/entities/checkout-production").json["entity"]["properties"]["locked"]


def test_a_payload_that_no_try_can_map_is_set_aside_and_later_ones_go_on(pager, sender):
    sender.send({"services": [{"id": "cart"}]}, delivery="1")
    Webhook.objects.update(mappings=[{"entity": {}}])  # as no door would take it
    for _ in range(8):
        Delivery.objects.filter(state="pending").update(due_at="2020-01-01T00:00:00Z")
        deliver_due()
    assert [each["state"] for each in log(pager)] == ["failed"]
    assert events("webhook.failed") == ["webhook.failed"]
    Webhook.objects.update(mappings=PAGER["mappings"])
    sender.send(TWO, delivery="2")
    deliver_due()
    assert [each["state"] for each in log(pager)] == ["done", "failed"]
    pager.post(f"webhooks/pager/received/{log(pager)[1]['id']}/replay", {})
    deliver_due()
    assert [each["state"] for each in log(pager)] == ["done", "done"]


def test_failures_stand_in_the_audit_log_under_their_entity(pager, sender):
    public_id = sender.send({"services": [{"id": "till"}, {"id": "a b"}, {"name": "nameless"}]}).json()["id"]
    deliver_due()
    failed = pager.get("audit-log", status="FAILURE").json["audits"]
    assert [each["context"]["entity"] for each in failed] == ["?", "a b"]
    assert failed[0]["message"].startswith("identifier: ") and failed[0]["resourceType"] == "webhook"
    assert failed[0]["context"]["webhookId"] == "pager"
    [made] = pager.get("audit-log", webhookEventId=public_id, resources="entity").json["audits"]
    assert (made["context"]["entity"], made["status"]) == ("till", "SUCCESS")
    assert len(pager.get("audit-log", webhookId="pager").json["audits"]) == 5
    assert pager.get("audit-log", webhookEventId="nonsense").json["audits"] == []
    assert pager.get("audit-log", status="PERHAPS").status == 422


def test_a_failure_of_a_hidden_entity_is_told_to_nobody_who_may_not_see_it(pager, sender, bob):
    permissions_update(blueprint("service"), HIDDEN, by=SETUP)
    sender.send({"services": [{"id": "a b"}, {"name": "nameless"}]})
    deliver_due()
    _, token = credential_create("Bob", kind="ci", scopes=["admin", "catalog:read"], user=bob, by=SETUP)
    assert V1(token).get("audit-log", status="FAILURE").json["audits"] == []
    assert len(pager.get("audit-log", status="FAILURE").json["audits"]) == 2


def test_what_is_old_is_forgotten_and_what_waits_is_not(pager, sender):
    for number in range(3):
        sender.send(TWO, delivery=str(number))
    deliver_due()
    sender.send(TWO, delivery="waits")
    Received.objects.exclude(request_id="2").update(at="2020-01-01T00:00:00Z")
    assert received_forget() == 2
    assert [each["requestId"] for each in log(pager)] == ["waits", "2"]


def test_many_refusals_push_out_no_payload_and_fill_no_audit_log(pager, sender):
    sender.send(TWO)
    sender.secret = "wrong"
    for _ in range(MOST_REFUSED + 3):
        sender.send(TWO)
    assert Received.objects.filter(state="refused").count() == MOST_REFUSED
    assert Received.objects.filter(state="waiting").count() == 1
    assert events("webhook.refused") == ["webhook.refused"]


def test_items_beyond_five_hundred_are_left_out_and_that_is_said(pager, sender):
    sender.send({"services": [{"id": "one"}] * 501})
    deliver_due()
    received = Received.objects.get()
    assert received.counts["filtered"] == 1 and sum(received.counts.values()) == 501
    assert "1 items after the first 500" in received.outcomes[0]["problems"][-1]
