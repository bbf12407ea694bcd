"""The buttons. Bob owns checkout, Charlie is a stranger to it, Alice runs the portal."""

from datetime import timedelta
from inspect import isfunction

import pytest

from locks import scopes
from locks.commands import lock_release, lock_take
from locks.models import Lock, Override, Ticket
from portal.actions.commands import action_create, run_create
from portal.audit import outbox
from portal.audit.models import Event
from portal.slackbot import buttons
from portal.slackbot.models import Watch
from portal.slackbot.press import BUTTONS
from portal.slackbot.waiting import watches_keep
from tests.conftest import events

HOUR = timedelta(hours=1)


@pytest.fixture
def lock(shop, at_slack, page, bob):
    return lock_take(scopes.pair(shop.checkout_production), reason="debugging", by=page(bob))


@pytest.fixture
def shown(lock, at_slack):
    """The lock's message in the channel."""
    space = at_slack["bob"].space
    made = space.call("chat.postMessage", {"channel": "general", "text": "locked"})
    return space.shown(made["ts"])


def test_release_twice_is_the_same_answer_and_one_event(lock, at_slack, shown):
    told = [at_slack["bob"].presses("lock_release", lock.public_id, message=shown).text for _ in range(2)]
    assert told == [":unlock: The lock of checkout in production is released."] * 2
    assert events("lock.") == ["lock.taken", "lock.released"]
    assert Event.objects.get(name="lock.released").door == "slack"


def test_who_does_not_own_it_is_asked_why_before_it_is_released(lock, at_slack):
    charlie = at_slack["charlie"]
    assert charlie.presses("lock_release", lock.public_id) == []
    assert "The lock of checkout in production is Bob's: debugging" in str(charlie.form)
    assert charlie.sends(reason="") == {
        "response_action": "errors",
        "errors": {"reason": "This lock is not yours. Say why you release it."},
    }
    assert events("lock.") == ["lock.taken"]
    assert charlie.sends(reason="he has gone home") == {}
    assert charlie.sends(reason="he has gone home") == {}
    assert events("lock.") == ["lock.taken", "lock.released"]


def test_extend_twice_is_one_hour_more_than_was_shown(lock, at_slack, shown):
    for name in ("bob", "bob", "alice"):
        told = at_slack[name].presses("lock_extend", lock.public_id, message=shown).text
        assert told.startswith(":lock: The lock of checkout in production lasts until «then».")
    before, lock = lock, Lock.objects.get()
    assert abs(lock.expires_at - before.expires_at - HOUR) < timedelta(seconds=1)
    assert events("lock.") == ["lock.taken", "lock.extended"]


def test_from_the_message_that_shows_the_new_end_it_is_an_hour_more(lock, at_slack, shown):
    bob = at_slack["bob"]
    bob.presses("lock_extend", lock.public_id, message=shown)
    bob.space.call("chat.update", {"channel": shown["channel"], "ts": shown["ts"], "text": "longer"})
    bob.presses("lock_extend", lock.public_id, message=bob.space.shown(shown["ts"]))
    assert abs(Lock.objects.get().expires_at - lock.expires_at - 2 * HOUR) < timedelta(seconds=1)


def test_extending_beyond_the_limit_or_what_has_ended_is_the_commands_own_sentence(lock, at_slack, page, bob, shop):
    lock_release(lock, by=page(bob))
    assert at_slack["bob"].presses("lock_extend", lock.public_id).text == "This lock has ended. Take a new one."
    open_ended = lock_take(scopes.pair(shop.checkout_production), reason="moving", until=None, by=page(bob))
    assert "no end to move" in at_slack["bob"].presses("lock_extend", open_ended.public_id).text
    assert (
        at_slack["charlie"].presses("lock_extend", lock.public_id).text.startswith("Charlie may not extend this lock")
    )


def test_a_lock_that_is_not_there_is_said_to_be(at_slack, shop):
    for value in ("", "nonsense", "019a2b3c-4d5e-7f80-91a2-b3c4d5e6f708"):
        assert at_slack["bob"].presses("lock_release", value).text.startswith("There is no lock with the id")


def test_i_want_it_next_is_a_place_in_line_and_a_word_at_the_end(lock, at_slack, page, bob):
    told = [at_slack["charlie"].presses("lock_next", lock.public_id).text for _ in range(2)]
    assert (
        told[0]
        == told[1]
        == (
            ":hourglass: You get a message as soon as the lock of checkout in production ends. You are number 1 in line.\n"
            "[I do not need it any more]"
        )
    )
    assert "number 2" in at_slack["alice"].presses("lock_next", lock.public_id).text
    assert events("ticket.", "wait.") == ["ticket.joined", "wait.begun"] * 2
    Ticket.objects.update(lease_until=lock.starts_at)
    assert watches_keep() == 2 and Ticket.objects.filter(ended_at=None).count() == 2
    assert at_slack["charlie"].told_after(lambda: _released(at_slack, lock, page(bob))).text == (
        ":unlock: checkout in production is free: it is your turn. Others wait for 2 minutes; then the line goes on "
        "without you.\n[Lock it now…] [I do not need it any more]"
    )
    outbox.deliver_due()
    mine = [each["text"] for each in at_slack["alice"].space.messages if each["channel"] == at_slack["alice"].id]
    assert mine == [":unlock: checkout in production is free. 1 who asked earlier is before you."]


class Done:
    status_code = 200


def _released(at_slack, lock, by):
    lock_release(lock, by=by)
    outbox.deliver_due()
    return Done


def test_whoever_locks_it_then_leaves_the_line(lock, at_slack, page, bob):
    charlie = at_slack["charlie"]
    charlie.presses("lock_next", lock.public_id)
    lock_release(lock, by=page(bob))
    charlie.presses("lock_mine", lock.public_id)
    assert charlie.sends(reason="my turn") == {}
    assert Lock.objects.latest("id").holder_name == "Charlie"
    assert not Ticket.objects.filter(ended_at=None).exists() and not Watch.objects.exists()


def test_who_needs_it_no_more_leaves_once(lock, at_slack):
    at_slack["charlie"].presses("lock_next", lock.public_id)
    for _ in range(2):
        assert (
            "wait for the lock of checkout in production no more"
            in at_slack["charlie"].presses("watch_end", lock.public_id).text
        )
    assert events("ticket.", "wait.") == ["ticket.joined", "wait.begun", "ticket.withdrawn", "wait.ended"]


def test_of_a_wide_lock_there_is_only_the_word(at_slack, page, alice, shop):
    lock = lock_take(scopes.named("everything"), reason="moving", by=page(alice))
    assert "in line" not in at_slack["charlie"].presses("lock_next", lock.public_id).text
    assert Watch.objects.count() == 1 and not Ticket.objects.exists()


def test_break_glass_offers_what_stops_and_asks_for_an_override(lock, at_slack, page, alice, shop):
    lock_take(scopes.named("tier", tier="production"), reason="year end", by=page(alice))
    bob = at_slack["bob"]
    bob.presses("glass_break", lock.public_id)
    passes = next(each for each in bob.form["blocks"] if each.get("block_id") == "passes")["element"]
    assert len(passes["options"]) == len(passes["initial_options"]) == 2
    assert set(bob.sends()["errors"]) == {"commit", "reason"}
    assert not Override.objects.exists()
    told = bob.told_after(lambda: _sent(bob, commit="4f2a9c1", reason="checkout is down"))
    assert (
        told.text
        == ":rotating_light: Asked to let 4f2a9c1 pass to checkout in production. Another has to approve it before it opens anything."
    )
    override = Override.objects.get()
    assert (override.holder_name, override.needs_approval, len(override.passes)) == ("Bob", True, 2)


def _sent(somebody, **values):
    assert somebody.sends(**values) == {}
    return Done


def test_a_stranger_breaks_no_glass(lock, at_slack):
    at_slack["charlie"].presses("glass_break", lock.public_id)
    answer = at_slack["charlie"].sends(commit="4f2a9c1", reason="please let me")
    assert "Charlie may not break glass here" in answer["errors"]["service"]
    assert not Override.objects.exists()


@pytest.fixture
def run(shop, at_slack, page, alice, charlie):
    action = {
        "identifier": "restart",
        "title": "Restart",
        "trigger": {"type": "self-service", "operation": "CREATE", "userInputs": {"properties": {}}},
        "invocationMethod": {"type": "WEBHOOK", "url": "https://example.org"},
        "requiredApproval": True,
    }
    made = action_create(action, by=page(alice))
    return run_create(made, {}, by=page(charlie))


def test_a_run_is_approved_once(run, at_slack):
    told = [at_slack["alice"].presses("run_approve", run.public_id).text for _ in range(2)]
    assert told == [":white_check_mark: You have approved “Restart”."] * 2
    assert events("run.approved", "run.declined") == ["run.approved"]
    assert at_slack["alice"].presses("run_decline", run.public_id).text.startswith("Status the run does not wait")


def test_who_may_not_approve_is_told_so(run, at_slack):
    assert (
        at_slack["bob"].presses("run_decline", run.public_id).text.startswith("Bob may not approve runs of “Restart”")
    )
    assert events("run.approved", "run.declined") == []


def test_a_button_that_nobody_knows_does_nothing(at_slack, shop):
    assert at_slack["bob"].presses("of_yesterday", "1") == []


def test_every_button_that_is_drawn_does_something():
    named = vars(buttons).items()
    drawn = {name for name, one in named if isfunction(one) and not name.startswith("_")}
    assert drawn == set(BUTTONS)
