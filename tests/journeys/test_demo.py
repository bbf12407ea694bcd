"""What bin/demo tells has happened, and nothing of it stays behind."""

import os
import signal
import subprocess

import pytest

from deployments.models import Deployment
from locks import scopes
from locks.commands import lock_take
from locks.models import Claim, Lock, Ticket
from portal.accounts.commands import credential_create
from portal.accounts.models import SCOPES
from portal.embedded.up import free_port
from tests.conftest import SETUP, write
from tests.journeys.conftest import ROOT, eventually

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def play(live_server, tmp_path):
    """`play()` starts bin/demo as a newcomer would, on the portal that wrote credentials.env."""
    client, secret = credential_create("Automation", kind="client", scopes=list(SCOPES), by=SETUP)
    scopes_of_ci = ["report", "gate", "lock", "catalog:read"]
    _, token = credential_create("CI", kind="ci", scopes=scopes_of_ci, by=SETUP)
    known = {"PORTCULLIS_URL": live_server.url, "CI_TOKEN": token}
    known |= {"CLIENT_ID": client.client_id, "CLIENT_SECRET": secret}
    (tmp_path / "credentials.env").write_text("".join(f"{name}={value}\n" for name, value in known.items()))
    started = []

    def begin(**more):
        environ = {"PATH": os.environ["PATH"], "PORTCULLIS_DATA": str(tmp_path), **more}
        out = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        started.append(subprocess.Popen([ROOT / "bin" / "demo"], env=environ, **out))
        return started[-1]

    yield begin
    for each in started:
        each.kill()
        each.communicate()


@pytest.fixture
def address_book(shop):
    write("service", "address-book", title="Address book")


def told(process):
    said = process.communicate(timeout=90)[0]
    return process.returncode, said


def test_it_plays_what_it_tells(address_book, play):
    code, said = told(play())
    assert code == 0, said
    story = [
        "1. Somebody debugs address-book in production",
        "run A  WAITING: address-book in production: Automation, looking for lost addresses, until ",
        "run B  WAITING: address-book in production: Automation, looking for lost addresses, until ",
        "UTC; you are 2nd in line",
        "4. The bug is found and the lock released.",
        "run B  WAITING: address-book in production: CI is deploying demo-",
        "run A  DEPLOYED",
        "run B  DEPLOYED",
        "Both are deployed, one after the other",
    ]
    places = [said.index(words) for words in story]
    assert places == sorted(places)
    assert "\033" not in said, "colours are for terminals"

    early, late = Claim.objects.order_by("fence")
    assert early.finished_at <= late.begun_at
    assert [each.outcome for each in (early, late)] == ["success", "success"]
    assert [each.version[-1] for each in Deployment.objects.order_by("id")] == ["A", "B"]
    assert Lock.objects.get().released_at
    assert set(Ticket.objects.values_list("ending", flat=True)) == {"begun"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_half_way_it_leaves_nothing_locked_and_nobody_in_line(address_book, play, number):
    process = play()
    eventually(lambda: Ticket.objects.exists(), 30)
    process.send_signal(number)
    code, said = told(process)
    assert code == 128 + number, said
    assert said.rstrip().endswith("Stopped. Nothing is left locked, and nobody is left in line.")
    assert Lock.objects.get().release_reason == "the demonstration was stopped"
    assert not Ticket.objects.filter(ended_at=None).exists()
    assert not Claim.objects.exists()
    assert not Deployment.objects.exists()


def test_stopped_in_the_middle_of_a_deploy_it_ends_it(address_book, play):
    process = play()
    eventually(lambda: Claim.objects.exists(), 60)
    process.send_signal(signal.SIGINT)
    code, said = told(process)
    assert code == 130, said
    assert Claim.objects.get().outcome == "cancelled"
    assert Lock.objects.get().released_at


def test_where_everything_is_closed_it_says_what_the_gate_says_and_touches_nothing(address_book, play, page, alice):
    lock = lock_take(scopes.named("everything"), reason="the whole shop sleeps", by=page(alice))
    for service in ("help-centre", "profile", "loyalty"):
        write("service", service)
    code, said = told(play())
    assert code == 1
    assert "so there is no place to play at" in said and "the whole shop sleeps" in said
    assert list(Lock.objects.filter(released_at=None)) == [lock]
    assert not Ticket.objects.exists()


def test_without_a_portal_or_its_company_it_says_what_to_do(shop, play, tmp_path):
    code, said = told(play())
    assert code == 1 and "has no demo company" in said
    code, said = told(play(PORTCULLIS_DATA=str(tmp_path / "nowhere")))
    assert code == 1 and "No portal was started here yet" in said and "    bin/up\n" in said
    address = f"http://127.0.0.1:{free_port()}"
    (tmp_path / "credentials.env").write_text(f"PORTCULLIS_URL={address}\n")
    code, said = told(play())
    assert code == 1 and f"No portal answers at {address}." in said
    assert not Lock.objects.exists()
