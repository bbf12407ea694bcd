"""A provider in a process of its own, templates that use it, and the people of the portal's tests."""

import json
import signal
import subprocess
import sys
import urllib.request
from datetime import timedelta

import pytest

from deployments.environments.commands import environment_request, template_create
from deployments.environments.models import Environment
from deployments.environments.worker import work_due
from portal.kit.clock import database_now
from tests.conftest import SETUP


class Outside:
    """The provider's process, seen from the tests."""

    def __init__(self, folder):
        words = [sys.executable, "-m", "tests.environments.provider", str(folder)]
        self.folder = folder
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        self.url = f"http://127.0.0.1:{int(self.process.stdout.readline())}"

    def faults(self, *faults):
        raw = json.dumps([dict(zip(("phase", "step", "do"), each)) for each in faults]).encode()
        urllib.request.urlopen(self.url + "/faults", raw).read()

    def calls(self):
        with urllib.request.urlopen(self.url + "/calls") as answer:
            return json.loads(answer.read())["calls"]

    def has(self, environment):
        return (self.folder / environment.label).exists()

    def stop(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()


@pytest.fixture(scope="module")
def provider_process(tmp_path_factory):
    outside = Outside(tmp_path_factory.mktemp("provider"))
    yield outside
    outside.stop()


@pytest.fixture
def outside(provider_process, settings):
    settings.DEMO_PROVIDER = provider_process.url
    provider_process.faults()
    return provider_process


SPEC = {
    "provision": [{"name": "folder", "timeout": 1}, {"name": "data", "timeout": 1}, {"name": "server", "timeout": 1}],
    "sleep": [{"name": "server"}],
    "wake": [{"name": "server"}],
    "teardown": [{"name": "server", "timeout": 1}, {"name": "folder", "timeout": 1}],
    "verify": {"name": "there", "timeout": 1},
}
WISHED = {
    "identifier": "preview",
    "title": "Preview",
    "provider": "demo",
    "spec": SPEC,
    "default_ttl": "8h",
    "greatest_ttl": "3d",
    "soft_cap": "7d",
    "hard_cap": "30d",
    "tries": 3,
}


def make(**more):
    return template_create(WISHED | more, by=SETUP)


@pytest.fixture
def preview(db):
    return make()


def fresh(environment):
    return Environment.objects.select_related("template", "owner", "fallback_owner").get(pk=environment.pk)


def passes(seconds):
    """The instant that so long from now will be: what waits for a while is due then."""
    return database_now() + timedelta(seconds=seconds)


def worked(environment=None, *, rounds=40):
    """Does all that is due and that becomes due within the hour, as workers would, one after the other."""
    for _ in range(rounds):
        Environment.objects.filter(work_at__isnull=False).update(work_at=database_now())
        if not work_due(limit=1):
            break
    return fresh(environment) if environment else None


@pytest.fixture
def ready(outside, preview):
    """It is there, and what its provider was asked so far is forgotten."""
    environment = worked(environment_request(preview, name="demo-1", by=SETUP))
    assert environment.state == "ready"
    outside.faults()
    return environment


@pytest.fixture
def start():
    return database_now().replace(second=0, microsecond=0)


@pytest.fixture
def demo(preview, bob, page, start):
    """It lives for two days from `start` on."""
    return environment_request(preview, name="demo-1", ttl=timedelta(days=2), now=start, by=page(bob))
