"""The signed webhook, with a receiver at the socket."""

import base64
import hashlib
import hmac
import json
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from deployments.environments.commands import (
    environment_request,
    environment_teardown,
    step_finish,
    step_report,
    work_claim,
)
from deployments.environments.models import Template
from deployments.environments.orphans import look
from deployments.environments.providers import Answer, answers
from deployments.environments.worker import ask
from portal.kit.errors import Conflict, Invalid, Missing, Refused
from tests.conftest import SETUP, events
from tests.environments.conftest import fresh, make, passes, worked

pytestmark = pytest.mark.django_db

SECRET = "a secret of sixteen"


class Receiver(ThreadingHTTPServer):
    """`says` are its answers, used up in order; then it says 204, and to a verification 404."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.says, self.came = [], []


class Handler(BaseHTTPRequestHandler):
    wbufsize = -1

    def do_GET(self):
        self.take(b"")

    def do_POST(self):
        self.take(self.rfile.read(int(self.headers["Content-Length"])))

    def take(self, raw):
        body = json.loads(raw or b"{}")
        self.server.came.append((self.command, self.path, raw, dict(self.headers)))
        usual = (404, {}) if body.get("phase") == "verify" else (204, None)
        status, told = self.server.says.pop(0) if self.server.says else usual
        out = b"" if told is None else told if isinstance(told, bytes) else json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(out)))
        self.end_headers()
        self.wfile.write(out)

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def server():
    with Receiver() as receiver:
        threading.Thread(target=receiver.serve_forever, daemon=True).start()
        yield receiver
        receiver.shutdown()


@pytest.fixture
def receiver(server, settings):
    settings.OUTGOING_NETWORKS = ["127.0.0.0/8"]
    server.says[:], server.came[:] = [], []
    return server


def hooked(receiver, *, secret=SECRET, **more):
    steps = [{"name": "all"}]
    spec = {"url": f"{receiver.url}/do", "provision": steps, "teardown": steps, "verify": steps[0]} | more
    from deployments.environments.commands import template_create
    from tests.environments.conftest import WISHED

    return template_create(WISHED | {"provider": "webhook", "spec": spec}, secret=secret, by=SETUP)


def test_a_step_is_sent_signed_with_its_key_and_its_fence(receiver):
    environment = worked(environment_request(hooked(receiver), name="demo", by=SETUP))
    assert environment.state == "ready"
    ((method, path, raw, headers),) = receiver.came
    assert (method, path) == ("POST", "/do")
    signed = hmac.new(SECRET.encode(), headers["X-Port-Timestamp"].encode() + b"." + raw, hashlib.sha256).digest()
    assert headers["X-Port-Signature"] == f"v1,{base64.b64encode(signed).decode()}"
    body = json.loads(raw)
    assert body["key"] == headers["X-Portcullis-Key"] == f"{environment.public_id}.provision.1.1"
    assert (body["phase"], body["step"], body["attempt"]) == ("provision", "all", 1)
    assert body["callback"]["url"].endswith(f"/v1/environments/{environment.public_id}/steps/{body['key']}")
    environment_teardown(environment, by=SETUP)
    assert worked(environment).state == "torn_down"


@pytest.mark.parametrize(
    "says, state, error",
    [
        ((500, {"error": "out of order"}), "provisioning", "It answered 500: out of order"),
        ((429, b"<html>"), "provisioning", "It answered 429: <html>"),
        ((422, {"message": "no such size"}), "provision_failed", "It answered 422: no such size"),
        ((404, {}), "provisioning", "It answered 404."),
        ((200, {"state": "failed", "error": "no room"}), "provisioning", "no room"),
        ((200, {"state": "gone"}), "provisioning", "The provider answered “gone”, which is no answer to provision."),
        ((200, {"state": ["x"]}), "provisioning", "It answered the state ['x']."),
        ((302, {}), "provisioning", "It answered 302: {}"),
    ],
)
def test_what_is_no_success_is_a_failure_that_says_so(receiver, says, state, error):
    receiver.says.append(says)
    environment = worked(environment_request(hooked(receiver), name="demo", by=SETUP), rounds=1)
    assert environment.state == state
    assert environment.last_error == error


def test_after_its_tries_it_is_told_once_that_it_could_not_be_made(receiver):
    receiver.says[:] = [(500, {})] * 3
    environment = worked(environment_request(hooked(receiver), name="demo", by=SETUP))
    assert (environment.state, environment.phase, environment.attempt) == ("provision_failed", "", 3)
    keys = {json.loads(raw)["key"] for _, _, raw, _ in receiver.came}
    assert len(receiver.came) == 3 and len(keys) == 1
    assert events("environment.provision") == ["environment.provision_failed"]


def test_one_that_is_at_it_is_asked_where_it_says(receiver):
    receiver.says[:] = [
        (202, {"status_url": f"{receiver.url}/status", "after": 2}),
        (202, {}),
        (200, {"address": "http://it/"}),
    ]
    environment = worked(environment_request(hooked(receiver), name="demo", by=SETUP))
    assert (environment.state, environment.address) == ("ready", "http://it/")
    assert [(method, path) for method, path, _, _ in receiver.came] == [
        ("POST", "/do"),
        ("GET", "/status"),
        ("GET", "/status"),
    ]


def test_one_that_is_at_it_for_ever_has_failed(receiver):
    receiver.says[:] = [(202, {})]
    environment_request(hooked(receiver), name="demo", by=SETUP)
    first = work_claim()
    step_finish(first, ask(first))
    later = work_claim(passes(3600))
    step = step_finish(later, Answer("waiting"), now=passes(3600))
    assert step.state == "pending" and "never that it was done" in step.error


def waiting(receiver):
    receiver.says[:] = [(202, {})]
    environment = environment_request(hooked(receiver), name="demo", by=SETUP)
    work = work_claim()
    step_finish(work, ask(work))
    return environment, json.loads(receiver.came[0][2])


def test_its_callback_ends_the_step_once(receiver):
    environment, body = waiting(receiver)
    key, token, fence = body["key"], body["callback"]["token"], body["fence"]
    done, _ = answers.reported({"state": "done", "fence": fence, "address": "http://it/"}, "provision")
    assert step_report(environment.public_id, key, token, done, fence=fence).state == "done"
    assert (fresh(environment).state, fresh(environment).address) == ("ready", "http://it/")
    assert step_report(environment.public_id, key, token, done, fence=fence).state == "done"
    with pytest.raises(Conflict):
        step_report(environment.public_id, key, token, Answer("failed"), fence=fence)
    assert events("environment.pro") == ["environment.provisioned"]


def test_a_callback_without_the_token_or_of_an_older_try_changes_nothing(receiver):
    environment, body = waiting(receiver)
    key, token, fence = body["key"], body["callback"]["token"], body["fence"]
    before = fresh(environment).facts()
    for wrong, error in (
        ((environment.public_id, key, "x" * 64, fence), Refused),
        ((environment.public_id, key, "é", fence), Refused),
        ((environment.public_id, key, token, fence + 1), Refused),
        ((environment.public_id, key + "1", token, fence), Missing),
        (("01900000-0000-7000-8000-000000000000", key, token, fence), Missing),
    ):
        with pytest.raises(error):
            step_report(*wrong[:3], Answer("done"), fence=wrong[3])
    environment.steps.update(state="pending")
    again = work_claim(passes(3600))
    with pytest.raises(Conflict) as refused:
        step_report(environment.public_id, key, token, Answer("done"), fence=fence)
    assert refused.value.code == "fence_old" and again.fence > fence
    assert fresh(environment).facts() == before


def test_nobody_says_by_a_callback_that_it_is_verified_to_be_done(receiver):
    environment = worked(environment_request(hooked(receiver), name="demo", by=SETUP))
    environment_teardown(environment, by=SETUP)
    worked(environment, rounds=1)
    verify = work_claim(passes(1))
    assert verify.call.phase == "verify"
    with pytest.raises(Conflict):
        step_report(environment.public_id, verify.call.key, verify.call.token, Answer("done"), fence=verify.fence)
    assert fresh(environment).state == "tearing_down"


@pytest.mark.parametrize("body", [None, [], {}, {"state": "done"}, {"state": "x", "fence": 1}, {"state": "done", "fence": True}, {"state": "done", "fence": 2**70}])  # fmt: skip
def test_a_callback_that_makes_no_sense_is_refused(body):
    with pytest.raises(Invalid):
        answers.reported(body, "provision")


def test_what_there_is_is_asked_and_only_a_whole_answer_counts(receiver):
    template = hooked(receiver, list=f"{receiver.url}/list")
    for odd in (
        (500, {}),
        (200, b"<html>"),
        (200, {"resources": [{}]}),
        (200, {"resources": [{"label": "x", "since": "x"}]}),
    ):
        receiver.says[:] = [odd]
        assert look() == 0 and not template.sightings.exists()
    receiver.says[:] = [(200, {"resources": [{"label": "somebody", "since": "2026-01-31T15:40:00Z"}]})]
    assert look() == 0 and template.sightings.get().label == "somebody"


@pytest.mark.parametrize(
    "spec",
    [
        {"url": "ftp://x/"},
        {"url": "http://user:word@x/"},
        {"url": None},
        {"url": 7},
        {"list": "nowhere"},
        {"provision": []},
        {"provision": [{"name": "a"}, {"name": "a"}]},
        {"provision": [{"name": ""}]},
        {"provision": [{"name": "a", "timeout": 10**9}]},
        {"teardown": []},
        {"verify": None},
        {"sleep": [{"name": "a"}]},
    ],
)
def test_a_template_that_cannot_work_is_refused(receiver, spec):
    with pytest.raises(Invalid):
        hooked(receiver, **spec)
    assert not Template.objects.exists()


def test_a_template_without_a_secret_and_lengths_that_contradict_are_refused(receiver):
    with pytest.raises(Invalid, match="secret"):
        hooked(receiver, secret="")
    for wrong in (
        {"default_ttl": "4d"},
        {"greatest_ttl": "31d"},
        {"soft_cap": "31d"},
        {"hard_cap": "9999d"},
        {"hard_cap": timedelta(days=10**6)},
        {"default_ttl": "1m"},
        {"tries": 0},
        {"most_per_owner": -1},
        {"teams": "payments"},
        {"team_limits": {"payments": {"most": "many"}}},
        {"team_limits": {"payments": {"greatest_ttl": "99d"}}},
        {"inputs": {"properties": {"x": {"$ref": "http://elsewhere/"}}}},
        {"inputs": {"properties": {}, "required": ["x"]}},
        {"identifier": "a/../b c"},
        {"provider": "magic"},
        {"whatever": 1},
        {"verify_pause": "2h"},
    ):
        with pytest.raises(Invalid):
            make(**wrong)
    assert not Template.objects.exists()


def test_an_address_inside_the_house_is_not_called(receiver, settings):
    template = hooked(receiver)
    settings.OUTGOING_NETWORKS = []
    environment = worked(environment_request(template, name="demo", by=SETUP))
    assert environment.state == "provision_failed" and "does not call" in environment.last_error
    assert receiver.came == []
