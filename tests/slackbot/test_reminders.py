"""What Slack says before a lock ends, while it is held for long, and of the runs that it stopped."""

from datetime import timedelta

import pytest
from django.utils import timezone

from deployments.commands import deployment_report
from locks import scopes
from locks.commands import claim_begin, gate_ask, lock_expiries_tell, lock_release, lock_remind, lock_take, ticket_join
from locks.models import Lock
from locks.runs import Run
from portal.audit import outbox
from portal.audit.models import Delivery, Pause
from portal.kit.clock import database_now
from tests.conftest import SETUP

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
PAGE = "https://ci.example/runs/{}"


@pytest.fixture
def lock(shop, page, bob, slack):
    lock = lock_take(scopes.pair(shop.checkout_production), reason="debugging", by=page(bob))
    outbox.deliver_due()
    return lock


def body(slack):
    """Of the one message since the lock was taken."""
    [message] = slack.messages[1:]
    return "\n".join(block["text"]["text"] for block in message["blocks"])


def nearly_over(lock, left=5 * MINUTE):
    Lock.objects.filter(pk=lock.pk).update(expires_at=database_now() + left, remind_at=database_now() - MINUTE)
    lock_remind(lock.pk, now=database_now())


def held_for(lock, length):
    now = database_now()
    Lock.objects.filter(pk=lock.pk).update(starts_at=now - length, expires_at=None, remind_at=now)
    lock_remind(lock.pk, now=now)


def test_the_holder_is_called_and_one_click_away_from_more_time(lock, slack):
    nearly_over(lock)
    outbox.deliver_due()
    told = body(slack)
    assert slack.messages[1]["text"] == ":hourglass: The lock of checkout in production by Bob ends soon"
    assert "<@U" in told and "<!date^" in told and "debugging" in told
    assert f"/locks/{lock.public_id}#extend|Extend it>" in told


def test_a_holder_whom_slack_does_not_know_is_named(lock, slack):
    slack.faults.append({"method": "users.lookupByEmail", "error": "users_not_found"})
    nearly_over(lock)
    outbox.deliver_due()
    assert "<@" not in body(slack) and "by Bob" in body(slack)


def test_a_program_is_not_looked_for(shop, slack):
    lock = lock_take(scopes.pair(shop.checkout_production), reason="deploying", by=SETUP)
    nearly_over(lock)
    outbox.deliver_due()
    assert "<@" not in slack.messages[-1]["blocks"][0]["text"]["text"]


def test_a_lock_that_is_held_on_asks_whether_it_is_still_needed(lock, slack):
    held_for(lock, 2 * DAY)
    outbox.deliver_due()
    told = body(slack)
    assert "Bob has held the lock of checkout in production for 2 days. Is it still needed?" in told
    assert "#release|Release it>" in told and "Extend" not in told, "it has no end to move"


def test_a_warning_that_waited_until_it_was_untrue_is_not_sent(lock, slack, page, bob):
    slack.faults.append({"method": "chat.postMessage", "status": 500})
    nearly_over(lock)
    outbox.deliver_due()
    lock_release(lock, by=page(bob))
    for _ in range(3):
        Pause.objects.all().delete()
        Delivery.objects.filter(state="pending").update(due_at=timezone.now() - MINUTE)
        outbox.deliver_due()
    assert [message["text"].split()[0] for message in slack.messages] == [":unlock:", ":unlock:"]
    assert Delivery.objects.get(event__name="lock.expiry_warned", subscriber="slack").result == {
        "skipped": "It is no longer true."
    }


def test_a_warning_of_which_two_workers_know_is_sent_once(lock, slack):
    nearly_over(lock)
    outbox.deliver_due(), outbox.deliver_due()
    assert len(slack.messages) == 2


def ask(place, number, commit):
    gate_ask(place, run=Run(f"github:{number}:1", PAGE.format(number)), commit=commit, by=SETUP)


def test_a_release_lists_the_runs_that_it_stopped_once_each_in_order(lock, shop, slack, page, bob):
    ask(shop.checkout_production, 7, "4f2a9c1d")
    ask(shop.checkout_production, 8, "9b1e77a0")
    ask(shop.checkout_production, 8, "9b1e77a0")
    lock_release(lock, by=page(bob))
    outbox.deliver_due()
    told = body(slack)
    assert f"<{PAGE.format(7)}|deploy of checkout to production, 4f2a9c1>" in told
    assert told.count("9b1e77a") == 1 and told.index("4f2a9c1") < told.index("9b1e77a")
    assert "run again, in this order" in told


def test_an_expiry_lists_them_as_well(lock, shop, slack):
    ask(shop.checkout_production, 7, "4f2a9c1d")
    now = database_now()
    Lock.objects.filter(pk=lock.pk).update(starts_at=now - HOUR, expires_at=now - MINUTE)
    lock_expiries_tell()
    outbox.deliver_due()
    assert PAGE.format(7) in body(slack)


def test_runs_that_have_gone_through_since_or_wait_in_line_are_left_out(lock, shop, slack, page, bob):
    place = shop.checkout_production
    for number, commit in ((7, "aaaaaaa"), (8, "bbbbbbb"), (9, "ccccccc"), (10, "ddddddd")):
        ask(place, number, commit)
    ticket_join(place, Run("github:9:1"), by=SETUP)
    lock_release(lock, by=page(bob))
    report = {"service": "checkout", "environment": "production", "version": "1"}
    deployment_report(report | {"ci": {"provider": "github", "run": "7", "attempt": "2"}}, by=SETUP)
    deployment_report(report | {"commit": "bbbbbbb"}, by=SETUP)
    outbox.deliver_due()
    told = body(slack)
    assert "ddddddd" in told and not any(commit in told for commit in ("aaaaaaa", "bbbbbbb", "ccccccc"))


def test_when_all_have_gone_through_no_list_is_sent(lock, shop, slack, page, bob):
    ask(shop.checkout_production, 7, "4f2a9c1d")
    lock_release(lock, by=page(bob))
    claim_begin(shop.checkout_production, Run("github:7:2"), by=SETUP)
    outbox.deliver_due()
    assert "stopped these runs" not in body(slack)


def test_what_something_else_stops_is_said_to_be_stopped(lock, shop, slack, page, alice, bob):
    ask(shop.checkout_production, 7, "4f2a9c1d")
    lock_take(scopes.named("everything"), reason="Moving house", by=page(alice))
    lock_release(lock, by=page(bob))
    outbox.deliver_due()
    told = slack.messages[-1]["blocks"][1]["text"]["text"]
    assert "something else stops it now" in told and "run again" not in told


def test_more_than_a_few_are_counted_and_no_message_grows_too_long(lock, shop, slack, page, bob):
    for number in range(30):
        run = Run(f"github:{number}:1", "https://ci.example/" + "&" * 1900)
        gate_ask(shop.checkout_production, run=run, commit=f"{number:07}", by=SETUP)
    lock_release(lock, by=page(bob))
    outbox.deliver_due()
    assert "24 more>" in body(slack)
