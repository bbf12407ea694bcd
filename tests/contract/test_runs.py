"""Runs as the GitHub Action, the agent and Ocean ask for them, report on them and fetch them."""

from threading import Barrier, Thread

import pytest
from django.db import connection

from portal.accounts.commands import credential_create
from portal.actions.models import Run
from tests.conftest import SETUP, V1, events
from tests.contract.actions import AUTOMATION, SCAFFOLD, begun, changed

# Runs


def test_the_github_action_creates_a_run_with_inputs_nobody_declared(scaffold, terraform):
    answer = terraform.post("actions/scaffold/runs", {"properties": {"text": "test", "number": 1, "boolean": True}})
    run = answer.json["run"]
    assert (answer.status, run["status"], run["source"]) == (202, "IN_PROGRESS", "API")
    assert run["id"].startswith("r_") and len(run["id"]) == 18
    assert run["properties"] == run["rawProperties"] == {"text": "test", "number": 1, "boolean": True}
    assert run["requiredApproval"] is False and "endedAt" not in run
    assert terraform.get(f"actions/runs/{run['id']}", version="v2").json["run"] == run
    assert events("run") == ["run.created"]


def test_a_run_for_an_entity_says_which(lock, terraform):
    answer = terraform.post(
        "actions/lock_service/runs", {"entity": "checkout", "properties": {"reason": "release", "near": ["search"]}}
    )
    run = answer.json["run"]
    assert run["entity"] == {"identifier": "checkout", "title": "Checkout", "icon": None}
    assert run["blueprint"]["identifier"] == "service"
    assert run["rawProperties"] == {"reason": "release", "near": ["search"]}
    assert run["properties"] == run["rawProperties"] | {"level": "hard"}  # a plain default; jq says the other later


WRONG_RUNS = [
    ({}, 422, "body"),
    ({"properties": [], "entity": "checkout"}, 422, "properties"),
    ({"properties": {"reason": "release"}}, 422, "entity"),
    ({"properties": {"reason": "release"}, "entity": "nothing"}, 404, None),
    ({"properties": {"reason": "release"}, "entity": "search"}, 422, "entity"),
    ({"properties": {}, "entity": "checkout"}, 422, "properties"),
    ({"properties": {"reason": None}, "entity": "checkout"}, 422, "properties"),
    ({"properties": {"reason": 1}, "entity": "checkout"}, 422, "properties.reason"),
    ({"properties": {"reason": "no"}, "entity": "checkout"}, 422, "properties.reason"),
    ({"properties": {"reason": "yes", "level": "firm"}, "entity": "checkout"}, 422, "properties.level"),
    ({"properties": {"reason": "yes", "until": "soon"}, "entity": "checkout"}, 422, "properties.until"),
    ({"properties": {"reason": "yes", "near": "search"}, "entity": "checkout"}, 422, "properties.near"),
    ({"properties": {"reason": "yes", "near": ["x"]}, "entity": "checkout"}, 422, "properties.near.0"),
    ({"properties": {"reason": "yes"}, "entity": "checkout", "more": 1}, 422, "body"),
]


def test_a_wrong_run_is_refused_and_leaves_nothing(lock, terraform):
    for body, status, path in WRONG_RUNS:
        answer = terraform.post("actions/lock_service/runs", body)
        assert answer.status == status, (body, answer.json)
        assert not path or answer.json["details"]["errors"][0]["path"] == path, (body, answer.json)
    assert not Run.objects.exists() and events("run") == []


def test_what_cannot_be_run_is_refused(shop, terraform):
    terraform.post("actions", AUTOMATION)
    terraform.post("actions", SCAFFOLD | {"publish": False})
    for action in ("on_expiry", "scaffold"):
        assert terraform.post(f"actions/{action}/runs", {"properties": {}}).status == 422
    assert terraform.post("actions/nothing/runs", {"properties": {}}).status == 404
    assert not Run.objects.exists()


def test_a_secret_input_is_not_kept(shop, terraform):
    inputs = {"properties": {"token": {"type": "string", "encryption": "aes256-gcm"}}}
    terraform.post("actions", changed(SCAFFOLD, "trigger.userInputs", inputs))
    answer = terraform.post("actions/scaffold/runs", {"properties": {"token": "hunter2"}})
    assert answer.status == 422 and answer.json["details"]["errors"][0]["path"] == "properties.token"
    assert "hunter2" not in str(answer.json) and not Run.objects.exists()


def test_the_github_action_patches_a_run_until_it_ends(scaffold, terraform, ci):
    run = begun(terraform)
    line = ci.post(f"actions/runs/{run}/logs", {"message": "hello"})
    assert line.status == 201
    assert (line.json["runLog"]["message"], line.json["runLog"]["runId"]) == ("hello", run)
    body = {
        "link": ["https://ci/1", "https://ci/2"],
        "summary": "On it",
        "externalRunId": "gh-7",
        "statusLabel": "Half way",
    }
    told = ci.send("patch", f"actions/runs/{run}?runId={run}", body).json["run"]
    assert {name: told[name] for name in body} == body and told["status"] == "IN_PROGRESS"
    ended = ci.send("patch", f"actions/runs/{run}?runId={run}", {"status": "SUCCESS", "link": "https://ci/3"})
    assert ended.status == 200
    assert (ended.json["run"]["status"], ended.json["run"]["link"]) == ("SUCCESS", "https://ci/3")
    assert ended.json["run"]["endedAt"] and ended.json["run"]["updatedBy"] == "CI"
    assert events("run") == ["run.created", "run.updated", "run.ended"]


def test_a_run_that_has_ended_takes_no_more_changes(scaffold, terraform):
    run = begun(terraform)
    terraform.send("patch", f"actions/runs/{run}", {"status": "SUCCESS"})
    before = terraform.get(f"actions/runs/{run}").json
    for body in ({"status": "FAILURE"}, {"status": "SUCCESS"}, {"statusLabel": "?"}, {"summary": "?"}):
        answer = terraform.send("patch", f"actions/runs/{run}", body)
        assert (answer.status, answer.json["error"]) == (422, "run_ended")
    assert terraform.get(f"actions/runs/{run}").json == before
    assert events("run") == ["run.created", "run.ended"]


WRONG_REPORTS = [
    ({"status": "DONE"}, "status"),
    ({"status": "IN_PROGRESS"}, "status"),
    ({"link": {"a": 1}}, "link"),
    ({"link": [1]}, "link.0"),
    ({"summary": 1}, "summary"),
    ({"externalRunId": "x" * 501}, "externalRunId"),
    ({"colour": "red"}, "body"),
]


def test_a_wrong_report_is_refused_with_its_path(scaffold, terraform):
    run = begun(terraform)
    for body, path in WRONG_REPORTS:
        answer = terraform.send("patch", f"actions/runs/{run}", body)
        assert answer.status == 422 and answer.json["details"]["errors"][0]["path"] == path, (body, answer.json)
    assert events("run") == ["run.created"]


def test_the_log_is_read_in_pages_and_ends_the_run_once(scaffold, terraform):
    run = begun(terraform)
    for number in range(3):
        terraform.post(f"actions/runs/{run}/logs", {"message": f"line {number}"})
    last = {"message": "bye", "terminationStatus": "FAILURE", "statusLabel": "Out of disk"}
    assert terraform.post(f"actions/runs/{run}/logs", last).status == 201
    assert terraform.post(f"actions/runs/{run}/logs", last).status == 422
    assert terraform.post(f"actions/runs/{run}/logs", {"message": "one more"}).status == 201
    read = terraform.get(f"actions/runs/{run}/logs").json["runLogs"]
    assert [each["message"] for each in read] == ["line 0", "line 1", "line 2", "bye", "one more"]
    page = terraform.get(f"actions/runs/{run}/logs", limit="2", offset="1").json["runLogs"]
    assert [each["message"] for each in page] == ["line 1", "line 2"]
    assert terraform.get(f"actions/runs/{run}/logs", limit="51").status == 422
    assert terraform.post(f"actions/runs/{run}/logs", {"text": "hm"}).status == 422
    told = terraform.get(f"actions/runs/{run}").json["run"]
    assert (told["status"], told["statusLabel"]) == ("FAILURE", "Out of disk")
    assert events("run") == ["run.created", "run.ended"]


def test_a_run_that_is_not_there_is_not_found(terraform):
    for answer in (
        terraform.get("actions/runs/r_nothing"),
        terraform.send("patch", "actions/runs/r_nothing", {"status": "SUCCESS"}),
        terraform.post("actions/runs/r_nothing/logs", {"message": "x"}),
        terraform.get("actions/runs/r_nothing/logs"),
        terraform.send("patch", "actions/runs/r_nothing/approval", {"status": "APPROVE"}),
    ):
        assert (answer.status, answer.json["error"]) == (404, "not_found")


@pytest.mark.django_db(transaction=True)
def test_of_two_reports_at_once_one_ends_the_run_and_the_other_is_refused(scaffold, terraform):
    run = begun(terraform)
    start, answers = Barrier(2), {}

    def report(status: str) -> None:
        start.wait()
        answers[status] = V1(terraform.token).send("patch", f"actions/runs/{run}", {"status": status}).status
        connection.close()

    threads = [Thread(target=report, args=(status,)) for status in ("SUCCESS", "FAILURE")]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(answers.values()) == [200, 422]
    winner = next(status for status, code in answers.items() if code == 200)
    assert terraform.get(f"actions/runs/{run}").json["run"]["status"] == winner
    assert events("run") == ["run.created", "run.ended"]


def test_the_list_of_runs_is_filtered(lock, scaffold, terraform):
    one = begun(terraform)
    two = begun(terraform, "lock_service", entity="checkout", properties={"reason": "release"})
    terraform.send("patch", f"actions/runs/{one}", {"status": "SUCCESS", "externalRunId": "gh-1"})

    def ids(**params):
        return [each["id"] for each in terraform.get("actions/runs", **params).json["runs"]]

    assert ids() == ids(source="API", version="v1") == [two, one]
    assert ids(active="true") == [two]
    assert ids(active="false") == [one]
    assert ids(entity="checkout", blueprint="service") == [two]
    assert ids(action="scaffold") == ids(external_run_id="gh-1") == [one]
    assert ids(limit="1") == [two]
    assert ids(user_email="alice@example.org") == ids(source="UI") == []
    assert "properties" not in terraform.get("actions/runs", exclude="properties").json["runs"][0]
    for wrong in ({"limit": "0"}, {"limit": "1001"}, {"source": "MAIL"}):
        assert terraform.get("actions/runs", **wrong).status == 422


def test_what_is_written_in_the_name_of_a_run_shows_in_the_audit_log(lock, scaffold, terraform):
    run = begun(terraform)
    terraform.post(
        f"blueprints/service/entities?upsert=true&merge=true&run_id={run}", {"identifier": "search", "title": "Find"}
    )
    told = terraform.get("audit-log", resources="entity", run_id=run, includes="context").json["audits"]
    assert [each["context"]["entity"] for each in told] == ["search"]


# Approval


@pytest.fixture
def gated(terraform: V1) -> str:
    terraform.post("actions", SCAFFOLD | {"requiredApproval": True})
    return begun(terraform)


def test_a_run_waits_for_approval_and_cannot_succeed_before(gated, terraform):
    assert terraform.get(f"actions/runs/{gated}").json["run"]["status"] == "WAITING_FOR_APPROVAL"
    assert terraform.send("patch", f"actions/runs/{gated}", {"status": "SUCCESS"}).status == 422
    answer = terraform.send("patch", f"actions/runs/{gated}/approval", {"status": "APPROVE", "description": "go"})
    assert answer.status == 201
    assert answer.json["run"]["status"] == "IN_PROGRESS"
    assert answer.json["run"]["approval"]["state"] == "APPROVED"
    assert terraform.send("patch", f"actions/runs/{gated}/approval", {"status": "DECLINE"}).status == 422
    assert events("run") == ["run.created", "run.approved"]


def test_one_who_declines_ends_the_run(gated, terraform):
    answer = terraform.send("patch", f"actions/runs/{gated}/approval", {"status": "DECLINE"})
    assert answer.json["run"]["status"] == "DECLINED" and answer.json["run"]["endedAt"]
    assert terraform.send("patch", f"actions/runs/{gated}", {"status": "SUCCESS"}).status == 422
    told = terraform.get(f"actions/runs/{gated}/approvers", include_pending_approvers="true").json["approvers"]
    assert [each["state"] for each in told] == ["DECLINED"]


def test_a_run_that_waits_may_be_withdrawn(gated, terraform):
    assert terraform.send("patch", f"actions/runs/{gated}", {"status": "FAILURE"}).status == 200
    assert events("run") == ["run.created", "run.ended"]


def test_a_token_that_only_reports_approves_nothing(gated, ci):
    assert ci.send("patch", f"actions/runs/{gated}/approval", {"status": "APPROVE"}).status == 403
    assert Run.objects.get().status == "WAITING_FOR_APPROVAL" and events("run") == ["run.created"]


# Programs that do the work


WEBHOOK = SCAFFOLD["invocationMethod"] | {"agent": True, "synchronized": True}


@pytest.fixture
def agent(db: None) -> V1:
    _, token = credential_create("Agent", kind="ci", scopes=["catalog:read", "catalog:write", "report"], by=SETUP)
    return V1(token)


def test_the_agent_fetches_a_run_once_calls_and_reports(terraform, agent):
    terraform.post("actions", SCAFFOLD | {"invocationMethod": WEBHOOK})
    run = begun(terraform, properties={"name": "cart"})
    ask = {"installationId": "_PORT_EXEC_AGENT", "limit": 100, "invocationMethod": "WEBHOOK"}
    claimed = agent.post("actions/runs/claim-pending", ask).json["runs"]
    assert [each["id"] for each in claimed] == [run]
    payload = claimed[0]["payload"]
    assert (payload["url"], payload["method"], payload["agent"]) == ("https://example.com", "POST", True)
    assert payload["body"]["inputs"] == {"name": "cart"} and payload["body"]["run"] == {"id": run}
    assert agent.post("actions/runs/claim-pending", ask).json["runs"] == []
    assert agent.send("patch", "actions/runs/ack", {"runIds": [run]}).json["ackedCount"] == 1
    assert agent.send("patch", "actions/runs/ack", {"runIds": [run]}).json["ackedCount"] == 0
    assert agent.send("patch", f"actions/runs/{run}/response", {"response": {"code": 1}}).status == 200
    assert agent.send("patch", f"actions/runs/{run}", {"status": "SUCCESS"}).status == 200
    assert terraform.get(f"actions/runs/{run}").json["run"]["response"] == {"code": 1}
    assert agent.post("workflows/runs/claim-pending", ask).json["nodeRuns"] == []


def test_what_was_claimed_and_not_acknowledged_is_offered_again(terraform, agent):
    terraform.post("actions", SCAFFOLD | {"invocationMethod": WEBHOOK})
    run = begun(terraform)
    ask = {"installationId": "_PORT_EXEC_AGENT", "limit": 1}
    assert agent.post("actions/runs/claim-pending", ask).json["runs"]
    Run.objects.update(claimed_until="2020-01-01T00:00:00Z")
    assert [each["id"] for each in agent.post("actions/runs/claim-pending", ask).json["runs"]] == [run]


def test_an_integration_fetches_what_is_addressed_to_it(terraform, agent):
    method = {
        "type": "INTEGRATION_ACTION",
        "installationId": "github-1",
        "integrationActionType": "dispatch_workflow",
        "integrationActionExecutionProperties": {"org": "acme", "workflow": "x.yml"},
    }
    terraform.post("actions", SCAFFOLD | {"invocationMethod": method})
    run = begun(terraform)
    assert agent.post("actions/runs/claim-pending", {"installationId": "other", "limit": 5}).json["runs"] == []
    claimed = agent.post("actions/runs/claim-pending", {"installationId": "github-1", "limit": 5}).json["runs"]
    assert claimed[0]["payload"] == method
    assert agent.send("patch", "actions/runs/ack", {"runId": run}).status == 200
    assert agent.send("patch", "actions/runs/ack", {"runId": run}).status == 409
    assert agent.send("patch", "actions/runs/ack", {"runId": "r_no"}).status == 404


def test_what_holds_a_template_or_waits_is_not_handed_out(terraform, agent, ci):
    terraform.post("actions", SCAFFOLD | {"invocationMethod": WEBHOOK | {"body": {"who": "{{ .trigger.by }}"}}})
    begun(terraform)
    terraform.send("put", "actions/scaffold", SCAFFOLD | {"invocationMethod": WEBHOOK, "requiredApproval": True})
    begun(terraform)
    ask = {"installationId": "_PORT_EXEC_AGENT", "limit": 100}
    assert agent.post("actions/runs/claim-pending", ask).json["runs"] == []
    assert ci.post("actions/runs/claim-pending", ask).status == 403
    assert agent.post("actions/runs/claim-pending", ask | {"limit": 0}).status == 422


# People


def test_a_program_runs_in_somebodys_name_only_with_the_right_to(scaffold, terraform, agent, charlie):
    answer = terraform.post("actions/scaffold/runs?run_as=charlie@example.org", {"properties": {}})
    assert (answer.json["run"]["createdBy"], answer.json["run"]["impersonatedBy"]) == ("Charlie", "Terraform")
    assert [each["id"] for each in terraform.get("actions/runs", user_email="Charlie@example.org").json["runs"]]
    terraform.send("patch", "actions/scaffold/permissions", {"execute": {"roles": ["Admin"]}})
    assert terraform.post("actions/scaffold/runs?run_as=charlie@example.org", {"properties": {}}).status == 403
    assert agent.post("actions/scaffold/runs?run_as=charlie@example.org", {"properties": {}}).status == 403
    assert terraform.post("actions/scaffold/runs?run_as=nobody@example.org", {"properties": {}}).status == 404
    assert Run.objects.count() == 1
