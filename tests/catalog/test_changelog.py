"""Changes of a blueprint and of its entities are sent to its address: in order, signed, again after a failure, never inside."""

import base64
import hashlib
import hmac
import json
import time

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog import queries
from catalog.commands import (
    blueprint_create,
    blueprint_delete,
    blueprint_update,
    changelog_retry,
    changelog_test,
    entity_delete,
)
from catalog.integrations.commands import integration_create, integration_update, resync_ask
from catalog.models import Entity
from portal.accounts.commands import user_update
from portal.accounts.organization import secret_create, secret_delete
from portal.audit.models import Delivery
from portal.audit.outbox import claim, deliver_due
from portal.kit import outgoing
from portal.kit.errors import Conflict, Refused
from portal.kit.masks import without_secrets
from tests.catalog.vaults import browser_of, token_of
from tests.conftest import SETUP, events, write
from tests.receivers import OK, drip, reset

BOX = {"identifier": "box", "title": "Box", "schema": {"properties": {"size": {"type": "number"}}, "required": []}}


def watched(url, **more):
    return blueprint_create(BOX | {"changelogDestination": {"type": "WEBHOOK", "url": url, **more}}, by=SETUP)


def bodies(there):
    return [json.loads(each.partition(b"\r\n\r\n")[2]) for each in there.came]


def deliveries(state=None):
    found = Delivery.objects.filter(subscriber="changelog").order_by("id")
    return list(found.filter(state=state) if state else found)


def hasten():
    """What waits for another attempt is due at once."""
    Delivery.objects.filter(subscriber="changelog", state="pending").update(due_at="2020-01-01T00:00:00Z")


def test_every_change_is_told_in_order_with_before_and_after(there):
    watched(there.url)
    write("box", "b1", title="One", properties={"size": 1})
    write("box", "b1", mode="merge", properties={"size": 2})
    write("box", "b1", mode="merge", properties={"size": 2})  # nothing changed
    entity_delete(Entity.objects.select_related("blueprint").get(identifier="b1"), by=SETUP)
    blueprint_delete(queries.blueprint("box"), by=SETUP)
    deliver_due()
    told = bodies(there)
    assert [(each["resourceType"], each["action"]) for each in told] == [
        ("blueprint", "CREATE"), ("entity", "CREATE"), ("entity", "UPDATE"), ("entity", "DELETE"), ("blueprint", "DELETE")
    ]  # fmt: skip
    assert told[2]["context"] == {"blueprint": "box", "entity": "b1", "runId": None}
    assert [told[2]["diff"][side]["properties"] for side in ("before", "after")] == [{"size": 1}, {"size": 2}]
    assert told[2]["trigger"]["origin"] and told[2]["trigger"]["at"] and told[2]["status"] == "SUCCESS"


def test_the_body_is_compact_and_signed_with_the_organisations_secret(there):
    secret_create("changelog-signing", "hunter2", by=SETUP)
    watched(there.url)
    write("box", "b1", title="Füße")
    deliver_due()
    head, _, raw = there.came[1].partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    right = hmac.new(b"hunter2", headers["X-Port-Timestamp"].encode() + b"." + raw, hashlib.sha256).digest()
    assert headers["X-Port-Signature"] == "v1," + base64.b64encode(right).decode()
    assert abs(time.time() - int(headers["X-Port-Timestamp"])) < 60
    assert raw == json.dumps(json.loads(raw), separators=(",", ":"), ensure_ascii=False).encode()
    assert headers["X-Portcullis-Delivery"] == str(deliveries()[1].public_id)


def test_without_a_secret_nothing_is_signed(there):
    watched(there.url)
    deliver_due()
    assert b"X-Port-Signature" not in there.came[0]


def test_a_secret_that_cannot_be_read_sends_nothing_unsigned(there, settings):
    secret_create("changelog-signing", "hunter2", by=SETUP)
    settings.SECRET_KEY = "another" * 10
    watched(there.url)
    deliver_due()
    assert there.came == [] and "cannot be read" in deliveries("parked")[0].last_error


def test_a_blueprint_without_an_address_owes_nothing(shop):
    write("service", "cart")
    assert deliveries() == []


@pytest.mark.parametrize("destination", [{"type": "KAFKA"}, {}, None])
def test_other_destinations_are_kept_and_owed_nothing(db, destination):
    blueprint_create(BOX | ({} if destination is None else {"changelogDestination": destination or None}), by=SETUP)
    assert deliveries() == []


@pytest.mark.parametrize(
    "answer",
    [b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", reset, b"", b"HTTP/1.1 429 No\r\nRetry-After: 7200\r\nContent-Length: 0\r\n\r\n"],
    ids=["500", "reset", "nothing", "429"],
)  # fmt: skip
def test_what_fails_is_sent_again_before_anything_later_of_the_blueprint(there, answer):
    there.answer = answer
    watched(there.url)
    write("box", "b1")
    deliver_due()
    first, second = deliveries()
    assert (first.state, first.attempts, second.state, second.attempts) == ("pending", 1, "pending", 0)
    assert first.last_error and len(there.came) == 1
    there.answer = OK
    hasten()
    deliver_due()
    assert [each["action"] for each in bodies(there)[-2:]] == ["CREATE", "CREATE"]
    assert [each.state for each in deliveries()] == ["done", "done"]
    assert deliveries()[0].result["status"] == 200


@pytest.mark.parametrize("answer", [lambda wire: time.sleep(1.2), drip], ids=["hangs", "drips"])
def test_a_receiver_that_hangs_holds_up_nobody_else_for_long(there, receiver, answer, monkeypatch):
    monkeypatch.setattr(outgoing.post, "__kwdefaults__", {"timeout": 0.3})
    there.answer = answer
    watched(there.url)
    for number in range(5):
        write("box", f"b{number}")
    begun = time.monotonic()
    assert deliver_due() == 1
    assert time.monotonic() - begun < 2
    assert "did not answer" in deliveries()[0].last_error


@pytest.mark.parametrize("status", [302, 307, 400, 401, 404, 410])
def test_what_another_attempt_cannot_mend_is_given_up_and_sent_round_again_on_demand(there, receiver, status):
    elsewhere = receiver()
    there.answer = f"HTTP/1.1 {status} No\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n".encode()
    watched(there.url)
    deliver_due()
    assert str(status) in deliveries("parked")[0].last_error
    there.answer = OK
    assert changelog_retry(queries.blueprint("box"), by=SETUP) == 1
    deliver_due()
    assert [each.state for each in deliveries()] == ["done"]
    assert changelog_retry(queries.blueprint("box"), by=SETUP) == 0
    assert elsewhere.came == []


@pytest.mark.parametrize("host", ["169.254.169.254", "127.0.0.1", "[::1]", "10.0.0.1", "localhost"])
def test_an_address_inside_is_never_called(receiver, db, host):
    there = receiver()
    watched(there.url.replace("127.0.0.1", host))
    deliver_due()
    assert "does not call" in deliveries("parked")[0].last_error or "could not be reached" in deliveries()[0].last_error
    assert there.came == []


def test_a_worker_that_dies_half_way_leaves_it_for_the_next_under_the_same_name(there):
    watched(there.url)
    dead = claim()
    deliver_due()
    assert there.came == []  # the lease is the dead one's
    Delivery.objects.filter(pk=dead.pk).update(lease_until="2020-01-01T00:00:00Z")
    deliver_due()
    assert len(there.came) == 1 and str(dead.public_id).encode() in there.came[0]
    deliver_due()
    assert len(there.came) == 1


def test_a_test_does_not_wait_behind_what_fails_and_looks_like_a_change(there):
    there.answer = b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"
    blueprint = watched(there.url)
    deliver_due()
    there.answer = OK
    changelog_test(blueprint, by=SETUP)
    deliver_due()
    [tried] = deliveries("done")
    assert tried.event.name == "changelog.tested"
    assert bodies(there)[-1]["resourceType"] == "blueprint"


def test_an_address_that_is_taken_away_is_sent_nothing_more(there):
    blueprint = watched(there.url)
    write("box", "b1")
    blueprint_update(blueprint, BOX | {"changelogDestination": None}, by=SETUP)
    deliver_due()
    assert there.came == [] and all("no address" in each.result["skipped"] for each in deliveries())
    with pytest.raises(Conflict):
        changelog_test(queries.blueprint("box"), by=SETUP)


def test_the_agent_flag_reads_back_and_the_portal_sends_itself(there, terraform):
    watched(there.url, agent=True)
    deliver_due()
    assert len(there.came) == 1
    assert terraform.get("blueprints/box").json["blueprint"]["changelogDestination"]["agent"] is True


def test_who_may_not_change_the_blueprint_neither_tests_nor_sends_again(there, page, bob):
    blueprint = watched(there.url)
    before = events()
    for deed in (changelog_test, changelog_retry):
        with pytest.raises(Refused):
            deed(blueprint, by=page(bob))
    assert events() == before
    changelog_test(blueprint, by=page(user_update(bob, {"moderates": ["box"]}, by=SETUP)))


def test_an_integration_that_waits_at_an_address_is_told_of_a_wish_to_resync_and_of_another_mapping(there):
    address = {"changelogDestination": {"type": "WEBHOOK", "url": there.url}}
    integration, _ = integration_create({"installationId": "k8s", **address}, by=SETUP)
    resync_ask(integration, by=SETUP)
    integration_update(integration, {"version": "2"}, by=SETUP)
    integration_update(integration, {"config": {"resources": []}}, by=SETUP)
    deliver_due()
    told = bodies(there)
    assert [each["context"]["integration"] for each in told] == ["k8s", "k8s"]
    assert [each["diff"]["after"] is None for each in told] == [True, False]
    quiet, _ = integration_create({"installationId": "other"}, by=SETUP)
    resync_ask(quiet, by=SETUP)
    deliver_due()
    assert len(there.came) == 2


def test_a_secret_taken_away_is_used_no_more(there):
    secret_create("changelog-signing", "hunter2", by=SETUP)
    watched(there.url)
    secret_delete("changelog-signing", by=SETUP)
    deliver_due()
    assert b"X-Port-Signature" not in there.came[0]


def test_an_entity_costs_one_statement_more_for_being_watched(there):
    blueprint_create(BOX | {"identifier": "crate"}, by=SETUP)
    watched(there.url)

    def asked(kind, name):
        with CaptureQueriesContext(connection) as seen:
            write(kind, name)
        return len(seen)

    asked("crate", "first"), asked("box", "first")
    assert asked("box", "x") == asked("crate", "x") + 1


SECRET_URL = "https://hooks.example.org/T00/tok3n?key=tok3n"


def test_the_address_is_shown_to_those_who_may_change_it(shop, alice, charlie, terraform):
    """Who knows it may often post there."""
    wished = {"changelogDestination": {"type": "WEBHOOK", "url": SECRET_URL}}
    assert terraform.send("patch", "blueprints/service", wished).status == 200
    given = {"installationId": "gh", "installationAppType": "github", "spec": {"appSpec": {"token": "tok3n"}}, **wished}
    assert terraform.post("integration", given).status == 201
    reader = token_of(charlie)
    for path in ("blueprints", "blueprints/service", "integration", "integration/gh", "audit-log"):
        said = str(reader.get(path).json)
        assert "hooks.example.org" in said and "tok3n" not in said, path
    for path in ("blueprints/service", "integration/gh"):
        assert SECRET_URL in str(terraform.get(path).json)
    page = browser_of(charlie).get("/audit").content.decode()
    assert "hooks.example.org" in page and "tok3n" not in page
    user_update(charlie, {"moderates": ["service"]}, by=SETUP)
    assert reader.get("blueprints/service").json["blueprint"]["changelogDestination"]["url"] == SECRET_URL


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://ann:pw@hooks.example.org:8443/x", "https://hooks.example.org:8443/•••"),
        ("http://[::1]?pw", "http://[::1]/•••"),
        ("https://a\\@b.example.org/pw", "https://a/•••"),
        ("hooks.example.org/pw", "•••"),
    ],
)
def test_of_an_address_only_the_host_is_shown(url, shown):
    facts = {"changelogDestination": {"type": "WEBHOOK", "url": url}}
    assert without_secrets(facts) == {"changelogDestination": {"type": "WEBHOOK", "url": shown}}


@pytest.mark.parametrize("url", ["https://ann:pw@hooks.example.org/x", "ftp://a.example/x", "https://a.example:99999/"])
def test_an_address_that_can_never_be_called_is_refused_when_it_is_saved(shop, terraform, url):
    wished = {"changelogDestination": {"type": "WEBHOOK", "url": url}}
    answer = terraform.send("patch", "blueprints/service", wished)
    assert answer.status == 422 and answer.json["details"]["errors"][0]["path"] == "changelogDestination.url"
    assert queries.blueprint("service").changelog_destination is None
    assert terraform.post("blueprints", BOX | wished).status == 422
