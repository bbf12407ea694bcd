"""A lock's holder is told shortly before its end, and once a day that it is held on: each exactly once, and only while it is true."""

import importlib
import threading
from datetime import timedelta

import pytest
from django.db import connection

from locks import scopes
from locks.commands import lock_extend, lock_release, lock_remind, lock_take, locks_remind
from locks.models import Lock
from locks.queries import reminder_is_stale
from portal.audit.models import Event
from portal.kit.clock import database_now
from tests.conftest import SETUP, events

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
WARNED, REMINDED = "lock.expiry_warned", "lock.holder_reminded"


@pytest.fixture
def take(shop, page, bob):
    """A lock of Bob's that ends so much later; None for never."""

    def take(lasts):
        until = database_now() + lasts if lasts else None
        return lock_take(scopes.pair(shop.checkout_production), reason="debugging", until=until, by=page(bob))

    return take


def tick(lock, at):
    """The clock comes by at this instant."""
    return lock_remind(lock.pk, now=at)


def told():
    return [
        (event.name, event.payload.get("minutes"))
        for event in Event.objects.filter(name__in=[WARNED, REMINDED]).order_by("id")
    ]


def test_the_end_is_told_fifteen_and_five_minutes_before_once_each(take):
    lock = take(4 * HOUR)
    for before in (16, 15, 14, 6, 5, 4, 1):
        tick(lock, lock.expires_at - before * MINUTE)
        tick(lock, lock.expires_at - before * MINUTE)
    assert told() == [(WARNED, 15), (WARNED, 5)]


def test_a_lock_shorter_than_that_is_warned_of_once(take):
    lock = take(10 * MINUTE)
    assert not tick(lock, lock.expires_at - 9 * MINUTE)
    assert tick(lock, lock.expires_at - 5 * MINUTE)
    assert told() == [(WARNED, 5)]


def test_a_clock_that_was_stopped_tells_only_what_is_still_true(take):
    lock = take(4 * HOUR)
    assert tick(lock, lock.expires_at - 3 * MINUTE)
    assert not tick(lock, lock.expires_at - 2 * MINUTE)
    assert told() == [(WARNED, 5)]


def test_a_clock_that_was_stopped_past_the_end_tells_nothing(take):
    lock = take(4 * HOUR)
    assert not tick(lock, lock.expires_at) and not tick(lock, lock.expires_at + HOUR)
    assert told() == []


def test_an_extended_lock_is_warned_of_again_for_its_new_end(take, page, bob):
    lock = take(4 * HOUR)
    tick(lock, lock.expires_at - 15 * MINUTE)
    longer = lock_extend(lock, lock.expires_at + HOUR, by=page(bob))
    assert not tick(longer, lock.expires_at - 5 * MINUTE), "that was the old end"
    tick(longer, longer.expires_at - 15 * MINUTE)
    tick(longer, longer.expires_at - 5 * MINUTE)
    assert told() == [(WARNED, 15), (WARNED, 15), (WARNED, 5)]


def test_a_released_lock_is_warned_of_no_more(take, page, bob):
    lock = take(4 * HOUR)
    lock_release(lock, by=page(bob))
    assert not tick(lock, lock.expires_at - 5 * MINUTE)
    assert told() == []


def test_a_lock_that_is_held_on_is_told_of_once_a_day_at_its_hour(take):
    lock = take(None)
    assert not tick(lock, lock.starts_at + DAY - MINUTE)
    for hours in (24, 25, 47, 48, 49):
        tick(lock, lock.starts_at + hours * HOUR)
    assert told() == [(REMINDED, None), (REMINDED, None)]


def test_days_that_the_clock_missed_are_not_made_up_for(take):
    lock = take(None)
    assert tick(lock, lock.starts_at + 5 * DAY + HOUR)
    assert not tick(lock, lock.starts_at + 5 * DAY + 2 * HOUR)
    lock.refresh_from_db()
    assert (told(), lock.remind_at) == ([(REMINDED, None)], lock.starts_at + 6 * DAY)


def test_so_near_to_its_end_a_lock_does_not_count_as_forgotten(take):
    lock = take(DAY + HOUR / 2)
    for at in (DAY, DAY + HOUR / 4, DAY + HOUR / 2 - 5 * MINUTE):
        tick(lock, lock.starts_at + at)
    assert told() == [(WARNED, 15), (WARNED, 5)]


def test_the_sweep_finds_what_is_due_and_nothing_else(take, shop):
    due = take(4 * HOUR)
    lock_take(scopes.named("service", service="search"), reason="reindexing", by=SETUP)
    Lock.objects.filter(pk=due.pk).update(expires_at=database_now() + 5 * MINUTE, remind_at=database_now())
    assert [locks_remind(), locks_remind()] == [1, 0]
    assert told() == [(WARNED, 5)] and Event.objects.get(name=WARNED).noun_id == str(due.public_id)


@pytest.mark.django_db(transaction=True)
def test_two_clocks_that_tick_at_once_warn_once(take):
    lock = take(4 * HOUR)
    at, together, found = lock.expires_at - 15 * MINUTE, threading.Barrier(4), []

    def clock():
        together.wait(10)
        found.append(lock_remind(lock.pk, now=at))
        connection.close()

    threads = [threading.Thread(target=clock) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(found) == [False, False, False, True]
    assert events(WARNED) == [WARNED]


def warned(lock, minutes):
    tick(lock, lock.expires_at - minutes * MINUTE)
    return Event.objects.filter(name=WARNED).latest("id")


def test_a_warning_goes_stale_with_the_end_or_with_the_next_warning(take, page, bob):
    lock = take(4 * HOUR)
    first, end = warned(lock, 15), lock.expires_at
    assert not reminder_is_stale(first, now=end - 6 * MINUTE)
    assert reminder_is_stale(first, now=end - 5 * MINUTE), "the next one tells it"
    last = warned(lock, 5)
    assert not reminder_is_stale(last, now=end - MINUTE)
    assert reminder_is_stale(last, now=end)
    lock_extend(lock, end + HOUR, by=page(bob))
    assert reminder_is_stale(last, now=end - MINUTE)
    assert reminder_is_stale(last, now=end + HOUR - MINUTE), "it speaks of the old end"


def test_a_reminder_goes_stale_with_the_release_or_after_a_day(take, page, bob):
    lock = take(None)
    tick(lock, lock.starts_at + DAY)
    event = Event.objects.get(name=REMINDED)
    assert not reminder_is_stale(event, now=event.at + HOUR)
    assert reminder_is_stale(event, now=event.at + DAY)
    lock_release(lock, by=page(bob))
    assert reminder_is_stale(event, now=event.at + HOUR)


def test_an_upgrade_gives_the_locks_that_are_held_a_first_reminder(take, shop, page, bob):
    ending = take(4 * HOUR)
    held = lock_take(scopes.named("service", service="search"), reason="reindexing", until=None, by=SETUP)
    over = lock_take(scopes.pair(shop.checkout_staging), reason="debugging", by=page(bob))
    lock_release(over, by=page(bob))
    Lock.objects.update(remind_at=None)
    sql = importlib.import_module("locks.migrations.0007_reminders").FIRST
    with connection.cursor() as cursor:
        cursor.execute(sql)
    due = dict(Lock.objects.values_list("pk", "remind_at"))
    assert due[ending.pk] == ending.expires_at - 15 * MINUTE and due[over.pk] is None
    assert timedelta() < due[held.pk] - database_now() <= DAY
    assert tick(held, held.starts_at + HOUR * 3) is False
    Lock.objects.filter(pk=held.pk).update(remind_at=held.starts_at + HOUR)
    assert tick(held, held.starts_at + 2 * HOUR), "it comes round,"
    assert told() == [], "with nothing to say yet"
