"""What becomes of a lock's message, against a Slack at the socket."""

from datetime import timedelta

import pytest
from django.utils import timezone

from locks import scopes
from locks.commands import lock_release, lock_take
from portal.audit import outbox
from portal.audit.models import Delivery, Pause
from tests.conftest import write


@pytest.fixture
def lock(shop, page, bob, slack):
    return lock_take(scopes.pair(shop.checkout_production), reason="debugging", by=page(bob))


def later():
    Pause.objects.all().delete()
    Delivery.objects.filter(state="pending").update(due_at=timezone.now() - timedelta(seconds=1))
    outbox.deliver_due()


def told():
    """The delivery to Slack, beside the one that found out where to."""
    return Delivery.objects.get(subscriber="slack")


def channels(slack):
    return [message["channel_name"] for message in slack.messages]


def test_the_message_says_who_what_why_and_until_when(lock, slack):
    outbox.deliver_due()
    [message] = slack.messages
    assert message["text"] == ":lock: Bob locked checkout in production"
    body = message["blocks"][0]["text"]["text"]
    assert "*Reason*  debugging" in body and f"<!date^{int(lock.expires_at.timestamp())}" in body
    assert f"/locks/{lock.public_id}|See the lock>" in body


def test_it_goes_to_the_services_channel_else_the_environments_else_the_default(shop, page, alice, slack):
    def lock(kind, **names):
        taken = lock_take(scopes.named(kind, **names), reason="debugging", by=page(alice))
        outbox.deliver_due()
        return taken

    lock("everything")
    write("environment", "production", mode="patch", properties={"slackChannel": "#production"})
    lock("pair", service="checkout", environment="production")
    write("service", "checkout", mode="patch", properties={"slackChannel": "payments"})
    lock("service", service="checkout")
    assert channels(slack) == ["general", "production", "payments"]


def test_without_a_token_nothing_is_owed(shop, page, bob, settings):
    settings.SLACK_BOT_TOKEN = ""
    lock_take(scopes.pair(shop.checkout_production), reason="debugging", by=page(bob))
    assert not Delivery.objects.exists()


def test_without_any_channel_it_is_parked_with_what_to_set(lock, slack, settings):
    settings.SLACK_CHANNEL = ""
    outbox.deliver_due()
    delivery = told()
    assert delivery.state == "parked" and "PORTCULLIS_SLACK_CHANNEL" in delivery.last_error


def test_slack_asking_to_wait_is_waited_for_as_long_as_it_says(lock, slack):
    slack.faults.append({"status": 429, "retry_after": 30})
    outbox.deliver_due()
    delivery = told()
    assert delivery.state == "pending"
    assert timedelta(seconds=25) < delivery.due_at - timezone.now() <= timedelta(seconds=31)
    later()
    assert len(slack.messages) == 1


def test_a_message_whose_answer_was_lost_is_found_and_not_sent_again(lock, slack):
    slack.faults.append({"drop_after_accept": True})
    outbox.deliver_due()
    assert (len(slack.messages), told().state) == (1, "pending")
    later()
    delivery = told()
    assert (len(slack.messages), delivery.state, delivery.result["found"]) == (1, "done", True)


def test_slack_broken_for_a_while_hears_all_of_it_in_order_afterwards(lock, slack, page, bob):
    lock_release(lock, by=page(bob))
    slack.faults += [{"status": 500}] * 3
    for _ in range(6):
        later()
    head, reply = slack.messages
    assert head["text"] == reply["text"] == ":unlock: Bob unlocked checkout in production, locked by Bob"
    assert reply["thread_ts"] == head["ts"] and head["edited"]


def test_a_revoked_token_is_parked_not_hammered(lock, slack, settings):
    settings.SLACK_BOT_TOKEN = "nonsense"
    outbox.deliver_due()
    assert told().state == "parked"


def test_what_people_write_cannot_mention_or_link(shop, page, bob, slack):
    lock_take(scopes.pair(shop.checkout_production), reason="<!channel> <https://evil.example|x> & co", by=page(bob))
    outbox.deliver_due()
    assert "&lt;!channel&gt; &lt;https://evil.example|x&gt; &amp; co" in slack.messages[0]["blocks"][0]["text"]["text"]


def test_where_slack_does_not_let_us_look_the_message_is_sent_again(lock, slack):
    slack.faults.append({"status": 500})
    outbox.deliver_due()
    slack.faults.append({"method": "conversations.list", "error": "missing_scope"})
    later()
    assert (len(slack.messages), told().state) == (1, "done")


def test_a_long_reason_is_cut_and_the_link_stays(shop, page, bob, slack):
    lock_take(scopes.pair(shop.checkout_production), reason="&" * 2000, by=page(bob))
    outbox.deliver_due()
    text = slack.messages[0]["blocks"][0]["text"]["text"]
    assert text.endswith("|See the lock>") and "&amp;…" in text
