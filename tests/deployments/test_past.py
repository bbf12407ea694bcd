"""Looking at an instant of the past: what was live then, over everything that is known now."""

import random
from datetime import timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from deployments.models import Deployment
from deployments.queries import cells_of, configs, matrix
from locks import scopes
from locks.commands import freeze_create, lock_release, lock_take
from locks.models import Lock
from portal.kit.clock import database_now, iso
from tests.conftest import write
from tests.deployments.test_reports import NOON, report
from tests.locks.test_freezes import always

HTMX = {"HX-Request": "true"}


def minute(number):
    return NOON + timedelta(minutes=number)


def production(by, at):
    return cells_of(by, "checkout", at=at)[-1]


def version(by, at):
    current = production(by, at).current
    return current.version if current else None


@pytest.fixture
def by(page, alice):
    return page(alice)


@pytest.fixture
def signed_in(client, alice):
    client.force_login(alice)
    return client


def test_what_was_live_is_the_greatest_success_that_had_ended(shop, by):
    report("1.0", at=0)
    report("1.1", at=10)
    assert [version(by, minute(at)) for at in (-1, 0, 9, 10, 500)] == [None, "1.0", "1.0", "1.1", "1.1"]


def test_of_two_that_ended_at_once_the_one_that_counts_now_counts_then(shop, by):
    report("with", at=5, fence=3, run="1")
    report("without", at=5, run="2")
    assert version(by, minute(5)) == "with"


def test_a_report_that_came_late_counts_from_when_it_happened(shop, by):
    report("1.1", at=10)
    assert version(by, minute(7)) is None
    report("1.0", at=5)
    assert version(by, minute(7)) == "1.0"


def test_a_failure_marks_the_cell_from_when_it_failed(shop, by):
    report("1.0", at=0)
    report("1.1", at=10, status="failure", started_at=iso(minute(5)))
    seen = [(cell.latest.status, cell.attempt_failed) for cell in (production(by, minute(at)) for at in (4, 6, 10))]
    assert seen == [("success", False), ("in_progress", False), ("failure", True)]
    assert Deployment.objects.filter(status="in_progress").count() == 0


def test_a_flag_is_never_live(shop, by):
    report("1.0", at=0)
    report("dark-mode", at=5, kind="flag")
    assert (version(by, minute(6)), production(by, minute(6)).latest.version) == ("1.0", "1.0")


def test_looking_back_is_the_same_as_having_looked_then(shop, by):
    """Every prefix of a history, replayed, is what looking back at its end shows."""
    chance = random.Random(7)
    told = [
        {
            "version": f"1.{chance.randrange(4)}", "at": at, "run": str(at), "environment": chance.choice(["production", "staging"]),
            "status": chance.choice(["success", "success", "failure", "cancelled"]), "kind": chance.choice(["deploy", "deploy", "config"]),
            **({"fence": chance.randrange(3)} if chance.random() < 0.5 else {}),
        }
        for at in sorted(chance.choices(range(20), k=24))
    ]  # fmt: skip
    told = list({(each["run"], each["environment"]): each for each in told}.values())
    then = {}
    for number, each in enumerate(told):
        report(**each)
        if number + 1 == len(told) or told[number + 1]["at"] > each["at"]:
            then[each["at"]] = seen(cells_of(by, "checkout"))
    assert {at: seen(cells_of(by, "checkout", at=minute(at))) for at in then} == then
    assert len({str(each) for each in then.values()}) > 5


def seen(cells):
    return [
        (each.environment.identifier, getattr(each.current, "version", None), each.attempt_failed) for each in cells
    ]


def test_a_lock_is_shown_from_its_start_to_its_end(shop, by):
    report("1.0", at=0)
    lock = lock_take(scopes.pair(shop.checkout_production), reason="Load test", by=by)
    lock_release(lock, by=by)
    Lock.objects.filter(pk=lock.pk).update(created_at=minute(4), starts_at=minute(5), released_at=minute(8))
    held = [production(by, minute(at)).decision.denies for at in (4, 5, 7, 8)]
    assert held == [False, True, True, False]
    assert production(by, minute(6)).decision.denying[0].reason == "Load test"


def test_a_lock_that_ran_out_is_shown_until_it_did(shop, by):
    lock = lock_take(scopes.pair(shop.checkout_production), reason="Load test", by=by)
    Lock.objects.filter(pk=lock.pk).update(starts_at=minute(5), expires_at=minute(8))
    assert [production(by, minute(at)).decision.denies for at in (4, 5, 7, 8)] == [False, True, True, False]


def test_a_lock_that_will_be_is_not_there_yet(shop, by):
    lock_take(scopes.pair(shop.checkout_production), reason="Load test", by=by)
    assert not production(by, database_now() - timedelta(minutes=1)).decision.denies


def test_a_freeze_that_was_withdrawn_is_shown_until_it_was(shop, by):
    now = database_now()
    freeze = freeze_create(scopes.pair(shop.checkout_production), always(), by=by)
    type(freeze).objects.filter(pk=freeze.pk).update(
        created_at=now - timedelta(hours=4), withdrawn_at=now - timedelta(hours=1)
    )
    assert [production(by, now - timedelta(hours=ago)).decision.denies for ago in (4.5, 2, 0.5)] == [False, True, False]


def test_many_pairs_are_as_many_statements_as_one(shop, by):
    def asked():
        with CaptureQueriesContext(connection) as statements:
            matrix(by, at=database_now())
        return len(statements)

    report("1.0", at=0)
    one = asked()
    for number in range(30):
        write("service", f"s{number}")
        report("1.0", at=number, service=f"s{number}")
    assert asked() == one


def test_the_matrix_at_an_instant_says_so_and_does_not_refresh(signed_in, shop):
    report("1.0", at=0)
    report("2.0", at=10)
    page = signed_in.get("/deployments/?at=2026-03-02T12:05:00Z").content.decode()
    assert "1.0" in page and "2.0" not in page
    assert "You are looking at" in page and "2 Mar 2026, 12:05 UTC" in page
    assert 'id="matrix" data-live' not in page
    assert 'id="matrix" data-live' in signed_in.get("/deployments/").content.decode()


def test_filters_hold_for_what_was_live_then(signed_in, shop):
    report("1.0", at=0)
    report("2.0", at=10)
    report("7.7", at=0, service="search", status="failure")

    def names(**query):
        shown = signed_in.get("/deployments/?" + urlencode({"at": "2026-03-02T12:05:00Z"} | query), headers=HTMX)
        return [name for name in ("checkout", "search") if f'id="row-{name}"' in shown.content.decode()]

    assert (names(q="1.0"), names(q="2.0"), names(q="SEAR"), names(failing="1")) == (
        ["checkout"], [], ["search"], ["search"],
    )  # fmt: skip


def test_an_instant_without_an_offset_is_on_the_viewers_wall(client, shop, bob):
    bob.timezone = "Asia/Kolkata"
    bob.save(update_fields=["timezone"])
    client.force_login(bob)
    report("1.0", at=0)
    noon_there = minute(0).astimezone(ZoneInfo("Asia/Kolkata")).strftime("%Y-%m-%dT%H:%M")
    assert ">1.0<" in client.get(f"/deployments/?at={noon_there}").content.decode()
    assert ">1.0<" not in client.get("/deployments/?at=2026-03-02T12:00").content.decode()


@pytest.mark.parametrize("url", ["/deployments/", "/deployments/panel/checkout"])
@pytest.mark.parametrize(
    ("at", "why"),
    [
        ("tomorrow", "must be a date and a time"),
        ("2999-01-01T00:00:00Z", "lies in the future"),
        ("2026-02-30T00:00", "must be a date and a time"),
        ("0001-01-01T00:00:00+14:00", "must be a date and a time"),
        ("9" * 10_000, "must be a date and a time"),
        ("<script>", "must be a date and a time"),
    ],
)
def test_an_instant_that_makes_no_sense_is_told(signed_in, shop, url, at, why):
    report("1.0", at=0)
    answer = signed_in.get(url, {"at": at})
    page = answer.content.decode()
    assert (answer.status_code, why in page, ">1.0<" in page) == (422, True, False)
    assert "Look at now" in page and "<script>”" not in page


def test_the_panel_of_a_service_leaves_out_what_came_later(signed_in, shop):
    report("1.0", at=0)
    report("2.0", at=10)
    page = signed_in.get("/deployments/panel/checkout?at=2026-03-02T12:05:00Z", headers=HTMX).content.decode()
    assert "1.0" in page and "2.0" not in page and "Live then" in page and "data-live" not in page


def test_the_card_of_a_cell_tells_of_that_instant(signed_in, shop):
    report("1.0", at=0)
    report("2.0", at=10)
    page = signed_in.get("/deployments/?at=2026-03-02T12:05:00Z").content.decode()
    card = "/deployments/card/checkout/in/production?at=2026-03-02T12:05:00Z"
    assert card in page
    assert "1.0" in signed_in.get(card).content.decode()


def test_v1_tells_what_was_live_at_an_instant(shop, ci, by):
    report("1.0", at=0)
    report("2.0", at=10)

    def told(**query):
        return [each["version"] for each in ci.get("deployments/current", **query).json["deployment_configs"]]

    assert told() == ["2.0"]
    assert told(at=iso(minute(5))) == ["1.0"]
    assert told(at=iso(minute(-5))) == [None]
    assert [each.current.version for each in configs(by, at=minute(5))] == ["1.0"]


@pytest.mark.parametrize("at", ["2026-03-02T12:05", "yesterday", "2999-01-01T00:00:00Z"])
def test_v1_refuses_an_instant_that_makes_no_sense(shop, ci, at):
    answer = ci.get("deployments/current", at=at)
    assert (answer.status, answer.json["details"]["errors"][0]["path"]) == (422, "at")


def test_the_instants_that_are_asked_for_most_are_a_click_away(shop, client, alice):
    client.force_login(alice)
    report("1.0", at=0)
    now = database_now()
    shown = client.get("/deployments/?team=payments").content.decode()
    form = shown.split('id="as-of"')[1].split("</form>")[0]
    for word in ("An hour ago", "A day ago", "A week ago"):
        address = form.split(f">{word}</a>")[0].rpartition('href="')[2].partition('"')[0].replace("&amp;", "&")
        assert "team=payments" in address and client.get(f"/deployments/{address}").status_code == 200
    assert f'value="{timezone.localtime(now):%Y-%m-%dT}' in form
