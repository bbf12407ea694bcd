"""A worker that is killed at any statement, and two at the same moment: one watch, one verdict, one lock, one release."""

import time
from datetime import timedelta

import pytest

from deployments.commands import watch_look, watch_open
from deployments.models import Watch
from locks.commands import holds_release, sign_take
from locks.models import Evidence, HeardProbe, Lock, RuleHold
from portal.audit.models import Delivery, Event
from portal.kit.clock import database_now
from tests.deployments.test_watches import found, probe_at, report
from tests.journeys.conftest import Process, eventually
from tests.killing import killed_at, killed_everywhere
from tests.locks.health import HOUR, MINUTE, flip, rule
from tests.locks.test_races import together

pytestmark = pytest.mark.django_db(transaction=True)


STRIDE = 9  # statements; 1 is the long form


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


POINTS = [
    "worker, before it commits the watch",
    "worker, before it says that watch is done",
    "worker, before it commits the verdict",
    "worker, before it reads what health says",
    "worker, before it commits the lock",
    "worker, before it says that lock is done",
    "worker, before it notes the message that it has sent",
    "worker, before it commits the release",
]
LEASE = 2.0  # seconds; the portal's own is 15


@pytest.fixture
def worker(environ, settings, tmp_path):
    """`worker(points)`: one that dies at each of them, and is started anew. Answers the file of those that are left."""
    order, running = tmp_path / "die", []

    def begin(*points, lease=""):
        order.write_text("\n".join(points))
        more = {"DEADLY": str(order), "DEADLY_LEASE": str(lease), "PORTCULLIS_SECRET_KEY": settings.SECRET_KEY}
        running.append(Process(["tests.journeys.deadly"], environ | more, tmp_path / "worker.log"))
        return order

    yield begin
    for each in running:
        each.stop()


def lapse():
    """Time passes for the leases of the dead; there is one worker, so nobody else has any."""
    Delivery.objects.filter(state="sending").update(lease_until="2020-01-01T00:00:00Z")


@pytest.mark.timeout(180)
def test_a_worker_that_dies_at_every_step_from_a_bad_deploy_to_its_release_does_each_once(shop, slack, worker, capsys):
    rule(healthy_for=timedelta(seconds=1))
    began, now = time.monotonic(), database_now()
    order = worker(*POINTS)
    probe = probe_at(shop.checkout_production, now, failure_threshold=2, recovery_threshold=2)
    found(probe, now - MINUTE, times=2)
    report("1.0", database_now())
    eventually(lambda: lapse() or Watch.objects.exists(), 60)
    found(probe, database_now(), bad=True, times=2, apart=timedelta(milliseconds=1))
    eventually(lambda: lapse() or Evidence.objects.count() == 2, 60)
    found(probe, database_now(), times=2, apart=timedelta(milliseconds=1))
    eventually(lambda: lapse() or Lock.objects.filter(released_at__isnull=False).exists(), 60)
    eventually(lambda: lapse() or not Delivery.objects.exclude(state="done").exists(), 60)
    with capsys.disabled():
        print(f"\n{len(POINTS)} deaths in {time.monotonic() - began:.1f} s")
    assert not order.exists(), order.read_text()
    assert [count(name) for name in ("watch.opened", "watch.closed", "lock.taken", "lock.released")] == [1] * 4
    assert Watch.objects.get().verdict == "failed" and Lock.objects.get().release_reason == "healthy for 1 s"
    told = sorted(each["metadata"]["event_payload"]["delivery"] for each in slack.messages)
    assert told == sorted(str(each.public_id) for each in Delivery.objects.filter(subscriber="slack")) and len(told) > 3


@pytest.mark.timeout(180)
def test_a_lock_waits_for_the_lease_of_who_was_killed_over_it_and_no_longer(shop, slack, worker, capsys):
    rule()
    order = worker("worker, before it commits the lock", lease=LEASE)
    now = database_now()
    probe = probe_at(shop.checkout_production, now, failure_threshold=1, recovery_threshold=1)
    found(probe, now - MINUTE, bad=True)
    eventually(lambda: not order.exists(), 60)
    held = Delivery.objects.get(state="sending")
    claimed = held.lease_until - timedelta(seconds=LEASE)
    eventually(Lock.objects.exists, 60)
    waited = (Event.objects.get(name="lock.taken").at - claimed).total_seconds()
    with capsys.disabled():
        print(f"\nlocked {waited:.1f} s after it was claimed by one who died, under a lease of {LEASE:g} s")
    assert LEASE <= waited < LEASE + 20, "neither while he may be alive, nor for a minute"
    assert (held.attempts, count("lock.taken")) == (1, 1)


def test_what_was_not_told_when_somebody_was_killed_has_not_happened(shop):
    """Neither a verdict nor a lock: whoever comes next does both."""
    rule()
    now, place = database_now(), shop.checkout_production
    probe, bad = probe_at(place, now), flip(place, "failing", now)
    one = report("1.0", now)
    found(probe, now, bad=True, times=3, apart=timedelta(milliseconds=1))
    watch = watch_open(str(one.public_id), now=now)
    killed_at("insert into audit_event", work=lambda: watch_look(watch.pk, now=now + MINUTE))
    killed_at("insert into locks_rulehold", work=lambda: sign_take(bad, now=now))
    assert (Watch.objects.get().verdict, Lock.objects.count()) == ("", 0)
    assert watch_look(watch.pk, now=now + MINUTE) and sign_take(bad, now=now) == 1
    assert [count(name) for name in ("watch.closed", "lock.taken")] == [1, 1]


def test_nothing_is_let_go_while_something_is_unheard_or_the_prober_is_silent(shop):
    rule()
    now, place = database_now(), shop.checkout_production
    probe = probe_at(place, now)
    sign_take(flip(place, "failing", now), now=now)
    sign_take(flip(place, "healthy", now + MINUTE), now=now + MINUTE)
    found(probe, now + 10 * MINUTE, times=3)
    later = now + 100 * MINUTE
    assert Delivery.objects.filter(subscriber="locks.rules", state="pending").exists()
    assert holds_release(now=now + 11 * MINUTE) == 0, "what the probe said is unheard"
    Delivery.objects.update(state="done")
    assert holds_release(now=later) == 0, "it has not said anything for an hour"
    found(probe, later - MINUTE, times=3)
    assert holds_release(now=later) == 1


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
