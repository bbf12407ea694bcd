"""Home, the audit page, the shell around every page, and the sign-in."""

import html
import re
from pathlib import Path

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog.models import Entity
from deployments.commands import deployment_report
from locks import scopes
from locks.commands import freeze_create, gate_ask, lock_release, lock_take
from locks.models import ScopeKind
from portal.audit.models import Event
from portal.audit.subjects import subject_url
from portal.pages.tables import diff, nouns
from tests.conftest import PASSWORD, SETUP, write
from tests.locks.test_freezes import always

KEY = "0198a2b4-5c6d-7e8f-9a0b-1c2d3e4f5a6b"
HTMX = {"HX-Request": "true"}


@pytest.fixture
def signed_in(client, alice):
    client.force_login(alice)
    return client


@pytest.fixture
def stranger(client, charlie):
    client.force_login(charlie)
    return client


def text(client, url, **headers):
    response = client.get(url, headers=headers)
    assert response.status_code == 200, response.status_code
    return response.content.decode()


def count_queries(client, url, **headers):
    with CaptureQueriesContext(connection) as seen:
        text(client, url, **headers)
    return len(seen)


def linked(page, rel):
    return html.unescape(page.split(f'rel="{rel}" href="')[1].split('"')[0])


def report(**body):
    return deployment_report({"service": "checkout", "environment": "production", "version": "1.0", **body}, by=SETUP)


# Home


def test_the_first_steps_tick_themselves_off(signed_in, shop, page, bob):
    def done():
        return text(signed_in, "/", **HTMX).count("step-done")

    assert done() == 0
    report()
    assert done() == 1
    lock_take(scopes.pair(shop.checkout_production), reason="Trying the gate", by=page(bob))
    assert done() == 2
    gate_ask(shop.checkout_production, by=page(bob))
    over = text(signed_in, "/", **HTMX)
    assert "step" not in over and "Trying the gate" in over and "Deployed lately" in over


def test_home_names_a_freeze_that_is_on_beside_the_locks(signed_in, shop, page, alice):
    for number in range(20):
        report(version=f"1.{number}")
    assert "No lock and no freeze is on" in text(signed_in, "/", **HTMX)
    freeze = freeze_create(scopes.named("everything"), always(), by=page(alice))
    home = text(signed_in, "/", **HTMX)
    assert freeze.get_absolute_url() in home and "books are closing" in home and "No lock and no freeze" not in home


def test_a_refusal_changes_the_stamp_of_home_though_it_is_no_event(signed_in, shop, page, bob):
    lock_take(scopes.pair(shop.checkout_production), reason="Trying the gate", by=page(bob))
    stamp = signed_in.get("/", headers=HTMX)["X-Stamp"]
    assert signed_in.get("/", headers=HTMX | {"X-Stamp": stamp}).status_code == 204
    gate_ask(shop.checkout_production, by=page(bob))
    assert signed_in.get("/", headers=HTMX | {"X-Stamp": stamp}).status_code == 200


def test_the_commands_of_the_first_steps_name_what_is_there(signed_in, db):
    empty = text(signed_in, "/")
    assert "create_missing_related_entities" in empty and "my-service" in empty
    write("environment", "live", properties={"tier": "production"})
    write("service", "it-s_odd")
    named = text(signed_in, "/")
    assert "create_missing_related_entities" not in named and "my-service" not in named
    assert "--service it-s_odd --environment live" in named


def test_a_portal_in_use_shows_what_happens_though_nobody_was_refused(stranger, shop):
    for number in range(20):
        report(version=f"1.{number}")
    home = text(stranger, "/")
    assert "Deployed lately" in home and "1.19" in home
    assert "To place" not in home


# The shell


def test_the_shell_costs_two_queries_and_a_fragment_none_of_them(signed_in, db):
    whole, fragment = count_queries(signed_in, "/audit"), count_queries(signed_in, "/audit", **HTMX)
    assert whole - fragment == 2


def test_the_menu_holds_every_blueprint_and_marks_where_one_is(signed_in, db):
    page = text(signed_in, "/deployments/configs")
    assert 'href="/catalog/service/entities"' in page
    assert page.count('aria-current="page"') == 1
    assert '<a href="/deployments/configs" aria-current="page">' in page


def test_only_the_section_where_one_is_stands_open(signed_in, db):
    def opened(url):
        return re.findall(r'data-fold="([^"]+)" open', text(signed_in, url))

    assert opened("/") == []
    assert opened("/deployments/configs") == ["/deployments/"]
    assert opened("/runs/") == ["/actions/"]


def test_results_of_rules_stand_in_the_menu_only_while_they_are_looked_at(signed_in, db):
    assert 'href="/catalog/_rule_result/entities"' not in text(signed_in, "/deployments/configs")
    page = text(signed_in, "/catalog/_rule_result/entities")
    assert '<a href="/catalog/_rule_result/entities" aria-current="page">' in page


def test_only_who_may_change_settings_sees_them(client, alice, charlie):
    for person, offered in ((alice, True), (charlie, False)):
        client.force_login(person)
        assert ('href="/admin/"' in text(client, "/")) is offered


@pytest.mark.parametrize("properties", [{}, {"tier": None}, {"tier": "lunar"}])
def test_the_banner_takes_a_tier_that_nobody_knows_for_production(signed_in, shop, page, alice, properties):
    for name in ("production", "staging"):
        lock_take(scopes.named("environment", environment=name), reason=f"Moving {name}", by=page(alice))
    Entity.objects.filter(blueprint__identifier="environment", identifier="production").update(properties=properties)
    told = text(signed_in, "/banner", **HTMX)
    assert "Moving production" in told and "Moving staging" not in told


def test_the_banner_appears_and_goes_with_the_lock(signed_in, shop, page, alice):
    stamp = signed_in.get("/banner", headers=HTMX)["X-Stamp"]
    held = lock_take(scopes.Scope(ScopeKind.EVERYTHING), reason="Moving house", by=page(alice))
    shown = signed_in.get("/banner", headers=HTMX | {"X-Stamp": stamp})
    assert "Alice locked everything" in shown.content.decode()
    assert 'data-live="/banner"' in shown.content.decode()
    lock_release(held, by=page(alice))
    assert "banner-line" not in text(signed_in, "/banner", **HTMX)


# The audit page


def test_the_audit_says_who_through_which_door_and_what_changed(stranger, shop, page, bob):
    held = lock_take(scopes.pair(shop.checkout_production), reason="Debugging", by=page(bob))
    lock_release(held, reason="Found it", by=page(bob))
    first = text(stranger, "/audit", **HTMX).split('id="event-')[1]
    assert "Unlocked" in first and "Bob" in first and ">page<" in first
    assert "release_reason" in first and "Found it" in first
    assert "starts_at" not in first  # it did not change


@pytest.mark.parametrize(
    ("noun", "more", "address"),
    [
        ("environment", {"blueprint": "environment", "entity": "pr-7"}, f"/environments/{KEY}"),
        ("watch", {"payload": {"deployment": KEY}}, f"/deployments/d/{KEY}"),
        ("lock_rule", {}, f"/locks/rules/{KEY}"),
        ("sweep", {}, "/environments/sweeps"),
        ("prober", {}, ""),
    ],
)
def test_an_event_leads_to_the_page_of_what_it_is_about(noun, more, address):
    assert subject_url(Event(name=f"{noun}.changed", noun=noun, noun_id=KEY, **more)) == address


def test_a_diff_names_changed_keys_only():
    before = {"title": "A", "properties": {"tier": "x", "gone": 1, "same": True}, "team": []}
    after = {"title": "A", "properties": {"tier": "y", "same": True}, "team": ["payments"]}
    assert diff(before, after) == [
        {"name": "properties.tier", "before": "x", "after": "y"},
        {"name": "team", "before": None, "after": "payments"},
        {"name": "properties.gone", "before": "1", "after": None},
    ]


def test_the_audit_is_filtered_by_the_query_string(stranger, shop, page, bob):
    report()
    lock_take(scopes.pair(shop.checkout_production), reason="Debugging", by=page(bob))

    def shown(query):
        return text(stranger, f"/audit?{query}", **HTMX).count('id="event-')

    assert shown("") == Event.objects.count()
    assert shown("noun=lock") == 1 == shown("door=page") == shown("actor=bob") == shown("q=lock.taken")
    assert shown("q=CHECKOUT&noun=deployment") == 1
    assert shown("q=nobody") == 0


def test_the_audit_shows_the_reason_and_is_searched_by_it(stranger, shop, page, bob):
    held = lock_take(scopes.pair(shop.checkout_production), reason="Debugging PAY-731", by=page(bob))
    lock_release(held, reason="Found it", by=page(bob))
    assert '<span class="reason">Found it</span>' in text(stranger, "/audit?q=found", **HTMX)
    taken = text(stranger, "/audit?q=pay-731&noun=lock", **HTMX)
    assert '<span class="reason">Debugging PAY-731</span>' in taken and held.get_absolute_url() in taken


def test_the_audit_can_be_narrowed_to_every_noun_that_is_recorded():
    sources = [each for app in ("catalog", "deployments", "locks", "portal") for each in Path(app).rglob("*.py")]
    recorded = {noun for each in sources for noun in re.findall(r'Noun\(\s*"([a-z_]+)"', each.read_text())}
    assert {"lock", "claim", "ticket", "override"} <= recorded <= {each["name"] for each in nouns()}


def test_the_audit_is_read_page_by_page_and_only_the_first_is_live(stranger, shop):
    for number in range(60):
        report(version=f"1.{number}")
    first = text(stranger, "/audit", **HTMX)
    older = text(stranger, "/audit" + linked(first, "next"), **HTMX)
    ids = [part.split('"')[0] for page in (first, older) for part in page.split('id="event-')[1:]]
    assert len(ids) == len(set(ids)) == 100 and sorted(ids, key=int, reverse=True) == ids
    assert "data-live" in first and "data-live" not in older
    newer = text(stranger, "/audit" + linked(older, "prev"), **HTMX)
    assert newer.split('id="event-')[1:2] == first.split('id="event-')[1:2]
    assert "<html" in text(stranger, "/audit?after=nonsense")


def test_fifty_events_ask_no_more_queries_than_one(signed_in, shop, page, bob):
    Event.objects.all().delete()
    lock_take(scopes.pair(shop.checkout_production), reason="Debugging", by=page(bob))
    one = count_queries(signed_in, "/audit")
    for number in range(25):
        report(version=f"1.{number}")
    assert count_queries(signed_in, "/audit") == one


def test_the_changelog_is_of_one_entity(stranger, shop):
    write("service", "checkout", mode="patch", title="Check-out")
    log = text(stranger, "/audit/panel?blueprint=service&entity=checkout", **HTMX)
    assert log.count('id="event-') == 2 and "Check-out" in log and "Search" not in log
    assert "No change yet" in text(stranger, "/audit/panel?blueprint=service&entity=nothing")
    assert stranger.get("/audit/panel").status_code == 404


# Signing in


@pytest.mark.parametrize("url", ["/", "/audit", "/audit/panel", "/banner"])
def test_who_is_signed_out_is_sent_to_the_sign_in(client, db, url):
    assert client.get(url)["Location"].startswith("/sign-in")
    fragment = client.get(url, headers=HTMX | {"HX-Current-URL": "http://testserver/deployments/?q=a"})
    assert fragment["HX-Redirect"] == "/sign-in?next=%2Fdeployments%2F%3Fq%3Da"


def test_a_fragment_of_elsewhere_does_not_lead_there_after_the_sign_in(client, db):
    fragment = client.get("/banner", headers=HTMX | {"HX-Current-URL": "https://evil.example/"})
    assert fragment["HX-Redirect"] == "/sign-in?next=%2F"


@pytest.fixture
def fresh(client, alice):
    cache.clear()
    yield client
    cache.clear()


def sign_in(client, password, username="alice@example.org", **more):
    return client.post("/sign-in", {"username": username, "password": password, **more})


def test_alice_signs_in_and_goes_on_to_where_she_wanted(fresh):
    assert sign_in(fresh, PASSWORD, "ALICE@example.org", next="/audit")["Location"] == "/audit"
    assert fresh.get("/audit").status_code == 200


def test_she_is_never_led_out_of_the_portal(fresh):
    assert sign_in(fresh, PASSWORD, next="https://evil.example/")["Location"] == "/"


def test_a_wrong_password_is_refused_and_says_nothing_about_the_account(fresh):
    wrong, unknown = sign_in(fresh, "guess"), sign_in(fresh, "guess", "nobody@example.org")
    for answer in (wrong, unknown):
        assert "do not belong together" in answer.content.decode() and "/sign-in" not in answer.headers.get(
            "Location", ""
        )
    assert fresh.get("/").status_code == 302


def test_after_ten_wrong_passwords_even_the_right_one_waits(fresh):
    for _ in range(10):
        sign_in(fresh, "guess")
    waiting = sign_in(fresh, PASSWORD)
    assert "Too many tries" in waiting.content.decode()
    assert fresh.get("/").status_code == 302


def test_signing_out_needs_a_form_and_ends_it(signed_in):
    assert signed_in.get("/sign-out").status_code == 405
    assert signed_in.post("/sign-out")["Location"] == "/sign-in"
    assert signed_in.get("/").status_code == 302
