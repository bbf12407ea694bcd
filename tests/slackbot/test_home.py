"""The Home page and links, as readable text."""

import pytest

from catalog import queries as catalog
from catalog.commands import permissions_update
from locks.models import Lock
from tests.conftest import SETUP
from tests.slackbot.test_press import run  # noqa: F401

HERE = "http://127.0.0.1:8800"


@pytest.fixture(autouse=True)
def _(shop, at_slack, settings):
    settings.BASE_URL = HERE


def test_an_empty_home(at_slack):
    assert at_slack["bob"].opens_home() == (
        "[Lock something…]\nPortcullis · as of «then»\n---\n# My locks\nYou hold none.\n---\n"
        "# Runs waiting for my approval\nNone.\n---\n# My changes not yet in production\nNone that the portal knows of.\n"
        "---\n# My environments\nNone that ends by itself."
    )


def test_a_home_with_everything(at_slack, run, terraform):  # noqa: F811
    at_slack["alice"].types("lock checkout production 2h debugging")
    change = {"sha": "4f2a9c1d" * 5, "message": "Charge once\n\nand only once", "author": "alice@example.org"}
    report = {
        "service": "checkout",
        "environment": "staging",
        "version": "2",
        "commit": "4f2a9c1d" * 5,
        "status": "success",
    }
    terraform.post("deployments", report | {"changes": [change]})
    home = at_slack["alice"].opens_home()
    assert home.split("---\n")[1:4] == [
        "# My locks\n:lock: *checkout in production*\nAlice, until «then»: debugging\n[Release] [Extend 1 h]\n",
        "# Runs waiting for my approval\n:play_or_pause_button: *Restart*\nCharlie asked «then»\n[Approve] [Decline]\n",
        "# My changes not yet in production\n• `4f2a9c1` Charge once · checkout\n",
    ]
    assert "Restart" not in at_slack["bob"].opens_home()


def test_what_is_pressed_there_shows_there(at_slack):
    bob = at_slack["bob"]
    bob.types("lock checkout production 2h debugging")
    bob.opens_home()
    lock = Lock.objects.get()
    assert (
        bob.presses("lock_release", lock.public_id, home=True).text
        == ":unlock: The lock of checkout in production is released."
    )
    assert "You hold none." in str(bob.space.homes[bob.id])


def test_extending_from_there_twice_is_once_until_it_shows(at_slack):
    bob = at_slack["bob"]
    bob.types("lock checkout production 2h debugging")
    bob.opens_home()
    lock, old = Lock.objects.get(), dict(bob.space.homes)
    bob.presses("lock_extend", lock.public_id, home=True)
    bob.space.homes.update(old)
    bob.presses("lock_extend", lock.public_id, home=True)
    assert round((Lock.objects.get().expires_at - lock.expires_at).total_seconds()) == 3600
    bob.presses("lock_extend", lock.public_id, home=True)
    assert round((Lock.objects.get().expires_at - lock.expires_at).total_seconds()) == 7200


def test_a_form_that_is_opened_there_ends_there(at_slack):
    bob = at_slack["bob"]
    bob.opens_home()
    bob.presses("lock_new", "new", home=True)
    assert bob.told_after(lambda: bob.sends(service="checkout", reason="debugging") == {} and bob.last)
    assert "checkout in production" in str(bob.space.homes[bob.id])


def test_who_is_nobody_here_reads_what_to_do(at_slack):
    assert "no account for dana@example.org" in at_slack["dana"].opens_home()
    assert "You are a guest" in at_slack["gus"].opens_home()


def test_links_show_what_is_behind_them(at_slack, terraform, run):  # noqa: F811
    bob = at_slack["bob"]
    bob.types("lock checkout production 2h debugging")
    report = {
        "service": "checkout",
        "environment": "production",
        "version": "1.4.2",
        "commit": "4f2a9c1d",
        "status": "success",
    }
    one = terraform.post("deployments", report).json["deployment"]["id"]
    paths = [
        f"/locks/{Lock.objects.get().public_id}",
        f"/deployments/d/{one}",
        "/catalog/service/entities/checkout",
        "/catalog/environment/entities/production",
        f"/runs/{run.public_id}",
    ]
    shown = dict(bob.posts(*(HERE + path for path in paths)))
    assert set(shown) == {HERE + path for path in paths}
    assert "Bob, until" in str(shown[HERE + paths[0]]) and "1.4.2" in str(shown[HERE + paths[1]])
    assert "is locked by Bob" in str(shown[HERE + paths[2]]) and "1 services run there, 1 are locked" in str(
        shown[HERE + paths[3]]
    )


@pytest.mark.parametrize(
    "url",
    [
        f"{HERE}/locks/019a2b3c-4d5e-7f80-91a2-b3c4d5e6f708",
        f"{HERE}/locks/",
        f"{HERE}/catalog/service/entities/nothing",
        f"{HERE}/catalog/_user/entities/bob@example.org",
        f"{HERE}/%00",
        f"{HERE}/catalog/service/entities/%ff",
        "http://127.0.0.1:8800.evil.example/catalog/service/entities/checkout",
        "https://127.0.0.1:8800/catalog/service/entities/checkout",
        "javascript:alert(1)",
        "http://[",
    ],
)
def test_what_is_nothing_or_elsewhere_shows_nothing(at_slack, url):
    assert at_slack["bob"].posts(url) == []


def test_what_not_every_member_sees_is_shown_to_no_channel(at_slack, page, alice):
    at_slack["alice"].types("lock search production 2h debugging")
    permissions_update(catalog.blueprint("service"), {"read": {"ownedByTeam": True, "roles": []}}, by=SETUP)
    urls = [f"{HERE}/catalog/service/entities/search", f"{HERE}/locks/{Lock.objects.get().public_id}"]
    for name in ("alice", "bob", "dana", "gus"):
        assert at_slack[name].posts(*urls) == [], name
