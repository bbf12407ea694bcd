"""The page of the stand-in: one types, presses and fills in forms, and the portal hears what it would hear from Slack."""

import re

import pytest

from locks.models import Lock
from portal.embedded.mock_slack import page
from portal.slackbot.inbound import inbound_work


@pytest.fixture
def bob(shop, at_slack):
    return at_slack["bob"]


@pytest.fixture
def acting(bob):
    made = bob.slack.server.acting
    made.sender = bob.sender
    plain = made.sender.raw
    made.sender.raw = lambda body, kind, **more: answer_of(plain(body, kind, **more))
    return made


def answer_of(response):
    from portal.embedded.mock_slack import Answer

    return Answer(response.status_code, response.json() if response.content else {})


def feed(bob):
    space = bob.space
    return page.feed(space.snapshot(), space.whispered(), space.newest_form(bob.id), bob.id, True)


def hidden(text, action):
    """The fields of the form around a button."""
    form = next(each for each in re.findall(r"<form.*?</form>", text) if f'value="{action}"' in each)
    return {name: [value] for name, value in re.findall(r'name="([^"]*)" value="([^"]*)"', form)}


def test_somebody_types_presses_confirms_and_fills_in(bob, acting):
    url, _ = acting.type({"who": [bob.id], "text": ["/portal lock checkout production 2h <b>debugging</b>"]})
    assert url.startswith("/?who=")
    inbound_work()
    shown = feed(bob)
    assert "Locked" in shown and "only you see this" in shown and "<b>debugging</b>" not in shown
    url, sure = acting.press(hidden(shown, "lock_release"))
    assert not url and "Release this lock?" in sure and Lock.objects.get().released_at is None
    url, _ = acting.press(hidden(sure, "lock_release"))
    inbound_work()
    assert url and Lock.objects.get().released_at

    acting.type({"who": [bob.id], "text": ["/portal lock"]})
    inbound_work()
    assert "A form is open" in feed(bob)
    form = acting.form(bob.form["id"], {}, {})
    assert '<option value="checkout">' in form and 'name="reason"' in form
    _, again = acting.submit({"id": [bob.form["id"]], "scope": ["pair"], "service": ["checkout"], "duration": ["1h"]})
    assert "Say why: it is what everybody who is stopped will read." in again
    sent = {"id": [bob.form["id"]], "scope": ["pair"], "service": ["checkout"], "environment": ["staging"]}
    url, _ = acting.submit(sent | {"duration": ["1h"], "effect": ["block"], "reason": ["debugging"]})
    assert url and Lock.objects.latest("id").covers == "checkout in staging"
    assert bob.form is None


def test_what_is_for_one_alone_is_shown_to_him_alone(bob, at_slack):
    bob.space.call("chat.postMessage", {"channel": bob.id, "text": "it is your turn"})
    assert "To you alone" in feed(bob) and "it is your turn" in feed(bob)
    assert "it is your turn" not in feed(at_slack["alice"])


def test_home_is_published_when_it_is_opened(bob, acting):
    acting.open_home(bob.id)
    inbound_work()
    assert "My locks" in page.home(bob.space.homes[bob.id], None, bob.id)


def test_what_is_no_command_is_said_to_be(bob, acting):
    url, _ = acting.type({"who": [bob.id], "text": ["hello <script>"]})
    assert "Only+slash+commands" in url
    shown = page.shell(list(bob.space.people.values()), bob.id, "messages", "<script>alert(1)</script>", True)
    assert "<script>" not in shown
