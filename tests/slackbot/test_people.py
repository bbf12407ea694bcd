"""Who somebody in Slack is: a person here by his confirmed address, or one who may look, or nobody."""

import pytest

from catalog import queries as catalog
from catalog.commands import permissions_update
from locks.models import Lock
from portal.accounts.commands import user_create
from portal.slackbot.models import Member
from tests.conftest import SETUP, events
from tests.slackbot.conftest import Sitting

TAKE = "lock checkout production 2h debugging"


@pytest.fixture(autouse=True)
def _(shop, at_slack):
    pass


def test_who_has_no_account_may_look_not_act_and_is_told_what_to_do(at_slack):
    at_slack["bob"].types(TAKE)
    dana = at_slack["dana"]
    assert "Bob, until «then»: debugging" in dana.types("locks all").text and "[" not in dana.types("locks all").text
    assert "is locked by Bob" in dana.types("check checkout production").text
    told = dana.types("unlock checkout production I said so").text
    assert told.startswith(
        "The portal has no account for dana@example.org, your address in Slack: you can look, not act."
    )
    assert "Ask an administrator" in told
    for button in ("lock_release", "lock_extend", "lock_next", "glass_break"):
        assert "no account" in dana.presses(button, Lock.objects.get().public_id).text
    assert events("lock.", "ticket.") == ["lock.taken"]


@pytest.mark.parametrize(("name", "why"), [("gus", "You are a guest"), ("robot", "A bot can do nothing")])
def test_a_guest_and_a_bot_see_nothing(at_slack, name, why):
    at_slack["bob"].types(TAKE)
    for text in ("locks all", "where checkout", "check checkout production", "deploys checkout", TAKE):
        assert at_slack[name].types(text).text.startswith(why), text
    assert Lock.objects.count() == 1


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"team_id": "T0ELSEWHERE"}, "You are of another workspace"),
        ({"is_stranger": True}, "You are of another workspace"),
        ({"deleted": True}, "Your account in Slack is switched off"),
        ({"is_ultra_restricted": True}, "You are a guest"),
        ({"is_email_confirmed": False}, "Slack does not tell the portal your e-mail address"),
    ],
)
def test_bobs_address_alone_does_not_make_one_bob(slack, at_slack, more, why):
    other = Sitting(slack, "bob@example.org", "Bob", **more)
    assert other.types(TAKE).text.startswith(why)
    assert not Lock.objects.exists()


def test_an_address_of_a_foreign_domain_is_nobodys(at_slack, settings):
    settings.SLACK_DOMAINS = ["example.com"]
    assert "is of a domain that the portal does not trust" in at_slack["bob"].types(TAKE).text
    settings.SLACK_DOMAINS = ["example.com", "example.org"]
    assert "Locked" in at_slack["bob"].types(TAKE).text


def test_whoever_is_switched_off_here_can_act_no_more_at_once(at_slack, bob):
    at_slack["bob"].types("help")
    bob.is_active = False
    bob.save(update_fields=["is_active"])
    assert "has no account" in at_slack["bob"].types(TAKE).text


def test_the_case_of_an_address_does_not_matter_and_a_programs_account_is_nobodys(slack, at_slack):
    user_create("Kim@Example.org", "Kim", password=None, by=SETUP)
    assert "You are Kim" in Sitting(slack, "kim@example.org").types("help").text
    user_create("ci@example.org", "CI", password=None, service=True, by=SETUP)
    assert "has no account for ci@example.org" in Sitting(slack, "ci@example.org").types(TAKE).text


def test_an_account_that_is_made_meanwhile_counts_at_once(at_slack):
    assert "no account" in at_slack["dana"].types(TAKE).text
    user_create("dana@example.org", "Dana", password=None, by=SETUP)
    assert "Locked" in at_slack["dana"].types(TAKE).text
    assert Member.objects.get(slack_id=at_slack["dana"].id).email == "dana@example.org"


def test_a_service_that_he_may_not_see_is_unknown_to_him(at_slack):
    permissions_update(catalog.blueprint("service"), {"read": {"ownedByTeam": True, "roles": []}}, by=SETUP)
    hidden = "There is no service called “search”."
    for text in (
        "where search",
        "deploys search",
        "check search production",
        "lock search production 1h why",
        "unlock search production",
    ):
        assert at_slack["bob"].types(text).text == hidden, text
    assert not Lock.objects.exists()
    assert "search in production is open" in at_slack["alice"].types("check search production").text
