"""When a lock ends, GitHub is asked to run again what it had stopped."""

from datetime import timedelta

import pytest

from locks import scopes
from locks.commands import claim_begin, gate_ask, lock_release, lock_take, ticket_join
from locks.runs import Run
from portal.accounts.queries import actor_of_credential
from portal.audit.models import Delivery, Event
from portal.github.reruns import reruns_ask
from portal.kit.by import By
from tests.conftest import SETUP, events, write
from tests.github.conftest import asks, send, work


@pytest.fixture
def checkout(shop, github, settings):
    """Checkout's and search's repository is on this GitHub, and production has chosen to run again."""
    settings.GITHUB_RERUN = ["production"]
    for service in ("checkout", "search"):
        write("service", service, mode="patch", properties={"repository": f"{github.url}/larder/checkout"})
    return shop.checkout_production


@pytest.fixture
def ci_by(db):
    from portal.accounts.commands import credential_create

    credential, _ = credential_create("CI", kind="ci", scopes=["gate"], by=SETUP)
    return By(actor_of_credential(credential), "api")


def run(github, number, repository="larder/checkout"):
    return Run(f"github:{number}:1", f"{github.url}/{repository}/actions/runs/{number}/attempts/1")


def lock(place, by):
    return lock_take(scopes.pair(place), reason="debugging", by=by)


def reran(github):
    return [path for path, _ in github.told]


def route(number):
    return f"/repos/larder/checkout/actions/runs/{number}/rerun-failed-jobs"


def test_the_last_run_that_it_stopped_is_run_again(checkout, github, page, bob, ci_by):
    held = lock(checkout, page(bob))
    for number in (41, 42):
        gate_ask(checkout, commit=f"c{number}", run=run(github, number), by=ci_by)
    work()
    assert reran(github) == []
    lock_release(held, reason="found it", by=page(bob))
    work()
    assert reran(github) == [route(42)]
    assert github.tokens["ghs_0"] == ("99", {"repositories": ["checkout"], "permissions": {"actions": "write"}})
    assert events("github_run") == ["github_run.rerun"]


def test_each_place_has_its_last_one_in_the_order_in_which_they_asked(checkout, shop, github, page, alice, ci_by):
    held = lock_take(scopes.named("everything"), reason="the shop sleeps", by=page(alice))
    gate_ask(shop.search_production, commit="a", run=run(github, 50), by=ci_by)
    gate_ask(checkout, commit="b", run=run(github, 51), by=ci_by)
    gate_ask(shop.checkout_staging, commit="c", run=run(github, 52), by=ci_by)
    lock_release(held, reason="good morning", by=page(alice))
    work()
    assert reran(github) == [route(50), route(51)], "staging has not chosen it"


def test_a_lapsed_lock_does_the_same_and_an_event_that_comes_twice_asks_once(checkout, github, page, bob, ci_by):
    held = lock(checkout, page(bob))
    gate_ask(checkout, commit="a", run=run(github, 41), by=ci_by)
    lock_release(held, by=page(bob))
    assert (reruns_ask(held, by=SETUP), reruns_ask(held, by=SETUP)) == (1, 0)
    work()
    assert reran(github) == [route(41)]


def test_without_the_setting_nothing_is_owed(checkout, github, page, bob, ci_by, settings):
    settings.GITHUB_RERUN = []
    held = lock(checkout, page(bob))
    gate_ask(checkout, commit="a", run=run(github, 41), by=ci_by)
    lock_release(held, by=page(bob))
    assert not Delivery.objects.filter(subscriber__startswith="github").exists()


def test_what_goes_on_by_itself_or_has_gone_through_is_left_alone(checkout, shop, github, page, bob, ci_by):
    held = lock(checkout, page(bob))
    search = lock(shop.search_production, SETUP)
    gate_ask(checkout, commit="a", run=run(github, 41), by=ci_by)
    ticket_join(checkout, run(github, 41), by=ci_by)
    gate_ask(shop.search_production, commit="b", run=run(github, 50), by=ci_by)
    lock_release(held, by=page(bob))
    lock_release(search, by=SETUP)
    claim_begin(shop.search_production, Run("github:50:2"), by=ci_by)
    work()
    assert reran(github) == []


def test_a_job_that_github_itself_holds_is_approved_and_not_run_again(checkout, github, page, bob):
    held = lock(checkout, page(bob))
    hook = asks(github, environment="checkout/production")
    hook["repository"]["html_url"] = f"{github.url}/larder/checkout"
    assert send(hook)[1]["pending_deployment"]["state"] == "waiting"
    lock_release(held, by=page(bob))
    work()
    assert [body.get("state") for path, body in github.told if "rerun" not in path][-1] == "approved"
    assert events("github_run") == []


def test_what_another_lock_stops_now_is_not_run_again(checkout, github, page, bob, alice, ci_by):
    held = lock(checkout, page(bob))
    gate_ask(checkout, commit="a", run=run(github, 41), by=ci_by)
    lock_take(scopes.named("everything"), reason="the shop sleeps", by=page(alice))
    lock_release(held, by=page(bob))
    work()
    assert reran(github) == []


@pytest.mark.parametrize(
    "repository", ["larder/secrets", "evil/checkout", "larder/checkout/../secrets", "larder/..", "../.."]
)
def test_a_run_of_another_repository_is_never_run_again(checkout, github, page, bob, ci_by, repository):
    held = lock(checkout, page(bob))
    if ".." in repository:  # not even where the catalog says so: an address of GitHub's API would come of it
        write("service", "checkout", mode="patch", properties={"repository": f"{github.url}/{repository}"})
    gate_ask(checkout, commit="a", run=run(github, 41, repository), by=ci_by)
    lock_release(held, by=page(bob))
    work()
    assert github.told == [] and events("github_run") == []


def test_a_run_that_is_still_going_is_tried_again_for_an_hour(checkout, github, page, bob, ci_by):
    held = lock(checkout, page(bob))
    gate_ask(checkout, commit="a", run=run(github, 41), by=ci_by)
    lock_release(held, by=page(bob))
    github.answers = [(403, {"message": "This workflow run is already running"})]
    work()
    assert reran(github) == [route(41)]


def test_after_an_hour_it_is_let_be(checkout, github, page, bob, ci_by):
    held = lock(checkout, page(bob))
    gate_ask(checkout, commit="a", run=run(github, 41), by=ci_by)
    lock_release(held, by=page(bob))
    reruns_ask(held, by=SETUP)
    Event.objects.filter(name="github_run.rerun").update(at=Event.objects.last().at - timedelta(hours=2))
    work()
    assert reran(github) == []
    assert Delivery.objects.get(subscriber="github.rerun").result["told"] is False
