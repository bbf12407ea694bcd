"""The pages of actions and runs."""

import json

import pytest

from catalog import queries as catalog
from catalog.commands import entity_delete
from portal.actions.commands import action_create, action_permit, run_create, run_log, run_update
from portal.actions.editor import EXAMPLES
from portal.actions.models import Action, Run
from portal.audit.outbox import deliver_due
from tests.conftest import SETUP, events, write

RESTART = {
    "identifier": "restart",
    "title": "Restart it",
    "trigger": {
        "type": "self-service",
        "operation": "DAY-2",
        "blueprintIdentifier": "service",
        "userInputs": {
            "properties": {
                "why": {"type": "string", "title": "Why", "minLength": 3},
                "times": {"type": "number", "default": 1},
                "where": {"type": "array", "items": {"type": "string", "format": "entity", "blueprint": "environment"}},
            },
            "required": ["why"],
        },
    },
    "invocationMethod": {"type": "WEBHOOK", "url": "https://example.org", "agent": True},
}
AUTOMATION = {
    "identifier": "tidy",
    "title": "Tidy up",
    "trigger": {"type": "automation", "event": {"type": "ENTITY_DELETED", "blueprintIdentifier": "service"}},
    "invocationMethod": {"type": "KAFKA"},
}


@pytest.fixture
def restart(shop):
    return action_create(RESTART, by=SETUP)


@pytest.fixture
def browser(client, bob):
    client.force_login(bob)
    return client


def begun(action, by=SETUP, entity="checkout"):
    return run_create(action, {"why": "it leaks"}, entity=entity, by=by)


def test_actions_are_listed_by_kind_with_their_last_run(restart, browser):
    action_create(AUTOMATION, by=SETUP)
    begun(restart)
    page = browser.get("/actions/").content.decode()
    assert "Restart it" in page and "In progress" in page and "Tidy up" not in page
    assert "Tidy up" in browser.get("/actions/?kind=automation").content.decode()
    assert "No action is called so" in browser.get("/actions/?q=nothing").content.decode()


def test_an_automation_shows_what_it_follows_what_began_its_runs_and_what_went_wrong(shop, browser, alice):
    condition = {"type": "JQ", "expressions": [".diff.before.title | test('ch')"]}
    action_create(AUTOMATION | {"trigger": AUTOMATION["trigger"] | {"condition": condition}}, by=SETUP)
    for identifier in ("checkout", "search"):
        entity_delete(catalog.service_named(identifier), by=SETUP)
    write("service", "numb", title="")
    entity_delete(catalog.service_named("numb"), by=SETUP)  # its title is null: jq cannot test that
    deliver_due()
    run = Run.objects.get()
    shown = browser.get(f"/runs/{run.public_id}").content.decode()
    assert "Search was deleted" in shown and "by setup" in shown and "The event" in shown
    page, listed = (browser.get(f"/actions/{each}").content.decode() for each in ("tidy", "?kind=automation"))
    for words in ("n entity of service is deleted", "test(&#x27;ch&#x27;)"):
        assert words in page and words in listed
    assert run.public_id in page or "Search" in page
    assert "could not be asked" not in page and "condition failed" not in listed
    browser.force_login(alice)
    page, listed = (browser.get(f"/actions/{each}").content.decode() for each in ("tidy", "?kind=automation"))
    assert "could not be asked" in page and "null" in page and "condition failed" in listed


def test_the_page_of_an_action_says_what_it_asks_for_and_who_may(restart, browser):
    action_permit(restart, {"execute": {"roles": ["Admin"], "teams": ["payments"]}}, by=SETUP)
    page = browser.get("/actions/restart").content.decode()
    for words in ("Why", "list of environment", "Administrators, team payments", "/v1/actions/restart/runs"):
        assert words in page
    assert "/actions/restart/run" in page


def test_an_action_is_made_from_an_example_and_changed_on_its_page_by_who_may(shop, browser, alice):
    assert browser.get("/actions/!new").status_code == 403 and "!new" not in browser.get("/actions/").content.decode()
    browser.force_login(alice)
    for name, (_, example) in EXAMPLES.items():
        body = browser.get(f"/actions/!new?from={name}").context["form"]["body"].value()
        assert json.loads(body) == example
        answer = browser.post("/actions/!new", {"body": body})
        assert (answer.status_code, answer["Location"]) == (303, f"/actions/{example['identifier']}")
    before = Action.objects.get(identifier="restart").as_sent
    for body, words in [
        ("{", "this is not JSON"),
        ('{"x": NaN}', "this is not JSON"),
        ("true", "Must be an object"),
        ("{}", "required property"),
        (json.dumps(before | {"trigger": 1}), "trigger"),
    ]:
        for url in ("/actions/!new", "/actions/!edit/restart"):
            answer = browser.post(url, {"body": body})
            assert answer.status_code == 422 and words in answer.content.decode()
    assert Action.objects.count() == len(EXAMPLES) and Action.objects.get(identifier="restart").as_sent == before
    assert "/actions/!edit/restart" in browser.get("/actions/restart").content.decode()
    browser.post("/actions/!edit/restart", {"body": json.dumps(before | {"title": "Start again"})})
    assert Action.objects.get(identifier="restart").definition["title"] == "Start again"


def test_a_run_is_asked_for_by_the_form(restart, browser):
    page = browser.get("/actions/restart/run?entity=checkout").content.decode()
    assert 'value="checkout"' in page and "offered to the agent" in page
    said = {"entity": "checkout", "p-why": "it leaks", "p-times": "2", "p-where": "production\nstaging"}
    answer = browser.post("/actions/restart/run", said)
    run = Run.objects.get()
    assert (answer.status_code, answer["Location"]) == (303, f"/runs/{run.public_id}")
    assert run.inputs == {"why": "it leaks", "times": 2, "where": ["production", "staging"]}
    assert (run.entity, run.source, run.created_by) == ("checkout", "UI", "Bob")


def test_each_fault_of_the_form_stands_at_its_field_and_nothing_is_kept(restart, browser):
    for said, fault in [
        ({"entity": "checkout", "p-why": "no"}, "shorter than 3 characters"),
        ({"entity": "chekout", "p-why": "it leaks"}, "was not found"),
        ({"entity": "checkout", "p-why": "it leaks", "p-times": "many"}, "is not a number"),
        ({"entity": "checkout", "p-why": "it leaks", "p-where": "mars"}, "no environment called “mars”"),
        ({"p-why": "it leaks"}, "Name the service that this is about"),
    ]:
        answer = browser.post("/actions/restart/run", said)
        assert answer.status_code == 422 and fault in answer.content.decode(), said
    assert not Run.objects.exists() and events("run") == []


def test_what_nobody_would_carry_out_is_left_to_programs(shop, browser):
    action_create(RESTART | {"invocationMethod": {"type": "KAFKA"}}, by=SETUP)
    page = browser.get("/actions/restart").content.decode()
    assert (
        "Nobody carries it out here" in page
        and "writes to no Kafka topic" in page
        and 'href="/actions/restart/run"' not in page
    )
    assert browser.get("/actions/restart/run").status_code == 303
    assert browser.post("/actions/restart/run", {"entity": "checkout", "p-why": "it leaks"}).status_code == 303
    assert not Run.objects.exists()


def test_a_run_shows_its_log_live_until_it_ends(restart, browser):
    run = begun(restart)
    run_log(run, {"message": "first <line>"}, by=SETUP)
    page = browser.get(f"/runs/{run.public_id}")
    assert (
        "first &lt;line&gt;" in page.content.decode() and "data-live" in page.content.decode().split('id="run"')[1][:60]
    )
    stamp = {"HX-Request": "true", "X-Stamp": page["X-Stamp"]}
    assert browser.get(f"/runs/{run.public_id}", headers=stamp).status_code == 204
    run_log(run, {"message": "second", "terminationStatus": "SUCCESS"}, by=SETUP)
    fresh = browser.get(f"/runs/{run.public_id}", headers=stamp)
    assert fresh.status_code == 200 and "second" in fresh.content.decode() and "data-live" not in fresh.content.decode()


def test_who_asked_ends_a_run_by_hand_and_a_stranger_does_not(restart, browser, page, bob, charlie, client):
    run = begun(restart, by=page(bob))
    client.force_login(charlie)
    assert "It failed" not in client.get(f"/runs/{run.public_id}").content.decode()
    assert client.post(f"/runs/{run.public_id}/end", {"status": "FAILURE"}).status_code == 403
    client.force_login(bob)
    assert client.post(f"/runs/{run.public_id}/end", {"status": "FAILURE"}).status_code == 303
    again = client.post(f"/runs/{run.public_id}/end", {"status": "SUCCESS"})
    assert again.status_code == 422 and "has ended" in again.content.decode()
    assert Run.objects.get().status == "FAILURE"


def test_an_approver_approves_on_the_page(shop, browser, page, bob, charlie):
    action = action_create(RESTART | {"requiredApproval": True}, by=SETUP)
    action = action_permit(action, {"approve": {"teams": ["payments"]}}, by=SETUP)
    run = begun(action, by=page(charlie))
    assert "Approve" in browser.get(f"/runs/{run.public_id}").content.decode()
    browser.post(f"/runs/{run.public_id}/decision", {"status": "APPROVE", "description": "Go"})
    shown = browser.get(f"/runs/{run.public_id}").content.decode()
    assert "Bob approved: Go" in shown and Run.objects.get().status == "IN_PROGRESS"


def test_runs_are_filtered_and_what_is_private_is_not_listed(restart, browser, page, alice, bob):
    mine, other = begun(restart, by=page(bob)), begun(restart, entity="search")
    run_update(other, {"status": "FAILURE"}, by=SETUP)
    hidden = begun(action_create(RESTART | {"identifier": "x", "allowAnyoneToViewRuns": False}, by=SETUP))

    def listed(query=""):
        return {run for run in (mine, other, hidden) if run.public_id in browser.get(f"/runs/{query}").content.decode()}

    assert listed() == {mine, other}
    assert listed("?show=mine") == listed("?show=open") == listed("?blueprint=service&entity=checkout") == {mine}
    assert listed("?status=FAILURE") == {other}
    assert listed("?action=nothing") == set()
    assert browser.get(f"/runs/{hidden.public_id}").status_code == 404


def test_the_page_of_an_entity_shows_its_runs_and_what_to_run_on_it(restart, browser):
    run = begun(restart)
    assert "tab=runs" in browser.get("/catalog/service/entities/checkout").content.decode()
    panel = browser.get("/runs/of?blueprint=service&entity=checkout").content.decode()
    assert run.public_id in panel and "/actions/restart/run?entity=checkout" in panel


def test_what_a_run_wrote_shows_on_its_page(restart, browser, terraform):
    run = begun(restart)
    terraform.post(f"blueprints/service/entities?upsert=true&run_id={run.public_id}", {"identifier": "new-one"})
    page = browser.get(f"/runs/{run.public_id}").content.decode()
    assert "What it changed" in page and "/catalog/service/entities/new-one" in page


def test_links_of_the_compatible_portal_lead_to_the_run(restart, browser):
    run = begun(restart)
    assert browser.get(f"/organization/run?runId={run.public_id}")["Location"] == f"/runs/{run.public_id}"
    assert browser.get("/organization/run?runId=r_no").status_code == 404
