"""Locks in the browser: taking, conflict, take-over, release, extension, and who may."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from catalog.wishes import Wish
from locks import scopes
from locks.commands import gate_ask, lock_take, ticket_join
from locks.models import Lock
from locks.runs import Run
from portal.accounts.commands import user_update
from portal.kit.clock import database_now, iso
from tests.conftest import SETUP, events, write, write_all

HTMX = {"HX-Request": "true"}
FORM = {
    "scope": "pair",
    "service": "checkout",
    "environment": "production",
    "reason": "debugging",
    "duration": "2h",
    "effect": "block",
}


def at(user):
    client = Client()
    client.force_login(user)
    return client


def held(place, by, **more):
    return lock_take(scopes.pair(place), reason="mine", by=by, **more)


def untouched(lock):
    return Lock.objects.get(pk=lock.pk).facts() == lock.facts()


def test_charlie_takes_production_of_one_service_for_two_hours(shop, charlie):
    answer = at(charlie).post("/locks/", FORM)
    assert answer.status_code == 303
    lock = Lock.objects.get()
    assert (lock.covers, lock.holder_name, lock.reason) == ("checkout in production", "Charlie", "debugging")
    assert timedelta(minutes=119) < lock.expires_at - lock.starts_at <= timedelta(hours=2)
    assert events("lock") == ["lock.taken"]


def test_htmx_is_led_to_the_list(shop, charlie):
    answer = at(charlie).post("/locks/", FORM, headers=HTMX)
    assert answer["HX-Redirect"] == "/locks/" and Lock.objects.count() == 1


@pytest.mark.parametrize(
    ("scope", "named", "covers"),
    [
        ("service", {"service": "checkout"}, "checkout everywhere"),
        ("environment", {"environment": "staging"}, "all of staging"),
        ("tier", {"tier": "production"}, "every production environment"),
        ("team", {"team": "payments"}, "the services of payments"),
        ("everything", {}, "everything"),
    ],
)
def test_each_scope_reads_only_what_it_needs(shop, bob, scope, named, covers):
    answer = at(bob).post(
        "/locks/", FORM | {"service": "checkout", "environment": "staging"} | named | {"scope": scope}
    )
    assert answer.status_code == 303
    assert Lock.objects.get().covers == covers


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"reason": ""}, "Say why"),
        ({"reason": "x"}, "in 3 characters or more"),
        ({"service": ""}, "Name the service."),
        ({"service": "chekout"}, "Did you mean checkout?"),
        ({"environment": ""}, "Name the environment."),
        ({"duration": "custom"}, "Say until when."),
        ({"duration": "custom", "until": "2001-01-01T10:00"}, "Must be in the future."),
        ({"duration": "custom", "until": "2199-01-01T10:00"}, "may last 3 days at most"),
        ({"link": "javascript:alert(1)"}, "Must start with https://"),
        ({"scope": "planet"}, "planet is not one of the available choices"),
        ({"service": "a\0b"}, "Null characters are not allowed."),
    ],
)
def test_a_wrong_form_comes_back_with_its_error_and_takes_nothing(shop, bob, wrong, says):
    answer = at(bob).post("/locks/", FORM | wrong, headers=HTMX)
    html = answer.content.decode()
    assert answer.status_code == 422
    assert says in html and 'aria-invalid="true"' in html and "<html" not in html
    assert not Lock.objects.exists() and events("lock") == []


def test_without_htmx_the_whole_page_comes_back(shop, bob):
    answer = at(bob).post("/locks/", FORM | {"reason": ""})
    assert answer.status_code == 422 and "<html" in answer.content.decode()


def test_what_is_held_is_refused_with_its_holder_and_an_offer(shop, bob, charlie, page):
    lock = held(shop.checkout_production, page(bob))
    answer = at(charlie).post("/locks/", FORM, headers=HTMX)
    html = answer.content.decode()
    assert answer.status_code == 422
    assert "Bob" in html and "Take it over from" in html
    assert untouched(lock) and Lock.objects.count() == 1


def test_taking_over_ends_the_old_lock_and_says_why(shop, bob, charlie, page):
    old = held(shop.checkout_production, page(bob))
    at(charlie).post("/locks/", FORM | {"steal": "1"})
    old.refresh_from_db()
    assert old.release_reason == "Taken over by Charlie: debugging"
    assert Lock.objects.active(database_now()).get().holder_name == "Charlie"
    assert events("lock") == ["lock.taken", "lock.released", "lock.taken"]


def test_bob_releases_his_lock_without_a_reason(shop, bob, page):
    lock = held(shop.checkout_production, page(bob))
    answer = at(bob).post(f"/locks/{lock.public_id}/release", headers=HTMX)
    assert answer.status_code == 204 and "is released" in answer["HX-Trigger"]
    assert not Lock.objects.active(database_now()).exists()


def test_who_is_not_the_holder_can_write_to_him(shop, bob, charlie, page):
    lock = held(shop.checkout_production, page(bob))
    letter = "mailto:bob@example.org?subject=Your%20lock%20of%20checkout%20in%20production"
    assert letter in at(charlie).get(lock.get_absolute_url()).content.decode()
    assert "mailto:" not in at(bob).get(lock.get_absolute_url()).content.decode()


def test_charlie_may_not_release_bobs_lock_without_a_reason(shop, bob, charlie, page):
    lock = held(shop.checkout_production, page(bob))
    for reason in ("", " ", "x"):
        answer = at(charlie).post(f"/locks/{lock.public_id}/release", {"reason": reason}, headers=HTMX)
        assert answer.status_code == 422 and 'aria-invalid="true"' in answer.content.decode()
    assert untouched(lock) and events("lock") == ["lock.taken"]


def test_charlie_releases_bobs_lock_with_a_reason_that_is_kept(shop, bob, charlie, page):
    lock = held(shop.checkout_production, page(bob))
    answer = at(charlie).post(f"/locks/{lock.public_id}/release", {"reason": "Bob is on holiday"})
    assert answer.status_code == 303
    lock.refresh_from_db()
    assert (lock.released_by, lock.release_reason) == ("Charlie", "Bob is on holiday")


def test_releasing_twice_is_once(shop, bob, page):
    lock = held(shop.checkout_production, page(bob))
    for _ in range(2):
        assert at(bob).post(f"/locks/{lock.public_id}/release", headers=HTMX).status_code == 204
    assert events("lock") == ["lock.taken", "lock.released"]


def test_a_release_is_not_a_link(shop, bob, page):
    lock = held(shop.checkout_production, page(bob))
    assert at(bob).get(f"/locks/{lock.public_id}/release").status_code == 405
    assert untouched(lock)


def test_pressing_plus_one_hour_twice_is_one_hour(shop, bob, page):
    lock = held(shop.checkout_production, page(bob))
    later = lock.expires_at + timedelta(hours=1)
    for _ in range(2):
        answer = at(bob).post(f"/locks/{lock.public_id}/extension", {"until": iso(later)}, headers=HTMX)
        assert answer.status_code == 204
    lock.refresh_from_db()
    assert abs(lock.expires_at - later) < timedelta(milliseconds=1)
    assert events("lock") == ["lock.taken", "lock.extended"]


def test_a_lock_is_not_extended_beyond_the_limits_nor_by_a_stranger(shop, bob, charlie, page):
    lock = held(shop.checkout_production, page(bob))
    far, near = iso(lock.expires_at + timedelta(days=30)), iso(lock.expires_at + timedelta(hours=1))
    address = f"/locks/{lock.public_id}/extension"
    answer = at(bob).post(address, {"until": far}, headers=HTMX)
    assert answer.status_code == 422 and "3 days at most" in answer["HX-Trigger"]
    assert at(charlie).post(address, {"until": near}).status_code == 422
    assert at(bob).post(address, {"until": "soon"}).status_code == 422
    assert at(bob).post(address, {}).status_code == 422
    assert untouched(lock) and events("lock") == ["lock.taken"]


def test_the_preview_says_what_it_would_stop(shop, bob):
    html = at(bob).get("/locks/preview", {"scope": "environment", "environment": "production"}).content.decode()
    assert "2 places" in html and "checkout in production" in html and "search in production" in html
    assert "3 days the most" in html


def test_the_preview_of_half_a_form_is_no_error(shop, bob):
    for asked in ({}, {"scope": "pair"}, {"service": "nope", "environment": "production"}, {"scope": "planet"}):
        assert at(bob).get("/locks/preview", asked).status_code == 200
    assert not Lock.objects.exists()


def test_a_link_from_a_service_fills_the_form_in(shop, bob):
    html = at(bob).get("/locks/", {"service": "checkout", "environment": "production"}).content.decode()
    assert 'value="checkout"' in html and '<option value="production" selected>' in html and "autofocus" in html


def test_a_refused_run_is_listed_with_the_lock_that_stopped_it(shop, bob, page, ci):
    lock = held(shop.checkout_production, page(bob))
    assert ci.get("gate", service="checkout", environment="production", run="https://ci.example/7").status == 423
    for address in (f"/locks/{lock.public_id}", "/locks/?state=blocked"):
        assert "https://ci.example/7" in at(bob).get(address).content.decode()


def test_a_locks_page_says_who_waits_behind_it_and_where_to_ask_the_gate(shop, bob, page):
    lock = held(shop.checkout_production, page(bob))
    assert "See the line" not in at(bob).get(f"/locks/{lock.public_id}").content.decode()
    ticket_join(shop.checkout_production, Run("gh:2:1"), by=SETUP)
    ticket_join(shop.search_production, Run("gh:3:1"), by=SETUP)
    html = at(bob).get(f"/locks/{lock.public_id}").content.decode()
    assert "1 run waits in line here" in html and "/locks/waiting" in html
    assert "/locks/explained?service=checkout&amp;environment=production" in html


def test_a_lock_that_only_warns_does_not_look_like_one_that_stops(shop, bob, page):
    lock = held(shop.checkout_production, page(bob), effect="warn")
    html = at(bob).get(f"/locks/{lock.public_id}").content.decode()
    assert "Bob warns here" in html and "note-red" not in html and "Ask for an override" not in html


def test_a_refused_run_says_once_what_stopped_it_and_links_there(shop, bob, page):
    lock = held(shop.checkout_production, page(bob))
    gate_ask(shop.checkout_production, by=SETUP)
    html = at(bob).get("/locks/?state=blocked").content.decode()
    assert "<h1>Blocked runs" in html and f'<a href="{lock.get_absolute_url()}">See the lock</a>' in html
    assert html.count("checkout in production") == 2  # what was refused, and the sentence that says why


def test_the_history_tells_how_long_and_who_ended_it(shop, bob, charlie, page):
    lock = held(shop.checkout_production, page(bob))
    at(charlie).post(f"/locks/{lock.public_id}/release", {"reason": "all is well"})
    history = at(bob).get("/locks/?state=history").content.decode()
    assert "by Charlie" in history and "0 min" in history
    assert "Released: all is well" in at(bob).get(f"/locks/{lock.public_id}").content.decode()


def test_the_panel_offers_lock_where_open_and_release_where_held(shop, bob, charlie, page):
    lock = held(shop.checkout_production, page(bob))
    own = at(bob).get("/locks/panel/checkout", headers=HTMX).content.decode()
    assert f"/locks/{lock.public_id}/release" in own and "environment=staging#take" in own
    strange = at(charlie).get("/locks/panel/checkout", headers=HTMX).content.decode()
    assert "See the lock" in strange and f"/locks/{lock.public_id}/release" not in strange


def test_the_page_of_a_deployment_config_says_who_locks_it_since_when_and_where_to_break_glass(
    shop, bob, charlie, page
):
    write("deploymentConfig", "cart-live", relations={"service": ["checkout"], "environment": ["production"]})
    held(shop.checkout_production, page(bob))
    panel = at(bob).get("/locks/config-panel/cart-live", headers=HTMX).content.decode()
    assert ">Bob</a>" in panel and "just now</time>" in panel and "#gate-staging" not in panel
    assert "/locks/overrides/new?service=checkout&amp;environment=production" in panel
    strange = at(charlie).get("/locks/config-panel/cart-live", headers=HTMX).content.decode()
    assert ">Bob</a>" in strange and "/overrides/new" not in strange
    write("deploymentConfig", "nowhere")
    assert (
        "It names no service and environment"
        in at(bob).get("/locks/config-panel/nowhere", headers=HTMX).content.decode()
    )


def test_an_unchanged_list_answers_204_until_a_lock_ends(shop, bob, page):
    client = at(bob)
    first = client.get("/locks/")
    stamp = {"HX-Request": "true", "X-Stamp": first["X-Stamp"]}
    assert client.get("/locks/", headers=stamp).status_code == 204
    held(shop.checkout_production, page(bob))
    assert client.get("/locks/", headers=stamp).status_code == 200


def test_a_strangers_html_stays_text(shop, bob):
    evil = '<script>alert(1)</script>"><img src=x>'
    at(bob).post("/locks/", FORM | {"reason": evil})
    lock = Lock.objects.get()
    gate_ask(shop.checkout_production, run=Run(evil), commit=evil, by=SETUP)
    for address in ("/locks/", f"/locks/{lock.public_id}", "/locks/?state=blocked", "/locks/panel/checkout"):
        html = at(bob).get(address).content.decode()
        assert "<script>alert" not in html and "<img src=x" not in html
    assert "<script>alert" not in at(bob).post("/locks/", FORM | {"reason": evil}).content.decode()


def test_fifty_locks_cost_as_many_queries_as_one(shop, bob, page):
    client = at(bob)

    def make(first, last):
        write_all(Wish("service", f"s{number}", "create", team=("payments",)) for number in range(first, last))
        for number in range(first, last):
            place = scopes.named("pair", service=f"s{number}", environment="staging")
            lock_take(place, reason="why", by=page(bob))
            held_place = scopes.named("pair", service=f"s{number}", environment="production")
            client.post(f"/locks/{lock_take(held_place, reason='why', by=page(bob)).public_id}/release", headers=HTMX)
        gate_ask(shop.checkout_production, by=page(bob))

    def asked():
        counts = {}
        for address in ("/locks/", "/locks/?state=blocked", "/locks/?state=history", "/locks/panel/checkout"):
            client.get(address)
            with CaptureQueriesContext(connection) as queries:
                client.get(address)
            counts[address] = len(queries)
        return counts

    make(0, 1)
    few = asked()
    make(1, 51)
    assert asked() == few


def test_who_is_signed_out_sees_no_lock(shop):
    assert Client().get("/locks/").status_code == 302
    assert Client().post("/locks/", FORM).status_code == 302
    assert not Lock.objects.exists()


def test_the_end_of_a_lock_is_typed_in_the_viewers_time_zone(client, shop, alice):
    user_update(alice, {"timezone": "Asia/Kolkata"}, by=SETUP)
    client.force_login(alice)
    assert "Until (Asia/Kolkata)" in client.get("/locks/").content.decode()
    wished = (database_now() + timedelta(hours=2)).astimezone(ZoneInfo("Asia/Kolkata")).replace(second=0, microsecond=0)
    form = {"scope": "pair", "service": "checkout", "environment": "production", "reason": "why", "effect": "block"}
    answer = client.post("/locks/", form | {"duration": "custom", "until": wished.strftime("%Y-%m-%dT%H:%M")})
    assert answer.status_code == 303
    lock = Lock.objects.get()
    assert lock.expires_at == wished
    assert wished.strftime("%H:%M IST") in client.get(lock.get_absolute_url()).content.decode()


def test_who_comes_next_is_not_shown_somebody_elses_time_zone(client, shop, alice, bob):
    user_update(alice, {"timezone": "Asia/Kolkata"}, by=SETUP)
    client.force_login(alice)
    client.get("/locks/")
    client.force_login(bob)
    assert "Until (UTC)" in client.get("/locks/").content.decode()
