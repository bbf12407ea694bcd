"""Each flip is told once, wherever the prober is killed on the way to it."""

import time
from datetime import timedelta

import pytest
from django.utils import timezone

from deployments.health.models import Flip, Probe, Prober, Reading, Standing
from portal.audit.models import Event
from tests.health.conftest import make_probe, targets  # noqa: F401
from tests.journeys.conftest import Process, eventually

POINTS = ["claimed", "called", "reading written", "flip told", "committed"]


@pytest.fixture
def prober(environ, settings, tmp_path):
    order = tmp_path / "die"
    more = {"DEADLY": str(order), "PORTCULLIS_SECRET_KEY": settings.SECRET_KEY}
    more |= {"PORTCULLIS_OUTGOING_NETWORKS": "127.0.0.0/8"}
    process = Process(["tests.journeys.deadly_prober"], environ | more, tmp_path / "prober.log")
    yield order
    process.stop()


def healthy(probe):
    return Probe.objects.filter(pk=probe.pk, state="healthy").exists()


@pytest.mark.timeout(120)
@pytest.mark.django_db(transaction=True)
def test_whatever_dies_when_each_flip_is_there_once_and_told_once(shop, prober, targets, capsys):  # noqa: F811
    eventually(lambda: Prober.objects.exists(), 30)
    began, deaths = time.monotonic(), []
    for number, point in enumerate(POINTS):
        prober.write_text(point)
        probe = make_probe(
            shop.checkout_production,
            point,
            spec={"url": f"{targets}/ok"},
            interval=3600,
            recovery_threshold=1,
            due_at=timezone.now() - timedelta(seconds=number),
        )
        eventually(lambda: not prober.exists(), 20)
        deaths.append((point, healthy(probe)))
        # Its lease ends.
        Probe.objects.filter(lease__isnull=False).update(lease_until=timezone.now() - timedelta(seconds=1))
        eventually(lambda probe=probe: healthy(probe), 20)
    with capsys.disabled():
        print(f"\n{len(deaths)} deaths in {time.monotonic() - began:.1f} s")
    assert deaths == [(point, point == "committed") for point in POINTS]
    flips = list(Flip.objects.order_by("id"))
    assert [each.probe.name for each in flips] == POINTS
    told = Event.objects.filter(name="probe.flipped").order_by("id")
    assert [each.payload["flip"] for each in told] == [str(each.public_id) for each in flips]
    assert Reading.objects.count() == len(POINTS)
    assert Standing.objects.get().state == "healthy"
    assert not Probe.objects.filter(lease__isnull=False).exists()
