"""Environments that end by themselves, from Slack. Bob answers for one; Charlie for none."""

from datetime import timedelta

import pytest

from deployments.environments.commands import environment_request
from deployments.environments.models import Environment
from portal.kit.clock import database_now
from tests.conftest import events
from tests.environments.conftest import make


@pytest.fixture
def one(shop, at_slack, page, bob):
    made = environment_request(make(soft_cap="20h"), name="bob-1", ttl=timedelta(hours=4), by=page(bob))
    Environment.objects.filter(pk=made.pk).update(state="ready")
    return made


def end(one):
    return Environment.objects.get(pk=one.pk).deadline


def test_env_lists_ones_own(one, at_slack):
    assert at_slack["bob"].types("env").text == (
        "*Your environments*\n:seedling: *bob-1* · Preview · Ready\nuntil «then» · Bob\n[Extend] [Pin…]"
    )
    assert at_slack["charlie"].types("env").text == "*Your environments*\nNone that ends by itself."
    assert "bob-1" in at_slack["bob"].opens_home() and "bob-1" not in at_slack["charlie"].opens_home()
    assert "no account" in at_slack["dana"].types("env").text


def test_a_link_to_one_shows_how_long_it_lives(one, at_slack, settings):
    settings.BASE_URL = "http://127.0.0.1:8800"
    [(_, shown)] = at_slack["charlie"].posts(f"http://127.0.0.1:8800/environments/{one.public_id}")
    assert "bob-1" in str(shown) and "Extend" not in str(shown)
    [(_, shown)] = at_slack["charlie"].posts(f"http://127.0.0.1:8800/environments/{one.public_id}#now")[1:]
    assert "bob-1" in str(shown)


def test_extend_twice_is_the_same_answer_and_one_event(one, at_slack):
    bob = at_slack["bob"]
    bob.types("env")
    shown = bob.space.whispers[-1]
    told = [bob.presses("environment_extend", one.public_id, message=shown).text for _ in range(2)]
    assert told == [":seedling: bob-1 lives until «then»."] * 2
    assert timedelta(hours=7.9) < end(one) - database_now() < timedelta(hours=8.1)
    assert events("environment.extended") == ["environment.extended"]


def test_past_the_soft_cap_a_form_asks_why(one, at_slack):
    Environment.objects.filter(pk=one.pk).update(requested_at=database_now() - timedelta(hours=15))
    bob = at_slack["bob"]
    assert bob.presses("environment_extend", one.public_id) == []
    assert bob.sends() == {
        "response_action": "errors",
        "errors": {"reason": "Beyond 20 h it takes a reason, in 3 characters or more."},
    }
    assert bob.sends(ttl="soon", reason="the demo")["errors"]["ttl"].startswith("Must be a length of time")
    assert events("environment.extended") == []
    assert bob.sends(reason="the demo is tomorrow") == {}
    assert events("environment.extended") == ["environment.extended"]


def test_a_pin_needs_an_end_and_a_reason(one, at_slack):
    bob, then = at_slack["bob"], database_now() + timedelta(days=2)
    bob.presses("environment_pin", one.public_id)
    assert "until" in bob.sends(until=None, reason="for the demo")["errors"]
    assert "reason" in bob.sends(until=int(then.timestamp()), reason="")["errors"]
    assert "until" in bob.sends(until=4102444800, reason="for the demo")["errors"]
    assert events("environment.pinned") == []
    assert bob.sends(until=int(then.timestamp()), reason="for the demo") == {}
    assert abs(end(one) - then) < timedelta(minutes=1)
    assert "pinned until" in bob.types("env").text


def test_who_does_not_answer_for_it_is_refused(one, at_slack):
    before = end(one)
    assert "may not" in at_slack["charlie"].presses("environment_extend", one.public_id).text
    at_slack["charlie"].presses("environment_pin", one.public_id)
    then = int((database_now() + timedelta(days=2)).timestamp())
    assert "may not" in at_slack["charlie"].sends(until=then, reason="I want it")["errors"]["until"]
    assert end(one) == before
