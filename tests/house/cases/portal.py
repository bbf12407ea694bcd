"""Of actions, notifications, pages, GitHub, Slack and the outbox."""

import pytest

from catalog import queries as catalog
from catalog.commands import entity_write
from catalog.wishes import Wish
from locks.commands import lock_release
from portal.accounts.commands import user_create
from portal.accounts.queries import actor_of_user
from portal.actions.commands import action_create, run_asks, run_create
from portal.actions.events import told
from portal.actions.forges import Job, Seen
from portal.actions.requests import Request
from portal.audit.models import Delivery, Event
from portal.audit.nouns import Noun
from portal.audit.record import record
from portal.github.imports import import_start
from portal.kit.by import By
from portal.kit.errors import Conflict
from portal.kit.outgoing import Answer
from portal.notifications.commands import route_create
from portal.sidebars.commands import folder_create, page_create
from portal.slackbot.waiting import watch_start
from tests.conftest import SETUP
from tests.house.cases.catalog import box
from tests.house.cases.locks import held

ACTION = {
    "identifier": "restart",
    "trigger": {"type": "self-service", "operation": "CREATE", "userInputs": {"properties": {}}},
    "invocationMethod": {"type": "WEBHOOK", "url": "https://example.org"},
}
PAGE = {"identifier": "board", "type": "dashboard", "widgets": [{"id": "w", "type": "markdown"}]}
NO = Answer(404, b"", 0.1)
ROUTE = {"name": "All of it", "events": ["route.tested"], "to": "channel", "address": "deployments"}
PLACE = {"repository": "larder/checkout"}

CASES = {
    "import_start": (lambda do, shop: do("larder", token="t", by=SETUP), ["github_import.started"]),
    "import_cancel": (lambda do, shop: do(reading(), by=SETUP), ["github_import.started", "github_import.cancelled"]),
    "route_create": (lambda do, shop: do(ROUTE, by=SETUP), ["route.created"]),
    "route_update": (
        lambda do, shop: do(route(), ROUTE | {"enabled": False}, by=SETUP),
        ["route.created", "route.updated"],
    ),
    "route_change": (lambda do, shop: do(route(), {"dry": True}, by=SETUP), ["route.created", "route.updated"]),
    "route_test": (
        lambda do, shop: pytest.raises(Conflict, do, route(), by=SETUP),  # Slack is not connected
        ["route.created"],
    ),
    "route_delete": (lambda do, shop: do(route(), by=SETUP), ["route.created", "route.deleted"]),
    "watch_start": (
        lambda do, shop: do(held(shop), slack_id="U1", by=somebody()),
        ["lock.taken", "user.created", "ticket.joined", "wait.begun"],
    ),
    "watch_end": (
        lambda do, shop: with_by(do, waited_for(shop)),
        ["lock.taken", "user.created", "ticket.joined", "wait.begun", "ticket.withdrawn", "wait.ended"],
    ),
    "turn_used": (
        lambda do, shop: with_by(do, taken_in_turn(shop)),
        "lock.taken user.created ticket.joined wait.begun lock.released lock.taken ticket.withdrawn wait.ended".split(),
    ),
    "reruns_ask": (lambda do, shop: do(held(shop), by=SETUP), ["lock.taken"]),
    "action_create": (lambda do, shop: do(ACTION, by=SETUP), ["action.created"]),
    "actions_write": (
        lambda do, shop: do(catalog.blueprint("service"), [of_service("a"), of_service("b")], by=SETUP),
        ["action.created", "action.created"],
    ),
    "action_replace": (
        lambda do, shop: do(action(), ACTION | {"title": "Reboot"}, by=SETUP),
        ["action.created", "action.updated"],
    ),
    "action_permit": (
        lambda do, shop: do(action(), {"execute": {"roles": ["Admin"]}}, by=SETUP),
        ["action.created", "action.updated"],
    ),
    "action_delete": (lambda do, shop: do(action(), by=SETUP), ["action.created", "action.deleted"]),
    "blueprint_delete_with_actions": (
        lambda do, shop: do(box(), by=SETUP),
        ["blueprint.created", "blueprint.deleted"],
    ),
    "run_create": (lambda do, shop: do(action(), {}, by=SETUP), ["action.created", "run.created"]),
    "run_update": (
        lambda do, shop: do(run(), {"status": "SUCCESS"}, by=SETUP),
        ["action.created", "run.created", "run.ended"],
    ),
    "run_log": (lambda do, shop: do(run(), {"message": "hello"}, by=SETUP), ["action.created", "run.created"]),
    "run_respond": (lambda do, shop: do(run(), "ok", by=SETUP), ["action.created", "run.created", "run.updated"]),
    "automation_run": (
        lambda do, shop: do(*followed(), cause=None, by=SETUP),
        ["action.created", "entity.updated", "run.created"],
    ),
    "automations_run": (
        lambda do, shop: do([(given := followed())[0]], *given[1:], cause=None, by=SETUP),
        ["action.created", "entity.updated", "run.created"],
    ),
    "automations_meant": (
        lambda do, shop: do([orphan()], {}, by=SETUP),
        ["action.created", "entity.updated", "action.paused"],
    ),
    "automation_pause": (
        lambda do, shop: do(orphan(), {}, by=SETUP),
        ["action.created", "entity.updated", "action.paused"],
    ),
    "automation_take": (
        lambda do, shop: do(orphan(), by=SETUP),
        ["action.created", "entity.updated", "action.updated"],
    ),
    "run_asks": (lambda do, shop: do(run(), PLACE, True, by=SETUP), ["action.created", "run.created"]),
    "run_asks_later": (lambda do, shop: do(marked(), "x", by=SETUP), ["action.created", "run.created"]),
    "run_doubts": (
        lambda do, shop: do(marked(), "Silence.", again=False, aloud=True, by=SETUP),
        ["action.created", "run.created"],
    ),
    "run_begun": (
        lambda do, shop: do(marked(), Job("7", "https://a/7"), "GitHub", by=SETUP),
        ["action.created", "run.created", "run.updated"],
    ),
    "run_seen": (
        lambda do, shop: do(marked(), Seen("success", "fine"), by=SETUP),
        ["action.created", "run.created", "run.ended"],
    ),
    "run_unwatched": (
        lambda do, shop: do(marked(), "It goes on.", by=SETUP),
        ["action.created", "run.created"],
    ),
    "run_called": (
        lambda do, shop: do(run(), Request("POST", "http://a", b""), NO, by=SETUP),
        ["action.created", "run.created", "run.ended"],
    ),
    "run_uncalled": (
        lambda do, shop: do(run(), "It is gone.", ends=True, by=SETUP),
        ["action.created", "run.created", "run.ended"],
    ),
    "run_decide": (
        lambda do, shop: do(run(requiredApproval=True), {"status": "APPROVE"}, by=SETUP),
        ["action.created", "run.created", "run.approved"],
    ),
    "runs_claim": (
        lambda do, shop: do({"installationId": "me"}, by=SETUP) if run() else None,
        ["action.created", "run.created"],
    ),
    "runs_acknowledge": (
        lambda do, shop: do({"runId": run(agent=True).public_id}, by=SETUP),
        ["action.created", "run.created", "run.updated"],
    ),
    "page_create": (lambda do, shop: do(PAGE, by=SETUP), ["page.created"]),
    "page_update": (
        lambda do, shop: do(kept_page(), PAGE | {"title": "Board"}, by=SETUP),
        ["page.created", "page.updated"],
    ),
    "page_permit": (
        lambda do, shop: do(kept_page(), {"read": {"roles": ["Admin"]}}, by=SETUP),
        ["page.created", "page.updated"],
    ),
    "page_delete": (lambda do, shop: do(kept_page(), by=SETUP), ["page.created", "page.deleted"]),
    "widget_update": (
        lambda do, shop: do(kept_page(), "w", {"title": "New"}, by=SETUP),
        ["page.created", "page.updated"],
    ),
    "widget_delete": (lambda do, shop: do(kept_page(), "w", by=SETUP), ["page.created", "page.updated"]),
    "folder_create": (lambda do, shop: do({"title": "Docs"}, by=SETUP), ["folder.created"]),
    "folder_update": (
        lambda do, shop: do(folder(), {"title": "Documents"}, by=SETUP),
        ["folder.created", "folder.updated"],
    ),
    "folder_delete": (lambda do, shop: do(folder(), by=SETUP), ["folder.created", "folder.deleted"]),
    "delivery_retry": (lambda do, shop: do(parked(), by=SETUP), ["thing.made", "delivery.retried"]),
}


def reading():
    return import_start("larder", token="t", by=SETUP)


def route():
    return route_create(ROUTE, by=SETUP)


def action(agent=False, **more):
    method = ACTION["invocationMethod"] | ({"agent": True} if agent else {})
    return action_create(ACTION | {"invocationMethod": method} | more, by=SETUP)


def followed():
    event = {"type": "ENTITY_UPDATED", "blueprintIdentifier": "service"}
    follower = action(trigger={"type": "automation", "event": event})
    wish = Wish("service", "search", "patch", title="S", given=frozenset({"title"}))
    entity_write(wish, by=SETUP)
    event = Event.objects.get(name="entity.updated")
    return follower, event, told(event, None)


def marked():
    """A run whose forge is asked."""
    asked = run()
    run_asks(asked, PLACE, True, by=SETUP)
    return asked


def orphan():
    """An automation whose author is here no more."""
    follower = followed()[0]
    follower.author_key = "user:0"
    follower.save()
    return follower


def of_service(identifier):
    trigger = ACTION["trigger"] | {"blueprintIdentifier": "service"}
    return ACTION | {"identifier": identifier, "trigger": trigger}


def run(**more):
    return run_create(action(**more), {}, by=SETUP)


def kept_page():
    return page_create(PAGE, by=SETUP)


def folder():
    return folder_create({"title": "Docs"}, by=SETUP)


def parked():
    noun = Noun("thing", "1", "a thing")
    event = record("thing.made", noun, by=SETUP)
    return Delivery.objects.create(event=event, subscriber="post", stream="thing:1", state="parked")


def somebody():
    made = user_create("kim@example.org", "Kim", password=None, by=SETUP)
    return By(actor_of_user(made), "slack")


def with_by(do, asked):
    lock, by = asked
    do(lock, by=by)


def waited_for(shop):
    lock, by = held(shop), somebody()
    watch_start(lock, slack_id="U1", by=by)
    return lock, by


def taken_in_turn(shop):
    lock, by = held(shop), somebody()
    watch_start(lock, slack_id="U1", by=by)
    lock_release(lock, by=SETUP)
    return held(shop), by
