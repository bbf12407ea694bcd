import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from deployments.health.models import Probe
from deployments.health.results import Result

NOON = datetime(2026, 2, 3, 12, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def result(probe, seconds, outcome="ok", **more):
    return Result(probe.pk, at(seconds), outcome, **more)


@pytest.fixture
def probe(shop):
    """Of checkout in production: three failures tell, two successes."""
    return make_probe(shop.checkout_production)


def make_probe(place, name="http", **more):
    return Probe.objects.create(
        name=name,
        kind=more.pop("kind", "http"),
        service_id=place.service_id,
        service_identifier=place.service,
        environment_id=place.environment_id,
        environment_identifier=place.environment,
        judged_from=NOON - timedelta(days=1),
        since=NOON - timedelta(days=1),
        created_by="Alice",
        **more,
    )


@pytest.fixture(scope="session")
def targets():
    """The address of the targets' own process."""
    words = [sys.executable, "-m", "tests.health.targets"]
    running = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    yield f"http://127.0.0.1:{running.stdout.readline().strip()}"
    running.stdin.close()
    running.kill()
    running.wait()


@pytest.fixture(scope="module")
def certified(tmp_path_factory):
    """`certified(length)` serves over TLS with a certificate that ends then, by an authority that the portal trusts."""
    from tests.health.certificates import Certified

    made = Certified(tmp_path_factory.mktemp("tls"))
    yield made
    made.close()
