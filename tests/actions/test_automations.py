"""What automations do when something happens: once for each event, with their author's rights, and never for ever."""

import base64
import hashlib
import hmac
import json
import re
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog.commands import (
    blueprint_create,
    blueprint_rename,
    entity_delete,
    entity_write,
    migrations_run,
    timers_expire,
)
from catalog.models import Entity
from catalog.wishes import Wish
from portal.accounts.commands import (
    credential_create,
    credential_of,
    credential_revoke,
    user_create,
    user_update,
)
from portal.accounts.organization import secret_create
from portal.accounts.queries import actor_of_credential
from portal.actions import queries
from portal.actions.commands import (
    action_create,
    action_delete,
    action_replace,
    run_create,
    run_decide,
    run_log,
    run_update,
)
from portal.actions.models import Action, Run
from portal.audit.models import Delivery, Event
from portal.audit.outbox import claim, deliver_due
from portal.kit.by import By
from portal.kit.errors import Invalid
from tests.catalog.test_killed_workers import killed_at
from tests.conftest import SETUP, write
from tests.receivers import OK, reset

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).parents[2]
PAST = "2024-05-01T12:00:00Z"
BOX = {
    "identifier": "box",
    "title": "Box",
    "schema": {
        "properties": {"size": {"type": "number"}, "ttl": {"type": "string", "format": "timer"}},
    },
}
KAFKA = {"type": "KAFKA"}


@pytest.fixture
def box(db):
    return blueprint_create(BOX, by=SETUP)


def definition(kind, about="box", *, method=KAFKA, name="follow", when=(), **more):
    event = {"type": kind, "actionIdentifier" if "RUN" in kind else "blueprintIdentifier": about}
    event |= {"propertyIdentifier": more.pop("timer")} if "timer" in more else {}
    trigger = {"type": "automation", "event": event}
    trigger |= {"condition": {"type": "JQ", "expressions": list(when)} | more.pop("also", {})} if when else {}
    return {"identifier": name, "title": name.title(), "trigger": trigger, "invocationMethod": method} | more


def automation(kind, about="box", *, by=SETUP, **more):
    return action_create(definition(kind, about, **more), by=by)


def upsert(blueprint="box", **mapping):
    return {"type": "UPSERT_ENTITY", "blueprintIdentifier": blueprint, "mapping": mapping}


def put(identifier="a", mode="merge", **properties):
    return write("box", identifier, mode=mode, properties=properties)


def drop(identifier="a"):
    entity_delete(Entity.objects.select_related("blueprint").get(identifier=identifier), by=SETUP)


def runs(name="follow"):
    deliver_due()
    return list(Run.objects.filter(action__identifier=name).order_by("id"))


def asked(**more):
    trigger = {"type": "self-service", "operation": "CREATE", "userInputs": {"properties": {"why": {"type": "string"}}}}
    return action_create({"identifier": "ask", "trigger": trigger, "invocationMethod": KAFKA} | more, by=SETUP)


def test_each_event_of_an_entity_begins_one_run_and_says_what_it_was(box):
    wanted = {
        "ENTITY_CREATED": ["CREATE"],
        "ENTITY_UPDATED": ["UPDATE"],
        "ENTITY_DELETED": ["DELETE"],
        "ANY_ENTITY_CHANGE": ["CREATE", "UPDATE", "DELETE"],
        "TIMER_PROPERTY_EXPIRED": ["TIMER_EXPIRED"],
    }
    for kind in wanted:
        automation(kind, name=kind, **({"timer": "ttl"} if "TIMER" in kind else {}))
    automation("ANY_ENTITY_CHANGE", "service", name="other")
    put(ttl=PAST)
    timers_expire()
    put(size=2)
    put(size=2)  # nothing changed
    drop()
    assert {kind: [run.event["action"] for run in runs(kind)] for kind in wanted} == wanted
    assert not runs("other")
    for run in Run.objects.all():
        said, (before, after) = run.event["action"], (run.event["diff"][side] for side in ("before", "after"))
        assert (run.source, run.created_by, run.status) == ("AUTOMATION", run.title, "IN_PROGRESS")
        assert run.entity == run.event["context"]["entityIdentifier"] == (after or before)["identifier"] == "a"
        assert (before is None, after is None) == (said in {"CREATE", "TIMER_EXPIRED"}, said == "DELETE")


def test_each_event_of_a_run_begins_one_and_a_line_of_its_log_none(alice, page):
    wanted = {
        "RUN_CREATED": ["CREATE"],
        "RUN_UPDATED": ["UPDATE", "UPDATE"],
        "ANY_RUN_CHANGE": ["CREATE", "UPDATE", "UPDATE"],
    }
    for kind in wanted:
        automation(kind, "ask", name=kind)
    asking = run_create(asked(requiredApproval=True), {"why": "x"}, by=page(alice))
    run_decide(asking, {"status": "APPROVE"}, by=page(alice))
    run_log(asking, {"message": "working"}, by=page(alice))
    run_update(asking, {"status": "SUCCESS"}, by=page(alice))
    found = {kind: runs(kind) for kind in wanted}
    assert {kind: [run.event["action"] for run in each] for kind, each in found.items()} == wanted
    event = found["RUN_UPDATED"][-1].event
    last = event["diff"]["after"]
    assert (last["id"], last["action"]["identifier"], last["properties"]) == (asking.public_id, "ask", {"why": "x"})
    assert (last["status"], event["context"]["action"]["identifier"]) == ("SUCCESS", "ask")
    assert event["trigger"]["by"]["user"]["email"] == "alice@example.org"


def test_conditions_decide_and_nothing_said_is_false(box):
    over = ".diff.after.properties.size > 3"
    automation("ANY_ENTITY_CHANGE", name="all", when=[over, ".context.blueprintIdentifier == 'box'"])
    automation("ANY_ENTITY_CHANGE", name="any", when=[over, ".diff.after.properties.no"], also={"combinator": "or"})
    automation("ANY_ENTITY_CHANGE", name="none", when=[".diff.after.properties.no"])
    put(size=1)
    put(size=4)
    assert [[each.event["action"] for each in runs(name)] for name in ("all", "any", "none")] == [
        ["UPDATE"],
        ["UPDATE"],
        [],
    ]


@pytest.mark.parametrize(
    ("program", "says"),
    [(".diff.after + 1", "cannot be added"), ("'yes'", "neither true nor false"), ("[range(1e9)] | length", "")],
)
def test_a_condition_that_fails_is_no_run_and_shows_its_fault(box, terraform, program, says):
    automation("ENTITY_CREATED", when=[program])
    put()
    assert runs() == []
    assert Delivery.objects.get(subscriber="automations").state == "done"
    told = terraform.get("actions/follow").json["action"]["lastError"]
    assert told["message"] and says in told["message"] and told["at"]
    action_replace(Action.objects.get(), definition("ENTITY_CREATED", when=["true"]), by=SETUP)
    assert "lastError" not in terraform.get("actions/follow").json["action"]


@pytest.mark.parametrize(
    ("more", "path"),
    [
        ({"when": ["true", ".diff["]}, "trigger.condition.expressions.1"),
        ({"when": ["true"] * 51}, "trigger.condition.expressions"),
        ({"kind": ["ENTITY_CREATED"]}, "trigger.event.type"),
        ({"method": {"type": ["KAFKA"]}}, "invocationMethod.type"),
    ],
)
def test_what_no_automation_can_be_is_refused_where_it_is_defined(box, more, path):
    with pytest.raises(Invalid) as refused:
        automation(**{"kind": "ENTITY_CREATED"} | more)
    assert refused.value.details["errors"][0]["path"] == path
    assert not Action.objects.exists()


def test_nothing_runs_that_is_unpublished_deleted_new_or_history_by_then(box, page, alice):
    automation("ENTITY_CREATED", name="quiet", publish=False)
    gone, hidden = automation("ENTITY_CREATED", name="gone"), automation("ENTITY_CREATED", name="hidden")
    put("a")
    action_delete(gone, by=SETUP)
    action_replace(hidden, definition("ENTITY_CREATED", name="hidden", publish=False), by=SETUP)
    automation("ENTITY_CREATED", name="late")
    Action.objects.filter(identifier="late").update(created_at="2100-01-01T00:00:00Z")
    deliver_due()
    assert Delivery.objects.filter(subscriber="automations", state="done").count() == 1 and not Run.objects.exists()
    automation("ENTITY_CREATED", name="now")
    entity_write(Wish("box", "b", "create"), by=By(SETUP.actor, "setup", quiet=True))
    assert not runs("now")


def test_a_timer_is_followed_under_its_new_name_and_by_the_same_author(box, page, alice):
    automation("TIMER_PROPERTY_EXPIRED", timer="ttl")
    blueprint_rename(box, "property", "ttl", "until", path="x", by=page(alice))
    migrations_run()
    put(until=PAST)
    timers_expire()
    assert [run.event["context"]["propertyIdentifier"] for run in runs()] == ["until"]
    assert Action.objects.get().author_key == SETUP.actor.key


def test_what_a_private_run_was_given_stays_away_from_those_who_may_not_see_it(alice, bob, page, shop):
    automation("RUN_CREATED", "ask")
    run_create(asked(allowAnyoneToViewRuns=False), {"why": "a secret"}, by=page(alice))
    [run] = runs()
    assert run.private and "secret" not in json.dumps(run.event)
    assert list(queries.runs(page(bob))) == [] and run in queries.runs(page(alice))
    follow, ask = (Action.objects.get(identifier=each) for each in ("follow", "ask"))
    action_replace(follow, follow.as_sent | {"title": "Once more"}, by=SETUP)
    assert list(queries.runs(page(bob))) == []
    asking = queries.runs(page(alice), queries.Wanted(action="ask")).get()
    run_update(asking, {"status": "SUCCESS"}, by=page(alice))
    for private in (False, True):
        action_replace(ask, ask.as_sent | {"allowAnyoneToViewRuns": not private}, by=SETUP)
        action_replace(follow, follow.as_sent | {"title": f"Of private runs: {private}"}, by=SETUP)
        assert len(queries.runs(page(bob))) == (0 if private else 2)


def test_a_person_does_not_run_an_automation(box, page, alice):
    with pytest.raises(Invalid, match="by itself"):
        run_create(automation("ENTITY_CREATED"), {}, by=page(alice))
    assert not Run.objects.exists()


def test_what_nobody_follows_costs_no_statement(box):
    def statements(size):
        with CaptureQueriesContext(connection) as asked:
            put("a", size=size)
        return [each["sql"] for each in asked if not each["sql"].startswith(("SAVEPOINT", "RELEASE"))]

    put("a", size=1)
    plain = statements(2)
    automation("ENTITY_DELETED")
    automation("ANY_ENTITY_CHANGE", "service", name="other")
    statements(3)  # a change of an automation is read anew, once
    assert len(statements(4)) == len(plain) and not any("actions_" in each for each in plain)
    assert not Delivery.objects.exists()


def test_what_only_follows_from_a_change_begins_nothing(box):
    mirrors = {
        "mirrorProperties": {"boxed": {"path": "box.size"}},
        "relations": {"box": {"target": "box", "many": False}},
    }
    blueprint_create({"identifier": "shelf", "title": "Shelf", "schema": {"properties": {}}} | mirrors, by=SETUP)
    put("a", size=1)
    write("shelf", "s", relations={"box": ("a",)})
    automation("ANY_ENTITY_CHANGE", "shelf")
    put("a", size=2)
    drop("a")
    assert runs() == []


def test_an_automation_writes_with_the_rights_of_who_wrote_it(box, page, alice, charlie):
    charlie = user_update(charlie, {"moderates": ["box"]}, by=SETUP)
    write("service", "search")
    mark = upsert("service", identifier="search", title="{{ .event.diff.after.identifier }} by {{ .trigger.origin }}")
    automation("ENTITY_CREATED", method=mark, by=page(charlie))
    put("a")
    [run] = runs()
    assert run.status == "FAILURE" and "may not change" in run.summary
    assert Entity.objects.get(identifier="search").title != "a by AUTOMATION"
    action_replace(Action.objects.get(), definition("ENTITY_CREATED", method=mark), by=page(alice))
    put("b")
    written = Entity.objects.get(identifier="search")
    assert runs()[-1].status == "SUCCESS"
    written.refresh_from_db()
    assert (written.title, written.updated_by) == ("b by AUTOMATION", "Follow")
    user_create("zoe@example.org", "Zoe", password=None, role="admin", by=SETUP)
    user_update(alice, {"role": "member"}, by=SETUP)
    put("c")
    assert len(runs()) == 2 and Action.objects.get().paused.startswith("Alice saved it last")


def test_an_automation_stands_still_when_its_author_may_not_keep_it_until_somebody_takes_it_over(
    box, page, alice, bob, charlie, client, terraform
):
    charlie, bob = (user_update(each, {"moderates": ["box"]}, by=SETUP) for each in (charlie, bob))
    _, secret = credential_create("Writer", kind="ci", scopes=["catalog:read", "catalog:write"], by=SETUP)
    writer = credential_of(secret)
    automation("ENTITY_CREATED", by=page(charlie))
    automation("ENTITY_CREATED", name="robots", by=By(actor_of_credential(writer), "api"))
    automation("ENTITY_CREATED", name="theirs", by=page(bob))
    put("a")
    assert len(runs()) == len(runs("robots")) == 1
    user_update(charlie, {"moderates": []}, by=page(alice))
    credential_revoke(writer, by=SETUP)
    deliver_due()
    put("b")
    assert len(runs()) == len(runs("robots")) == 1 and len(runs("theirs")) == 2
    paused = Event.objects.filter(name="action.paused").order_by("noun_id")
    assert [each.noun_id for each in paused] == ["follow", "robots"] and "Charlie" in paused[0].payload["reason"]
    assert "Charlie" in terraform.get("actions/follow").json["action"]["paused"]["reason"]
    client.force_login(charlie)
    assert "Take it over" not in client.get("/actions/follow").content.decode()
    assert client.post("/actions/follow/author").status_code == 403
    client.force_login(bob)
    assert "paused" in client.get("/actions/?kind=automation").content.decode()
    assert "Take it over" in client.get("/actions/follow").content.decode()
    assert client.post("/actions/follow/author").status_code == 303
    body = terraform.get("actions/robots").json["action"]
    assert terraform.send("put", "actions/robots", body).status == 200
    put("c")
    assert len(runs()) == len(runs("robots")) == 2
    assert Action.objects.get(identifier="follow").author_key == f"user:{bob.pk}"
    assert not Action.objects.exclude(paused="").exists()


def test_many_automations_of_one_event_ask_no_more_than_a_few(box):
    def statements(number):
        Action.objects.all().delete()
        for n in range(number):
            automation("ENTITY_CREATED", name=f"a{n}", when=[f".diff.after.properties.size >= {n % 3}"])
        put(f"of-{number}", size=1)
        with CaptureQueriesContext(connection) as asked:
            deliver_due()
        assert Run.objects.filter(action__identifier__startswith="a").count() == number * 2 // 3
        return len(asked)

    assert statements(30) == statements(3)


def test_a_token_lends_an_automation_no_more_than_its_scopes(shop, terraform, box):
    blueprint = terraform.get("blueprints/service").json["blueprint"]
    blueprint["schema"]["properties"]["locked_in_prod"] = {"type": "boolean"}
    terraform.send("put", "blueprints/service", blueprint)
    _, secret = credential_create("Writer", kind="ci", scopes=["catalog:read", "catalog:write"], by=SETUP)
    by = By(actor_of_credential(credential_of(secret)), "api")
    automation(
        "ENTITY_CREATED", method=upsert("service", identifier="search", properties={"locked_in_prod": True}), by=by
    )
    put("a")
    assert "lacks the scope “lock”" in runs()[0].summary


def test_a_loop_ends_and_says_so(box):
    count = upsert(identifier="{{ .event.diff.after.identifier }}", properties={"size": "{{ .event.diff.after.properties.size + 1 }}"})  # fmt: skip
    automation("ENTITY_UPDATED", method=count)
    put(size=0)
    put(size=1)
    deliver_due()
    found = runs()
    assert [run.depth for run in found] == [1, 2, 3, 4, 5, 6]
    assert [run.status for run in found] == ["SUCCESS"] * 5 + ["FAILURE"]
    assert "loop" in found[-1].summary and "loop" in found[-1].logs.get().message
    assert Entity.objects.get(identifier="a").properties["size"] == 6
    assert not Delivery.objects.filter(state="pending").exists()


def test_automations_that_follow_one_anothers_runs_end(box):
    ping = {"type": "self-service", "operation": "CREATE", "userInputs": {"properties": {}}}
    ping = action_create({"identifier": "ping", "trigger": ping, "invocationMethod": KAFKA}, by=SETUP)
    automation("ANY_RUN_CHANGE", "ping", name="pong")
    run_create(ping, {}, by=SETUP)
    action_replace(ping, definition("ANY_RUN_CHANGE", "pong", name="ping"), by=SETUP)
    assert [run.depth for run in runs("ping")] == [0, 2, 4, 6] and [run.depth for run in runs("pong")] == [1, 3, 5]
    assert not Delivery.objects.exclude(state="done").exists()


def body(raw):
    return json.loads(raw.partition(b"\r\n\r\n")[2])


def hook(url, **more):
    return {"type": "WEBHOOK", "url": url, **more}


def test_the_example_of_the_guide_calls_its_receiver_when_the_timer_runs_out(box, receiver, at_home, terraform):
    there = receiver()
    secret_create("action-signing", "hunter2", by=SETUP)
    guide = (ROOT / "docs" / "automations.md").read_text()
    [example] = re.findall(r"```json\n(\{.+?\n\})\n```", guide, re.DOTALL)
    example = json.loads(example)
    about = example["trigger"]["event"]
    blueprint_create(BOX | {"identifier": about["blueprintIdentifier"]}, by=SETUP)
    example["invocationMethod"]["url"] = there.url
    assert terraform.post("actions", example).status == 201
    write(about["blueprintIdentifier"], "pr-7", properties={"ttl": PAST})
    timers_expire()
    [run] = runs(example["identifier"])
    head, _, raw = there.came[0].partition(b"\r\n\r\n")
    assert json.loads(raw) == {"environment": "pr-7", "expired": PAST, "run": run.public_id}
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    right = hmac.new(b"hunter2", headers["X-Port-Timestamp"].encode() + b"." + raw, hashlib.sha256).digest()
    assert headers["X-Port-Signature"] == "v1," + base64.b64encode(right).decode()
    assert (run.status, run.source) == ("IN_PROGRESS", "AUTOMATION") and "answered 200" in run.logs.get().message
    done = terraform.send("patch", f"actions/runs/{run.public_id}", {"status": "SUCCESS"}).json["run"]
    assert (done["status"], done["source"], done["event"]["context"]["entityIdentifier"]) == (
        "SUCCESS",
        "AUTOMATION",
        "pr-7",
    )


def test_a_persons_run_is_called_the_same_way(receiver, at_home, page, bob):
    there = receiver(b'HTTP/1.1 201 Made\r\nContent-Length: 9\r\n\r\n{"n": 1} ')
    method = hook(there.url, synchronized=True, headers={"X-Why": "{{ .inputs.why }}"}, body={"w": "{{ .inputs.why }}"})
    run = run_create(asked(invocationMethod=method), {"why": "x"}, by=page(bob))
    deliver_due()
    run.refresh_from_db()
    assert (run.status, run.response) == ("SUCCESS", {"n": 1})
    assert body(there.came[0]) == {"w": "x"} and b"\r\nX-Why: x\r\n" in there.came[0]


@pytest.mark.parametrize(
    ("answer", "more", "says"),
    [
        (b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", {}, "answered 404"),
        (b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", {"synchronized": True}, "answered 503"),
        (reset, {"synchronized": True}, "could not be reached"),
        (OK, {"url": "http://[::1]/"}, "inside a network"),
        (OK, {"body": {"n": "{{ .inputs + 1 }}"}}, "cannot be added"),
        (OK, {"headers": {"X": "{{ .inputs.why }}"}}, "no header can hold"),
        (OK, {"headers": {"Host": "x"}}, "no header that may be set"),
        (OK, {"headers": {"X": "{{ .secrets.A }}"}}, "does not hand out"),
        (OK, {"method": "BREW"}, "not one of"),
    ],
)  # fmt: skip
def test_a_call_that_cannot_succeed_fails_the_run_with_the_reason(receiver, at_home, answer, more, says):
    run = run_create(asked(invocationMethod=hook(receiver(answer).url) | more), {"why": "a\r\nB: c"}, by=SETUP)
    deliver_due()
    run.refresh_from_db()
    assert run.status == "FAILURE" and says in run.summary, run.summary
    assert Delivery.objects.get(subscriber="run-calls").state == "done"


def test_with_which_token_an_action_calls_is_for_those_who_may_change_it(ci, terraform, client, bob):
    method = hook("https://ci.example.org/in/s3cret", headers={"X-Any": "s3cret"}, body={"token": "s3cret"}, agent=True)
    run_create(
        asked(invocationMethod=method, approvalNotification={"type": "webhook", "url": "https://s.example.org/s3cret"}),
        {},
        by=SETUP,
    )
    for path in ("actions/ask", "actions", "actions/runs", "audit-log"):
        told = json.dumps((terraform if path == "audit-log" else ci).get(path).json)
        assert "s3cret" not in told and "https://ci.example.org/" in told, path
    client.force_login(bob)
    shown = client.get("/actions/ask").content.decode()
    assert "s3cret" not in shown and "https://ci.example.org/" in shown
    assert terraform.get("actions/ask").json["action"]["invocationMethod"] == method
    [claimed] = terraform.post("actions/runs/claim-pending", {"invocationMethod": "WEBHOOK"}).json["runs"]
    assert claimed["payload"]["headers"] == {"X-Any": "s3cret"}


def test_a_receiver_that_is_down_is_called_again_and_after_a_day_no_more(receiver, at_home):
    there = receiver(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n")
    one, two = (run_create(asked(invocationMethod=hook(there.url), identifier=each), {}, by=SETUP) for each in "ab")
    due = Delivery.objects.filter(subscriber="run-calls")
    deliver_due()
    assert [each.status for each in Run.objects.all()] == ["IN_PROGRESS"] * 2 and "again" in one.logs.get().message
    there.answer = OK
    Event.objects.filter(noun_id=two.public_id).update(at="2020-01-01T00:00:00Z")
    due.filter(event__noun_id=one.public_id).update(due_at="2020-01-01T00:00:00Z")
    deliver_due()
    there.answer = reset
    due.update(due_at="2020-01-01T00:00:00Z")
    deliver_due()
    assert [run.status for run in Run.objects.order_by("id")] == ["IN_PROGRESS", "FAILURE"]
    assert [each.message.split(" was ")[-1][:12] for each in one.logs.order_by("id")][1:] == ["answered 200"]
    assert not due.exclude(state="done").exists()


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_dies_between_the_run_and_its_end_leaves_one_run():
    blueprint_create(BOX, by=SETUP)
    automation("ENTITY_CREATED", name="follow")
    automation("ENTITY_CREATED", name="also", method=upsert("service", identifier="made"))
    put("a")
    killed_at("update audit_delivery", "done")
    assert Run.objects.count() == 2
    lapsed = claim()
    assert lapsed.subscriber == "automations"
    Delivery.objects.update(lease_until="2020-01-01T00:00:00Z")
    deliver_due()
    assert sorted(Run.objects.values_list("action__identifier", "status")) == [
        ("also", "SUCCESS"),
        ("follow", "IN_PROGRESS"),
    ]
