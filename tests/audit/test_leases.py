"""Leases of deliveries: short, so that a dead worker delays nothing, and renewed, so that a slow one is left alone."""

import threading
from datetime import timedelta

import pytest
from django.db import connection

from portal.audit import leases, outbox, subscribers
from portal.audit.models import Delivery
from portal.kit.clock import database_now
from tests.audit.test_outbox import happen, post  # noqa: F401
from tests.journeys.conftest import eventually

ENDED = "2020-01-01T00:00:00Z"
LONG = timedelta(seconds=10)


def ends():
    return Delivery.objects.get().lease_until - database_now()


@pytest.mark.django_db(transaction=True)
def test_a_slow_receiver_keeps_its_delivery_beyond_the_lease(post, monkeypatch):  # noqa: F811
    monkeypatch.setattr(leases, "RENEWED_EVERY", 0.02)
    monkeypatch.setattr(leases, "_keeper", None)
    begun, may_end = threading.Event(), threading.Event()
    subscribers.subscribe("post", "thing.*", handle=lambda delivery: begun.set() or {"came": may_end.wait(60)})
    happen()
    slow = threading.Thread(target=lambda: (outbox.deliver_due(), connection.close()))
    slow.start()
    assert begun.wait(60)
    Delivery.objects.update(lease_until=ENDED)
    eventually(lambda: ends() > LONG)
    assert outbox.claim() is None
    may_end.set()
    slow.join(60)
    told = Delivery.objects.get()
    assert (told.state, told.attempts, told.result) == ("done", 1, {"came": True})


def test_a_lease_that_is_renewed_goes_on_and_one_that_another_has_by_now_does_not(db, post):  # noqa: F811
    happen()
    first = outbox.claim()
    Delivery.objects.update(lease_until=ENDED)
    leases.renew(first)
    assert ends() > LONG and outbox.claim() is None
    Delivery.objects.update(lease_until=ENDED)
    second = outbox.claim()
    Delivery.objects.update(lease_until=ENDED)
    known = first.held_until
    leases.renew(first)
    assert ends() < -LONG and first.held_until == known
    outbox.deliver(second)
    assert Delivery.objects.get().state == "done"


def test_fifteen_seconds_leave_time_for_a_call_and_for_a_renewal_that_failed():
    assert timedelta(seconds=15) >= Delivery.LEASE
    assert Delivery.LEASE.total_seconds() > leases.LONGEST_CALL + leases.RENEWED_EVERY
