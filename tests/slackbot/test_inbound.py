"""What comes from Slack is proven, kept before it is acknowledged, and done once, whatever dies in between."""

import json
import time
from datetime import timedelta

import pytest
from django.db import IntegrityError
from django.test import Client

from locks.models import Lock
from portal.kit.clock import database_now
from portal.slackbot import inbound
from portal.slackbot.inbound import inbound_work
from portal.slackbot.models import Inbound, Member
from tests.conftest import events
from tests.slackbot.conftest import FORM, SECRET, posted

TAKE = {"command": "/portal", "text": "lock checkout production 2h debugging", "trigger_id": "1.a", "user_id": "U1"}


@pytest.fixture(autouse=True)
def _(shop, at_slack):
    pass


@pytest.fixture
def sat(at_slack):
    return at_slack["bob"]


def typed(sat, text=TAKE["text"], **more):
    return sat.sender.command_fields(sat.id, text, "C00000001", "/portal") | more


def later():
    Inbound.objects.update(due_at=database_now() - timedelta(seconds=1), held_until=None)
    return inbound_work()


@pytest.mark.parametrize(("secret", "age"), [("wrong", 0), (SECRET, 301), (SECRET, -301), (SECRET, 10**9), ("", 0)])
def test_what_is_not_signed_by_slack_within_five_minutes_is_refused(sat, secret, age):
    answer = posted(TAKE, secret=secret, at=int(time.time()) - age)
    assert answer.status_code == 401 and "signature" in answer.json()["error"]
    assert not Inbound.objects.exists()


@pytest.mark.parametrize("headers", [{"X-Slack-Signature": ""}, {"X-Slack-Request-Timestamp": "soon"}])
def test_a_signature_that_is_missing_or_nonsense_is_refused(sat, headers):
    assert posted(TAKE, headers=headers).status_code == 401
    assert not Inbound.objects.exists()


def test_without_a_secret_the_address_is_closed(sat, settings):
    settings.SLACK_SIGNING_SECRET = ""
    assert posted(TAKE).status_code == 404
    assert Client().get("/slack/events").status_code == 405


@pytest.mark.parametrize("body", [b"{", b"payload=%7B", b"\xff\xfe", b"{" * 100_000])
def test_a_body_that_is_not_slacks_is_refused_though_it_is_signed(sat, body):
    assert sat.post(body, FORM).status_code == 400
    assert not Inbound.objects.exists()


def test_slack_is_told_the_truth_about_the_address(sat):
    answer = sat.post(json.dumps({"type": "url_verification", "challenge": "c-1"}).encode(), "application/json")
    assert (answer.status_code, answer.json()["challenge"]) == (200, "c-1")


def test_it_is_acknowledged_before_anything_is_done(sat):
    assert sat.sender.form(typed(sat)).status_code == 200
    assert (Inbound.objects.get().state, Lock.objects.count(), sat.space.whispers) == ("waiting", 0, [])
    inbound_work()
    assert (Inbound.objects.get().state, Lock.objects.count(), len(sat.space.whispers)) == ("done", 1, 1)


def test_the_same_sent_again_does_nothing_twice(sat):
    fields = typed(sat)
    sat.sender.form(fields), sat.sender.form(fields)
    inbound_work()
    sat.sender.form(fields)
    inbound_work()
    assert (events("lock."), len(sat.space.whispers)) == (["lock.taken"], 1)


def test_an_event_that_slack_tries_again_is_one(sat):
    home = {"type": "app_home_opened", "user": sat.id, "tab": "home"}
    for number in range(3):
        sat.sender.event(home, name="Ev1", X_Slack_Retry_Num=str(number), X_Slack_Retry_Reason="http_timeout")
    assert Inbound.objects.count() == 1


def test_while_slack_is_slow_to_say_who_it_is_nothing_is_lost(sat):
    sat.slack.faults.append({"method": "users.info", "status": 500})
    sat.sender.form(typed(sat))
    inbound_work()
    assert (Inbound.objects.get().state, Lock.objects.count()) == ("waiting", 0)
    later()
    assert (Inbound.objects.get().state, events("lock.")) == ("done", ["lock.taken"])


def test_a_process_that_dies_before_the_deed_leaves_it_to_another(sat):
    sat.sender.form(typed(sat))
    assert inbound._claimed(database_now())  # and no more is heard of it
    assert inbound_work() is False and not Lock.objects.exists(), "it is held by a lease"
    later()
    assert events("lock.") == ["lock.taken"]


def test_a_process_that_dies_after_the_deed_answers_without_doing_it_again(sat):
    sat.sender.form(typed(sat))
    sat.slack.faults.append({"method": "respond", "status": 500})
    inbound_work()
    row = Inbound.objects.get()
    assert (row.state, events("lock."), sat.space.whispers) == ("decided", ["lock.taken"], [])
    later()
    assert (Inbound.objects.get().state, events("lock."), len(sat.space.whispers)) == ("done", ["lock.taken"], 1)


def test_the_deed_and_the_word_that_it_is_done_are_one_transaction(sat, monkeypatch):
    sat.sender.form(typed(sat))
    monkeypatch.setattr(inbound, "seal", lambda text: (_ for _ in ()).throw(IntegrityError("the power went")))
    inbound_work()
    assert (Inbound.objects.get().state, Lock.objects.count()) == ("waiting", 0)


def test_slack_asking_to_wait_is_waited_for(sat):
    sat.sender.form(typed(sat))
    sat.slack.faults.append({"method": "respond", "status": 429, "retry_after": 20})
    inbound_work()
    row = Inbound.objects.get()
    assert row.state == "decided" and 18 < (row.due_at - database_now()).total_seconds() < 21


def test_what_has_lain_for_half_an_hour_is_not_done_any_more(sat):
    sat.sender.form(typed(sat))
    Inbound.objects.update(came_at=database_now() - timedelta(minutes=30))
    inbound_work()
    row = Inbound.objects.get()
    assert (row.state, Lock.objects.count()) == ("lost", 0) and "was not done" in row.fault


def test_what_was_said_is_sealed_and_forgotten(sat):
    sat.sender.form(typed(sat))
    assert "debugging" not in Inbound.objects.get().sealed
    inbound_work()
    row = Inbound.objects.get()
    assert (row.sealed, row.answers) == ("", "")


def test_an_answer_goes_to_slack_and_nowhere_else(sat, slack):
    sat.sender.form(typed(sat, response_url="http://169.254.169.254/latest"))
    inbound_work()
    row = Inbound.objects.get()
    assert (row.state, row.fault) == ("lost", "The address to answer at is not Slack's.")


@pytest.mark.parametrize("text", ["lock checkout production 2h a\0b", "where \0", "\0"])
def test_nul_is_refused_with_a_sentence(sat, text):
    assert sat.types(text).text.startswith("The text holds U+0000")
    assert not Lock.objects.exists()


def test_half_a_character_is_refused_with_a_sentence(sat):
    home = {"type": "block_actions", "user": {"id": sat.id}, "trigger_id": "t"}
    action = {"action_id": "lock_release", "value": "\ud800", "type": "button", "block_id": "b"}
    url = f"{sat.slack.url}respond/{sat.space.answer_at(sat.id, 'C00000001')}"
    told = sat.told_after(lambda: sat.sender.payload(home | {"actions": [action], "response_url": url}))
    assert told.text.startswith("The text holds U+0000 or half of a character")


@pytest.mark.parametrize(
    "text",
    [
        "where " + "x" * 10_000,
        "check <!channel> <@U1>",
        "locks *bold* _x_",
        "lock <!here> production 1h why",
        "x" * 10_000,
    ],
)
def test_hostile_text_calls_nobody_and_is_within_what_slack_takes(sat, text):
    told = sat.types(text)
    assert told and "<!" not in str(told[0]["blocks"]) and "<@" not in str(told[0]["blocks"])
    assert Inbound.objects.get().state == "done" and not Lock.objects.exists()


def test_a_hostile_reason_is_kept_as_it_is_and_shown_harmlessly(sat):
    reason = "<!channel> *now* &amp; <https://evil.example|here>"
    told = sat.types(f"lock checkout production 2h {reason}")
    shown = sat.types("locks")
    assert Lock.objects.get().reason == reason.replace("&amp;", "&")
    assert told and "&lt;!channel&gt;" in shown[0]["blocks"][1]["text"]["text"]


def test_a_member_is_asked_of_once_an_hour(sat):
    sat.types("help")
    sat.slack.faults.append({"method": "users.info", "status": 500})
    assert "You are Bob" in sat.types("help").text
    Member.objects.update(read_at=database_now() - timedelta(hours=2))
    assert "You are Bob" in sat.types("help").text, "while Slack does not answer, what it said holds for a day"
