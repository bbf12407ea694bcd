"""What is typed after /portal. Bob is on the team of checkout, Alice runs the portal, Charlie is on none, Dana has no account."""

import pytest

from locks import scopes
from locks.commands import lock_take
from locks.models import Lock
from portal.audit.models import Event
from tests.conftest import SETUP, events, write


@pytest.fixture(autouse=True)
def _(shop, at_slack):
    pass


def test_a_lock_is_taken_at_once(at_slack):
    told = at_slack["bob"].types("lock checkout prod 2h debugging the basket")
    lock = Lock.objects.get()
    assert (lock.covers, lock.reason) == ("checkout in production", "debugging the basket")
    assert round((lock.expires_at - lock.starts_at).total_seconds() / 60) == 120
    assert told.text == ":lock: Locked checkout in production until «then».\n[Release] [Extend 1 h]"
    event = Event.objects.get(name="lock.taken")
    assert (event.door, event.actor_name) == ("slack", "Bob")


@pytest.mark.parametrize(
    ("typed", "covers", "end"),
    [
        ("lock checkout staging moving house", "checkout in staging", 60),
        ("lock checkout staging for 90m moving house", "checkout in staging", 90),
        ("lock checkout staging open moving house", "checkout in staging", None),
        ("lock checkout * 2h moving house", "checkout everywhere", 120),
        ("lock * staging 2h moving house", "all of staging", 120),
        ("lock * * 2h moving house", "everything", 120),
        ("  LOCK   checkout   staging   2h   moving house ", "checkout in staging", 120),
    ],
)
def test_the_syntax(at_slack, typed, covers, end):
    at_slack["bob"].types(typed)
    lock = Lock.objects.get()
    minutes = round((lock.expires_at - lock.starts_at).total_seconds() / 60) if lock.expires_at else None
    assert (lock.covers, minutes, lock.reason) == (covers, end, "moving house")


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("lock chekout production 2h why not", "There is no service called “chekout”. Did you mean checkout?"),
        (
            "lock checkout produktion 2h why not",
            "There is no environment called “produktion”. Did you mean production?",
        ),
        ("lock checkout production 9d why not", "Until a lock of production may last 3 days at most."),
        ("lock checkout production 2h x", "Reason say why, in 3 characters or more."),
        ("unlock checkout", "Name the service and the environment: `/portal unlock SERVICE ENVIRONMENT [REASON]`."),
        ("wher checkout", "There is no word “wher” after /portal. Did you mean `where`? Type `/portal help`."),
        ("check checkout", "Name the service and the environment: `/portal check SERVICE ENVIRONMENT`."),
        ("where", "Name the service: `/portal where SERVICE`."),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_done(at_slack, typed, told):
    assert at_slack["bob"].types(typed).text == told
    assert not Lock.objects.exists()


def test_without_a_reason_a_form_is_opened_with_what_was_typed(at_slack):
    assert at_slack["bob"].types("lock checkout staging") == []
    fields = {each["block_id"]: each["element"] for each in at_slack["bob"].form["blocks"]}
    assert fields["service"]["initial_option"]["value"] == "checkout"
    assert fields["environment"]["initial_option"]["value"] == "staging"


def test_one_that_is_held_names_the_holder_and_offers_what_can_be_done(at_slack):
    at_slack["alice"].types("lock checkout production 2h debugging")
    told = at_slack["charlie"].types("lock checkout production 2h mine now")
    assert told.text.startswith("Checkout in production is already locked by Alice until ")
    assert told.text.endswith(": debugging\n[I want it next] [Take it over…]")
    assert Lock.objects.count() == 1


def test_unlock_asks_a_stranger_why(at_slack):
    at_slack["alice"].types("lock checkout production 2h debugging")
    assert at_slack["charlie"].types("unlock checkout production").text == "Reason say why, in 3 characters or more."
    assert events("lock.") == ["lock.taken"]
    told = at_slack["charlie"].types("unlock checkout production she is on holiday")
    assert told.text == ":unlock: The lock of checkout in production is released."
    assert Event.objects.get(name="lock.released").payload["stolen_from"].startswith("user:")


def test_unlock_of_what_is_free_names_the_wider_locks(at_slack):
    assert at_slack["bob"].types("unlock checkout staging").text == "There is no lock of checkout in staging."
    at_slack["bob"].types("lock checkout * 2h moving house")
    told = at_slack["bob"].types("unlock checkout staging").text
    assert told == (
        "There is no lock of checkout in staging. These reach it:\n"
        ":lock: *checkout everywhere*\nBob, until «then»: moving house\n[Release] [Extend 1 h]"
    )
    assert Lock.objects.get().released_at is None


def test_check_says_what_the_gate_says(at_slack, ci):
    told = at_slack["bob"].types("check checkout production").text
    assert told == ":large_green_circle: checkout in production is open."
    at_slack["alice"].types("lock checkout production 2h debugging")
    gate = ci.get("gate", service="checkout", environment="production").json
    told = at_slack["bob"].types("check checkout prod").text
    assert told.startswith(f":red_circle: {gate['message']}") and "[I want it next] [Break glass…]" in told


def test_check_tells_a_person_that_ci_alone_is_stopped(at_slack, shop, page, alice):
    lock_take(scopes.pair(shop.checkout_production), reason="by hand only", effect="block_automation", by=page(alice))
    told = at_slack["bob"].types("check checkout production").text
    assert "is open, with a warning by Alice" in told and "CI is stopped there" in told


def test_where_and_deploys(at_slack, terraform):
    assert "nothing deployed" in at_slack["bob"].types("where checkout").text
    report = {"service": "checkout", "environment": "production", "version": "1.4.2", "commit": "4f2a9c1d"}
    terraform.post("deployments", report | {"status": "success", "actor": "dana"})
    terraform.post("deployments", report | {"status": "failure", "version": "1.5.0", "ci": {"run": "2"}})
    at_slack["alice"].types("lock checkout production 2h debugging")
    told = at_slack["bob"].types("where checkout").text
    assert told.splitlines()[:3] == [
        "*Checkout*",
        ":large_green_circle: *staging*  nothing deployed",
        ":lock: *production*  1.4.2 (4f2a9c1) · «then» by dana · :x: the newest deployment failed",
    ]
    assert "checkout in production is locked by Alice until" in told
    assert at_slack["bob"].types("deploys checkout prod").text.splitlines()[1:] == [
        ":x: 1.5.0 (4f2a9c1) to *production* · failure «then»",
        ":white_check_mark: 1.4.2 (4f2a9c1) to *production* · success «then» by dana",
    ]
    assert at_slack["bob"].types("deploys search").text.endswith("None so far.")


def test_locks_are_mine_or_everybodys(at_slack):
    at_slack["alice"].types("lock checkout production 2h debugging")
    assert at_slack["bob"].types("locks").text == "*Your locks*\nNone. `/portal locks all` shows everybody's."
    assert at_slack["bob"].types("locks all").text == (
        "*What is locked*\n:lock: *checkout in production*\nAlice, until «then»: debugging\n"
        "[Release] [Extend 1 h] [I want it next] [Break glass…]\n---"
    )
    assert at_slack["charlie"].types("locks checkout").text.endswith("[I want it next]\n---")
    assert at_slack["alice"].types("locks mine").text.startswith("*Your locks*\n:lock: *checkout in production*")


def test_forty_locks_are_within_what_slack_takes(at_slack):
    for number in range(40):
        write("service", f"s{number}")
        scope = scopes.named("pair", service=f"s{number}", environment="staging")
        lock_take(scope, reason="<!channel> &" * 160, by=SETUP)
    told = at_slack["alice"].types("locks all")
    assert "25 more locks" in told.text and len(told[0]["blocks"]) <= 50
    assert "<!channel>" not in str(told[0]["blocks"])


def test_help_says_who_one_is(at_slack):
    assert "You are Bob (bob@example.org) there." in at_slack["bob"].types("").text
    assert "no account for dana@example.org" in at_slack["dana"].types("help").text
    assert "`/gate lock`" in at_slack["bob"].types("help", command="/gate").text
