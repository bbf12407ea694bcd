"""Two at the same moment, on real transactions."""

import threading

import pytest
from django.db import connection

from locks import scopes
from locks.commands import lock_release, lock_take
from locks.models import Lock
from portal.audit.models import Event
from portal.kit.errors import Conflict

pytestmark = pytest.mark.django_db(transaction=True)


def together(count, deed):
    """Runs `deed` in `count` threads that start at once; answers what each came to."""
    barrier, results = threading.Barrier(count), []

    def run():
        try:
            barrier.wait(5)
            results.append(deed())
        except Exception as error:
            results.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(results) == count
    return results


def test_of_eight_takers_at_once_one_wins(shop, page, bob):
    by, scope = page(bob), scopes.pair(shop.checkout_production)
    results = together(8, lambda: lock_take(scope, reason="mine", by=by))
    assert sum(isinstance(each, Lock) for each in results) == 1
    assert sum(isinstance(each, Conflict) for each in results) == 7
    assert Lock.objects.count() == 1
    assert Event.objects.filter(name="lock.taken").count() == 1


def test_eight_releases_at_once_are_one_event(shop, page, bob):
    lock = lock_take(scopes.pair(shop.checkout_production), reason="mine", by=page(bob))
    results = together(8, lambda: lock_release(lock, by=page(bob)))
    assert len({each.released_at for each in results}) == 1
    assert Event.objects.filter(name="lock.released").count() == 1
