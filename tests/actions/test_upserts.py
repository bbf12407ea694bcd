"""Actions that write an entity are carried out by the portal, with the rights of who asked."""

import pytest

from catalog.models import Entity
from locks.models import Lock
from portal.accounts.commands import credential_create, credential_of, user_update
from portal.accounts.queries import actor_of_credential
from portal.actions.commands import action_create, run_create, run_decide
from portal.actions.models import Run
from portal.audit.models import Event
from portal.kit.by import By
from tests.conftest import SETUP, events

MAPPING = {"title": "{{ .entity.identifier }} by {{ .trigger.by.user.firstName }}", "properties": {"why": "{{ .inputs.why }}"}}  # fmt: skip


def action(mapping=MAPPING, **more):
    trigger = {
        "type": "self-service",
        "operation": "DAY-2",
        "blueprintIdentifier": "service",
        "userInputs": {"properties": {"why": {"type": "string"}}},
    }
    method = {"type": "UPSERT_ENTITY", "blueprintIdentifier": "service", "mapping": mapping}
    return action_create({"identifier": "mark", "trigger": trigger, "invocationMethod": method} | more, by=SETUP)


def checkout():
    return Entity.objects.get(blueprint__identifier="service", identifier="checkout")


def test_the_entity_is_written_and_the_run_has_ended(shop, page, bob):
    run = run_create(action(), {"why": "it leaks"}, entity="checkout", by=page(bob))
    assert (run.status, run.summary) == ("SUCCESS", "")
    assert (checkout().title, checkout().properties) == ("checkout by Bob", {"why": "it leaks"})
    assert events("run", "entity.updated")[-3:] == ["run.created", "entity.updated", "run.ended"]
    assert Event.objects.get(name="entity.updated", noun_id__contains="checkout").payload.get("runId") == run.public_id


def test_who_may_not_write_it_gets_a_failed_run_and_nothing_is_written(shop, page, charlie):
    run = run_create(action(), {"why": "it leaks"}, entity="checkout", by=page(charlie))
    assert (run.status, checkout().title) == ("FAILURE", "Checkout")
    assert "Charlie may not change" in run.summary
    assert events("run") == ["run.created", "run.ended"]


@pytest.mark.parametrize(
    "mapping",
    [
        {"title": "{{ .inputs.why + 1 }}"},
        {"title": "{{ .inputs }}"},
        {"identifier": "{{ 3 }}"},
        {"identifier": "{{ [] }}"},
        {"team": "{{ {} }}"},
        {"relations": {"unknown": "x"}},
        {"properties": {"{{ spreadValue() }}": "{{ 3 }}"}},
    ],
)
def test_what_cannot_be_written_fails_the_run_with_the_reason(shop, page, bob, mapping):
    run = run_create(action(mapping), {"why": "it leaks"}, entity="checkout", by=page(bob))
    assert run.status == "FAILURE" and run.summary
    assert checkout().title == "Checkout"


def test_one_that_needs_approval_is_done_when_it_is_approved(shop, page, alice, bob):
    run = run_create(action(requiredApproval=True), {"why": "it leaks"}, entity="checkout", by=page(bob))
    assert (run.status, checkout().title) == ("WAITING_FOR_APPROVAL", "Checkout")
    run = run_decide(run, {"status": "APPROVE"}, by=page(alice))
    assert (run.status, checkout().title) == ("SUCCESS", "checkout by Bob")
    assert Event.objects.filter(name="entity.updated").latest("pk").actor_name == "Bob"


def test_nobody_acts_for_who_has_left(shop, page, alice, bob):
    run = run_create(action(requiredApproval=True), {"why": "it leaks"}, entity="checkout", by=page(bob))
    user_update(bob, {"is_active": False}, by=SETUP)
    run = run_decide(run, {"status": "APPROVE"}, by=page(alice))
    assert (run.status, checkout().title) == ("FAILURE", "Checkout")
    assert "is here no more" in run.summary and Run.objects.get().ended_at


def test_a_new_entity_is_made_where_the_mapping_names_one(shop, page, alice):
    run_create(action({"identifier": "{{ .inputs.why }}"}), {"why": "ads"}, entity="checkout", by=page(alice))
    assert Entity.objects.filter(blueprint__identifier="service", identifier="ads").exists()


def test_approval_gives_a_token_no_more_than_its_scopes(shop, terraform, page, alice, bob):
    blueprint = terraform.get("blueprints/service").json["blueprint"]
    blueprint["schema"]["properties"]["locked_in_prod"] = {"type": "boolean"}
    assert terraform.send("put", "blueprints/service", blueprint).status == 200
    scopes = ["catalog:read", "catalog:write"]  # and not `lock`
    secret = credential_create("Bob's", kind="ci", scopes=scopes, user=bob, by=SETUP)[1]
    asker = By(actor_of_credential(credential_of(secret)), "api")
    lock = action({"properties": {"locked_in_prod": True}}, requiredApproval=True)
    run = run_decide(run_create(lock, {}, entity="checkout", by=asker), {"status": "APPROVE"}, by=page(alice))
    assert run.status == "FAILURE" and "lacks the scope “lock”" in run.summary
    assert not Lock.objects.exists()
