"""Long words fit, what is done closes, and what should stay in sight stays."""

import pytest
from playwright.sync_api import expect

from catalog import queries as catalog
from deployments.commands import deployment_report
from deployments.models import Deployment
from locks import scopes
from locks.commands import lock_take, sign_take
from portal.audit.models import Delivery, Event
from portal.kit.clock import database_now
from portal.notifications.commands import route_create
from tests.conftest import SETUP, write
from tests.locks.health import flip, rule

LONG = "https://example.org/" + "incident-report-with-a-long-unbroken-name-" * 6
TOO_WIDE = "[...document.querySelectorAll('.scroll, html')].filter(e => e.scrollWidth > e.clientWidth + 1).map(e => [e.getAttribute('aria-label'), e.scrollWidth, e.clientWidth])"


@pytest.fixture
def long_lock(transactional_db, shop, page, alice):
    for number in range(3):
        report = {"service": "checkout", "environment": "production", "version": f"2.14.{number}-rc.20250304", "commit": f"{number}f2a9c1d" * 5}  # fmt: skip
        deployment_report(
            report
            | {
                "status": "success",
                "actor": "Dana Example",
                "message": LONG,
                "changes": [{"sha": report["commit"], "message": LONG, "author": LONG[:200]}],
                "artifact": LONG,
            },
            by=SETUP,
        )
    return lock_take(scopes.pair(shop.checkout_production), reason=f"See {LONG}", by=page(alice))


@pytest.mark.parametrize("width", [1440, 390])
def test_a_long_word_spoils_no_page(tab, alice, long_lock, width):
    page = tab("/locks/", as_=alice, width=width)
    assert page.evaluate(TOO_WIDE) == []
    page.goto(long_lock.get_absolute_url())
    assert page.evaluate(TOO_WIDE) == []
    kept = rule(name="Canary" * 16, services=[LONG], reason=LONG, dry_run=True)
    sign_take(flip(catalog.place("checkout", "production"), "down", database_now(), reason=LONG, values={LONG: LONG}))
    for url in ("/locks/rules", kept.get_absolute_url(), f"{kept.get_absolute_url()}/edit"):
        page.goto(url)
        assert page.evaluate(TOO_WIDE) == [], url
    last = Deployment.objects.order_by("-id")[:2]
    for url in (
        "/deployments/?at=2026-01-31T15:40",
        "/deployments/compare",
        "/deployments/compare?between=deployments&service=checkout",
        "/deployments/compare?environment=&against=",
        f"/deployments/compare?from={last[1].public_id}&to={last[0].public_id}",
        "/deployments/drift",
        last[0].get_absolute_url(),
        "/deployments/config-panel/checkout-production",
    ):
        page.goto(url)
        assert page.evaluate(TOO_WIDE) == [], url
    page.goto("/catalog/service/entities/checkout")
    expect(page.locator("#service-deployments")).to_be_visible()
    expect(page.locator("#locks-panel")).to_be_visible()
    assert page.evaluate(TOO_WIDE) == []


@pytest.mark.parametrize("width", [1440, 390])
def test_a_long_word_spoils_no_page_of_commits(tab, alice, transactional_db, shop, width):
    for environment in ("staging", "production"):
        body = {"service": "checkout", "environment": environment, "version": LONG[:300], "commit": "b" * 40}
        change = {
            "sha": "b" * 40,
            "message": f"PAY-7: {LONG}",
            "author": "Alice",
            "parents": ["a" * 40],
            "pr": "9" * 18,
        }
        deployment_report(body | {"actor": LONG[:254], "changes": [change]}, by=SETUP)
    for path in ("commits?q=PAY-7", "features/PAY-7", "mine"):
        page = tab(f"/deployments/{path}", as_=alice, width=width)
        assert page.evaluate(TOO_WIDE) == [], path


@pytest.mark.parametrize("width", [1440, 390])
def test_a_long_word_spoils_no_page_of_notifications(tab, alice, long_lock, width):
    definition = {"name": "r" * 100, "events": ["lock.*"], "services": ["s" * 300], "teams": ["t" * 300]}
    route = route_create(definition | {"to": "webhook", "address": LONG * 3}, by=SETUP)
    told = Event.objects.filter(noun="lock").first()
    for number, target in enumerate((f"{'m' * 200}@example.org", str(route.public_id))):
        subscriber = ("email", "webhook")[number]
        Delivery.objects.create(
            event=told, subscriber=subscriber, target=target, stream="x", state="parked", last_error=LONG * 2
        )
    page = tab("/notifications/", as_=alice, width=width)
    assert page.evaluate(TOO_WIDE) == []
    for path in ("log", f"routes/{route.public_id}", "new"):
        page.goto(f"/notifications/{path}")
        assert page.evaluate(TOO_WIDE) == [], path


def test_long_values_fit_a_list_on_a_phone(tab, alice, shop, transactional_db):
    write("service", "s" * 60, title="4f2a9c1d" * 5)
    page = tab("/catalog/service/entities", as_=alice, width=390)
    page.evaluate(
        "word => { for (const cell of document.querySelectorAll('tbody td')) cell.textContent = word; }", LONG
    )
    assert page.evaluate(TOO_WIDE) == []


@pytest.mark.parametrize("width", [1440, 390])
def test_long_words_stay_in_their_cells_of_the_matrix(tab, alice, shop, transactional_db, width):
    write("service", "checkout", mode="patch", title="checkout" * 12, properties={"language": "Go" * 60})
    report = {"service": "checkout", "environment": "production", "version": "2.14.0-rc." * 8, "actor": "dana" * 20}
    deployment_report(report | {"status": "success"}, by=SETUP)
    lock_take(scopes.pair(shop.checkout_production), reason=LONG, by=SETUP)
    page = tab("/deployments/?density=roomy&column=language", as_=alice, width=width)
    for density in ("roomy", "compact"):
        page.goto(f"/deployments/?density={density}&column=language")
        assert page.evaluate(TOO_WIDE) == [], density
        cut = page.locator("#row-checkout .version").last
        assert cut.evaluate("e => e.getBoundingClientRect().right <= e.closest('td').getBoundingClientRect().right")
        assert cut.get_attribute("title") == "2.14.0-rc." * 8


@pytest.mark.parametrize("by_key", [True, False])
def test_a_release_closes_its_popover(tab, alice, long_lock, by_key):
    page = tab(long_lock.get_absolute_url(), as_=alice)
    page.get_by_role("button", name="Release").first.click()
    field = page.locator("[popover]:popover-open input[name=reason]")
    if by_key:
        field.press("Enter")
    else:
        page.locator("[popover]:popover-open button[type=submit]").click()
    expect(page.locator("[popover]:popover-open")).to_have_count(0)
    expect(page.locator("#main")).to_be_focused()
    expect(page.locator("#lock")).to_contain_text("Open: this lock was released")
    expect(page.locator("#lock [popover]")).to_have_count(0)


def test_arrow_keys_start_from_the_name_of_a_service(tab, alice, shop, transactional_db):
    page = tab("/deployments/", as_=alice)
    name = page.locator("#row-checkout th a")
    name.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#row-checkout .cell").first).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(name).to_be_focused()


def test_the_left_bar_stays_in_sight(tab, alice, shop, transactional_db):
    for number in range(60):
        write("service", f"service-{number:02}")
    page = tab("/catalog/service/entities", as_=alice)
    page.set_viewport_size({"width": 1440, "height": 400})
    page.evaluate("scrollTo(0, 300)")
    assert page.evaluate("scrollY") > 0
    assert page.locator("#side").bounding_box()["y"] > 40


def test_kinds_of_the_timeline_are_chosen_together_and_escape_closes_them(tab, alice, shop, transactional_db):
    page = tab("/deployments/timeline", as_=alice)
    kinds = page.locator("details.kinds").first
    kinds.locator("summary").focus()
    page.keyboard.press("Enter")
    kinds.get_by_label("Locked", exact=True).check()
    kinds.get_by_label("Unlocked", exact=True).check()
    page.keyboard.press("Escape")
    expect(kinds.locator("summary")).to_be_focused()
    assert kinds.get_attribute("open") is None and "kind=" not in page.url
    page.keyboard.press("Enter")
    kinds.get_by_role("button", name="Show").click()
    page.wait_for_url("**/timeline?kind=lock&kind=unlock")


def test_two_deployments_are_chosen_with_the_keyboard(tab, alice, long_lock):
    page = tab("/deployments/compare?between=deployments", as_=alice)
    page.get_by_role("combobox", name="Service", exact=True).fill("checkout")
    page.keyboard.press("Enter")
    expect(page.get_by_label("From")).to_be_visible()
    page.get_by_role("button", name="Compare").press("Enter")
    expect(page.locator("#changes")).to_contain_text("Changes since")
