"""Reports and payloads while the server and the worker are killed: each is there once, and told once."""

import hashlib
import hmac
import http.client
import json
import time

import pytest
from django.db.models import Count
from django.utils import timezone

from deployments.commands import hook_create
from deployments.models import Deployment, ReportRequest
from portal.audit.models import Delivery, Event
from portal.embedded.up import free_port
from tests.conftest import SETUP
from tests.journeys.conftest import Process, eventually
from tests.stress.conftest import LONG

SECRET = "a secret of the larder"
AT_SERVER = ["server, before the commit", "server, before the answer"]
AT_WORKER = [
    "worker, before it reads the payload",
    "worker, before the commit",
    "worker, before it says that it is done",
]


class Senders:
    """A pipeline and a forge, who send again until they have an answer."""

    def __init__(self, port, token, hook):
        self.port, self.token, self.hook, self.tries = port, token, hook, 0

    def report(self, number):
        body = {"service": "checkout", "environment": "production", "version": f"r{number}"}
        headers = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": f"r{number}"}
        return self.send("/v1/deployments", body, headers)

    def payload(self, number):
        body = {
            "deployment_status": {"state": "success"},
            "deployment": {"id": number, "sha": f"{number:040x}", "environment": "production", "ref": "main"},
            "repository": {"name": "checkout", "full_name": "larder/checkout"},
        }
        proof = hmac.new(SECRET.encode(), json.dumps(body).encode(), hashlib.sha256).hexdigest()
        headers = {"X-GitHub-Event": "deployment_status", "X-GitHub-Delivery": f"p{number}"}
        return self.send(self.hook.path, body, headers | {"X-Hub-Signature-256": f"sha256={proof}"})

    def send(self, path, body, headers):
        end = time.monotonic() + 60
        while time.monotonic() < end:
            self.tries += 1
            wire = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
            try:
                wire.request("POST", path, json.dumps(body), headers | {"Content-Type": "application/json"})
                answer = wire.getresponse()
                if answer.status < 500:
                    return answer.status
            except (OSError, http.client.HTTPException):
                pass
            finally:
                wire.close()
            time.sleep(0.1)
        raise AssertionError(f"{path} never answered")


@pytest.fixture
def processes(environ, settings, tmp_path):
    """A server and a worker that are started anew when they die."""
    order, port = tmp_path / "die", free_port()
    environ = environ | {"DEADLY": str(order), "PORTCULLIS_SECRET_KEY": settings.SECRET_KEY}
    running = [
        Process(["tests.journeys.deadly", "serve", str(port)], environ, tmp_path / "web.log"),
        Process(["tests.journeys.deadly"], environ, tmp_path / "worker.log"),
    ]
    yield order, port
    for process in running:
        process.stop()


def rounds(seconds):
    """Each point once for a report and once for a payload; in a long run again and again."""
    points = [(point, kind) for point in AT_SERVER for kind in ("report", "payload")]
    points += [(point, "payload") for point in AT_WORKER]
    return points * (6 if seconds >= LONG else 1)


def lapse(order):
    """A minute passes for the leases of the dead, once somebody has died."""
    eventually(lambda: not order.exists(), 30)
    Delivery.objects.filter(state=Delivery.State.SENDING).update(lease_until=timezone.now())


@pytest.mark.timeout(300)
@pytest.mark.django_db(transaction=True)
def test_whatever_dies_when_each_report_is_there_once_and_told_once(shop, ci, processes, pytestconfig, capsys):
    order, port = processes
    hook = hook_create({"name": "Forge", "kind": "github"}, secret=SECRET, by=SETUP)
    senders, began = Senders(port, ci.token, hook), time.monotonic()
    assert (senders.report(0), senders.payload(0)) == (201, 202)
    planned = rounds(float(pytestconfig.getoption("--stress-seconds") or 0))
    for number, (point, kind) in enumerate(planned, 1):
        order.write_text(point)
        assert getattr(senders, kind)(number) < 300, point
        lapse(order)
    eventually(lambda: not ReportRequest.objects.filter(outcome="waiting").exists(), 30)
    eventually(lambda: not Delivery.objects.filter(state__in=Delivery.UNFINISHED).exists(), 30)
    with capsys.disabled():
        print(f"\n{len(planned)} deaths, {senders.tries} tries, {time.monotonic() - began:.1f} s")
    reports = {f"r{number}" for number, (_, kind) in enumerate(planned, 1) if kind == "report"} | {"r0"}
    payloads = {f"p{number}" for number, (_, kind) in enumerate(planned, 1) if kind == "payload"} | {"p0"}
    kept = ReportRequest.objects.exclude(key=None)
    assert sorted(kept.values_list("key", flat=True)) == sorted(reports | payloads)
    assert kept.values("deployment").distinct().count() == len(kept) == Deployment.objects.count()
    told = Event.objects.filter(name="deployment.reported").values("noun_id").annotate(times=Count("id"))
    assert sorted(each["times"] for each in told) == [1] * len(kept)
    assert senders.tries > len(kept)
