"""Two CI runs and a lock: the second says who holds the place, why, until when and where it stands, and goes on by itself."""

import json
import os
import signal as signals
import subprocess
import sys

import pytest

from deployments.models import Deployment
from locks import scopes
from locks.commands import lock_release, lock_take
from locks.models import Claim, Ticket
from portal.accounts.commands import credential_create, user_create
from portal.accounts.queries import actor_of_user
from portal.kit.by import By
from portal.kit.clock import database_now, duration
from tests.conftest import PASSWORD, SETUP
from tests.journeys.conftest import ROOT, eventually

pytestmark = pytest.mark.django_db(transaction=True)
PLACE = ("--service", "checkout", "--environment", "production")


class CIRun:
    """A run of CI as a process of its own, with what it printed."""

    def __init__(self, url, token, name, folder, *words):
        self.out = folder / f"{name}.log"
        environ = {
            "PATH": os.environ["PATH"],
            "TMPDIR": str(folder),
            "HOME": str(folder),
            "PORTCULLIS_URL": url,
            "PORTCULLIS_TOKEN": token,
            "PORTCULLIS_RUN": f"ci:{name}:1",
        }
        command = [sys.executable, str(ROOT / "ci" / "portcullis"), *words]
        self.process = subprocess.Popen(
            command, env=environ, stdout=self.out.open("wb"), stderr=subprocess.STDOUT, cwd=folder
        )

    @property
    def said(self):
        return self.out.read_text()

    def says(self, words):
        eventually(lambda: words in self.said or self.process.poll() is not None, 30)
        assert words in self.said, self.said

    def ends_with(self, code):
        assert self.process.wait(60) == code, self.said
        return self.said


@pytest.fixture
def ci_run(live_server, tmp_path):
    started = []

    def begin(name, *words):
        _, token = credential_create(f"CI {name}", kind="ci", scopes=["report", "gate", "catalog:read"], by=SETUP)
        started.append(CIRun(live_server.url, token, name, tmp_path, *words))
        return started[-1]

    yield begin
    for each in started:
        each.process.kill()
        each.process.wait(10)


def deploy(version, *command):
    return ("deploy", *PLACE, "--version", version, "--commit", "4f2a9c1", "--timeout", "5m", "--", *command)


@pytest.fixture
def dana(bob, shop):
    user = user_create("dana@example.org", "Dana", password=PASSWORD, role="admin", by=SETUP)
    return By(actor_of_user(user), "page")


@pytest.fixture
def lock(dana, shop):
    scope = scopes.named("pair", service="checkout", environment="production", tier="", team="")
    return lock_take(scope, reason="debugging checkout", until=database_now() + duration("2h", ""), by=dana)


def test_the_second_run_waits_for_the_lock_and_the_first_and_goes_on_by_itself(shop, lock, dana, ci_run, tmp_path):
    going = tmp_path / "going"
    first = ci_run("41", *deploy("1.4.1", "sh", "-c", f"until test -e {going}; do sleep 0.05; done"))
    first.says("you are 1st in line")
    second = ci_run("42", *deploy("1.4.2", "touch", "deployed"))
    second.says("; you are 2nd in line")
    [line] = [line for line in second.said.splitlines() if "2nd in line" in line]
    assert line.startswith("WAITING: checkout in production: Dana, debugging checkout, until ")
    assert f"{lock.expires_at:%H:%M} UTC; you are 2nd in line" in line
    assert str(lock.public_id) in second.said  # its page
    assert not (tmp_path / "deployed").exists()
    assert not Claim.objects.exists()

    lock_release(lock, reason="found it", by=dana)
    second.says("CI 41 is deploying 1.4.1 (ci:41:1); you are 1st in line")
    assert not (tmp_path / "deployed").exists()

    going.touch()
    first.ends_with(0)
    second.ends_with(0)
    assert (tmp_path / "deployed").exists()
    early, late = Claim.objects.order_by("fence")
    assert (early.run, late.run) == ("ci:41:1", "ci:42:1")
    assert early.finished_at <= late.begun_at
    assert {each.outcome for each in (early, late)} == {"success"}
    assert {(each.version, each.status, each.fence) for each in Deployment.objects.all()} == {
        ("1.4.1", "success", early.fence),
        ("1.4.2", "success", late.fence),
    }
    assert set(Deployment.objects.values_list("gate", flat=True)) == {"claim"}
    assert set(Ticket.objects.values_list("ending", flat=True)) == {"begun"}


def test_what_has_not_changed_is_not_said_twice(shop, lock, ci_run):
    run = ci_run("7", "wait", *PLACE, "--timeout", "5s")
    said = run.ends_with(12)
    assert said.count("WAITING") == 1
    assert "WAITED IN VAIN" in said and "portcullis wait --service checkout" in said
    assert Ticket.objects.get().ending == "withdrawn"


@pytest.mark.parametrize("signal", ["SIGTERM", "SIGINT"])
def test_a_run_that_is_cancelled_leaves_the_line(shop, lock, ci_run, signal):
    run = ci_run("8", "wait", *PLACE, "--timeout", "5m", "--json")
    run.says("1st in line")
    run.process.send_signal(signals.Signals[signal])
    run.ends_with(128 + signals.Signals[signal])
    assert json.loads(run.said.splitlines()[-1])["error"] == "interrupted"
    assert Ticket.objects.get().ending == "withdrawn"
    assert not Claim.objects.exists()


def test_an_open_gate_gives_the_turn_at_once_to_an_alias_too(shop, ci_run):
    said = ci_run("9", "wait", "--service", "checkout", "--environment", "prod").ends_with(0)
    assert said.startswith("YOUR TURN: checkout in prod")
    assert Ticket.objects.get().ready_at
