"""What the outside does to us: a broker that is dead or hangs, a database that goes away and comes back."""

import http.client
import json
import os
import socket
import subprocess
import sys
import time

import pytest
from django.db import connection

from deployments.models import Deployment
from locks.models import Lock
from portal.audit.models import Event
from portal.embedded.layout import Layout
from portal.embedded.postgres import Postgres
from portal.embedded.supervisor import Supervisor
from portal.embedded.up import free_port
from tests.journeys.conftest import ROOT, Process, eventually

REPORT = {"service": "checkout", "environment": "production", "version": "1.0", "status": "success"}
LOCK = {"service": "checkout", "environment": "production", "reason": "debugging"}


class Web:
    """The web server as bin/up starts it, with an environment of the test's own."""

    def __init__(self, environ, log):
        self.port = free_port()
        words = ["granian", "--interface", "wsgi", "portal.wsgi:application", "--port", str(self.port)]
        self.process = Process([*words, "--blocking-threads", "4"], environ, log)
        eventually(lambda: self.ask("GET", "/healthz")[0] == 200, 30)

    def ask(self, method, path, body=None, token=""):
        """(status, JSON, seconds)"""
        start = time.monotonic()
        wire = http.client.HTTPConnection("127.0.0.1", self.port, timeout=15)
        try:
            headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
            wire.request(method, path, json.dumps(body) if body else None, headers)
            answer = wire.getresponse()
            return answer.status, json.loads(answer.read()), time.monotonic() - start
        except OSError:
            return 0, {}, time.monotonic() - start
        finally:
            wire.close()


@pytest.fixture(params=["dead", "hangs"])
def bad_broker(request):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        if request.param == "hangs":
            listener.listen(64)  # takes connections and never says a word
        yield f"redis://127.0.0.1:{listener.getsockname()[1]}/0"


@pytest.mark.django_db(transaction=True)
def test_a_bad_broker_slows_no_report_and_no_lock_and_loses_no_message(
    bad_broker, shop, ci, slack, environ, start, tmp_path
):
    web = Web(environ | {"REDIS_URL": bad_broker}, tmp_path / "web.log")
    try:
        for path, body in (("/v1/deployments", REPORT), ("/v1/locks", LOCK)):
            status, answer, seconds = web.ask("POST", path, body, ci.token)
            assert (status, seconds < 2) == (201, True), (answer, seconds)
        status, _, seconds = web.ask("GET", "/v1/gate?service=checkout&environment=production", token=ci.token)
        assert (status, seconds < 2) == (423, True)
    finally:
        web.process.stop()
    assert slack.messages == []
    start("worker"), start("beat")
    eventually(lambda: len(slack.messages) == 1)


@pytest.fixture
def own_postgres(tmp_path):
    """A PostgreSQL of the test's own, to be shot: (supervisor, environment)."""
    layout = Layout(tmp_path / "own")
    layout.data.mkdir()
    supervisor = Supervisor(layout.data, layout.logs)
    supervisor.start(Postgres(layout, durable=False))
    environ = os.environ | {"DATABASE_URL": layout.database_url, "PORTCULLIS_DATA": str(layout.data)}
    try:
        for words in (["migrate", "-v0"], ["setup", "--empty"]):
            subprocess.run([sys.executable, "manage.py", *words], cwd=ROOT, env=environ, check=True)
        yield supervisor, environ, layout
    finally:
        supervisor.stop()


def test_without_its_database_the_gate_says_503_in_json_and_recovers_with_nothing_half_written(own_postgres, tmp_path):
    supervisor, environ, layout = own_postgres
    token = dict(line.split("=", 1) for line in layout.credentials.read_text().splitlines())["CI_TOKEN"]
    gate = "/v1/gate?service=checkout&environment=production"
    web = Web(environ, tmp_path / "web.log")
    try:
        assert web.ask("GET", gate, token=token)[0] == 404
        supervisor.stop()
        for method, path, body in (
            ("GET", gate, None),
            ("POST", "/v1/locks", LOCK),
            ("POST", "/v1/deployments", REPORT),
        ):
            status, answer, seconds = web.ask(method, path, body, token)
            assert (status, answer["error"], seconds < 5) == (503, "unavailable", True)
        assert web.ask("GET", "/readyz")[0] == 503
        assert web.ask("GET", "/healthz")[0] == 200
        supervisor.children.clear()
        supervisor.start(Postgres(layout, durable=False))
        assert eventually(lambda: web.ask("GET", "/readyz")[0] == 200)
        assert web.ask("GET", gate, token=token)[0] == 404
        assert web.ask("GET", "/v1/locks", token=token)[1]["locks"] == []
    finally:
        web.process.stop()


@pytest.mark.django_db(transaction=True)
def test_a_transaction_that_breaks_in_the_middle_leaves_no_event_and_no_lock(shop, ci, monkeypatch):
    def broken(*args, **kwargs):
        raise RuntimeError("the process died here")

    monkeypatch.setattr("locks.commands.locks.record", broken)
    assert ci.post("locks", LOCK).status == 500
    assert not Lock.objects.exists()
    assert not Event.objects.filter(noun="lock").exists()
    assert not Deployment.objects.exists()
    assert connection.is_usable()
