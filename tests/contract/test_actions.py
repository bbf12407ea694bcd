"""Actions and runs as the GitHub Action, Terraform, the agent and Ocean send them, and what they read of the answers."""

from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection

from portal.accounts.commands import credential_create
from portal.actions.models import Action, Run
from tests.conftest import SETUP, V1, events

LOCK = {
    "identifier": "lock_service",
    "title": "Lock a service",
    "icon": "Lock",
    "description": "Stops deployments",
    "trigger": {
        "type": "self-service",
        "operation": "DAY-2",
        "blueprintIdentifier": "service",
        "userInputs": {
            "properties": {
                "reason": {"type": "string", "title": "Reason", "minLength": 3},
                "until": {"type": "string", "format": "date-time"},
                "level": {"type": "string", "enum": ["soft", "hard"], "default": "hard"},
                "near": {"type": "array", "items": {"type": "string", "format": "entity", "blueprint": "service"}},
                "who": {"type": "string", "format": "user", "default": {"jqQuery": ".user.email"}},
            },
            "required": ["reason"],
            "order": ["reason", "until", "level", "near", "who"],
        },
        "condition": {
            "type": "SEARCH",
            "combinator": "and",
            "rules": [{"property": "$team", "operator": "containsAny", "value": ["payments"]}],
        },
        "actionCardButtonText": "Lock",
    },
    "invocationMethod": {
        "type": "GITHUB",
        "org": "acme",
        "repo": "ops",
        "workflow": "lock.yml",
        "workflowInputs": {"service": "{{ .entity.identifier }}", "spread": {"{{ spreadValue() }}": "{{ .inputs }}"}},
        "reportWorkflowStatus": True,
    },
    "requiredApproval": False,
    "publish": True,
}
SCAFFOLD = {
    "identifier": "scaffold",
    "title": "New service",
    "icon": "DefaultBlueprint",
    "trigger": {"operation": "DELETE", "type": "self-service", "userInputs": {"properties": {}}},
    "invocationMethod": {"type": "WEBHOOK", "url": "https://example.com"},
}
AUTOMATION = {
    "identifier": "on_expiry",
    "trigger": {
        "type": "automation",
        "event": {"type": "TIMER_PROPERTY_EXPIRED", "blueprintIdentifier": "service", "propertyIdentifier": "ttl"},
        "condition": {"type": "JQ", "expressions": [".diff.after != null"], "combinator": "and"},
    },
    "invocationMethod": {"type": "WEBHOOK", "url": "https://example.com", "method": "DELETE"},
    "publish": True,
}
META = {"id", "createdAt", "createdBy", "updatedAt", "updatedBy"}


def without_meta(action: Any) -> Any:
    assert action.keys() >= META
    return {name: value for name, value in action.items() if name not in META}


def changed(body: Any, path: str, value: Any) -> Any:
    """A copy with one place set; None takes it away."""
    head, _, rest = path.partition(".")
    if rest:
        return {**body, head: changed(body[head], rest, value)}
    return {k: v for k, v in {**body, head: value}.items() if v is not None or k != head}


@pytest.fixture
def lock(shop: Any, terraform: V1) -> Any:
    answer = terraform.post("actions", LOCK)
    assert answer.status == 201, answer.json
    return answer.json["action"]


@pytest.fixture
def scaffold(terraform: V1) -> Any:
    return terraform.post("actions", SCAFFOLD).json["action"]


def begun(client: V1, action: str = "scaffold", **body: Any) -> str:
    answer = client.post(f"actions/{action}/runs", {"properties": {}, **body})
    assert answer.status == 202, answer.json
    return str(answer.json["run"]["id"])


# Actions


@pytest.mark.parametrize("body", [LOCK, SCAFFOLD, AUTOMATION], ids=lambda each: each["identifier"])
def test_an_action_comes_back_as_it_was_sent(shop, terraform, body):
    made = terraform.post("actions", body)
    read = terraform.get(f"actions/{body['identifier']}")
    assert (made.status, read.status) == (201, 200)
    assert without_meta(made.json["action"]) == without_meta(read.json["action"]) == body
    assert events("action") == ["action.created"]


def test_inputs_come_back_in_the_order_in_which_they_were_sent(lock):
    assert list(lock["trigger"]["userInputs"]["properties"]) == ["reason", "until", "level", "near", "who"]


def test_terraform_replaces_an_action_and_renames_it(lock, terraform):
    moved = changed(LOCK, "identifier", "lock_it") | {"requiredApproval": {"type": "ALL"}, "title": None}
    answer = terraform.send("put", "actions/lock_service", moved)
    assert answer.status == 200
    assert "title" not in answer.json["action"] and answer.json["action"]["requiredApproval"] == {"type": "ALL"}
    assert terraform.get("actions/lock_service").status == 404
    assert terraform.send("put", "actions/lock_it", moved).status == 200
    assert events("action") == ["action.created", "action.updated"]


def test_an_action_that_was_deleted_is_gone_and_its_runs_stay(scaffold, terraform):
    run = begun(terraform)
    assert terraform.delete("actions/scaffold").json == {"ok": True}
    assert terraform.get("actions/scaffold").status == 404
    told = terraform.get(f"actions/runs/{run}").json["run"]
    assert told["action"] == {
        "identifier": "scaffold",
        "title": "New service",
        "icon": "DefaultBlueprint",
        "deleted": True,
    }
    assert [each["id"] for each in terraform.get("actions/runs", action="scaffold").json["runs"]] == [run]


def test_the_list_of_actions_is_filtered(shop, terraform):
    for body in (LOCK, SCAFFOLD | {"publish": False}, AUTOMATION):
        terraform.post("actions", body)

    def named(**params):
        return [each["identifier"] for each in terraform.get("actions", **params).json["actions"]]

    assert named() == ["lock_service", "on_expiry", "scaffold"]
    assert named(trigger_type="automation") == ["on_expiry"]
    assert named(operation="DAY-2") == ["lock_service"]
    assert named(blueprint_identifier="service") == ["lock_service", "on_expiry"]
    assert named(published="false") == ["scaffold"]
    terraform.send("put", "actions/scaffold", SCAFFOLD)
    assert named(published="true") == named()
    assert named(trigger_event="TIMER_PROPERTY_EXPIRED", published="true", version="v2") == ["on_expiry"]
    assert named(action_identifier="scaffold") == ["scaffold"]


REFUSED = [
    ("identifier", "with space", "identifier"),
    ("identifier", "a/b", "identifier"),
    ("identifier", "..", "identifier"),
    ("identifier", "runs", "identifier"),
    ("identifier", None, "body"),
    ("nonsense", 1, "body"),
    ("title", 7, "title"),
    ("publish", "yes", "publish"),
    ("requiredApproval", "yes", "requiredApproval"),
    ("requiredApproval", {"type": "MOST"}, "requiredApproval.type"),
    ("approvalNotification", {"type": "pigeon"}, "approvalNotification.type"),
    ("approvalNotification", {"type": "webhook"}, "approvalNotification"),
    ("trigger", None, "body"),
    ("trigger.type", "by hand", "trigger.type"),
    ("trigger.operation", "UPDATE", "trigger.operation"),
    ("trigger.operation", "CREATE", "trigger.condition"),
    ("trigger.blueprintIdentifier", None, "trigger.condition"),
    ("trigger.actionCardButtonText", "x" * 16, "trigger.actionCardButtonText"),
    ("trigger.actionCardButtonText", " Lock", "trigger.actionCardButtonText"),
    (
        "trigger.condition.rules",
        [{"property": "a", "operator": "like", "value": 1}],
        "trigger.condition.rules.0.operator",
    ),
    ("trigger.userInputs", None, "trigger"),
    ("trigger.userInputs.properties.reason", {"type": "text"}, "trigger.userInputs.properties.reason.type"),
    ("trigger.userInputs.properties.reason.format", "shoe", "trigger.userInputs.properties.reason.format"),
    ("trigger.userInputs.properties.reason.pattern", "[", "trigger.userInputs.properties.reason"),
    ("trigger.userInputs.properties.reason.dependsOn", ["x"], "trigger.userInputs.properties.reason.dependsOn"),
    ("trigger.userInputs.properties.level.default", "firm", "trigger.userInputs.properties.level.default"),
    ("trigger.userInputs.properties.level.visible", "no", "trigger.userInputs.properties.level.visible"),
    ("trigger.userInputs.properties.a b", {"type": "string"}, "trigger.userInputs.properties"),
    (
        "trigger.userInputs.properties.reason",
        {"type": "string", "format": "entity"},
        "trigger.userInputs.properties.reason.blueprint",
    ),
    (
        "trigger.userInputs.properties.reason",
        {"type": "object", "properties": {"a": {"$ref": "http://x"}}},
        "trigger.userInputs.properties.reason",
    ),
    ("trigger.userInputs.required", ["nothing"], "trigger.userInputs.required.0"),
    ("trigger.userInputs.order", ["nothing"], "trigger.userInputs.order.0"),
    ("trigger.userInputs.steps", [{"title": "One", "order": ["reason"]}], "trigger.userInputs"),
    ("trigger.userInputs.titles", {"t": {"title": ""}}, "trigger.userInputs.titles.t.title"),
    ("invocationMethod.type", "FAX", "invocationMethod.type"),
    ("invocationMethod.org", 1, "invocationMethod.org"),
    ("invocationMethod.repo", None, "invocationMethod"),
    ("invocationMethod.speed", 1, "invocationMethod"),
]


def test_a_wrong_definition_is_refused_with_the_path_of_the_fault(shop, terraform):
    for path, value, fault in REFUSED:
        answer = terraform.post("actions", changed(LOCK, path, value))
        assert (answer.status, answer.json["ok"]) == (422, False), (path, value, answer.json)
        assert fault in [each["path"] for each in answer.json["details"]["errors"]], (path, value, answer.json)
    assert not Action.objects.exists() and events("action") == []


def test_a_blueprint_that_is_not_there_is_not_found(shop, terraform):
    upsert = {"type": "UPSERT_ENTITY", "blueprintIdentifier": "nothing", "mapping": {}}
    for path, value in [
        ("trigger.blueprintIdentifier", "nothing"),
        ("trigger.userInputs.properties.near.items.blueprint", "nothing"),
        ("invocationMethod", upsert),
    ]:
        answer = terraform.post("actions", changed(LOCK, path, value))
        assert (answer.status, answer.json["error"]) == (404, "not_found")
        assert answer.json["details"]["errors"][0]["path"].startswith(path)
    assert not Action.objects.exists()


def test_an_automation_names_an_event_that_there_is(shop, terraform):
    answer = terraform.post("actions", changed(AUTOMATION, "trigger.event.type", "ENTITY_LOST"))
    assert answer.status == 422 and answer.json["details"]["errors"][0]["path"] == "trigger.event.type"
    answer = terraform.post("actions", changed(AUTOMATION, "trigger.event.propertyIdentifier", None))
    assert answer.status == 422 and answer.json["details"]["errors"][0]["path"] == "trigger.event"


def test_a_taken_identifier_is_a_conflict_and_changes_nothing(lock, terraform):
    answer = terraform.post("actions", LOCK | {"title": "Another"})
    assert (answer.status, answer.json["error"]) == (409, "identifier_taken")
    assert terraform.get("actions/lock_service").json["action"] == lock


def test_a_token_without_the_scope_reads_actions_and_writes_none(lock, ci):
    assert ci.get("actions/lock_service").status == 200
    assert ci.send("put", "actions/lock_service", LOCK | {"title": "Mine"}).status == 403
    assert ci.delete("actions/lock_service").status == 403
    assert ci.post("actions", SCAFFOLD).status == 403
    assert events("action") == ["action.created"]


def test_the_older_routes_below_a_blueprint_take_the_first_shape(shop, terraform):
    old = {
        "identifier": "restart",
        "title": "Restart",
        "trigger": "DAY-2",
        "userInputs": {"properties": {"why": {"type": "string"}}},
        "invocationMethod": {"type": "KAFKA"},
    }
    made = terraform.post("blueprints/service/actions", old)
    assert made.status == 201
    assert made.json["action"]["trigger"]["blueprintIdentifier"] == "service"
    assert [a["identifier"] for a in terraform.get("blueprints/service/actions").json["actions"]] == ["restart"]
    assert terraform.get("blueprints/environment/actions/restart").status == 404
    assert terraform.send("put", "blueprints/service/actions/restart", old | {"title": "Again"}).status == 200
    run = terraform.post("blueprints/service/entities/checkout/actions/restart/runs", {"properties": {"why": "slow"}})
    assert run.status == 202 and run.json["run"]["entity"]["identifier"] == "checkout"
    assert terraform.delete("blueprints/service/actions/restart").json == {"ok": True}


def test_several_are_made_or_set_below_a_blueprint_or_none(lock, terraform):
    def put(*bodies):
        return terraform.send("put", "blueprints/service/actions", list(bodies))

    answer = put(LOCK | {"title": "Shut"}, SCAFFOLD)
    assert [(each["identifier"], each["title"]) for each in answer.json["actions"]] == [
        ("lock_service", "Shut"),
        ("scaffold", "New service"),
    ]
    assert put(SCAFFOLD).status == 200
    before = terraform.get("actions").json["actions"]
    assert {each["identifier"] for each in before} == {"lock_service", "scaffold"}
    refused = put(LOCK | {"title": "Open"}, {"identifier": "odd"})
    assert refused.status == 422
    assert all(each["path"].startswith("1.") for each in refused.json["details"]["errors"])
    assert put(LOCK | {"identifier": {"x": 1}}).status == 422
    assert [put("odd").status, terraform.send("put", "blueprints/service/actions", {}).status] == [422, 422]
    assert terraform.send("put", "blueprints/nope/actions", [SCAFFOLD]).status == 404
    elsewhere = terraform.send("put", "blueprints/environment/actions", [SCAFFOLD])
    assert (elsewhere.status, elsewhere.json["error"]) == (409, "identifier_taken")
    assert terraform.get("actions").json["actions"] == before


# Permissions


def test_permissions_are_usual_until_a_list_is_set(lock, terraform):
    usual = terraform.get("actions/lock_service/permissions").json["permissions"]
    assert usual["execute"] == {
        "users": [],
        "roles": ["Admin", "Member"],
        "teams": [],
        "ownedByTeam": False,
        "policy": None,
    }
    assert usual["approve"] == {"users": [], "roles": ["Admin"], "teams": [], "policy": None}
    body = {"execute": {"roles": ["Admin"], "users": None, "ownedByTeam": True}}
    set_ = terraform.send("patch", "actions/lock_service/permissions", body)
    assert set_.json["permissions"]["execute"] == usual["execute"] | {"roles": ["Admin"], "ownedByTeam": True}
    assert set_.json["permissions"]["approve"] == usual["approve"]
    assert terraform.send("patch", "actions/lock_service/permissions", body).status == 200
    assert events("action") == ["action.created", "action.updated"]
    for wrong, path in [({"execute": {"roles": "Admin"}}, "execute.roles"), ({"see": {}}, "body")]:
        answer = terraform.send("patch", "actions/lock_service/permissions", wrong)
        assert answer.status == 422 and answer.json["details"]["errors"][0]["path"] == path


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
