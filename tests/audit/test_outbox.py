import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from portal.audit import outbox, subscribers
from portal.audit.models import Delivery, Event
from portal.audit.nouns import Noun
from portal.audit.record import record
from portal.audit.subscribers import Hopeless, RetryLater
from portal.kit.errors import Refused
from tests.conftest import SETUP

THING = Noun("thing", "1", "a thing")


@pytest.fixture
def post(monkeypatch):
    """A subscriber to thing.* whose answers the test sets: `post.answers`; what it got is in `post.got`."""

    class Post:
        def __init__(self):
            self.got, self.answers = [], []

        def handle(self, delivery):
            self.got.append(delivery.event.name)
            answer = self.answers.pop(0) if self.answers else None
            if isinstance(answer, Exception):
                raise answer
            return answer

    post = Post()
    monkeypatch.setattr(subscribers, "_subscribers", {})
    subscribers.subscribe("post", "thing.*", handle=post.handle)
    return post


def happen(name="thing.made", noun=THING):
    with transaction.atomic():
        return record(name, noun, by=SETUP)


def due_now():
    Delivery.objects.filter(state="pending").update(due_at=timezone.now() - timedelta(seconds=1))


@pytest.mark.django_db(transaction=True)
def test_recording_outside_a_transaction_is_an_error():
    with pytest.raises(RuntimeError, match="outside a transaction"):
        record("thing.made", THING, by=SETUP)
    assert not Event.objects.filter(noun="thing").exists()


def test_an_event_owes_a_delivery_to_whoever_listens(db, post):
    happen()
    happen("other.made")
    assert [(d.event.name, d.subscriber, d.state) for d in Delivery.objects.all()] == [
        ("thing.made", "post", "pending")
    ]


def test_a_delivery_is_done_once(db, post):
    happen()
    assert [outbox.deliver_due(), outbox.deliver_due()] == [1, 0]
    assert (post.got, Delivery.objects.get().state) == (["thing.made"], "done")


def test_what_the_receiver_answered_is_kept(db, post):
    post.answers = [{"ts": "1.2"}]
    happen()
    outbox.deliver_due()
    assert Delivery.objects.get().result == {"ts": "1.2"}


def test_a_receiver_that_asks_to_wait_is_waited_for(db, post):
    post.answers = [RetryLater("busy", after=30)]
    happen()
    outbox.deliver_due()
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.last_error) == ("pending", "busy")
    assert timedelta(seconds=25) < delivery.due_at - timezone.now() <= timedelta(seconds=30)
    assert outbox.deliver_due() == 0


def test_a_receiver_that_asks_to_wait_for_ages_stops_no_worker(db, post):
    post.answers = [RetryLater("busy", after=10.0**18)]
    happen()
    assert outbox.deliver_due() == 1
    delivery = Delivery.objects.get()
    assert delivery.state == "pending" and delivery.due_at - timezone.now() <= outbox.GIVE_UP_AFTER


def test_a_crash_of_the_handler_is_retried_later(db, post):
    post.answers = [ValueError("bang")]
    happen()
    outbox.deliver_due()
    assert Delivery.objects.get().last_error == "ValueError: bang"
    due_now()
    outbox.deliver_due()
    assert Delivery.objects.get().state == "done"


def test_the_hopeless_is_parked_and_an_administrator_sends_it_again(db, post, page, alice, bob):
    post.answers = [Hopeless("no such channel")]
    happen()
    outbox.deliver_due()
    parked = Delivery.objects.get()
    assert (parked.state, parked.last_error) == ("parked", "no such channel")
    with pytest.raises(Refused):
        outbox.delivery_retry(parked, by=page(bob))
    outbox.delivery_retry(parked, by=page(alice))
    outbox.deliver_due()
    assert Delivery.objects.get().state == "done"


def test_what_a_worker_of_another_version_does_not_know_waits_for_one_that_does(db, post, monkeypatch):
    happen()
    with monkeypatch.context() as older:
        older.setattr(subscribers, "_subscribers", {})
        outbox.deliver_due()
    waiting = Delivery.objects.get()
    assert (waiting.state, waiting.attempts, waiting.last_error) == ("pending", 0, "Nobody is called 'post' here.")
    due_now()
    outbox.deliver_due()
    assert post.got == ["thing.made"]


def test_a_worker_that_died_while_sending_is_followed_by_another_when_its_lease_ends(db, post):
    happen()
    dead = outbox.claim()
    assert outbox.claim() is None
    Delivery.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    alive = outbox.claim()
    assert (alive.pk, alive.attempts) == (dead.pk, 2)
    outbox.deliver(alive)
    outbox._postpone(dead, "I was only asleep", None)
    assert Delivery.objects.get().state == "done"


def test_later_news_of_a_noun_waits_for_the_earlier_and_does_not_wait_for_others(db, post):
    post.answers = [RetryLater("busy", after=60)]
    happen("thing.made")
    happen("thing.changed")
    happen("thing.made", Noun("thing", "2", "another"))
    outbox.deliver_due()
    assert post.got == ["thing.made", "thing.made"]
    due_now()
    Delivery.objects.filter(event__name="thing.changed").update(due_at=timezone.now() - timedelta(hours=1))
    outbox.deliver_due()
    assert post.got == ["thing.made", "thing.made", "thing.made", "thing.changed"]


@pytest.mark.django_db(transaction=True)
def test_four_workers_at_once_deliver_each_thing_once(post):
    for number in range(40):
        happen(noun=Noun("thing", str(number), "a thing"))

    def work():
        outbox.deliver_due()
        connection.close()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(20)
    assert len(post.got) == 40
    assert set(Delivery.objects.values_list("state", "attempts")) == {("done", 1)}


def test_the_next_is_found_in_the_order_of_the_index_however_many_wait(db):
    """Of a stream that is put off all follow the first; none of them is asked for, nor are all put in order."""
    with connection.cursor() as cursor, transaction.atomic():
        event = happen()
        cursor.execute(
            "insert into audit_event (public_id, name, noun, noun_id, title, blueprint, entity, service, environment, "
            "actor_kind, actor_key, actor_name, door, trace, payload) select gen_random_uuid(), 'thing.made', 'thing', "
            "'1', '', '', '', '', '', 'system', 's', 's', 'clock', gen_random_uuid(), '{}' from generate_series(1, 2000)"
        )
        cursor.execute(
            "insert into audit_delivery (public_id, event_id, subscriber, stream, state, attempts, due_at, last_error, "
            "result) select gen_random_uuid(), id, 'post', 'thing:1', 'pending', 0, now() - interval '1 hour', '', '{}' "
            "from audit_event order by id"
        )
        Delivery.objects.filter(event=event).update(due_at=timezone.now() + timedelta(minutes=1))
        Delivery.objects.filter(pk=Delivery.objects.latest("pk").pk).update(stream="thing:2")
        cursor.execute("analyze audit_delivery")
        assert outbox.claim().stream == "thing:2" and outbox.claim() is None
        cursor.execute("explain " + outbox._NEXT)
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "delivery_next on audit_delivery d" in plan and "delivery_stream" in plan
    assert "Sort" not in plan and "Seq Scan on audit_delivery" not in plan
