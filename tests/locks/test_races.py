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


def test_of_a_lock_and_a_deletion_at_once_one_is_refused(shop, page, bob):
    from catalog import queries as catalog
    from catalog.commands import entity_delete
    from catalog.models import Entity
    from portal.kit.errors import Missing
    from tests.conftest import SETUP

    scope, service = scopes.pair(shop.checkout_production), catalog.service_named("checkout")
    deeds = [lambda: lock_take(scope, reason="mine", by=page(bob)), lambda: entity_delete(service, by=SETUP)]
    results = together(2, lambda: deeds.pop()())
    assert sum(isinstance(each, Conflict | Missing) for each in results) == 1
    there = Entity.objects.filter(pk=service.pk).exists()
    assert Lock.objects.filter(service=service.pk, released_at=None).exists() == there
    assert not Lock.objects.filter(service=None).exists()


def test_a_steal_and_a_release_at_once_end_the_lock_once(shop, page, bob):
    lock = lock_take(scopes.pair(shop.checkout_production), reason="mine", by=page(bob))
    scope, by = scopes.pair(shop.checkout_production), page(bob)
    deeds = [lambda: lock_take(scope, reason="again", steal=True, by=by), lambda: lock_release(lock, by=by)]
    together(2, lambda: deeds.pop()())
    assert Event.objects.filter(name="lock.released", noun_id=str(lock.public_id)).count() == 1
