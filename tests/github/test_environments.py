"""Environments that GitHub's workflows make: started once for a key, found by the name of their run, and waited for."""

import json

import pytest

from deployments.environments.commands import environment_request, environment_teardown, template_create
from tests.conftest import SETUP
from tests.environments.conftest import WISHED, worked
from tests.github.conftest import PEM, GitHub, Handler

pytestmark = pytest.mark.django_db

STEP = {"name": "all", "repository": "larder/checkout", "workflow": "env.yml"}
SPEC = {"provision": [STEP], "teardown": [STEP], "verify": STEP}
RUNS = "/repos/larder/checkout/actions/workflows/env.yml/runs"


class Forge(Handler):
    """A dispatch becomes a run that ends as `ends` says, one after the other, or not at all."""

    wbufsize = -1  # one answer, one packet: what comes in two waits for an acknowledgement

    def do_GET(self):
        if not self.path.startswith(RUNS):
            return super().do_GET()
        if self.word not in self.server.tokens:
            return self.say(401, {"message": "Bad credentials"})
        return self.say(200, {"workflow_runs": self.server.runs})

    def do_POST(self):
        if not self.path.endswith("/dispatches"):
            return super().do_POST()
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.told.append((self.path, body))
        end = self.server.ends.pop(0) if self.server.ends else "success"
        run = {
            "id": len(self.server.runs) + 1,
            "display_title": f"env {body['inputs']['key']}",
            "status": "completed" if end else "in_progress",
            "conclusion": end or None,
            "html_url": "https://github.com/larder/checkout/actions/runs/1",
        }
        self.server.runs.insert(0, run)
        return self.say(204, None)


@pytest.fixture
def forge(settings):
    import threading

    with GitHub() as server:
        server.RequestHandlerClass, server.runs, server.ends = Forge, [], []
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        settings.GITHUB_API_URL, settings.GITHUB_APP_ID, settings.GITHUB_PRIVATE_KEY = server.url, "1234", PEM
        yield server
        server.shutdown()


def asked(**more):
    template = template_create(WISHED | {"provider": "github", "spec": SPEC} | more, by=SETUP)
    return environment_request(template, name="demo", inputs={}, by=SETUP)


def test_a_life_of_workflows(forge):
    environment = worked(asked())
    assert environment.state == "ready"
    ((path, body),) = forge.told
    assert path == "/repos/larder/checkout/actions/workflows/env.yml/dispatches" and body["ref"] == "main"
    assert body["inputs"]["key"] == f"{environment.public_id}.provision.1.1"
    assert {wish["permissions"]["actions"] for _, wish in forge.tokens.values()} == {"write"}
    environment_teardown(environment, by=SETUP)
    assert worked(environment).state == "torn_down"
    assert [each["inputs"]["phase"] for _, each in forge.told] == ["provision", "teardown", "verify", "verify"]


def test_a_run_that_goes_on_is_waited_for_and_not_started_twice(forge):
    forge.ends.append("")
    environment = worked(asked(), rounds=4)
    assert environment.state == "provisioning" and len(forge.told) == 1
    environment.steps.update(state="running")  # the worker died after the dispatch
    environment = worked(environment, rounds=2)
    assert environment.state == "provisioning" and len(forge.told) == 1
    forge.runs[0] |= {"status": "completed", "conclusion": "success"}
    assert worked(environment).state == "ready" and len(forge.told) == 1


def test_a_run_that_fails_is_started_anew_and_the_old_one_is_not_taken_for_it(forge):
    forge.ends[:] = ["failure", "cancelled"]
    environment = worked(asked())
    assert environment.state == "ready" and len(forge.told) == 3
    assert len({each["inputs"]["key"] for _, each in forge.told}) == 1


def test_a_verification_that_fails_leaves_it_there(forge):
    environment = worked(asked(tries=2))
    forge.ends[:] = ["success", *["failure"] * 20]
    environment_teardown(environment, by=SETUP)
    environment = worked(environment, rounds=6)
    assert environment.state == "teardown_failed" and "ended with failure" in environment.last_error
