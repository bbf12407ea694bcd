"""Slack, mail servers and receivers that are down, slow or strict, and workers that die: all is told, in order, once."""

import os
import re
import time
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from locks import scopes
from locks.commands import lock_extend, lock_release, lock_take
from portal.audit import outbox
from portal.audit.models import Delivery, Event, Pause
from portal.kit import outgoing
from portal.kit.clock import database_now
from portal.notifications.commands import route_create
from portal.notifications.models import Route
from tests.conftest import SETUP, write
from tests.killing import killed_at
from tests.notifications.conftest import later, told
from tests.notifications.test_threads import PROBE, record, texts

NAMES = ("one", "two", "three", "four")


def locks(*names):
    for name in names:
        write("service", name)
        lock_take(scopes.named("pair", service=name, environment="production"), reason="debugging", by=SETUP)


def states():
    return [each.state for each in told()]


# Slack


def test_slack_down_for_an_hour_hears_everything_in_order_for_each_thing(shop, slack, settings):
    locks(*NAMES[:2])
    up, settings.SLACK_API_URL = settings.SLACK_API_URL, "http://127.0.0.1:9/api/"  # nobody listens there
    outbox.deliver_due()
    lock_extend(lock_of("one"), database_now() + timedelta(hours=9), by=SETUP)
    lock_release(lock_of("one"), by=SETUP)
    settings.SLACK_API_URL = up
    slack.faults += [{"status": 500}] * 4
    later(12)
    assert set(states()) == {"done"} and len(told()) == 4
    replies = [each["text"] for each in slack.messages if "thread_ts" in each]
    assert [each.split(" the ")[0].split(" one")[0] for each in replies] == [
        ":lock: setup moved",
        ":unlock: setup unlocked",
    ]


def lock_of(service):
    from locks.models import Lock

    return Lock.objects.get(service_identifier=service)


def test_while_slack_does_not_answer_one_delivery_tries_for_all(shop, slack):
    locks(*NAMES)
    slack.faults += [{"status": 500}] * 9
    outbox.deliver_due()
    assert len(slack.faults) == 8
    assert sorted(each.attempts for each in told()) == [0, 0, 0, 1]
    later()
    assert len(slack.faults) == 7, "still one"


def test_slack_asking_to_wait_is_waited_for_by_everything(shop, slack):
    locks(*NAMES)
    slack.faults += [{"status": 429, "retry_after": 40}] * 9
    outbox.deliver_due(), outbox.deliver_due()
    assert len(slack.faults) == 8
    left = Pause.objects.get(subscriber="slack").until - timezone.now()
    assert timedelta(seconds=35) < left <= timedelta(seconds=40)
    assert {each.attempts for each in told()} == {0}, "nothing of it may have arrived, so nothing is looked for"
    slack.faults.clear()
    later()
    assert set(states()) == {"done"} and len(slack.messages) == 4


def test_a_message_that_came_before_slack_asked_to_wait_is_not_sent_twice(shop, slack):
    locks("one")
    outbox.deliver_due()
    lock_release(lock_of("one"), by=SETUP)
    slack.faults.append({"method": "chat.update", "status": 429, "retry_after": 5})
    outbox.deliver_due()
    assert told()[-1].attempts == 1, "the reply is out"
    later()
    assert len(slack.messages) == 2 and set(states()) == {"done"}


def test_a_reply_whose_answer_was_lost_is_found_in_its_thread(shop, slack):
    locks("one")
    outbox.deliver_due()
    lock_release(lock_of("one"), by=SETUP)
    slack.faults.append({"method": "chat.postMessage", "drop_after_accept": True})
    outbox.deliver_due()
    later()
    assert len(slack.messages) == 2 and told()[-1].result["found"]
    assert slack.messages[0]["text"].startswith(":unlock:")


def test_whom_slack_does_not_know_is_told_by_e_mail(shop, slack, post, only, page, bob):
    only(to="person")
    slack.faults.append({"method": "users.lookupByEmail", "error": "users_not_found"})
    lock_take(scopes.pair(shop.checkout_production), reason="debugging", by=page(bob))
    outbox.deliver_due()
    assert [(each.subscriber, each.target, each.state) for each in told()] == [
        ("slack", f"user:{bob.pk}", "done"),
        ("email", "bob@example.org", "done"),
    ]
    assert len(post.letters) == 1


# Workers that die

POINTS = {
    "before the targets are found": ("select notifications_route",),
    "before the targets are kept": ("insert into audit_delivery", "", 1),
    "after the targets are kept": ("update audit_delivery", "sending", 2),
    "before it is sent": ("select notifications_slackthread",),
    "after it is sent, before it is noted": ("insert into notifications_slackthread",),
    "after it is noted, before it is settled": ("update audit_delivery", "done", 2),
}


@pytest.mark.timeout(180)
@pytest.mark.django_db(transaction=True)
def test_a_flip_whose_worker_was_killed_is_told_once(shop, slack):
    for number, (point, (start, *rest)) in enumerate(POINTS.items()):
        probe = replace(PROBE, id=f"{PROBE.id[:-1]}{number}", title=f"checkout in production: {point}")
        with transaction.atomic():
            record(
                "probe.flipped", probe, by=SETUP, before={"state": "healthy"}, after={"state": "down", "name": "http"},
                payload={"flip": f"f-{number}", "muted": False},
            )  # fmt: skip
        killed_at(start, *rest[:1], **({"times": rest[1]} if rest[1:] else {}))
        later(3)
        assert texts(slack)[number:] == [f":rotating_light: checkout in production: {point} is down"], point
    assert {each.state for each in Delivery.objects.all()} == {"done"}


@pytest.mark.django_db(transaction=True)
def test_a_letter_and_a_call_whose_workers_were_killed_come_again_under_the_same_names(
    shop, post, only, receiver, at_home
):
    there = receiver()
    only(to="email", address="dana@example.org")
    only(name="Hook", to="webhook", address=there.url)
    locks("one")
    killed_at("update audit_delivery", "sending", times=2)  # nobody has it
    assert (len(post.letters), len(there.came)) == (0, 0)
    for times in (1, 2):  # the letter is out, then the call, and nobody has noted it
        killed_at("update audit_delivery", "done", times=times)
    later(2)
    assert set(states()) == {"done"}
    assert [head(each, "Message-ID") for each in post.letters] == [
        f"<{told(subscriber='email')[0].public_id}@127.0.0.1>"
    ] * 2
    names = [re.search(rb"(?i)X-Portcullis-Delivery: (\S+)", each)[1].decode() for each in there.came]
    assert names == [str(told(subscriber="webhook")[0].public_id)] * 2


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_tell_each_thing_once(shop, slack):
    locks(*NAMES)
    connection.close()
    children = []
    for _ in range(2):
        child = os.fork()
        if not child:
            for each in connections.all(initialized_only=True):
                each.connection = None
            end = time.monotonic() + 20
            while time.monotonic() < end and Delivery.objects.filter(state__in=Delivery.UNFINISHED).exists():
                outbox.deliver_due()
            os._exit(0)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0]
    assert sorted(texts(slack)) == sorted(f":lock: setup locked {name} in production" for name in NAMES)
    assert set(states()) == {"done"}


def test_who_was_stopped_past_his_lease_sends_nothing_any_more(shop, slack, post, only, receiver, at_home):
    there = receiver()
    only(to="place")
    only(name="Mail", to="email", address="dana@example.org")
    only(name="Hook", to="webhook", address=there.url)
    locks("one")
    outbox.deliver(outbox.claim())
    stopped = [outbox.claim() for _ in range(3)]
    for each in stopped:
        each.held_until = time.monotonic()  # he wakes up
    Delivery.objects.filter(state="sending").update(lease_until="2020-01-01T00:00:00Z")
    outbox.deliver_due()
    for each in stopped:
        outbox.deliver(each)
    assert {each.subscriber for each in stopped} == {"slack", "email", "webhook"}
    assert [len(sent) for sent in (slack.messages, post.letters, there.came)] == [1, 1, 1]
    assert {(each.state, each.attempts) for each in told()} == {("done", 2)}


# E-mail


@pytest.fixture
def mailed(shop, post, only):
    only(to="email", address="dana@example.org, omar@example.org")
    return post


def head(letter, name):
    found = re.search(rf"^{name}: (.*(?:\r?\n[ \t].*)*)".encode(), letter, re.MULTILINE)
    return found[1].decode().strip() if found else ""


def test_each_address_has_a_letter_of_its_own(mailed, settings):
    settings.DEFAULT_FROM_EMAIL = "Portcullis <portcullis@example.org>"
    locks("one")
    outbox.deliver_due()
    assert sorted(head(each, "To") for each in mailed.letters) == ["dana@example.org", "omar@example.org"]
    letter = mailed.letters[0]
    assert head(letter, "Subject") == "setup locked one in production"
    assert head(letter, "From") == "Portcullis <portcullis@example.org>"
    assert b"Reason: debugging" in letter and b"text/html" in letter and b"<b>Reason</b>" in letter
    assert head(letter, "Message-ID") == f"<{told()[0].public_id}@127.0.0.1>"


def test_letters_about_one_thing_belong_together(mailed):
    locks("one")
    lock_release(lock_of("one"), by=SETUP)
    outbox.deliver_due()
    assert len(mailed.letters) == 4 and len({head(each, "References") for each in mailed.letters}) == 1


def test_a_letter_whose_answer_was_lost_has_the_same_id_again(mailed):
    mailed.answers += ["drop"]
    locks("one")
    outbox.deliver_due()
    assert sorted(states()) == ["pending", "pending"], "the other waits as well: the server does not answer"
    later()
    ids = [head(each, "Message-ID") for each in mailed.letters]
    assert len(ids) == 3 and len(set(ids)) == 2 and set(states()) == {"done"}


def test_a_mail_server_that_is_down_is_waited_for(mailed, settings):
    up, settings.EMAIL_PORT = settings.EMAIL_PORT, 9
    locks("one")
    outbox.deliver_due()
    assert "did not answer" in Delivery.objects.exclude(last_error="").get().last_error
    settings.EMAIL_PORT = up
    later()
    assert set(states()) == {"done"} and len(mailed.letters) == 2


def test_what_the_mail_server_never_takes_is_given_up_and_what_it_may_take_is_tried_again(mailed):
    mailed.answers += ["550 no such person", "451 come back"]
    locks("one")
    outbox.deliver_due()
    assert sorted(states()) == ["parked", "pending"]
    assert Delivery.objects.get(state="parked").last_error == "The mail server answered 550 no such person"
    later()
    assert sorted(states()) == ["done", "parked"]


def test_nobody_writes_headers_into_a_letter(mailed, shop, page, bob):
    bob.name = "Bob\r\nBcc: all@example.org"
    lock_take(scopes.pair(shop.checkout_production), reason="\r\nBcc: all@example.org\r\n\r\nhello", by=page(bob))
    outbox.deliver_due()
    assert len(mailed.letters) == 2
    assert not any(head(each, "Bcc") for each in mailed.letters)


# Webhooks


@pytest.fixture
def hooked(shop, only, receiver, at_home):
    there = receiver()
    only(to="webhook", address=there.url, secret="s" * 16)
    return there


def test_a_program_is_told_signed_with_the_secret_of_the_route(hooked):
    locks("one")
    outbox.deliver_due()
    [call] = hooked.came
    raw = call.partition(b"\r\n\r\n")[2]
    stamp, proof = (re.search(rb"(?i)%s: (\S+)" % name, call)[1] for name in (b"X-Port-Timestamp", b"X-Port-Signature"))
    at = timezone.datetime.fromtimestamp(int(stamp), timezone.get_fixed_timezone(0))
    assert outgoing.signature("s" * 16, raw, at)["X-Port-Signature"] == proof.decode()
    assert b'"summary":"setup locked one in production"' in raw and b'"name":"lock.taken"' in raw


def test_a_receiver_that_hangs_is_tried_again_and_delays_no_message_to_slack(hooked, slack, monkeypatch):
    monkeypatch.setitem(outgoing.post.__kwdefaults__, "timeout", 0.3)
    route_create({"name": "Slack", "events": ["lock.*"], "to": "place"}, by=SETUP)
    hooked.answer = lambda wire: time.sleep(1)
    locks(*NAMES[:2])
    outbox.deliver_due()
    assert [each.state for each in told(subscriber="slack")] == ["done", "done"]
    assert [each.attempts for each in told(subscriber="webhook")] == [1, 0], "one after the other"


def test_a_webhook_whose_route_is_gone_is_not_called(hooked):
    locks("one")
    Route.objects.all().delete()
    outbox.deliver_due()
    assert hooked.came == []


# What people write

HOSTILE = (
    "<!channel> <@U00000001> <https://evil.example|login> *b* \u202edetupmoc\u202c https://evil.example\n*Until*  never"
)


def test_what_people_write_mentions_nobody_links_nowhere_and_fakes_no_line(shop, slack):
    lock_take(scopes.pair(shop.checkout_production), reason=HOSTILE, by=SETUP)
    outbox.deliver_due()
    [block] = [each for each in slack.messages[0]["blocks"] if each["type"] == "section"]
    said = block["text"]["text"]
    assert "&lt;!channel&gt; &lt;@U00000001&gt; &lt;https://evil.example|login&gt;" in said
    assert block["text"]["verbatim"] and "\u202e" not in said
    assert not any(line.startswith("*Until*  never") for line in said.split("\n"))


@pytest.mark.parametrize("letter", ["&", "<", "é", "𝕏", "\u0301", "a b "])
def test_no_text_makes_a_message_that_slack_does_not_take(shop, slack, page, bob, letter):
    write("service", "checkout", mode="patch", title=letter * 100)
    lock = lock_take(scopes.pair(shop.checkout_production), reason=(letter * 1900)[:1900], link=f"https://x.example/{'a' * 1900}", by=page(bob))  # fmt: skip
    lock_release(lock, reason=(letter * 1900)[:1900], by=page(bob))
    outbox.deliver_due()
    assert set(states()) == {"done"}, told()[0].last_error
    assert Event.objects.filter(noun="lock").count() == 2
