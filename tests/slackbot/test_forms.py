"""Slack's forms say of a field what the page says of it."""

import re

import pytest
from django.test import Client

from locks.models import Lock
from portal.kit.clock import database_now
from portal.slackbot.models import Inbound
from tests.conftest import events

WRONG = {
    "nothing": {"reason": "", "service": ""},
    "a typo": {"service": "chekout", "reason": "debugging"},
    "a short reason": {"reason": "x"},
    "too long": {"duration": "custom", "until": "2100-01-01T00:00", "reason": "debugging"},
    "in the past": {"duration": "custom", "until": "2020-01-01T00:00", "reason": "debugging"},
    "no instant": {"duration": "custom", "until": "", "reason": "debugging"},
    "a bad link": {"reason": "debugging", "link": "javascript:alert(1)"},
    "a scope without its name": {"scope": "team", "reason": "debugging"},
    "an unknown effect": {"effect": "all", "reason": "debugging"},
    "a long reason": {"reason": "x" * 2001},
}
FULL = {
    "scope": "pair",
    "service": "checkout",
    "environment": "production",
    "duration": "2h",
    "effect": "block",
    "link": "",
}


@pytest.fixture(autouse=True)
def _(shop, at_slack):
    pass


def of_the_page(user, values):
    """What the page says, by field."""
    client = Client()
    client.force_login(user)
    page = client.post("/locks/", FULL | values)
    assert page.status_code == 422
    form = page.context["form"]
    return {name: " ".join(map(str, errors)) for name, errors in form.errors.items()}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_wrong_at_the_same_field_in_the_same_words(at_slack, bob, case):
    somebody, values = at_slack["bob"], WRONG[case]
    somebody.types("lock checkout production")
    at = values.get("until")
    instant = int(database_now().strptime(at + "+0000", "%Y-%m-%dT%H:%M%z").timestamp()) if at else at
    answer = somebody.sends(**FULL | values | ({"until": instant} if "until" in values else {}))
    said = of_the_page(bob, values)
    assert answer == {"response_action": "errors", "errors": said}
    assert not Lock.objects.exists() and not Inbound.objects.filter(kind="view").exists()


def test_a_form_takes_a_lock_once_however_often_it_is_sent(at_slack):
    bob = at_slack["bob"]
    bob.types("lock")
    for _ in range(3):
        assert bob.sends(service="checkout", reason="debugging the basket") == {}
    assert events("lock.") == ["lock.taken"]
    assert Lock.objects.get().reason == "debugging the basket"


def test_one_that_is_held_is_asked_again_with_the_holder_and_can_be_taken_over(at_slack):
    at_slack["alice"].types("lock checkout production 2h debugging")
    charlie = at_slack["charlie"]
    charlie.types("lock checkout production")
    assert charlie.sends(reason="mine now")["response_action"] == "update"
    assert "Alice holds it already: debugging" in str(charlie.form["blocks"][0])
    assert Lock.objects.get().holder_name == "Alice"
    assert charlie.sends(reason="mine now", steal=["over"]) == {}
    assert events("lock.") == ["lock.taken", "lock.released", "lock.taken"]


def test_after_a_form_the_answer_comes_where_it_was_asked_for(at_slack):
    bob = at_slack["bob"]
    bob.types("lock checkout production")
    told = bob.told_after(lambda: bob.sends(reason="debugging") == {} and bob.last)
    assert told.text == ":lock: Locked checkout in production until «then».\n[Release] [Extend 1 h]"


def test_when_slack_does_not_say_in_time_who_it_is_nothing_is_done(at_slack):
    bob = at_slack["bob"]
    bob.types("lock checkout production")
    from portal.slackbot.models import Member

    Member.objects.all().delete()
    bob.slack.faults.append({"method": "users.info", "hang": 2})
    assert "did not say in time who you are" in bob.sends(reason="debugging")["errors"]["scope"]
    assert not Lock.objects.exists()


def test_names_are_offered_of_what_he_may_see(at_slack):
    def offered(name, field, typed=""):
        answer = at_slack[name].sender.suggest(at_slack[name].id, field, typed)
        return [each["value"] for each in answer.json().get("options", [])]

    assert offered("bob", "service", "che") == ["checkout"]
    assert offered("bob", "environment") == ["production", "staging"]
    assert offered("bob", "team") == ["payments"]
    assert offered("gus", "service") == [] and offered("bob", "\0") == [] and offered("bob", "service", "\0") == []


def test_a_form_that_comes_too_late_says_so(at_slack, monkeypatch):
    bob = at_slack["bob"]
    monkeypatch.setattr("portal.embedded.mock_slack.workspace.TRIGGER_SECONDS", -1.0)
    assert bob.types("lock").text == "That took too long for a form: Slack waits three seconds. Do it once more."
    assert bob.form is None


def test_every_form_is_one_that_slack_takes_with_names_of_any_length(at_slack, terraform):
    name = "s" * 900
    terraform.post("blueprints/service/entities", {"identifier": name, "title": "S"})
    bob = at_slack["bob"]
    bob.types(f"lock {name} production")
    assert bob.form and not re.search("s{200}", str(bob.form))
