"""Users, teams, the organisation and the audit log, as clients ask for them."""

from portal.accounts.models import Team
from tests.conftest import events, write


def test_the_organisation_has_no_flags_that_would_change_what_clients_do(ci):
    answer = ci.get("organization")
    assert answer.status == 200 and answer.json["organization"]["featureFlags"] == []
    assert {"id", "name", "isBlocked"} <= answer.json["organization"].keys()


def test_users_are_listed_and_found_by_their_address(alice, bob, ci):
    assert [each["email"] for each in ci.get("users").json["users"]] == ["alice@example.org", "bob@example.org"]
    found = ci.get("users/BOB@example.org").json["user"]
    assert (found["roles"], found["teams"], found["status"]) == ([{"name": "Member"}], [{"name": "payments"}], "ACTIVE")
    assert ci.get("users/eve@example.org").status == 404


def test_a_team_lives_as_terraform_writes_it(bob, terraform):
    made = terraform.post("teams", {"name": "ops", "description": "d", "users": ["Bob@example.org"]})
    assert (made.status, made.json["team"]["users"]) == (201, ["bob@example.org"])
    read = terraform.get("teams/ops", fields="users.email")
    assert read.json["team"] == {"users": [{"email": "bob@example.org"}]}
    assert terraform.send("patch", "teams/ops", {"description": "e"}).json["team"]["users"] == ["bob@example.org"]
    assert terraform.send("put", "teams/ops", {"name": "ops"}).json["team"] == {
        "name": "ops", "description": "", "provider": "portcullis", "users": [],
    }  # fmt: skip
    assert [each["name"] for each in terraform.get("teams").json["teams"]] == ["ops", "payments"]
    assert terraform.delete("teams/ops").json == {"ok": True}
    assert terraform.get("teams/ops").json["error"] == "not_found"
    assert events("team.") == ["team.created", "team.created", "team.updated", "team.updated", "team.deleted"]


def test_wrong_teams_are_refused_and_leave_nothing_behind(bob, terraform, ci):
    for body, path in [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": 5}, "name"),
        ({"name": "ops", "users": "bob@example.org"}, "users"),
        ({"name": "ops", "users": ["bob@example.org", "eve@example.org"]}, "users.1"),
        ({"name": "ops", "description": []}, "description"),
    ]:
        answer = terraform.post("teams", body)
        assert (answer.status, answer.json["details"]["errors"][0]["path"]) == (422, path)
    assert terraform.post("teams", {"name": "payments"}).json["error"] == "identifier_taken"
    assert terraform.send("put", "teams/payments", {"name": "other"}).status == 422
    assert ci.post("teams", {"name": "ops"}).status == 403
    assert ci.delete("teams/payments").status == 403
    assert Team.objects.count() == 1 and events("team.") == ["team.created"]


def audits(client, **asked):
    answer = client.get("audit-log", **asked)
    assert answer.status == 200, answer.json
    return answer.json["audits"]


def test_the_log_tells_what_changed_from_what_to_what(shop, terraform):
    terraform.send("patch", "blueprints/service/entities/search", {"title": "Find"})
    (found,) = audits(terraform, entity="search", blueprint="service", action="UPDATE")
    assert (found["resourceType"], found["status"], found["trigger"]["origin"]) == ("entity", "SUCCESS", "API")
    assert found["context"] == {"blueprint": "service", "entity": "search", "runId": None}
    assert (found["diff"]["before"]["title"], found["diff"]["after"]["title"]) == ("Search", "Find")
    assert audits(terraform, identifier=found["identifier"]) == [found]


def test_the_log_is_filtered_and_cut(shop, terraform):
    assert {each["resourceType"] for each in audits(terraform, resources="entity,blueprint")} == {"entity", "blueprint"}
    assert {each["action"] for each in audits(terraform, resources="entity", action="CREATE")} == {"CREATE"}
    assert len(audits(terraform, limit="2")) == 2
    assert audits(terraform, includes="context", entity="search") == [
        {"context": {"blueprint": "service", "entity": "search", "runId": None}}
    ]
    assert audits(terraform, origin="UI") == [] and audits(terraform, status="FAILURE") == []
    assert audits(terraform, **{"from": "2099-01-01"}) == []
    assert audits(terraform, identifier="event_nothing") == []
    write("service", "gone")
    terraform.delete("blueprints/service/entities/gone")
    assert [each["action"] for each in audits(terraform, entity="gone")] == ["DELETE", "CREATE"]


def test_wrong_questions_to_the_log_are_refused(terraform, ci):
    for asked, path in [
        ({"limit": "0"}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"action": "BURN"}, "action"),
        ({"includes": "everything"}, "includes"),
        ({"from": "soon"}, "from"),
    ]:
        answer = terraform.get("audit-log", **asked)
        assert (answer.status, answer.json["details"]["errors"][0]["path"]) == (422, path)
    assert ci.get("audit-log").status == 403
