"""Actions whose work a pipeline at GitLab does, begun with the trigger token of its project."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl

import pytest
from django.utils import timezone

from portal.accounts.organization import secret_create
from portal.actions.commands import action_create, run_create
from portal.actions.models import Run
from portal.audit.models import Delivery, Pause
from portal.audit.outbox import deliver_due
from tests.conftest import SETUP

pytestmark = pytest.mark.django_db

PROJECT = "/api/v4/projects/larder%2Fshop%2Fcheckout"
METHOD = {
    "type": "GITLAB",
    "groupName": "larder/shop",
    "projectName": "checkout",
    "defaultRef": "release",
    "pipelineVariables": {"WHY": "{{ .inputs.why }}", "PORT": {"runId": "{{ .run.id }}"}},
}


class GitLab(BaseHTTPRequestHandler):
    """Answers a trigger with its pipeline, or with the next of `answers`: "lost" begins one and says nothing."""

    wbufsize = -1

    def do_POST(self):
        form = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
        self.server.told.append((self.path, form))
        answer = self.server.answers.pop(0) if self.server.answers else None
        if answer not in (None, "lost"):
            return self.say(*answer)
        if form["token"] != "glptt-1":
            return self.say(404, {"message": "404 Not Found"})
        number = 700 + len(self.server.pipelines)
        page = f"https://gitlab.com/larder/shop/checkout/-/pipelines/{number}"
        made = {"id": number, "iid": 1, "status": "created", "source": "trigger", "ref": form["ref"], "web_url": page}
        self.server.pipelines.insert(0, made | {"created_at": timezone.now().isoformat()})
        if answer == "lost":
            self.close_connection = True
            return None
        return self.say(201, self.server.pipelines[0])

    def do_GET(self):
        if self.headers["PRIVATE-TOKEN"] != "glpat-1":
            return self.say(401, {"message": "401 Unauthorized"})
        path = self.path.partition("?")[0].removeprefix(f"{PROJECT}/pipelines")
        return self.say(200, self.server.pipelines[0] if path else self.server.pipelines)

    def say(self, status, body, headers=()):
        raw = json.dumps(body).encode()
        self.send_response(status)
        for name, value in (*headers, ("Content-Length", str(len(raw)))):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_):
        pass


@pytest.fixture
def gitlab(settings, at_home):
    with ThreadingHTTPServer(("127.0.0.1", 0), GitLab) as server:
        server.daemon_threads, server.told, server.answers, server.pipelines = True, [], [], []
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        settings.GITLAB_URL = f"http://127.0.0.1:{server.server_address[1]}"
        yield server
        server.shutdown()


def asked(identifier="deploy", **method):
    trigger = {"type": "self-service", "operation": "CREATE", "userInputs": {"properties": {"why": {"type": "string"}}}}
    action = action_create(
        {"identifier": identifier, "trigger": trigger, "invocationMethod": METHOD | method}, by=SETUP
    )
    return run_create(action, {"why": "a&b"}, by=SETUP)


def work(run, rounds=1):
    for _ in range(rounds):
        Pause.objects.all().delete()
        Delivery.objects.filter(state="pending").update(due_at=timezone.now())
        deliver_due()
    run.refresh_from_db()
    return run


def token(value="glptt-1"):
    secret_create("gitlab_larder_shop_checkout", value, by=SETUP)


def reads():
    secret_create("gitlab_read", "glpat-1", by=SETUP)


def test_a_pipeline_is_begun_once_and_followed_where_a_secret_reads_it(gitlab):
    token()
    unseen = work(asked("unseen"), rounds=2)
    page = "https://gitlab.com/larder/shop/checkout/-/pipelines/700"
    assert (unseen.status, unseen.link, unseen.external_id) == ("IN_PROGRESS", page, "700")
    assert Delivery.objects.get().state == "done"
    reads()
    run = work(asked())
    form = {"token": "glptt-1", "ref": "release", "variables[WHY]": "a&b"}
    form |= {"variables[PORT]": json.dumps({"runId": run.public_id})}
    assert gitlab.told[1:] == [(f"{PROJECT}/trigger/pipeline", form)]
    for status, now in [("manual", "IN_PROGRESS"), ("waiting_for_resource", "IN_PROGRESS"), ("failed", "FAILURE")]:
        gitlab.pipelines[0]["status"] = status
        assert work(run).status == now and run.status_label == status.replace("_", " ")
    assert "glptt" not in str([each.message for each in run.logs.all()])


def test_without_the_secret_the_run_fails_and_its_page_says_so_beforehand(gitlab, client, bob):
    run = work(asked())
    client.force_login(bob)
    page = client.get("/actions/deploy").content.decode()
    assert run.status == "FAILURE" and "no secret gitlab_larder_shop_checkout" in run.summary
    assert "no secret gitlab_larder_shop_checkout" in page and 'href="/actions/deploy/run"' not in page
    assert not gitlab.told
    token()
    assert 'href="/actions/deploy/run"' in client.get("/actions/deploy").content.decode()


def test_what_gitlab_refuses_or_no_name_is_fails_the_run_with_its_words(gitlab):
    token("wrong")
    gitlab.answers = [(400, {"message": {"base": ["Reference not found"]}}), None]
    for n, (method, says) in enumerate(
        [
            ({}, '400: {"base": ["Reference not found"]}'),
            ({}, "trigger token right?"),
            ({"groupName": "{{ .inputs.why }}"}, "no name that GitLab has"),
            ({"pipelineVariables": {"A": "{{ .secrets.b }}"}}, "does not hand out"),
        ]
    ):
        run = work(asked(f"a{n}", **method))
        assert run.status == "FAILURE" and says in run.summary, run.summary
    assert len(gitlab.told) == 2


def test_only_what_certainly_began_nothing_is_asked_again(gitlab, settings):
    token()
    here, settings.GITLAB_URL = settings.GITLAB_URL, "http://127.0.0.1:9"
    away = work(asked("away"))
    settings.GITLAB_URL = here
    assert away.status == "IN_PROGRESS" and work(away).external_id == "700"
    Delivery.objects.all().delete()
    gitlab.told.clear(), gitlab.pipelines.clear()
    gitlab.answers = [(429, {"message": "Retry later"}, [("Retry-After", "40")]), (503, {}), None]
    run = work(asked())
    assert 35 < (Delivery.objects.get().due_at - timezone.now()).total_seconds() <= 40
    assert work(run, rounds=2).external_id == "700" and len(gitlab.told) == 3
    gitlab.answers = [(502, {"message": "Bad Gateway"})]
    blind = work(asked("blind"), rounds=2)
    assert blind.status == "FAILURE" and "is not asked a second time" in blind.summary
    reads()
    gitlab.answers = ["lost"]
    lost = work(asked("lost"), rounds=2)
    assert lost.external_id == "701" and len(gitlab.told) == 5
    gitlab.answers = [(502, {"message": "Bad Gateway"})]
    again = work(asked("again"), rounds=2)
    assert again.external_id == "702" and len(gitlab.told) == 7
    assert Run.objects.filter(status="IN_PROGRESS").count() == 4
