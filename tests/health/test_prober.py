"""The prober itself, against a real process of targets: what hangs holds nobody, and each probe is asked by one."""

import os
import signal
import threading
import time
from datetime import timedelta
from urllib.request import urlopen

import pytest
from django.db import connection
from django.db.models import F
from django.utils import timezone

from catalog import queries as catalog
from deployments.health.commands import heartbeats_excuse, probes_claim, queue_mend
from deployments.health.models import Flip, Probe, Prober, Reading
from deployments.health.prober import Prober as Worker
from deployments.health.queries import health_of, probe_health
from portal.audit.models import Event
from tests.conftest import write
from tests.health.conftest import make_probe

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def place():
    write("environment", "production", properties={"tier": "production"})
    write("service", "checkout")
    return catalog.place("checkout", "production")


@pytest.fixture
def many(place, targets, at_home):
    """`many("ok", 30)`: so many probes of what the word says, each of a host of its own, due now."""
    hosts = iter(range(2, 250))

    def make(word, count, **more):
        url = [f"{targets.replace('127.0.0.1', f'127.0.0.{next(hosts)}')}/{word}" for _ in range(count)]
        return [due(place, f"{word} {n}", each, **more) for n, each in enumerate(url)]

    return make


def due(place, name, url, **more):
    given = {"interval": 10, "timeout": 0.6, "due_at": timezone.now(), "host": url.split("/")[2].split(":")[0]} | more
    return make_probe(place, name, spec={"url": url}, **given)


def run_until(worker, what, within=20.0):
    """A turn after the other, as long as it takes on this machine."""
    end = time.monotonic() + within
    while not what() and time.monotonic() < end:
        worker.run(0.1)
    assert what()


def states():
    return set(Probe.objects.values_list("state", flat=True))


def again():
    """All are due once more."""
    Probe.objects.filter(due_at__isnull=False).update(due_at=timezone.now(), lease=None, lease_until=None)


def test_what_hangs_resets_and_drips_holds_nobody_up(many):
    healthy = many("ok", 30)
    bad = [*many("hang", 5), *many("reset", 3), *many("drip", 3)]
    worker = Worker("here", threads=12)
    begun = timezone.now()
    run_until(worker, lambda: Reading.objects.count() == 41)
    told = Reading.objects.filter(probe__in=healthy)
    assert set(told.values_list("outcome", flat=True)) == {"ok"} and told.count() == 30
    assert max(told.values_list("at", flat=True)) - begun < timedelta(seconds=1.5)
    silent = Reading.objects.filter(probe__in=bad)
    assert set(silent.values_list("outcome", "answered")) == {("failed", False)} and silent.count() == 11
    assert Prober.objects.get().up
    dues = Probe.objects.filter(pk__in=[each.pk for each in healthy]).values_list("due_at", flat=True)
    assert len(set(dues)) == 30 and all(timedelta(seconds=8) < each - begun < timedelta(seconds=14) for each in dues)


def test_two_pollers_ask_each_probe_once_and_make_one_flip(many):
    probes = many("ok", 20, recovery_threshold=1)
    workers = [threading.Thread(target=poll_for, args=(1.2,)) for _ in range(2)]
    for each in workers:
        each.start()
    for each in workers:
        each.join()
    run_until(Worker(threads=8), lambda: Reading.objects.count() >= len(probes))
    assert Reading.objects.count() == Flip.objects.count() == len(probes)
    assert Event.objects.filter(name="probe.flipped").count() == len(probes)


def poll_for(seconds):
    try:
        Worker(threads=8).run(seconds)
    finally:
        connection.close()


def test_of_one_host_only_so_many_are_asked_at_once(place, targets, at_home):
    for n in range(9):
        due(place, f"crowd {n}", f"{targets}/hang")
    due(place, "alone", f"{targets.replace('127.0.0.1', '127.0.0.9')}/ok")
    claimed = probes_claim(50, per_host=3)
    assert sorted(each.name for each in claimed) == ["alone", "crowd 0", "crowd 1", "crowd 2"]
    assert probes_claim(50, per_host=3) == []
    Probe.objects.filter(name="crowd 0").update(lease=None, lease_until=None, due_at=timezone.now())
    assert [each.name for each in probes_claim(50, per_host=3)] == ["crowd 3"]


def test_a_prober_that_died_leaves_its_probes_to_the_next_when_its_lease_ends(many):
    [probe] = many("ok", 1)
    assert [each.pk for each in probes_claim(5, per_host=9)] == [probe.pk]
    assert probes_claim(5, per_host=9) == []
    Probe.objects.update(lease_until=F("lease_until") - timedelta(minutes=1))
    assert [each.pk for each in probes_claim(5, per_host=9)] == [probe.pk]


def test_a_prober_without_a_network_says_so_once_and_alerts_nobody_for_a_service(many, targets, settings):
    """Its references answer as little as everything else does, and then all come back."""
    settings.HEALTH_REFERENCES = [f"{targets}/ok"]
    probes = many("ok", 6, failure_threshold=1, recovery_threshold=1, timeout=0.4)
    worker = Worker("here", threads=10)
    run_until(worker, lambda: states() == {"healthy"})
    urlopen(f"{targets}/switch?reset")  # noqa: S310
    again()
    run_until(worker, lambda: not Prober.objects.get().up)
    pair = probes[0].service_id, probes[0].environment_id
    assert health_of([pair])[pair].state == probe_health(probes[1]).state == "prober_down"
    again()
    worker.run(0.3)
    urlopen(f"{targets}/switch")  # noqa: S310
    run_until(worker, lambda: Prober.objects.get().up)
    assert states() == {"healthy"}
    assert health_of([pair])[pair].state == "healthy"
    told = list(Event.objects.filter(noun__in=["probe", "prober"]).order_by("id").values_list("name", "noun"))
    assert told == [("probe.flipped", "probe")] * 6 + [("prober.went_down", "prober"), ("prober.came_back", "prober")]
    assert not Reading.objects.filter(outcome="failed").exists()


def test_with_a_network_what_is_down_is_down(many, targets, settings):
    settings.HEALTH_REFERENCES = [f"{targets}/ok", "tcp://127.0.0.1:1"]
    many("reset", 3, failure_threshold=1)
    run_until(Worker(threads=10), lambda: states() == {"down"})
    assert not Event.objects.filter(name__startswith="prober.").exists()


def test_a_prober_that_was_stopped_on_its_way_says_nothing_of_the_target(many, monkeypatch):
    monkeypatch.setattr("deployments.health.prober.STOOD_STILL", 0.5)
    [probe] = many("hang", 1, timeout=0.4)
    read, write_ = os.pipe()
    child = os.fork()
    if not child:  # no more than a call, which asks no database
        worker = Worker("stopped", threads=1, per_host=1)
        worker._call(probe, timezone.now())
        os.write(write_, worker.came.get()[1].outcome.encode())
        os._exit(0)
    time.sleep(0.2)
    os.kill(child, signal.SIGSTOP)
    time.sleep(1)
    os.kill(child, signal.SIGCONT)
    assert os.read(read, 20) == b"no_data"
    os.waitpid(child, 0)


def test_a_heartbeat_that_is_missed_is_a_failure_unless_nobody_listened(place):
    now = timezone.now()
    probe = make_probe(place, "nightly", kind="heartbeat", interval=60, failure_threshold=1, due_at=now)
    asleep = make_probe(place, "backup", kind="heartbeat", interval=60, due_at=now - timedelta(minutes=9))
    run_until(Worker(), lambda: Reading.objects.exists() and not Probe.objects.filter(lease__isnull=False).exists())
    [reading] = Reading.objects.all()
    assert (reading.probe, reading.at, reading.reason) == (probe, now, "No heartbeat came for 1 min.")
    probe.refresh_from_db()
    assert probe.state == "down" and probe.due_at == now + timedelta(minutes=1)
    asleep.refresh_from_db()
    assert timedelta(seconds=50) < asleep.due_at - timezone.now() < timedelta(seconds=61)


def test_a_restart_excuses_heartbeats_that_were_to_come_while_nobody_listened_and_no_others(place):
    now = timezone.now()

    def beats(name, interval, due):
        spec = {"grace": 15}
        return make_probe(
            place, name, kind="heartbeat", interval=interval, spec=spec, due_at=now + timedelta(seconds=due)
        )

    late, daily, gone = beats("late", 30, -5), beats("daily", 86400, 40000), beats("gone", 30, -50)
    Prober.objects.create(name="here", since=now, seen_at=now - timedelta(seconds=5))
    assert heartbeats_excuse(now, within=timedelta(seconds=12)) == 0
    Prober.objects.update(seen_at=now - timedelta(seconds=40))
    assert heartbeats_excuse(now, within=timedelta(seconds=12)) == 1
    assert Probe.objects.get(pk=late.pk).due_at == now + timedelta(seconds=45)
    assert [Probe.objects.get(pk=each.pk).due_at for each in (daily, gone)] == [daily.due_at, gone.due_at]
    Prober.objects.update(seen_at=now - timedelta(seconds=40))
    Probe.objects.filter(pk=late.pk).update(due_at=now - timedelta(seconds=5))
    Worker().run(0.3)
    assert not Reading.objects.filter(probe=late).exists() and Reading.objects.filter(probe=gone).exists()


def test_a_clock_that_was_put_back_stops_nothing(place):
    later = timezone.now() + timedelta(hours=3)
    due(place, "late", "http://127.0.0.1/", due_at=later)
    due(place, "leased", "http://127.0.0.1/", lease="019a2b3c-4d5e-7f80-91a2-b3c4d5e6f709", lease_until=later)
    assert queue_mend() == 2
    assert sorted(each.name for each in probes_claim(5, per_host=9)) == ["late", "leased"]
