"""The main job: a report shows, a lock stops CI, Slack and the audit log are told once, a release lets CI go on."""

import subprocess
import sys

import pytest

from catalog.models import Entity
from deployments.models import Deployment
from locks.models import Lock
from portal.audit.models import Delivery, Event
from tests.conftest import write
from tests.journeys.conftest import ROOT, eventually

pytestmark = pytest.mark.django_db(transaction=True)
PLACE = ("--service", "checkout", "--environment", "production")
CONFIG = "blueprints/deploymentConfig/entities/checkout-production"


@pytest.fixture
def checkout(shop):
    """Checkout's team listens in #team-payments."""
    write("service", "checkout", mode="patch", properties={"slackChannel": "#team-payments"})
    write(
        "deploymentConfig", "checkout-production", relations={"service": ("checkout",), "environment": ("production",)}
    )


def told(slack):
    return [(message["channel_name"], message["text"]) for message in slack.messages]


def settled():
    return not Delivery.objects.exclude(state="done").exists()


def test_a_lock_stops_ci_and_everybody_is_told_once(checkout, ci, command_line, slack, start):
    start("worker"), start("beat")
    assert ci.get("gate", service="checkout", environment="production").status == 200
    assert command_line(ci.token, "check", *PLACE)[0] == 0

    code, _ = command_line(ci.token, "lock", *PLACE, "--reason", "debugging", "--for", "2h")
    assert code == 0
    assert ci.get("gate", service="checkout", environment="production").status == 423
    code, printed = command_line(ci.token, "check", *PLACE)
    assert code == 10
    assert "CI" in printed and "debugging" in printed and ("2 h" in printed or "1 h 59" in printed)
    eventually(lambda: len(slack.messages) == 1 and settled())

    code, _ = command_line(ci.token, "unlock", *PLACE)
    assert code == 0
    assert ci.get("gate", service="checkout", environment="production").status == 200
    assert command_line(ci.token, "check", *PLACE)[0] == 0
    eventually(lambda: len(slack.messages) == 2 and settled())

    channels, texts = zip(*told(slack), strict=True)
    assert set(channels) == {"team-payments"}
    assert "locked checkout in production" in texts[0] and "unlocked checkout in production" in texts[1]
    assert list(Event.objects.filter(noun="lock").order_by("id").values_list("name", flat=True)) == [
        "lock.taken",
        "lock.released",
    ]


def test_a_report_reaches_the_open_matrix_with_its_next_question(checkout, ci, client, alice):
    client.force_login(alice)
    seen = client.get("/deployments/", headers={"HX-Request": "true"})
    unchanged = client.get("/deployments/", headers={"HX-Request": "true", "X-Stamp": seen["X-Stamp"]})
    assert unchanged.status_code == 204
    report = {"service": "checkout", "environment": "production", "version": "9.9.9", "commit": "4f2a9c1"}
    assert ci.post("deployments", report).status == 201
    fresh = client.get("/deployments/", headers={"HX-Request": "true", "X-Stamp": seen["X-Stamp"]})
    assert fresh.status_code == 200
    assert b"9.9.9" in fresh.content and b"4f2a9c1" in fresh.content


def test_the_example_pipeline_is_really_stopped_and_goes_on_after_the_release(checkout, ci, live_server, tmp_path):
    done = tmp_path / "deployed"
    environ = {
        "PATH": f"{sys.prefix}/bin:/usr/bin:/bin",
        "PORTCULLIS_URL": live_server.url,
        "PORTCULLIS_TOKEN": ci.token,
        "SERVICE": "checkout",
        "ENVIRONMENT": "production",
        "VERSION": "1.4.2",
        "COMMIT": "4f2a9c1d00",
        "TMPDIR": str(tmp_path),
    }

    def pipeline():
        words = ["bash", str(ROOT / "ci/examples/deploy.sh"), "touch", str(done)]
        return subprocess.run(words, env=environ, capture_output=True, text=True, timeout=60).returncode

    lock = ci.post("locks", {"service": "checkout", "environment": "production", "reason": "debugging"}).json["lock"]
    assert pipeline() == 10
    assert not done.exists()
    assert not Deployment.objects.exists()

    ci.delete(f"locks/{lock['id']}")
    assert pipeline() == 0
    assert done.exists()
    made = Deployment.objects.get()
    assert (made.version, made.status, made.gate) == ("1.4.2", "success", "receipt")


def by_api(ci, terraform, client):
    lock = ci.post("locks", {"service": "checkout", "environment": "production", "reason": "debugging"}).json["lock"]
    yield
    ci.delete(f"locks/{lock['id']}")
    yield


def by_entity(ci, terraform, client):
    terraform.send("patch", CONFIG, {"properties": {"locked": True, "lockedReason": "debugging"}})
    yield
    terraform.send("patch", CONFIG, {"properties": {"locked": False}})
    yield


FORM = {
    "scope": "pair",
    "service": "checkout",
    "environment": "production",
    "reason": "debugging",
    "duration": "2h",
    "effect": "block",
}


def by_page(ci, terraform, client):
    client.post("/locks/", FORM)
    yield
    client.post(f"/locks/{Lock.objects.get().public_id}/release", {"reason": "found it"})
    yield


def by_admin(ci, terraform, client):
    client.post("/admin/locks/lock/add/", FORM)
    yield
    client.post(f"/admin/locks/lock/{Lock.objects.get().pk}/release/", {"reason": "found it"})
    yield


@pytest.mark.parametrize("door", [by_page, by_admin, by_api, by_entity])
def test_every_door_tells_slack_once_for_the_lock_and_once_for_the_unlock(
    checkout, ci, terraform, client, alice, slack, start, door
):
    start("worker"), start("beat")
    client.force_login(alice)
    steps = door(ci, terraform, client)
    for expected, name in enumerate(["lock.taken", "lock.released"], start=1):
        next(steps)
        eventually(lambda expected=expected: len(slack.messages) == expected and settled())
        event = Event.objects.get(name=name)
        assert event.after["reason"] == "debugging"
        assert (event.before is None) == (name == "lock.taken")
        assert event.door == {by_page: "page", by_admin: "admin"}.get(door, "api")
        assert event.after["released_by"] == (None if name == "lock.taken" else event.actor_name)
    assert {channel for channel, _ in told(slack)} == {"team-payments"}
    assert Lock.objects.count() == 1
    assert Event.objects.filter(noun="lock").count() == 2
    assert Entity.objects.filter(identifier="checkout-production").exists()


def test_a_worker_killed_between_a_lock_and_its_message_sends_it_once_it_is_back(checkout, ci, slack, start):
    worker = start("worker")
    start("beat")
    slack.faults.append({"hang": 3, "drop_after_accept": True})
    ci.post("locks", {"service": "checkout", "environment": "production", "reason": "debugging"})
    eventually(lambda: not slack.faults)  # the request has reached Slack
    worker.kill()
    eventually(lambda: len(slack.messages) == 1)  # it did arrive; only the answer was lost with the worker
    Delivery.objects.update(lease_until="2020-01-01T00:00:00Z")  # a minute later
    worker.start()
    eventually(settled)
    assert len(slack.messages) == 1
    assert Delivery.objects.get(subscriber="slack").attempts == 2


def test_with_the_worker_dead_the_message_waits_and_is_sent_once_it_is_back(checkout, ci, slack, start):
    ci.post("locks", {"service": "checkout", "environment": "production", "reason": "debugging"})
    assert slack.messages == []
    start("worker"), start("beat")
    eventually(lambda: len(slack.messages) == 1 and settled())


def test_an_expired_lock_is_told_once(checkout, ci, slack, start):
    ci.post("locks", {"service": "checkout", "environment": "production", "reason": "debugging"})
    Lock.objects.update(starts_at="2026-01-01T00:00:00Z", expires_at="2026-01-01T01:00:00Z")
    assert ci.get("gate", service="checkout", environment="production").status == 200
    start("worker"), start("beat")
    eventually(lambda: len(slack.messages) == 2 and settled(), 30)
    assert "has run out" in slack.messages[1]["text"]
    assert Event.objects.filter(name="lock.expired").count() == 1
