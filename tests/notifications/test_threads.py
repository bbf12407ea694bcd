"""One message for each thing, edited as it changes, and a thread below it."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from locks import scopes
from locks.commands import lock_extend, lock_release, lock_take
from portal.audit import outbox
from portal.audit.models import Event
from portal.audit.nouns import Noun
from portal.audit.record import record
from portal.kit.clock import database_now
from portal.notifications.models import SlackThread
from tests.conftest import SETUP
from tests.notifications.conftest import later, told

HOUR = timedelta(hours=1)
PROBE = Noun(
    "probe",
    "0198a2b4-5c6d-7e8f-9a0b-1c2d3e4f5a60",
    "checkout in production: http",
    service="checkout",
    environment="production",
)


def flip(before, after, *, ago=timedelta(0), **payload):
    """As the prober records it."""
    with transaction.atomic():
        event = record(
            "probe.flipped", PROBE, by=SETUP, before={"state": before},
            after={"state": after, "reason": "3 results in a row", "values": {"status": 503}, "name": "http"},
            payload={"flip": f"{before}-{after}", "probe": PROBE.id, "muted": False} | payload,
        )  # fmt: skip
    Event.objects.filter(pk=event.pk).update(at=timezone.now() - ago)
    outbox.deliver_due()
    return event


def texts(slack, *, replies=None):
    return [each["text"] for each in slack.messages if replies is None or ("thread_ts" in each) == replies]


@pytest.fixture
def lock(shop, page, bob, slack):
    lock = lock_take(scopes.pair(shop.checkout_production), reason="debugging", by=page(bob))
    outbox.deliver_due()
    return lock


def test_a_lock_has_one_message_that_says_how_things_stand(lock, slack, page, bob):
    lock_extend(lock, database_now() + 3 * HOUR, by=page(bob))
    outbox.deliver_due()
    head, reply = slack.messages
    assert head["text"] == ":lock: Bob holds the lock of checkout in production"
    assert reply["text"] == ":lock: Bob moved the end of the lock of checkout in production"
    lock_release(lock, by=page(bob))
    outbox.deliver_due()
    head, *replies = slack.messages
    assert head["text"].startswith(":unlock: Bob unlocked") and head["edited"]
    assert [each["thread_ts"] for each in replies] == [head["ts"]] * 2
    assert SlackThread.objects.get().closed_at


def test_the_head_keeps_the_name_by_which_it_is_found_again(lock, slack, page, bob):
    before = slack.messages[0]["metadata"]
    lock_release(lock, by=page(bob))
    outbox.deliver_due()
    assert slack.messages[0]["metadata"] == before


def test_two_locks_have_two_threads(lock, slack, shop, page, bob):
    lock_take(scopes.pair(shop.search_production), reason="debugging", by=page(bob))
    outbox.deliver_due()
    assert len(texts(slack, replies=False)) == 2


def test_a_head_that_somebody_deleted_is_written_anew(lock, slack, page, bob):
    with slack.server.workspace.guard:
        slack.server.workspace.messages.clear()
    lock_release(lock, by=page(bob))
    later(3)
    assert [each["text"].split()[0] for each in slack.messages] == [":unlock:"]
    assert told()[-1].state == "done"


def test_a_head_that_slack_does_not_let_us_edit_stays_and_the_thread_goes_on(lock, slack, page, bob):
    slack.faults.append({"method": "chat.update", "error": "edit_window_closed"})
    lock_release(lock, by=page(bob))
    outbox.deliver_due()
    assert [each["text"].split()[0] for each in slack.messages] == [":lock:", ":unlock:"]
    assert told()[-1].state == "done"


def test_an_incident_is_one_thread_from_its_first_flip_to_its_recovery(shop, slack):
    flip("healthy", "failing")
    flip("failing", "down")
    flip("down", "healthy")
    head, *replies = texts(slack)
    assert head == ":white_check_mark: checkout in production: http is healthy again"
    assert replies == [
        ":rotating_light: checkout in production: http is down",
        ":white_check_mark: checkout in production: http is healthy again",
    ]


def test_what_fails_again_soon_goes_on_below_and_what_fails_later_begins_anew(shop, slack):
    flip("healthy", "down", ago=3 * HOUR)
    flip("down", "healthy", ago=2 * HOUR)
    flip("healthy", "down", ago=timedelta(minutes=7))
    flip("down", "healthy", ago=timedelta(minutes=5))
    flip("healthy", "down")
    assert len(texts(slack, replies=False)) == 2
    assert texts(slack, replies=False)[1] == ":rotating_light: checkout in production: http is down"


@pytest.mark.parametrize(
    ("before", "after", "more"),
    [
        ("healthy", "down", {"muted": True}),
        ("healthy", "unknown", {}),
        ("unknown", "healthy", {}),
        ("down", "prober_down", {}),
        ("healthy", "maintenance", {}),
        ("paused", "healthy", {}),
    ],
)
def test_what_is_muted_or_says_only_that_nobody_knows_is_told_to_nobody(shop, slack, before, after, more):
    flip(before, after, **more)
    assert slack.messages == [] and told() == []


def test_a_recovery_is_told_whatever_came_between(shop, slack):
    flip("healthy", "down")
    flip("down", "prober_down")
    flip("prober_down", "healthy")
    assert texts(slack)[0].endswith("is healthy again")
    flip("healthy", "unknown")
    flip("unknown", "healthy")
    assert len(slack.messages) == 2


def test_a_recovery_from_what_was_muted_is_no_news(shop, slack):
    flip("healthy", "down", muted=True)
    flip("down", "healthy")
    assert slack.messages == [] and told() == []


def test_many_changes_within_minutes_are_folded_and_the_end_is_told(shop, slack):
    states = ["degraded", "down"] * 5
    for before, after in zip(["healthy", *states], states):
        flip(before, after)
    assert len(texts(slack, replies=True)) == 4
    [head] = [each for each in slack.messages if "thread_ts" not in each]
    assert head["text"].endswith("is down")
    assert head["blocks"][-1]["elements"][0]["text"] == "and 5 more changes that are not listed"
    flip("down", "healthy")
    assert texts(slack)[0].endswith("is healthy again") and texts(slack)[-1].endswith("is healthy again")
    assert len(texts(slack, replies=True)) == 5


def test_changes_that_happened_far_apart_are_all_told_though_they_come_together(shop, slack):
    slack.faults += [{"status": 500}] * 3
    states = ["degraded", "down"] * 4
    for number, (before, after) in enumerate(zip(["healthy", *states], states)):
        flip(before, after, ago=(8 - number) * timedelta(minutes=20))
    later(8)
    assert len(texts(slack, replies=True)) == 7
