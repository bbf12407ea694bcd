"""A worker that is killed at any statement, and two at the same moment: one watch, one verdict, one lock, one release."""

from datetime import timedelta

import pytest

from deployments.commands import watch_look, watch_open
from deployments.models import Watch
from locks.commands import holds_release, sign_take
from locks.models import Evidence, HeardProbe, Lock, RuleHold
from portal.audit.models import Event
from portal.kit.clock import database_now
from tests.deployments.test_watches import found, probe_at, report
from tests.killing import killed_everywhere
from tests.locks.health import HOUR, MINUTE, flip, rule
from tests.locks.test_races import together

pytestmark = pytest.mark.django_db(transaction=True)


STRIDE = 5  # statements; 1 is the long form


def count(*names):
    return Event.objects.filter(name__in=names).count()


def test_whoever_is_killed_over_a_sign_leaves_one_lock_and_one_release(shop):
    rule()
    now, place = database_now(), shop.checkout_production

    def world():
        for model in (Evidence, RuleHold, HeardProbe, Lock, Event):
            model.objects.all().delete()
        bad, good = flip(place, "failing", now), flip(place, "healthy", now + MINUTE)

        def deed():
            sign_take(bad, now=now)
            sign_take(good, now=now + MINUTE)
            holds_release(now=now + HOUR)

        return deed

    def check():
        assert (Evidence.objects.count(), RuleHold.objects.get().by_hand) == (1, False)
        assert Lock.objects.get().release_reason == "healthy for 10 minutes"
        told = count("lock.taken"), count("lock.release_planned"), count("lock.released")
        assert told == (1, 1, 1)

    assert killed_everywhere(world, check, stride=STRIDE) > 30 // STRIDE


def test_whoever_is_killed_over_a_watch_leaves_it_opened_once_and_closed_once(shop):
    now = database_now()
    probe = probe_at(shop.checkout_production, now)
    one = report("1.0", now)
    found(probe, now, bad=True, times=3, apart=timedelta(milliseconds=1))

    def world():
        Watch.objects.all().delete()
        Event.objects.all().delete()
        return deed

    def deed():
        watch_open(str(one.public_id), now=now)
        for pk in Watch.objects.values_list("pk", flat=True):
            watch_look(pk, now=now + MINUTE)

    def check():
        assert Watch.objects.get().verdict == "failed"
        assert (count("watch.opened"), count("watch.closed")) == (1, 1)

    assert killed_everywhere(world, check, stride=STRIDE) > 15 // STRIDE


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
