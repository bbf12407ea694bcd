"""Actions whose work a workflow at GitHub does: started once, whatever GitHub answers, and followed to its end."""

import json
import threading

import pytest
from django.utils import timezone

from portal.actions.commands import action_create, run_asks, run_asks_later, run_create, run_decide
from portal.actions.models import Run
from portal.audit.models import Delivery, Event, Pause
from portal.audit.outbox import deliver_due
from tests.conftest import SETUP, write
from tests.github.conftest import PEM, GitHub, Handler

pytestmark = pytest.mark.django_db

REPO = "/repos/larder/checkout"
DISPATCH = f"{REPO}/actions/workflows/deploy.yml/dispatches"
PAGE = "https://github.com/larder/checkout/actions/runs/"
METHOD = {
    "type": "GITHUB",
    "org": "larder",
    "repo": "checkout",
    "workflow": "deploy.yml",
    "workflowInputs": {
        "{{ spreadValue() }}": "{{ .inputs }}",
        "ref": "release",
        "dry": False,
        "port_context": {"runId": "{{ .run.id }}"},
        "left": "{{ .inputs.nothing }}",
    },
}
SAYS_NOTHING = (204, None)


class Actions(Handler):
    """A dispatch begins a run, and is answered with its details, or with the next of `answers`: "lost" is no answer."""

    wbufsize = -1

    def do_GET(self):
        path = self.path.partition("?")[0]
        if not path.startswith(f"{REPO}/actions/"):
            return super().do_GET()
        if self.server.answers and (answer := self.server.answers.pop(0)):
            return self.say(*answer)
        assert self.server.tokens[self.word][1]["permissions"] == {"actions": "read"}
        if path.endswith("/runs"):
            return self.say(200, {"total_count": len(self.server.runs), "workflow_runs": self.server.runs})
        number = int(path.rpartition("/")[2])
        found = [each for each in self.server.runs if each["id"] == number]
        return self.say(200, found[0]) if found else self.say(404, {"message": "Not Found"})

    def do_POST(self):
        if not self.path.endswith("/dispatches"):
            return super().do_POST()
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert self.server.tokens[self.word][1]["permissions"] == {"actions": "write"}
        self.server.told.append((self.path, body))
        answer, begins = self.server.answers.pop(0) if self.server.answers else (None, True)
        if begins:
            self.server.begin(begins if isinstance(begins, str) else "Deploy")
        if answer == "lost":
            self.close_connection = True
            return None
        number = self.server.runs[0]["id"] if begins else 0
        details = {"workflow_run_id": number, "run_url": "https://api.github.com/x", "html_url": f"{PAGE}{number}"}
        return self.say(*(answer or (200, details)))


class Server(GitHub):
    def __init__(self):
        super().__init__()
        self.RequestHandlerClass, self.runs = Actions, []

    def begin(self, title, who="Bot"):
        number = 9_000_000_001 + len(self.runs)
        run = {"id": number, "display_title": title, "status": "queued", "conclusion": None}
        run |= {"event": "workflow_dispatch", "head_branch": "release", "html_url": f"{PAGE}{number}"}
        run |= {"created_at": timezone.now().isoformat(), "triggering_actor": {"login": "x", "type": who}}
        self.runs.insert(0, run)

    def now(self, status, conclusion=None):
        self.runs[0] |= {"status": status, "conclusion": conclusion}


@pytest.fixture
def forge(settings):
    with Server() as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        settings.GITHUB_API_URL, settings.GITHUB_APP_ID, settings.GITHUB_PRIVATE_KEY = server.url, "1234", PEM
        settings.GITHUB_WORKFLOWS = ["acme/x", "Larder/*"]
        yield server
        server.shutdown()


def deploy(**more):
    trigger = {"type": "self-service", "operation": "CREATE", "userInputs": {"properties": {"why": {"type": "string"}}}}
    body = {"identifier": "deploy", "trigger": trigger, "invocationMethod": METHOD | more.pop("method", {})}
    return action_create(body | more, by=SETUP)


def asked(**more):
    return run_create(deploy(**more), {"why": "it is due"}, by=SETUP)


def work(run, rounds=1, ago=None):
    for _ in range(rounds):
        if ago:
            Run.objects.filter(pk=run.pk).update(job=Run.objects.get(pk=run.pk).job | {"asked": ago})
        Pause.objects.all().delete()
        Delivery.objects.filter(state="pending").update(due_at=timezone.now())
        deliver_due()
    run.refresh_from_db()
    return run


def delivery():
    return Delivery.objects.get(subscriber="runs.github")


def test_a_workflow_is_started_once_and_its_end_is_the_runs(forge):
    run = work(asked())
    ((path, body),) = forge.told
    assert path == DISPATCH and body == {
        "ref": "release",
        "inputs": {"why": "it is due", "dry": "false", "port_context": json.dumps({"runId": run.public_id})},
        "return_run_details": True,
    }
    assert (run.status, run.link, run.external_id) == ("IN_PROGRESS", f"{PAGE}9000000001", "9000000001")
    forge.now("in_progress")
    assert work(run).status_label == "in progress" and run.status == "IN_PROGRESS"
    forge.now("completed", "success")
    assert work(run).status == "SUCCESS" and run.status_label == "success"
    assert [each.message for each in run.logs.order_by("id")] == [
        "GitHub has begun 9000000001.",
        "It has ended: success.",
    ]
    assert len(forge.told) == 1 and delivery().state == "done"
    names = Event.objects.filter(noun="run").order_by("id").values_list("name", flat=True)
    assert list(names) == ["run.created", "run.updated", "run.updated", "run.ended"]


def test_a_workflow_that_fails_fails_the_run_and_one_that_reports_by_itself_is_not_followed(forge):
    run = work(asked())
    forge.now("completed", "timed_out")
    assert work(run).status == "FAILURE" and run.summary == "The job ended: timed out."
    own = work(asked(identifier="own", method={"reportWorkflowStatus": False}))
    forge.now("completed", "failure")
    assert work(own).status == "IN_PROGRESS" and own.link
    assert not Delivery.objects.exclude(state="done").exists()


def test_an_automation_and_a_run_that_is_approved_start_theirs_too(forge, page, alice):
    event = {"type": "ENTITY_CREATED", "blueprintIdentifier": "service"}
    inputs = {"service": "{{ .event.context.entityIdentifier }}"}
    deploy(trigger={"type": "automation", "event": event}, method={"workflowInputs": inputs})
    waits = asked(identifier="waits", requiredApproval=True)
    write("service", "search")
    deliver_due()
    assert [(body["ref"], body["inputs"]) for _, body in forge.told] == [("main", {"service": "search"})]
    run_decide(waits, {"status": "APPROVE"}, by=page(alice))
    assert work(waits).link and len(forge.told) == 2


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ((404, {"message": "Not Found"}), "has no workflow deploy.yml"),
        ((403, {"message": "Resource not accessible by integration"}), "needs Actions: read and write on larder"),
        ((401, {"message": "Bad credentials"}), "Bad credentials"),
        ((422, {"message": 'Unexpected inputs provided: ["why"]'}), 'Unexpected inputs provided: ["why"]'),
        ((307, {"message": "Moved Permanently"}), "Moved"),
    ],
)
def test_what_github_refuses_is_the_runs_failure_and_no_second_attempt(forge, answer, says):
    forge.answers = [(answer, False)]
    run = work(asked(), rounds=2)
    assert run.status == "FAILURE" and says in run.summary and f"{answer[0]}" in run.summary
    assert len(forge.told) == 1 and delivery().state == "done"


def test_what_no_name_is_and_what_nobody_named_is_never_asked(forge, settings):
    for n, (method, says) in enumerate(
        [
            ({"repo": "{{ .inputs.why }}"}, "no name that GitHub has"),
            ({"workflow": ".."}, "no name that GitHub has"),
            ({"workflowInputs": {"ref": "a b"}}, "no branch or tag"),
            ({"org": "{{ .trigger.origin }}"}, "does not name API/checkout"),
        ]
    ):
        run = work(asked(identifier=f"a{n}", method=method))
        assert run.status == "FAILURE" and says in run.summary, run.summary
    assert not forge.told and not forge.asked


def test_who_has_no_app_is_told_which_setting_is_missing_before_and_after(client, bob, ci, settings):
    settings.GITHUB_APP_ID = settings.GITHUB_PRIVATE_KEY = ""
    settings.GITHUB_WORKFLOWS = ["larder/*"]
    says = "PORTCULLIS_GITHUB_APP_ID and PORTCULLIS_GITHUB_PRIVATE_KEY are not set"
    action = deploy()
    client.force_login(bob)
    assert says in client.get("/actions/deploy").content.decode()
    assert "not set up" in client.get("/actions/").content.decode()
    assert client.post("/actions/deploy/run", {"p-why": "x"}).status_code == 303 and not Run.objects.exists()
    run = work(run_create(action, {}, by=SETUP))
    assert run.status == "FAILURE" and says in run.summary
    settings.GITHUB_APP_ID = settings.GITHUB_PRIVATE_KEY = "x"
    assert 'href="/actions/deploy/run"' in client.get("/actions/deploy").content.decode()
    settings.GITHUB_WORKFLOWS = ["acme/*"]
    assert "does not name larder/checkout" in client.get("/actions/deploy").content.decode()


def test_github_says_when_it_takes_more_and_is_asked_then(forge):
    limit = {"message": "You have exceeded a secondary rate limit"}
    forge.answers = [((429, {"message": "Slow down"}, [("Retry-After", "77")]), False), ((403, limit), False)]
    run = work(asked())
    wait = (delivery().due_at - timezone.now()).total_seconds()
    assert 70 < wait < 78 and Pause.objects.get().subscriber == "runs.github"
    assert run.status == "IN_PROGRESS" and "429: Slow down. It is called again" in run.logs.get().message
    work(run, rounds=2)
    forge.now("completed", "success")
    assert work(run).status == "SUCCESS" and len(forge.told) == 3
    Event.objects.update(at="2020-01-01T00:00:00Z")
    late = asked(identifier="late")
    Event.objects.update(at="2020-01-01T00:00:00Z")
    forge.answers = [((429, limit), False)]
    assert work(late).status == "FAILURE"


@pytest.mark.parametrize("answer", ["lost", (502, {"message": "Server Error"})])
def test_without_a_clear_answer_it_is_looked_for_and_not_started_again(forge, answer):
    forge.begin("Deploy", who="User")
    forge.answers = [(answer, True)]
    run = work(asked(), rounds=2)
    assert run.external_id == "9000000002" and len(forge.told) == 1
    forge.now("completed", "success")
    assert work(run).status == "SUCCESS"


def test_a_503_behind_which_nothing_began_is_asked_again(forge):
    forge.answers = [((503, {"message": "Down"}, [("Retry-After", "30")]), False)]
    run = work(asked())
    assert 25 < (delivery().due_at - timezone.now()).total_seconds() <= 30
    assert len(forge.told) == 1 and work(run).external_id == "9000000001" and len(forge.told) == 2


def test_what_is_not_found_after_no_answer_fails_and_says_that_nobody_knows(forge):
    forge.answers = [("lost", False)]
    run = work(asked(), rounds=2)
    assert run.status == "IN_PROGRESS"
    work(run, ago="2020-01-01T00:00:00+00:00")
    assert run.status == "FAILURE" and "may have begun all the same" in run.summary and len(forge.told) == 1


def test_a_worker_that_died_while_it_asked_leaves_a_mark_that_is_never_asked_past(forge):
    run = asked()
    place = {"repository": "larder/checkout", "workflow": "deploy.yml", "ref": "release"}
    assert run_asks(run, place, True, by=SETUP) and not run_asks(run, place, True, by=SETUP)
    run_asks_later(run, "another's", by=SETUP)
    work(run)
    forge.begin("Deploy")
    assert work(run).external_id == "9000000001" and not forge.told


def test_of_two_that_could_be_it_the_one_that_carries_its_id_is_taken(forge):
    """As servers are that do not say yet which run has begun, and refuse the question."""
    refusal = ((422, {"message": 'Invalid request. "return_run_details" is not a permitted key.'}), False)
    first, second = asked(), asked(identifier="again")
    forge.answers = [refusal, (SAYS_NOTHING, "Deploy"), refusal, (SAYS_NOTHING, f"Deploy {second.public_id}")]
    work(first), work(second, rounds=2)
    assert (work(first).external_id, work(second).external_id) == ("9000000001", "9000000002")
    assert [body.get("return_run_details") for _, body in forge.told] == [True, None, True, None]


def test_one_of_two_that_nothing_tells_apart_goes_on_unwatched(forge):
    forge.answers = [(SAYS_NOTHING, True)]
    run = asked()
    forge.begin("Deploy")
    work(run, rounds=2)
    assert not run.external_id
    work(run, ago=timezone.now().replace(year=2025).isoformat())
    assert run.status == "IN_PROGRESS" and "was not found" in run.logs.last().message
    assert delivery().state == "done" and len(forge.told) == 1


def test_while_github_is_down_the_run_waits_and_a_run_that_is_gone_there_is_let_go(forge):
    run = work(asked())
    forge.answers = [(503, {"message": "Down"})]
    assert work(run).status == "IN_PROGRESS" and delivery().state == "pending" and not forge.answers
    forge.runs.clear()
    work(run)
    assert run.status == "IN_PROGRESS" and "cannot be followed" in run.logs.last().message
    assert delivery().state == "done"
