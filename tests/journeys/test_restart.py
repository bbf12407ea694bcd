"""The portal is started anew while CI goes on asking."""

import json
import os
import subprocess
import sys
import time
import urllib.request

import pytest

from portal.embedded import processes
from portal.embedded.layout import Layout
from portal.embedded.up import free_port
from tests.journeys.conftest import ROOT, eventually
from tests.stress.conftest import LONG


class Portal:
    """All of it, as bin/up starts it, on a data folder of its own."""

    def __init__(self, folder):
        hidden = ("DATABASE_URL", "REDIS_URL", "PORTCULLIS_", "PYTEST_", "DJANGO_", "CI_TOKEN", "CLIENT_")
        self.layout, self.port = Layout(folder), free_port()
        self.environ = {name: value for name, value in os.environ.items() if not name.startswith(hidden)} | {
            "PORTCULLIS_DATA": str(folder),
            "PORTCULLIS_PORT": str(self.port),
        }
        began = time.monotonic()
        self.up()
        self.first_start = time.monotonic() - began

    def up(self):
        words = [sys.executable, "-m", "portal.embedded.up", "--empty"]
        with self.layout.data.with_name("up.log").open("ab") as log:
            self.started = subprocess.Popen(words, cwd=ROOT, env=self.environ, stdout=log, stderr=log)
        eventually(lambda: self.answers() or self.started.poll() is not None, 90)
        assert self.started.poll() is None, self.layout.data.with_name("up.log").read_text()

    def answers(self):
        try:
            return urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5).status == 200
        except OSError:
            return False

    @property
    def credentials(self):
        return dict(line.split("=", 1) for line in self.layout.credentials.read_text().splitlines())

    def post(self, path, body, token):
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        wish = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", json.dumps(body).encode(), headers)
        return json.loads(urllib.request.urlopen(wish, timeout=20).read())

    def close(self):
        self.started.terminate()
        self.started.wait(30)
        processes.end(processes.marked(self.layout.data))


@pytest.fixture(scope="module")
def portal(tmp_path_factory):
    """Two services in production, one of them locked."""
    folder = tmp_path_factory.mktemp("portal") / "var"
    folder.mkdir()
    portal = Portal(folder)
    try:
        found = portal.credentials
        pair = {"clientId": found["CLIENT_ID"], "clientSecret": found["CLIENT_SECRET"]}
        admin = portal.post("/v1/auth/access_token", pair, "")["accessToken"]
        for service in ("open", "locked"):
            relations = {"service": service, "environment": "production"}
            config = {"identifier": f"{service}-production", "relations": relations}
            flags = "upsert=true&create_missing_related_entities=true"
            portal.post(f"/v1/blueprints/deploymentConfig/entities?{flags}", config, admin)
        wish = {"service": "locked", "environment": "production", "reason": "the books are closed"}
        portal.post("/v1/locks", wish, found["CI_TOKEN"])
        yield portal
    finally:
        portal.close()


def pipelines(portal, folder):
    """CI jobs that ask five times a second until their input ends."""
    folder.mkdir()
    words = [sys.executable, "-m", "tests.journeys.pipelines", "0.2", str(folder), "open=0", "locked=10"]
    environ = portal.environ | {
        "PORTCULLIS_URL": f"http://127.0.0.1:{portal.port}",
        "PORTCULLIS_TOKEN": portal.credentials["CI_TOKEN"],
        # As patient as it is by itself, and more on a machine that has no time: it outlasts a third of this.
        "PORTCULLIS_TIMEOUT": f"{min(max(60, 6 * portal.first_start), 600):.0f}",
    }
    return subprocess.Popen(words, cwd=ROOT, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def pytest_generate_tests(metafunc):
    """Killed as well in a long run."""
    if "way" in metafunc.fixturenames:
        long = float(metafunc.config.getoption("--stress-seconds") or 0) >= LONG
        metafunc.parametrize("way", ["terminate", "kill"] if long else ["terminate"])


@pytest.mark.timeout(600)
def test_all_of_it_starts_anew_and_no_question_is_lost_or_answered_wrong(portal, way, tmp_path, capsys):
    asking = pipelines(portal, tmp_path / "said")
    try:
        time.sleep(1)
        began = time.monotonic()
        getattr(portal.started, way)()
        portal.started.wait(30)
        portal.up()
        away = time.monotonic() - began
        time.sleep(1)
        told = json.loads(asking.communicate(timeout=300)[0])
    finally:
        asking.kill()
    with capsys.disabled():
        print(f"\n{told['asked']} questions, and the portal away for {away:.1f} s")
    assert told["wrong"] == []
    assert told["asked"] > away
