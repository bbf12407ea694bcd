"""A bad deploy breaks its place: the watch says so, production locks itself, the rollback goes through, and it opens again.

Worker and prober are killed on the way; nothing is lost, and nothing is done twice.
"""

import json
import subprocess
import sys
import urllib.request
from datetime import timedelta

import pytest
from django.db.models import F

from deployments.health.commands import probe_create
from deployments.health.models import Probe
from deployments.models import Watch
from locks import rules
from locks.commands import lock_rule_create
from locks.models import Evidence, Lock
from portal.audit.models import Delivery, Event
from portal.kit.clock import database_now
from tests.conftest import SETUP, events
from tests.journeys.conftest import ROOT, eventually

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]
PLACE = ("--service", "checkout", "--environment", "production")
LONG = 60.0  # seconds; what a killed worker held is free again after 15


@pytest.fixture
def target(tmp_path):
    """Checkout in production, to be broken: `target("error")`, `target("fine")`."""
    kept = tmp_path / "target.json"
    kept.write_text(json.dumps({"port": 0, "places": {"checkout/production": {}}}))
    words = [sys.executable, "-m", "portal.embedded.target", "--file", str(kept)]
    child = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    address = child.stdout.readline().split()[-1]

    def become(mode=""):
        if mode:
            body = json.dumps({"mode": mode}).encode()
            urllib.request.urlopen(
                urllib.request.Request(f"{address}checkout/production/mode", body), timeout=5
            ).close()
        return f"{address}checkout/production/health"

    yield become
    child.kill()
    child.wait()
    child.stdout.close()


@pytest.fixture
def environ(environ):
    return environ | {"PORTCULLIS_OUTGOING_NETWORKS": "127.0.0.0/8", "PORTCULLIS_WATCH_SECONDS": "60"}


@pytest.fixture
def canary(shop, target, settings):
    """A probe that asks each second, and a rule that lets go after two."""
    settings.OUTGOING_NETWORKS = ["127.0.0.0/8"]
    place = {"service": "checkout", "environment": "production"}
    probe, _ = probe_create(place | {"kind": "http", "name": "http", "spec": {"url": target()}}, by=SETUP)
    often = {"interval": 1, "timeout": 0.6, "failure_threshold": 2, "recovery_threshold": 2}
    Probe.objects.filter(pk=probe.pk).update(**often, due_at=database_now())
    wish = {"name": "Canary", "on": ["verdict", "failing"], "dry_run": False, "healthy_for": timedelta(seconds=2)}
    return lock_rule_create(rules.parse(wish), by=SETUP)


def reported(ci, version, **more):
    body = {"service": "checkout", "environment": "production", "version": version, "status": "success"}
    answer = ci.post("deployments", body | {"ci": {"run": version + more.get("kind", "")}} | more)
    assert answer.status == 201
    return answer.json["deployment"]["id"]


def state_of(ci, deployment):
    return (ci.get(f"deployments/{deployment}/watch").json["watch"] or {}).get("state")


def settled():
    return not Delivery.objects.exclude(state="done").exists()


def lock_told(slack):
    return [each for each in slack.messages if "Canary" in each["text"]]


def test_a_bad_deploy_locks_production_until_the_rollback_has_healed_it(canary, target, ci, command_line, slack, start):
    worker, prober, _ = start("worker"), start("prober"), start("beat")
    eventually(lambda: Probe.objects.filter(state="healthy").exists(), 30)
    good = reported(ci, "1.0")
    eventually(lambda: state_of(ci, good) == "open", LONG)

    eventually(settled, LONG)
    target("error")
    prober.kill()
    worker.kill()
    bad = reported(ci, "1.1")
    prober.start()
    worker.start()
    eventually(lambda: state_of(ci, bad) == "failed", LONG)
    lock = eventually(lambda: Lock.objects.filter(automatic_by="Canary").first(), LONG)
    assert (lock.kind, lock.holder_name) == ("canary", "Rule “Canary”") and "answered 500" in lock.reason

    answer = ci.get("gate", service="checkout", environment="production")
    assert answer.status == 423 and "Rule “Canary”" in answer.json["message"]
    code, printed = command_line(ci.token, "check", *PLACE)
    assert code == 10 and "Canary" in printed
    eventually(lambda: lock_told(slack), LONG)

    assert command_line(ci.token, "check", *PLACE, "--intent", "rollback")[0] == 0
    target("fine")
    back = reported(ci, "1.0", kind="rollback")
    eventually(lambda: Lock.objects.filter(pk=lock.pk, released_at__isnull=False).exists(), LONG)
    lock.refresh_from_db()
    assert (lock.released_by, lock.release_reason) == ("Rule “Canary”", "healthy for 2 s")
    assert ci.get("gate", service="checkout", environment="production").status == 200
    assert command_line(ci.token, "check", *PLACE)[0] == 0

    eventually(lambda: any("healthy for 2 s" in json.dumps(each) for each in slack.messages), LONG)
    heads = [each for each in lock_told(slack) if each.get("thread_ts") in (None, each["ts"])]
    assert len(heads) == 1, "one thread"
    assert state_of(ci, back) == "open" and state_of(ci, good) == "inconclusive"
    assert [events("lock.taken"), events("lock.released")] == [["lock.taken"], ["lock.released"]]
    closed = Event.objects.filter(name="watch.closed").values_list("payload__deployment", flat=True)
    assert sorted(closed) == sorted([good, bad])
    assert Watch.objects.count() == 3 and not Watch.objects.filter(opened_at__gt=F("until")).exists()
    keys = list(Evidence.objects.values_list("key", flat=True))
    assert len(keys) == len(set(keys)) and {key.partition(":")[0] for key in keys} == {"flip", "watch"}
