"""What was told is forgotten in time; what is due, is not over, or is watched, never is."""

from datetime import timedelta

import pytest

from deployments.commands import watch_look, watch_open
from locks import scopes
from locks.commands import lock_release, lock_take
from portal.audit import outbox
from portal.audit.models import Delivery, Event
from portal.audit.retention import deliveries_forget
from portal.kit.clock import database_now
from portal.notifications.models import SlackThread
from portal.notifications.retention import threads_forget
from tests.conftest import SETUP
from tests.deployments.test_watches import probe_at, report

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def forgotten(now):
    return deliveries_forget(now), threads_forget(now)


def test_what_is_settled_is_forgotten_when_its_days_are_over_and_what_is_due_never_is(shop, slack, settings):
    settings.DELIVERY_DAYS = 30
    for place in (shop.checkout_production, shop.search_production):
        lock_take(scopes.pair(place), reason="debugging", by=SETUP)
    outbox.deliver_due()
    settled, parked, due, sending = Delivery.objects.order_by("id")
    Delivery.objects.filter(pk=parked.pk).update(state="parked", done_at=None)
    Delivery.objects.filter(pk=due.pk).update(state="pending", done_at=None)
    Delivery.objects.filter(pk=sending.pk).update(state="sending", done_at=None)
    now, kept = database_now(), Event.objects.count()
    assert deliveries_forget(now + 30 * DAY - DAY / 2) == 0 and Delivery.objects.count() == 4
    assert deliveries_forget(now + 31 * DAY) == 2
    assert deliveries_forget(now + 3000 * DAY) == 0
    assert [each.pk for each in Delivery.objects.order_by("id")] == [due.pk, sending.pk]
    assert Event.objects.count() == kept, "events are for ever"


def test_what_was_given_up_and_is_sent_again_is_kept_from_then_on(shop, slack, page, alice):
    lock_take(scopes.pair(shop.checkout_production), reason="debugging", by=SETUP)
    outbox.deliver_due()
    one = Delivery.objects.get(subscriber="slack")
    long_ago = database_now() - 400 * DAY
    Delivery.objects.filter(pk=one.pk).update(state="parked", done_at=None, due_at=long_ago)
    outbox.delivery_retry(one, by=page(alice))
    outbox.deliver_due()
    Delivery.objects.filter(pk=one.pk).update(public_id="00000000-0000-7000-8000-000000000000")  # made long ago
    assert deliveries_forget() == 0 and Delivery.objects.get(pk=one.pk).state == "done"


def test_a_lock_keeps_its_thread_until_it_has_been_over_for_so_long(shop, slack):
    lock = lock_take(scopes.pair(shop.checkout_production), reason="debugging", by=SETUP)
    outbox.deliver_due()
    now = database_now()
    assert forgotten(now + 3000 * DAY) == (2, 0) and SlackThread.objects.exists(), "it is still locked"
    lock_release(lock, by=SETUP)
    later = now + 3000 * DAY
    assert forgotten(later) == (0, 0), "the end is to be told there"
    outbox.deliver_due()
    assert len([each for each in slack.messages if each.get("thread_ts")]) == 1
    assert threads_forget(now + 89 * DAY) == 0 and SlackThread.objects.exists()
    assert forgotten(later) == (2, 1)


def test_a_deployment_keeps_its_thread_as_long_as_it_is_watched(shop, slack):
    now = database_now()
    probe_at(shop.checkout_production, now)
    one = report("1.0", now)
    watch = watch_open(str(one.public_id), now=now)
    SlackThread.objects.create(
        key=f"deployment:{one.public_id}", target="general", channel="C1", ts="1.2", delivery=one.public_id
    )
    later = now + 91 * DAY
    Delivery.objects.update(state="done", done_at=now)
    assert deliveries_forget(later) > 0 and threads_forget(later) == 0, "it is watched"
    watch_look(watch.pk, now=later)
    outbox.deliver_due()
    Delivery.objects.all().delete()
    assert threads_forget(later) == 1
