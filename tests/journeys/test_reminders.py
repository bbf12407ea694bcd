"""A lock nears its end while two workers and a clock run, and one of them dies: its holder is told once."""

import time
from datetime import timedelta

import pytest

from locks import scopes
from locks.commands import lock_extend, lock_take
from locks.models import Lock
from locks.tasks import expire
from portal.kit.clock import database_now
from tests.journeys.conftest import eventually

pytestmark = pytest.mark.django_db(transaction=True)
MINUTE = timedelta(minutes=1)


def warnings(slack):
    return [message for message in slack.messages if message["text"].startswith(":hourglass: The lock")]


def near_its_end(lock):
    Lock.objects.filter(pk=lock.pk).update(expires_at=database_now() + 5 * MINUTE, remind_at=database_now())


def test_a_warning_comes_once_through_many_ticks_and_a_dead_worker(shop, page, bob, slack, start):
    first = start("worker")
    start("worker"), start("beat")
    lock = lock_take(scopes.pair(shop.checkout_production), reason="debugging", by=page(bob))
    near_its_end(lock)
    for _ in range(6):
        expire.delay()
    eventually(lambda: warnings(slack))
    first.kill()
    time.sleep(7)  # more than a tick of the clock
    assert len(warnings(slack)) == 1

    longer = lock_extend(Lock.objects.get(pk=lock.pk), database_now() + 60 * MINUTE, by=page(bob))
    near_its_end(longer)
    # What the dead worker may have been at, in the same thread of Slack, is taken up when its lease ends.
    eventually(lambda: len(warnings(slack)) == 2, seconds=75)
