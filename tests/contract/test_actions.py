"""Actions as Terraform and the command line send them, and what they read of the answers."""

import pytest

from portal.actions.models import Action
from tests.conftest import events
from tests.contract.actions import AUTOMATION, LOCK, SCAFFOLD, begun, changed, without_meta

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
