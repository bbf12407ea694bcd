"""Who may see and write which entities, the same at every door.

Alice runs the portal, Bob is on payments, Charlie on no team. The blueprint `vault` holds what not everybody may see."""

import json

import pytest

from catalog import queries
from catalog.commands import blueprint_create, entity_write
from catalog.models import Entity
from catalog.wishes import Wish
from portal.accounts.commands import credential_create, user_update
from portal.kit.errors import Missing, Refused
from tests.catalog.vaults import (
    ALL,
    BOTH,
    CLOSED,
    ONLY_ADMINS,
    QUERY,
    allow,
    browser_of,
    listed,
    make,
    on_page,
    token_of,
)
from tests.conftest import SETUP, V1, events, write

MEMBER_ROLES = ["Admin", "vault-moderator", "Member"]
CONTEXT = {
    "combinator": "and",
    "rules": [
        {"property": "$team", "operator": "containsAny", "value": {"context": "userTeams", "property": "$identifier"}}
    ],
}

# what is set: what Alice, a moderator, Bob and Charlie see
SEEN = {
    "nothing": ({}, BOTH, BOTH, BOTH, BOTH),
    "admins": (ONLY_ADMINS, BOTH, BOTH, [], []),
    "its writers see it too": ({"read": {"roles": ["Admin"]}}, BOTH, BOTH, ["pearl"], []),
    "a person": (ONLY_ADMINS | {"read": {"users": ["Charlie@example.org"]}}, BOTH, BOTH, [], BOTH),
    "a team": (ONLY_ADMINS | {"read": {"teams": ["payments"]}}, BOTH, BOTH, BOTH, []),
    "owners": (CLOSED | {"read": {"ownedByTeam": True}}, BOTH, BOTH, ["pearl"], []),
    "members again": (ONLY_ADMINS | {"read": {"roles": MEMBER_ROLES}}, BOTH, BOTH, BOTH, BOTH),
    "who a query finds it for": (CLOSED | {"read": {"policy": QUERY}}, BOTH, BOTH, [], ["pearl"]),
    "members as far as the query goes": (CLOSED | {"read": {"roles": MEMBER_ROLES, "policy": QUERY}}, BOTH, BOTH, [], ["pearl"]),
    "the teams of the one who asks": (CLOSED | {"read": {"policy": CONTEXT}}, BOTH, BOTH, ["pearl"], []),
    "a part's writer": (CLOSED | {"read": {}, "updateProperties": {"note": {"users": ["charlie@example.org"]}}}, BOTH, BOTH, [], BOTH),
}  # fmt: skip


@pytest.mark.parametrize("case", SEEN)
def test_everybody_sees_the_same_in_the_page_and_over_v1(vault, alice, bob, charlie, case):
    changes, *expected = SEEN[case]
    mo = user_update(make("mo"), {"moderates": ["vault"]}, by=SETUP)
    allow(changes)
    for user, seen in zip((alice, mo, bob, charlie), expected, strict=True):
        program = token_of(user)
        assert on_page(user) == seen, user
        assert listed(program) == seen, user
        assert program.get("blueprints/vault/entities-count").json["count"] == len(seen)
        for name in BOTH:
            status = 200 if name in seen else 404
            assert program.get(f"blueprints/vault/entities/{name}").status == status
            assert browser_of(user).get(f"/catalog/vault/entities/{name}").status_code == status
    assert browser_of(bob).get("/admin/catalog/entity/").status_code in (302, 403)
    assert "pearl" in browser_of(alice).get("/admin/catalog/entity/").content.decode()


# what is set: which of register, change pearl, change ruby, set pearl's note, delete pearl Bob and Charlie may
WRITES = ("register", "pearl", "ruby", "note", "delete")
MAY = {
    "nothing": ({}, {"register", "pearl", "note", "delete"}, set()),
    "nobody": (CLOSED, set(), set()),
    "a team adds": (CLOSED | {"register": {"ownedByTeam": False, "teams": ["payments"]}}, {"register"}, set()),
    "a person changes": (CLOSED | {"update": {"users": ["charlie@example.org"], "ownedByTeam": False}}, set(), {"pearl", "ruby", "note"}),
    "members delete": (CLOSED | {"unregister": {"roles": ["Member"]}}, {"delete"}, {"delete"}),
    "one property": (CLOSED | {"updateProperties": {"note": {"teams": ["payments"]}}}, {"note"}, set()),
    "who a query finds it for": (CLOSED | {"update": {"policy": QUERY, "ownedByTeam": False}}, set(), {"pearl", "note"}),
}  # fmt: skip


@pytest.mark.parametrize("case", MAY)
def test_everybody_writes_the_same_in_the_page_and_over_v1(vault, alice, bob, charlie, case):
    changes, *expected = MAY[case]
    allow(changes)
    for user, may in zip((bob, charlie), expected, strict=True):
        program, browser = token_of(user), browser_of(user)
        for deed in WRITES:
            for door, at in ((over_v1, program), (in_page, browser)):
                before = snapshot()
                assert door(at, deed) == (deed in may), (user, deed)
                if deed in may:
                    restore()
                else:
                    assert snapshot() == before


def test_administrators_and_moderators_may_whatever_is_set(vault, alice):
    mo = user_update(make("mo"), {"moderates": ["vault"]}, by=SETUP)
    allow(ONLY_ADMINS)
    for user in (alice, mo):
        for door, at in ((over_v1, token_of(user)), (in_page, browser_of(user))):
            assert [deed for deed in WRITES if door(at, deed)] == list(WRITES)
            restore()


def over_v1(program, deed):
    note = {"properties": {"note": f"v1 {deed}"}}
    if deed == "register":
        body = {"identifier": "opal", "team": "payments"}
        status = program.post("blueprints/vault/entities", body).status
    elif deed == "delete":
        status = program.delete("blueprints/vault/entities/pearl").status
    else:
        name = "ruby" if deed == "ruby" else "pearl"
        body = note if deed == "note" else note | {"title": "v1"}
        status = program.send("patch", f"blueprints/vault/entities/{name}", body).status
    return {200: True, 201: True, 403: False}[status]


def in_page(browser, deed):
    if deed == "register":
        answer = browser.post("/catalog/!new/vault", {"identifier": "opal", "team": "payments", "title": "Opal"})
    elif deed == "delete":
        answer = browser.post("/catalog/!delete/vault/entities/pearl", {})
    else:
        name = "ruby" if deed == "ruby" else "pearl"
        entity = Entity.objects.get(identifier=name)
        shown = {"identifier": name, "title": entity.title, "team": entity.team, "seen": entity.updated_at.isoformat()}
        shown |= {f"p-{key}": value for key, value in entity.properties.items()}
        shown |= {"r-guards": ", ".join(arrow.target.identifier for arrow in entity.arrows.all())}
        changed = {"p-note": f"page {deed}"} | ({} if deed == "note" else {"title": "page"})
        answer = browser.post(f"/catalog/!edit/vault/entities/{name}", shown | changed)
    if answer.status_code in (403, 409, 422):
        assert "may not" in answer.content.decode()
        return False
    assert answer.status_code == 303, answer.content
    return True


def snapshot():
    return list(Entity.objects.filter(blueprint__identifier="vault").order_by("pk").values("pk", "title", "properties"))


def restore():
    Entity.objects.filter(identifier="opal").delete()
    ours = {"tier": "gold", "keeper": "charlie@example.org", "note": "swordfish"}
    write(
        "vault",
        "pearl",
        title="The Pearl",
        team=("payments",),
        properties=ours,
        relations={"guards": ("checkout",)},
        mode="override",
    )
    write("vault", "ruby", title="The Ruby", properties={"tier": "iron", "note": "herring"}, mode="override")


def test_what_is_inherited_counts_as_owned(vault, bob, charlie, page):
    blueprint_create(
        {
            "identifier": "drawer",
            "title": "Drawer",
            "schema": {"properties": {}},
            "relations": {"in": {"target": "vault", "required": False, "many": False}},
            "ownership": {"type": "Inherited", "path": "in"},
        },
        by=SETUP,
    )
    write("drawer", "upper", relations={"in": ("pearl",)})
    write("drawer", "lower", relations={"in": ("ruby",)})
    allow({"read": {"ownedByTeam": True}}, "drawer")
    seen = queries.entities(page(bob), queries.blueprint("drawer"))
    assert [each.identifier for each in seen] == ["upper"]
    assert not queries.entities(page(charlie), queries.blueprint("drawer")).exists()


def test_a_change_counts_with_the_next_request(vault, charlie):
    program = token_of(charlie)
    assert listed(program) == BOTH
    allow(ONLY_ADMINS)
    assert listed(program) == [] and on_page(charlie) == []
    allow({"read": None})
    assert listed(program) == BOTH and on_page(charlie) == BOTH


def test_single_properties_are_refused_by_name_and_leave_nothing_behind(vault, bob, charlie):
    allow(
        CLOSED
        | {
            "updateProperties": {"note": {"teams": ["payments"]}},
            "updateRelations": {"guards": {"teams": ["payments"]}},
        }
    )
    program, before = token_of(bob), snapshot()
    both = {"properties": {"note": "n", "tier": "lead"}}
    answer = program.send("patch", "blueprints/vault/entities/pearl", both)
    assert (answer.status, answer.json["error"]) == (403, "forbidden") and "may not set tier of Vault" in answer.json[
        "message"
    ]
    assert snapshot() == before and events("entity.updated") == []
    alone = {"properties": {"note": "n"}, "relations": {"guards": ["search"]}}
    assert program.send("patch", "blueprints/vault/entities/pearl", alone).status == 200
    # A whole body in which nothing else is another than it was is fine too.
    whole = program.get("blueprints/vault/entities/pearl").json["entity"]
    assert (
        program.send(
            "put", "blueprints/vault/entities/pearl", whole | {"properties": whole["properties"] | {"note": "m"}}
        ).status
        == 200
    )
    assert program.send("put", "blueprints/vault/entities/pearl", whole | {"title": "Mine"}).status == 403
    assert (
        token_of(charlie).send("patch", "blueprints/vault/entities/pearl", {"properties": {"note": "n"}}).status == 403
    )


def test_who_adds_one_obeys_the_rules_for_single_properties(vault, bob):
    allow(
        {
            "register": {"roles": ["Member"]},
            "update": {"ownedByTeam": False},
            "updateProperties": {"tier": {"roles": []}},
        }
    )
    program = token_of(bob)
    assert program.post("blueprints/vault/entities", {"identifier": "a", "properties": {"tier": "gold"}}).status == 403
    assert program.post("blueprints/vault/entities", {"identifier": "a", "properties": {"note": "fine"}}).status == 201


def test_one_may_only_add_to_a_team_one_is_in(vault, bob, charlie, page):
    wish = Wish("vault", "opal", "create", team=("payments",), given=frozenset({"team"}))
    with pytest.raises(Refused, match="may not add to Vault"):
        entity_write(wish, by=page(charlie))
    with pytest.raises(Refused):
        entity_write(Wish("vault", "opal", "create"), by=page(bob))
    assert entity_write(wish, by=page(bob)).identifier == "opal"


def test_who_may_not_see_it_is_told_that_it_is_not_there(vault, charlie, page):
    allow(ONLY_ADMINS)
    with pytest.raises(Missing):
        entity_write(Wish("vault", "pearl", "patch", title="x", given=frozenset({"title"})), by=page(charlie))
    allow({"read": {"roles": ["Member"]}})
    with pytest.raises(Refused, match="may not change Vault: moderators of the blueprint and administrators may"):
        entity_write(Wish("vault", "pearl", "patch", title="x", given=frozenset({"title"})), by=page(charlie))


def test_a_program_that_writes_sees_what_it_writes_and_one_that_only_reads_is_named(vault):
    allow(ONLY_ADMINS)
    reader = V1(credential_create("Reader", kind="ci", scopes=["catalog:read"], by=SETUP)[1])
    writer = V1(credential_create("Writer", kind="ci", scopes=["catalog:read", "catalog:write"], by=SETUP)[1])
    assert (listed(reader), listed(writer)) == ([], BOTH)
    allow({"read": {"users": ["Reader"]}})
    assert listed(reader) == BOTH


def test_a_persons_token_does_no_more_than_its_scopes_and_dies_with_the_account(vault, alice, bob):
    reading = token_of(bob, "catalog:read")
    assert listed(reading) == BOTH
    answer = reading.send("patch", "blueprints/vault/entities/pearl", {"title": "x"})
    assert (answer.status, answer.json["details"]) == (403, {"scope": "catalog:write"})
    # An administrator without the scope for it is a member.
    modest = token_of(alice, "catalog:read", "catalog:write")
    assert modest.send("patch", "blueprints/vault/entities/ruby", {"title": "x"}).status == 403
    user_update(bob, {"is_active": False}, by=SETUP)
    assert reading.get("blueprints").status == 401


# Over /v1, as Terraform and the command line send them.


def test_permissions_are_read_set_in_part_and_taken_back(vault, bob, terraform):
    shown = terraform.get("blueprints/vault/permissions").json["permissions"]["entities"]
    assert shown["read"] == {"users": [], "roles": MEMBER_ROLES, "teams": [], "ownedByTeam": False}
    assert shown["update"]["ownedByTeam"] is True and shown.keys() == {"read", "register", "update", "unregister"}
    set_ = {
        "entities": {"register": {"teams": ["payments"]}, "updateProperties": {"tier": {"users": ["bob@example.org"]}}}
    }
    answer = terraform.send("patch", "blueprints/vault/permissions", set_)
    now = answer.json["permissions"]["entities"]
    assert answer.status == 200 and answer.json["ok"] is True
    assert now["register"] == shown["register"] | {"teams": ["payments"]}
    assert now["updateProperties"]["tier"]["users"] == ["bob@example.org"]
    assert terraform.get("blueprints/vault/permissions").json["permissions"]["entities"] == now
    back = {"entities": {"register": None, "updateProperties": {"tier": None}}}
    assert terraform.send("patch", "blueprints/vault/permissions", back).json["permissions"]["entities"] == shown
    terraform.send("patch", "blueprints/vault/permissions", back)
    assert events("permissions.") == ["permissions.updated"] * 2
    assert terraform.get("blueprints/nothing/permissions").status == 404


WRONG = [
    ({"entities": {"burn": {}}}, "entities.burn"),
    ({"entities": {"update": {"users": ["eve@example.org"]}}}, "entities.update.users.0"),
    ({"entities": {"update": {"teams": ["payments", "nobody"]}}}, "entities.update.teams.1"),
    ({"entities": {"update": {"roles": ["King"]}}}, "entities.update.roles.0"),
    ({"entities": {"update": {"roles": ["nothing-moderator"]}}}, "entities.update.roles.0"),
    ({"entities": {"update": {"roles": "Admin"}}}, "entities.update.roles"),
    ({"entities": {"update": {"ownedByTeam": "yes"}}}, "entities.update.ownedByTeam"),
    ({"entities": {"update": []}}, "entities.update"),
    ({"entities": {"update": {"group": []}}}, "entities.update.group"),
    ({"entities": {"register": {"policy": ALL}}}, "entities.register.policy"),
    ({"entities": {"read": {"policy": {"combinator": "and"}}}}, "entities.read.policy.rules"),
    ({"entities": {"read": {"policy": {"combinator": "and", "rules": [{"property": "a", "operator": "=", "value": "{{.blueprint}}"}]}}}}, "entities.read.policy.rules.0.value"),
    ({"entities": {"updateProperties": {"colour": {}}}}, "entities.updateProperties.colour"),
    ({"entities": {"updateRelations": {"tier": {}}}}, "entities.updateRelations.tier"),
    ({"entities": []}, "entities"),
    ({"pages": {}}, "pages"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "path"), WRONG)
def test_what_is_not_known_is_refused_with_its_path(vault, bob, terraform, body, path):
    answer = terraform.send("patch", "blueprints/vault/permissions", body)
    assert answer.status == 422
    assert answer.json["details"]["errors"][0]["path"] == path
    assert queries.blueprint("vault").permissions is None and events("permissions.") == []


def test_only_who_may_change_the_blueprint_sets_its_permissions(vault, bob, ci):
    mo = user_update(make("mo"), {"moderates": ["vault"]}, by=SETUP)
    change = {"entities": {"read": {"roles": ["Admin"]}}}
    for program in (token_of(bob), ci):
        assert program.send("patch", "blueprints/vault/permissions", change).status == 403
    assert browser_of(bob).get("/catalog/!permissions/vault").status_code == 403
    assert queries.blueprint("vault").permissions is None
    assert token_of(mo).send("patch", "blueprints/vault/permissions", change).status == 200
    assert browser_of(mo).get("/catalog/!permissions/vault").status_code == 200


# In the pages.


def fields(blueprint="vault", **changes):
    from catalog.forms.permissions import PermissionsForm

    form = PermissionsForm(None, queries.blueprint(blueprint))
    shown = {name: form[name].initial for name in form.fields}
    return {
        name: "on" if value is True else value
        for name, value in (shown | changes).items()
        if value not in (False, None)
    }


def test_an_administrator_sets_permissions_in_the_page(vault, alice, bob, charlie):
    browser = browser_of(alice)
    assert "/catalog/!permissions/vault" in browser.get("/catalog/vault/entities").content.decode()
    assert browser.post("/catalog/!permissions/vault", fields()).status_code == 303 and events("permissions.") == []
    sent = fields(
        **{
            "read-roles": [],
            "read-users": "charlie@example.org",
            "update-ownedByTeam": False,
            "parts": json.dumps({"updateProperties": {"note": {"teams": ["payments"]}}}),
        }
    )
    assert browser.post("/catalog/!permissions/vault", sent).status_code == 303
    assert queries.blueprint("vault").permissions["read"]["users"] == ["charlie@example.org"]
    assert on_page(charlie) == BOTH
    wrong = browser.post("/catalog/!permissions/vault", fields(**{"update-users": "eve@example.org"}))
    assert wrong.status_code == 422 and "there is no person" in wrong.content.decode().lower()
    assert events("permissions.") == ["permissions.updated"]


def test_a_member_is_told_why_there_is_no_button(vault, bob, charlie):
    page = browser_of(charlie).get("/catalog/vault/entities/pearl").content.decode()
    who = "its owners (payments), moderators of the blueprint and administrators may."
    assert f"You may not change Vault, nor delete from Vault: {who}" in page
    assert "!edit" not in page
    allow({"read": {"ownedByTeam": True}})
    assert "You may not see all of Vault" in browser_of(bob).get("/catalog/vault/entities").content.decode()
