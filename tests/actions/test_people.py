"""Who may run an action, approve its runs and see them."""

from dataclasses import replace

import pytest

from catalog import queries as catalog
from catalog.commands import entity_write, permissions_update
from catalog.wishes import Wish
from portal.accounts.commands import credential_create, user_create, user_update
from portal.actions import queries
from portal.actions.commands import action_create, action_permit, action_replace, run_create, run_decide, run_update
from portal.actions.models import Run
from portal.actions.tables import run_facts
from portal.kit.errors import Conflict, Missing, Refused
from tests.conftest import SETUP, V1, events, write

RESTART = {
    "identifier": "restart",
    "title": "Restart",
    "trigger": {
        "type": "self-service",
        "operation": "DAY-2",
        "blueprintIdentifier": "service",
        "userInputs": {"properties": {}},
    },
    "invocationMethod": {"type": "KAFKA"},
}

# About no entity.
OPEN = RESTART | {
    "identifier": "open",
    "trigger": {"type": "self-service", "operation": "CREATE", "userInputs": {"properties": {}}},
}


@pytest.fixture
def restart(shop):
    return action_create(RESTART, by=SETUP)


def asked(action, by, entity="checkout"):
    return run_create(action, {}, entity=entity, by=by)


def test_everybody_runs_an_action_until_its_permissions_say_otherwise(restart, page, bob, charlie):
    assert asked(restart, page(charlie)).source == "UI"
    action = action_permit(restart, {"execute": {"roles": ["Admin"], "teams": ["payments"]}}, by=SETUP)
    assert asked(action, page(bob)).created_by == "Bob"
    with pytest.raises(Refused):
        asked(action, page(charlie))
    assert events("run") == ["run.created", "run.created"]


def test_owners_of_the_entity_run_what_is_left_to_owners(restart, page, bob):
    action = action_permit(restart, {"execute": {"roles": [], "ownedByTeam": True}}, by=SETUP)
    assert asked(action, page(bob), "checkout")
    with pytest.raises(Refused):
        asked(action, page(bob), "search")


def test_a_policy_leaves_the_action_to_administrators_until_it_can_be_asked(restart, page, alice, charlie):
    policy = {"queries": {"all": {"combinator": "and", "rules": []}}, "conditions": ["true"]}
    action = action_permit(restart, {"execute": {"policy": policy}}, by=SETUP)
    with pytest.raises(Refused):
        asked(action, page(charlie))
    assert asked(action, page(alice))
    action = action_permit(action, {"execute": {"policy": None}}, by=SETUP)
    assert asked(action, page(charlie))


def test_a_member_changes_no_action_and_a_moderator_of_its_blueprint_does(restart, page, alice, bob, charlie):
    with pytest.raises(Refused):
        action_replace(restart, RESTART | {"title": "Mine"}, by=page(charlie))
    bob = user_update(bob, {"moderates": ["service"]}, by=SETUP)
    assert action_replace(restart, RESTART | {"title": "Reboot"}, by=page(bob)).title == "Reboot"
    with pytest.raises(Refused):  # nor may he move it to where he moderates nothing
        moved = {**RESTART, "trigger": RESTART["trigger"] | {"blueprintIdentifier": "environment"}}
        action_replace(restart, moved, by=page(bob))


def test_who_asked_for_a_run_withdraws_it_and_others_do_not(restart, page, bob, charlie):
    run = asked(restart, page(bob))
    with pytest.raises(Refused):
        run_update(run, {"status": "FAILURE"}, by=page(charlie))
    assert run_update(run, {"status": "FAILURE"}, by=page(bob)).is_over


def test_only_those_on_the_list_approve(shop, page, bob, charlie):
    action = action_create(RESTART | {"requiredApproval": True}, by=SETUP)
    action = action_permit(action, {"approve": {"roles": [], "users": ["BOB@example.org"]}}, by=SETUP)
    run = asked(action, page(charlie))
    with pytest.raises(Refused):
        run_decide(run, {"status": "APPROVE"}, by=page(charlie))
    assert [name for _, name in queries.waiting_for(run)] == ["Bob"]
    assert run_decide(run, {"status": "APPROVE"}, by=page(bob)).status == Run.Status.IN_PROGRESS


def test_with_all_everybody_on_the_list_has_to_approve(shop, page, alice, bob):
    action = action_create(RESTART | {"requiredApproval": {"type": "ALL"}}, by=SETUP)
    action_permit(action, {"approve": {"teams": ["payments"]}}, by=SETUP)
    run = asked(action, page(bob))
    assert run_decide(run, {"status": "APPROVE"}, by=page(alice)).status == Run.Status.WAITING
    with pytest.raises(Conflict):
        run_decide(run, {"status": "APPROVE"}, by=page(alice))
    assert run_decide(run, {"status": "APPROVE"}, by=page(bob)).status == Run.Status.IN_PROGRESS
    assert events("run") == ["run.created", "run.approved", "run.approved"]


def test_a_private_run_is_seen_by_who_asked_and_who_approves(shop, page, alice, bob, charlie):
    action = action_create(RESTART | {"allowAnyoneToViewRuns": False}, by=SETUP)
    run = asked(action, page(bob))
    run_update(run, {"summary": "secret plan"}, by=page(bob))
    assert queries.run(page(bob), run.public_id) == queries.run(page(alice), run.public_id) == run
    with pytest.raises(Missing):
        queries.run(page(charlie), run.public_id)
    assert not queries.runs(page(charlie)).exists()
    action_permit(action, {"approve": {"users": ["charlie@example.org"]}}, by=SETUP)
    assert queries.runs(page(charlie)).get() == run


def test_the_audit_log_of_a_private_run_tells_only_how_it_stands(shop, page, bob):
    from portal.audit.models import Event

    run = asked(action_create(RESTART | {"allowAnyoneToViewRuns": False}, by=SETUP), page(bob))
    run_update(run, {"summary": "secret plan", "status": "SUCCESS"}, by=page(bob))
    told = Event.objects.get(name="run.ended")
    assert told.after == {"action": "restart", "blueprint": "service", "entity": "checkout", "status": "SUCCESS"}


def test_making_an_action_private_hides_its_older_runs_too(restart, page, bob, charlie):
    run = asked(restart, page(bob))
    assert queries.runs(page(charlie)).get() == run
    action_replace(restart, RESTART | {"allowAnyoneToViewRuns": False}, by=SETUP)
    assert not queries.runs(page(charlie)).exists()


def test_somebody_who_left_does_not_hold_up_an_approval(shop, page, alice, bob):
    left = user_create("lee@example.org", "Lee", password=None, role="admin", by=SETUP)
    action = action_create(RESTART | {"requiredApproval": {"type": "ALL"}}, by=SETUP)
    run = asked(action, page(bob))
    assert run_decide(run, {"status": "APPROVE"}, by=page(alice)).status == Run.Status.WAITING
    user_update(left, {"is_active": False}, by=SETUP)
    assert [name for _, name in queries.waiting_for(run)] == []


def test_a_run_about_what_somebody_may_not_see_is_kept_from_him(restart, page, alice, bob, charlie):
    run = asked(restart, page(alice))
    write("service", "search", title="Secret search", mode="merge")
    owners = {"read": {"ownedByTeam": True}, "update": {"ownedByTeam": True}}
    permissions_update(catalog.blueprint("service"), owners, by=SETUP)
    assert queries.runs(page(bob)).get() == run
    with pytest.raises(Missing):
        queries.run(page(charlie), run.public_id)
    action_permit(restart, {"approve": {"users": ["charlie@example.org"]}}, by=SETUP)
    assert queries.run(page(charlie), run.public_id) == run


def test_the_page_of_a_run_tells_of_no_change_that_the_viewer_may_not_see(shop, page, bob):
    action = action_create(OPEN, by=SETUP)
    run = run_create(action, {}, by=SETUP)
    entity_write(
        Wish("service", "search", "merge", title="Search 2", given=frozenset({"title"})),
        by=replace(SETUP, run=run.public_id),
    )
    assert queries.changes_seen(page(bob), run).count() == 1
    permissions_update(catalog.blueprint("service"), {"read": {"ownedByTeam": True}}, by=SETUP)
    assert not queries.changes_seen(page(bob), run).exists()


def test_a_persons_token_approves_only_with_the_scope_for_it(shop, page, bob):
    action = action_create(RESTART | {"requiredApproval": True}, by=SETUP)
    action = action_permit(action, {"approve": {"users": ["bob@example.org"]}}, by=SETUP)
    run = asked(action, page(bob))
    _, token = credential_create("Bob's", kind="ci", scopes=["catalog:read"], user=bob, by=SETUP)
    assert V1(token).send("patch", f"actions/runs/{run.public_id}/approval", {"status": "APPROVE"}).status == 403
    assert Run.objects.get(pk=run.pk).status == Run.Status.WAITING
    assert run_decide(run, {"status": "APPROVE"}, by=page(bob)).status == Run.Status.IN_PROGRESS


def test_a_link_of_a_run_that_is_no_web_address_is_not_made_a_link(restart, page, bob):
    run = asked(restart, page(bob))
    told = run_update(run, {"link": ["javascript:alert(1)", "https://ci.example/7"]}, by=page(bob))
    assert run_facts(told, page(bob), queries.standing([told]))["links"] == [
        {"url": "https://ci.example/7", "text": "ci.example/7"}
    ]
