"""A worker that dies at any statement, and two at the same moment: one watch, one verdict, one lock, one release."""

from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import connection

from deployments.commands import watch_look, watch_open
from deployments.models import Watch
from locks.commands import holds_release, sign_take
from locks.models import Evidence, HeardProbe, Lock, RuleHold
from portal.audit.models import Event
from portal.kit.clock import database_now
from tests.deployments.test_watches import found, probe_at, report
from tests.locks.health import HOUR, MINUTE, flip, rule
from tests.locks.test_races import together

pytestmark = pytest.mark.django_db(transaction=True)


STRIDE = 3  # statements; 1 is the long form


class Killed(BaseException):
    """What the database sees of a process that is killed: its transaction is taken back."""


@contextmanager
def dying_at(number):
    """At the statement of this number."""
    left = [number]

    def execute(run, sql, params, many, context):
        left[0] -= 1
        if left[0] == 0:
            raise Killed
        return run(sql, params, many, context)

    with connection.execute_wrapper(execute):
        yield left


def dies_everywhere(deed, check):
    """Runs the deed, dying at one statement, at a later one, and so on; each time once more to the end."""
    number = 0
    while True:
        number += STRIDE
        try:
            with dying_at(number) as left:
                deed()
        except Killed:
            connection.close()
            deed()
        check()
        if left[0] > 0:
            return number
        assert number < 300


def count(*names):
    return Event.objects.filter(name__in=names).count()


def fresh():
    for model in (Evidence, RuleHold, HeardProbe, Lock, Watch):
        model.objects.all().delete()


def test_a_sign_that_is_cut_off_anywhere_is_one_lock_and_one_release(shop):
    rule()
    now, place = database_now(), shop.checkout_production
    state = {}

    def deed():
        if not state:
            state["bad"] = flip(place, "failing", now)
            state["good"] = flip(place, "healthy", now + MINUTE)
        sign_take(state["bad"], now=now)
        sign_take(state["good"], now=now + MINUTE)
        holds_release(now=now + HOUR)

    def check():
        assert [Lock.objects.count(), Evidence.objects.count(), RuleHold.objects.filter(by_hand=False).count()] == [
            1
        ] * 3
        assert Lock.objects.get().release_reason == "healthy for 10 minutes"
        told = count("lock.taken"), count("lock.release_planned"), count("lock.released")
        assert told == (len(rounds) + 1,) * 3, told
        rounds.append(told)
        state.clear()
        fresh()

    rounds = []
    assert dies_everywhere(deed, check) > 30


def test_a_watch_that_is_cut_off_anywhere_is_opened_once_and_closed_once(shop):
    now = database_now()
    probe = probe_at(shop.checkout_production, now)
    one = report("1.0", now)
    found(probe, now, bad=True, times=3, apart=timedelta(milliseconds=1))

    def deed():
        watch_open(str(one.public_id), now=now)
        for pk in Watch.objects.values_list("pk", flat=True):
            watch_look(pk, now=now + MINUTE)

    def check():
        assert Watch.objects.get().verdict == "failed"
        rounds.append(1)
        assert (count("watch.opened"), count("watch.closed")) == (len(rounds), len(rounds))
        fresh()

    rounds = []
    assert dies_everywhere(deed, check) > 15


def test_of_many_at_once_one_opens_one_judges_one_locks_and_one_lets_go(shop):
    rule()
    now, place = database_now(), shop.search_production
    probe = probe_at(shop.checkout_production, now)
    one = report("1.0", now)
    found(probe, now, bad=True, times=3, apart=timedelta(milliseconds=1))
    together(4, lambda: watch_open(str(one.public_id), now=now))
    watch = Watch.objects.get()
    assert sum(each is True for each in together(4, lambda: watch_look(watch.pk, now=now + MINUTE))) == 1
    bad, good = flip(place, "failing", now), flip(place, "healthy", now + MINUTE)
    assert sum(together(4, lambda: sign_take(bad, now=now))) == 1
    sign_take(good, now=now + MINUTE)
    assert sum(together(4, lambda: holds_release(now=now + HOUR))) == 1
    assert [count(name) for name in ("watch.opened", "watch.closed", "lock.taken", "lock.released")] == [1] * 4
