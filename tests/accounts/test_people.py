"""People and teams are accounts and entities at once: whichever door a change comes through, both tell the same."""

import re

import pytest
from django.test import Client

from catalog import people, queries
from catalog.models import Entity
from portal.accounts.commands import team_delete, team_update, user_create, user_delete, user_invite, user_update
from portal.accounts.models import Credential, Organization, Secret, Team, User
from portal.accounts.organization import secret_value
from portal.audit.models import Event
from portal.kit.errors import Conflict
from tests.conftest import PASSWORD, SETUP, V1, events

USERS, TEAMS = "blueprints/_user/entities", "blueprints/_team/entities"


def entity(kind, identifier):
    return Entity.objects.filter(blueprint__identifier=kind, identifier=identifier).first()


def test_an_account_is_an_entity_at_once(bob, alice, terraform):
    found = entity("_user", "bob@example.org")
    assert (found.title, found.team) == ("Bob", ["payments"])
    assert found.properties == {"status": "Active", "port_role": "Member", "port_type": "Standard"}
    assert entity("_user", "alice@example.org").properties["port_role"] == "Admin"
    assert entity("_team", "payments").title == "Payments"
    user_update(bob, {"name": "Robert", "email": "rob@example.org", "moderates": ["service"]}, by=SETUP)
    shown = terraform.get(f"{USERS}/rob@example.org").json["entity"]
    assert shown["title"] == "Robert" and shown["properties"]["port_role"] == "Moderator"
    assert entity("_user", "bob@example.org") is None


def test_members_of_a_team_carry_it_and_lose_it(bob, charlie):
    team = Team.objects.get(identifier="payments")
    team_update(team, title="Payments", members=[charlie], by=SETUP)
    assert entity("_user", bob.email).team == [] and entity("_user", charlie.email).team == ["payments"]
    team_delete(team, by=SETUP)
    assert entity("_user", charlie.email).team == [] and entity("_team", "payments") is None


def test_a_person_written_as_an_entity_is_an_account_once(alice, bob, terraform):
    body = {
        "identifier": "dana@example.org",
        "title": "Dana",
        "team": ["payments"],
        "properties": {"port_role": "Admin"},
    }
    assert terraform.post(USERS, body).status == 201
    dana = User.objects.get(email="dana@example.org")
    assert (dana.name, dana.role, dana.status) == ("Dana", "admin", "Staged")
    assert list(dana.teams.values_list("identifier", flat=True)) == ["payments"]
    assert terraform.post(USERS, body).json["error"] == "identifier_taken"
    patch = {"properties": {"status": "Disabled", "port_role": "Member"}}
    answer = terraform.send("patch", f"{USERS}/dana@example.org", patch)
    assert answer.json["entity"]["properties"]["status"] == "Disabled"
    dana.refresh_from_db()
    assert (dana.is_active, dana.role) == (False, "member")
    assert terraform.delete(f"{USERS}/dana@example.org").status == 200
    assert not User.objects.filter(email="dana@example.org").exists()
    assert events("user.deleted", "entity.deleted") == ["user.deleted", "entity.deleted"]


def test_people_are_extended_and_what_is_added_survives_the_account_changing(alice, bob, terraform):
    own = {
        "schema": {"properties": {"region": {"type": "string"}}},
        "relations": {"lead": {"target": "_user", "required": False, "many": False}},
    }
    definition = terraform.get("blueprints/_user").json["blueprint"]
    definition["schema"]["properties"] |= own["schema"]["properties"]
    assert terraform.send("put", "blueprints/_user", definition | {"relations": own["relations"]}).status == 200
    wish = {"properties": {"region": "eu"}, "relations": {"lead": "alice@example.org"}}
    assert terraform.send("patch", f"{USERS}/bob@example.org", wish).status == 200
    user_update(bob, {"name": "Robert"}, by=SETUP)
    shown = terraform.get(f"{USERS}/bob@example.org").json["entity"]
    assert (shown["title"], shown["properties"]["region"]) == ("Robert", "eu")
    assert shown["relations"] == {"lead": "alice@example.org"}
    rules = [{"property": "region", "operator": "=", "value": {"context": "user", "property": "region"}}]
    assert rules and terraform.delete("blueprints/_user").status == 409


def test_teams_written_as_entities_are_teams(terraform, bob):
    body = {"identifier": "ops", "title": "Operations", "properties": {"description": "Keeps it up"}}
    for flags in ("", "?upsert=true", "?upsert=true&merge=true"):
        assert terraform.post(TEAMS + flags, body).status == 201
    team = Team.objects.get(identifier="ops")
    assert (team.title, team.description) == ("Operations", "Keeps it up")
    assert events("team.") == ["team.created"] * 2
    assert terraform.send("patch", f"{TEAMS}/ops", {"title": "Ops"}).status == 200
    assert Team.objects.get(identifier="ops").title == "Ops"
    assert terraform.send("patch", f"{TEAMS}/ops", {"identifier": "other"}).status == 422
    found = terraform.post(
        "entities/search",
        {
            "combinator": "and",
            "rules": [
                {"property": "$blueprint", "operator": "=", "value": "_team"},
                {"property": "$title", "operator": "=", "value": "Ops"},
            ],
        },
    )
    assert [each["identifier"] for each in found.json["entities"]] == ["ops"]
    assert terraform.delete(f"{TEAMS}/ops").status == 200 and not Team.objects.filter(identifier="ops").exists()


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"identifier": "nobody"}, "identifier"),
        ({"identifier": "d@example.org", "properties": {"status": "Gone"}}, "properties.status"),
        ({"identifier": "d@example.org", "properties": {"port_role": "King"}}, "properties.port_role"),
        (
            {"identifier": "d@example.org", "properties": {"moderated_blueprints": ["nothing"]}},
            "properties.moderated_blueprints.0",
        ),
        ({"identifier": "d@example.org", "team": ["nobody"]}, "teams.0"),
    ],
)
def test_wrong_people_are_refused_and_leave_nothing_behind(terraform, body, path):
    answer = terraform.post(USERS, body)
    assert (answer.status, answer.json["details"]["errors"][0]["path"]) == (422, path)
    assert User.objects.count() == 0 and not Entity.objects.filter(blueprint__identifier="_user").exists()


def test_only_administrators_write_accounts_through_entities(bob, charlie, page):
    writer = V1(_credential("Writer", ["catalog:read", "catalog:write"]))
    assert writer.post(USERS, {"identifier": "eve@example.org"}).status == 403
    assert writer.send("patch", f"{USERS}/bob@example.org", {"properties": {"port_role": "Admin"}}).status == 403
    assert writer.delete(f"{USERS}/bob@example.org").status == 403
    assert User.objects.get(pk=bob.pk).role == "member"
    assert events("user.updated", "user.deleted") == []


def _credential(name, scopes):
    from portal.accounts.commands import credential_create

    return credential_create(name, kind="ci", scopes=scopes, by=SETUP)[1]


def test_the_people_of_before_become_entities_at_the_upgrade(bob):
    Entity.objects.filter(blueprint__identifier__in=["_user", "_team"]).delete()
    people.install()
    people.install()
    assert entity("_user", bob.email).team == ["payments"] and entity("_team", "payments")


def test_the_last_administrator_is_not_deleted_and_nobody_deletes_himself(alice, page):
    with pytest.raises(Conflict, match="last administrator"):
        user_delete(alice, by=SETUP)
    user_create("amy@example.org", "Amy", password=None, role="admin", by=SETUP)
    with pytest.raises(Conflict, match="his own"):
        user_delete(alice, by=page(alice))
    assert entity("_user", alice.email)


# Invitations.


def test_an_invitation_lets_its_holder_in_once(alice, bob, terraform):
    body = {"invitee": {"email": "dana@example.org", "roles": ["Member", "service-moderator"], "teams": ["payments"]}}
    answer = terraform.post("users/invite?notify=false", body)
    assert answer.status == 200
    dana = terraform.get("users/dana@example.org").json["user"]
    assert dana["status"] == "INVITED" and dana["teams"] == [{"name": "payments"}]
    assert {"name": "service-moderator"} in dana["roles"]
    path = answer.json["invitation"]["url"].partition("/invitation/")[2]
    client = Client(raise_request_exception=False)
    assert client.get(f"/invitation/{path}").status_code == 200
    weak = client.post(f"/invitation/{path}", {"name": "Dana", "password": "short"})
    assert weak.status_code == 422 and User.objects.get(email="dana@example.org").status == "Invited"
    assert client.post(f"/invitation/{path}", {"name": "Dana O", "password": PASSWORD}).status_code == 303
    assert "Dana O" in client.get("/").content.decode()
    assert Client(raise_request_exception=False).get(f"/invitation/{path}").status_code == 404
    assert entity("_user", "dana@example.org").properties["status"] == "Active"
    joined = Event.objects.get(name="user.joined")
    assert joined.actor_key == f"user:{User.objects.get(email='dana@example.org').pk}" and path not in str(
        list(Event.objects.values())
    )
    assert terraform.post("users/invite", body).json["error"] == "identifier_taken"


def test_a_newer_link_ends_the_older_one_and_wrong_ones_let_nobody_in(alice):
    _, first = user_invite("dana@example.org", by=SETUP)
    _, second = user_invite("dana@example.org", by=SETUP)
    browser = Client(raise_request_exception=False)
    assert [browser.get(f"/invitation/{each}").status_code for each in (first, second, "x")] == [404, 200, 404]
    User.objects.update(invited_at="2020-01-01T00:00:00Z")
    assert browser.get(f"/invitation/{second}").status_code == 404


def test_an_administrator_invites_in_the_admin(alice):
    browser = Client(raise_request_exception=False)
    browser.force_login(alice)
    sent = {"email": "dan@example.org", "name": "Dan", "role": "member", "timezone": "UTC", "is_active": "on"}
    answer = browser.post("/admin/accounts/user/add/", sent)
    link = re.search(r"/invitation/\w{40}", answer.content.decode()).group()
    assert "no-store" in answer["Cache-Control"] and Client().get(link).status_code == 200
    dan = User.objects.get(email="dan@example.org")
    again = browser.post("/admin/accounts/user/", {"action": "invite", "_selected_action": [dan.pk]})
    assert re.search(r"/invitation/\w{40}", again.content.decode()).group() != link


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "invitee"),
        ({"invitee": {"email": "no"}}, "invitee.email"),
        ({"invitee": {"email": 7}}, "invitee.email"),
        ({"invitee": {"email": "d@example.org", "roles": ["King"]}}, "invitee.roles.0"),
        ({"invitee": {"email": "d@example.org", "teams": ["nobody"]}}, "teams.0"),
    ],
)
def test_wrong_invitations_are_refused_and_leave_nothing_behind(terraform, ci, body, path):
    answer = terraform.post("users/invite", body)
    assert (answer.status, answer.json["details"]["errors"][0]["path"]) == (422, path)
    assert ci.post("users/invite", {"invitee": {"email": "d@example.org"}}).status == 403
    assert User.objects.count() == 0


# Over /v1.


def test_people_are_changed_and_deleted_over_v1(alice, bob, terraform):
    changed = terraform.send("patch", "users/bob@example.org", {"roles": ["Admin"], "teams": [], "status": "DISABLED"})
    assert changed.status == 200 and changed.json["status"] == "DISABLED" and changed.json["user"]["teams"] == []
    for body, path in [({"roles": []}, "roles"), ({"status": "GONE"}, "status"), ({"teams": ["nobody"]}, "teams.0")]:
        answer = terraform.send("patch", "users/bob@example.org", body)
        assert (answer.status, answer.json["details"]["errors"][0]["path"]) == (422, path)
    assert terraform.get("users", fields="email").json["users"][0] == {"email": "alice@example.org"}
    assert terraform.delete("users/bob@example.org").json == {"ok": True}
    assert terraform.get("users/bob@example.org").status == 404 and entity("_user", "bob@example.org") is None
    assert terraform.delete("users/alice@example.org").json["error"] == "last_admin"


def test_somebodys_own_credentials_are_made_and_rotated(bob, terraform, nobody):
    first = terraform.post("rotate-credentials/bob@example.org", {}).json["credentials"]
    second = terraform.post("rotate-credentials/bob@example.org", {}).json["credentials"]
    assert first["clientId"] == second["clientId"] and first["clientSecret"] != second["clientSecret"]
    assert nobody.post("auth/access_token", first).status == 401
    token = nobody.post("auth/access_token", second).json["accessToken"]
    assert V1(token).get("blueprints").status == 200
    terraform.post("rotate-credentials/bob@example.org", {})
    assert V1(token).get("blueprints").status == 401


def test_programs_are_listed_renamed_rotated_and_revoked(terraform, nobody):
    from portal.accounts.commands import credential_create

    app, secret = credential_create("Ocean", kind="client", scopes=["catalog:read"], by=SETUP)
    assert terraform.get("apps", fields="name").json["apps"] == [{"name": "Ocean"}]
    path = f"apps/{app.client_id}"
    assert terraform.send("put", path, {"name": "Sea"}).json["app"]["name"] == "Sea"
    new = terraform.post(f"{path}/rotate-secret", {}).json["app"]["secret"]
    ask = {"clientId": app.client_id, "clientSecret": secret}
    assert nobody.post("auth/access_token", ask).status == 401
    assert nobody.post("auth/access_token", ask | {"clientSecret": new}).status == 200
    assert terraform.delete(path).status == 200 and terraform.get("apps").json["apps"] == []
    assert new not in str(list(Event.objects.values())) + str(list(Credential.objects.values()))


def test_the_organisation_is_kept_as_it_is_sent(terraform, ci):
    patch = {"name": "Larder", "settings": {"portalTitle": "Larder", "hiddenBlueprints": ["box"]}}
    assert terraform.send("patch", "organization", patch).json["organization"]["name"] == "Larder"
    terraform.send("patch", "organization", {"settings": {"portAgentStreamerName": "POLLING"}})
    kept = ci.get("organization").json["organization"]["settings"]
    assert kept == patch["settings"] | {"portAgentStreamerName": "POLLING"}
    told = {"name": "Larder", "announcement": {"content": "Frozen", "color": "red"}}
    assert terraform.send("put", "organization", told).json["organization"]["settings"] == {}
    for body, path in [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "x", "announcement": {"content": "", "color": "red"}}, "announcement.content"),
        ({"name": "x", "announcement": {"content": "a", "link": "javascript:x"}}, "announcement.link"),
    ]:
        answer = terraform.send("put", "organization", body)
        assert (answer.status, answer.json["details"]["errors"][0]["path"]) == (422, path)
    assert ci.send("patch", "organization", {"name": "x"}).status == 403
    assert Organization.objects.get().announcement == told["announcement"]


def test_a_secret_goes_in_and_never_comes_out(terraform, ci, settings, caplog):
    made = terraform.post(
        "organization/secrets", {"secretName": "GRAFANA", "secretValue": "swordfish", "description": "d"}
    )
    assert made.status == 201 and made.json["secret"]["secretName"] == "GRAFANA"
    told = (
        str(made.json)
        + str(terraform.get("organization/secrets").json)
        + str(terraform.get("organization/secrets/GRAFANA").json)
    )
    told += str(terraform.send("patch", "organization/secrets/GRAFANA", {"secretValue": "herring"}).json)
    told += str(list(Event.objects.values())) + str(list(Secret.objects.values())) + caplog.text
    assert "swordfish" not in told and "herring" not in told
    assert secret_value("GRAFANA") == "herring" and secret_value("nothing") is None
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "another" * 8
    assert secret_value("GRAFANA") == "herring"
    settings.SECRET_KEY_FALLBACKS = []
    with pytest.raises(Conflict):
        secret_value("GRAFANA")
    assert ci.get("organization/secrets").status == 403
    assert terraform.post("organization/secrets", {"secretName": "GRAFANA", "secretValue": "x"}).status == 409
    for body, path in [
        ({"secretName": "a b", "secretValue": "x"}, "secretName"),
        ({"secretName": "a"}, "secretValue"),
        ({"secretName": "a", "secretValue": "x", "description": "d" * 201}, "description"),
    ]:
        answer = terraform.post("organization/secrets", body)
        assert (answer.status, answer.json["details"]["errors"][0]["path"]) == (422, path)
    assert terraform.delete("organization/secrets/GRAFANA").status == 200
    assert terraform.get("organization/secrets/GRAFANA").status == 404
    assert events("secret.") == ["secret.created", "secret.updated", "secret.deleted"]


def test_the_pages_of_secrets_and_the_organisation(alice):
    browser = Client(raise_request_exception=False)
    browser.force_login(alice)
    sent = {"name": "TOKEN", "description": "", "value": "swordfish"}
    assert browser.post("/admin/accounts/secret/add/", sent).status_code == 302
    pk = Secret.objects.get().pk
    for page in ("/admin/accounts/secret/", f"/admin/accounts/secret/{pk}/change/", "/admin/accounts/organization/"):
        answer = browser.get(page)
        assert answer.status_code == 200 and "swordfish" not in answer.content.decode()
    assert queries.blueprint("_user").title == "User"
