"""What moves by itself, seen in a browser."""

import json
import urllib.request
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from deployments.commands import deployment_report
from locks import scopes
from locks.commands import gate_ask, lock_take
from portal.accounts.commands import credential_create
from portal.kit.clock import database_now
from tests.conftest import SETUP, events, write

SOON = 3000  # milliseconds within which a change is to be seen: a poll, and a second to answer


@pytest.fixture
def shop(transactional_db, shop):
    return shop


@pytest.fixture
def ci_reports(shop, live_server):
    """A CI job that reports through /v1, as curl would."""
    _, token = credential_create("CI", kind="ci", scopes=["report", "gate", "lock"], by=SETUP)

    def post(**body):
        request = urllib.request.Request(
            f"{live_server.url}/v1/deployments",
            json.dumps(body).encode(),
            {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=5) as answer:
            assert answer.status == 201

    return post


def reload_would_forget(page):
    page.evaluate("window.here = true")
    return lambda: page.evaluate("window.here === true")


def test_a_report_shows_in_the_open_matrix_without_a_reload(tab, alice, ci_reports):
    page = tab("/deployments/", as_=alice)
    expect(page.get_by_text("not deployed")).to_have_count(4)
    same_page = reload_would_forget(page)
    ci_reports(service="checkout", environment="production", version="2.14.0", commit="4f2a9c1", status="success")
    expect(page.locator("#row-checkout")).to_contain_text("2.14.0", timeout=SOON)
    assert same_page()


def test_focus_and_scroll_survive_a_refresh(tab, alice, ci_reports):
    for number in range(40):
        write("service", f"service-{number:02}")
    page = tab("/deployments/", as_=alice)
    cell = page.locator("#row-service-35 [data-card]").last
    cell.scroll_into_view_if_needed()
    cell.focus()
    page.evaluate("scrollBy(0, 40)")
    before = page.evaluate("[document.querySelector('.scroll').scrollTop, scrollY]")
    assert sum(before) > 100
    ci_reports(service="service-35", environment="production", version="3.0.0", status="success")
    expect(page.locator("#row-service-35")).to_contain_text("3.0.0", timeout=SOON)
    assert page.evaluate("[document.querySelector('.scroll').scrollTop, scrollY]") == before
    expect(cell).to_be_focused()


def test_what_is_being_typed_into_the_filter_stays(tab, alice, ci_reports):
    page = tab("/deployments/", as_=alice)
    page.locator("[data-search]").press_sequentially("chec")
    ci_reports(service="checkout", environment="staging", version="3.0.0", status="success")
    expect(page.locator("#row-checkout")).to_contain_text("3.0.0", timeout=SOON)
    expect(page.locator("[data-search]")).to_have_value("chec")
    expect(page.locator("[data-search]")).to_be_focused()


def test_a_lock_shows_and_ends_by_itself_with_no_worker(tab, alice, shop, page):
    shown = tab("/deployments/", as_=alice)
    until = database_now() + timedelta(seconds=4)
    lock_take(scopes.pair(shop.checkout_production), reason="Only a moment", until=until, by=page(alice))
    expect(shown.locator("#row-checkout .lock-line")).to_contain_text("Alice", timeout=SOON)
    left = (until - database_now()).total_seconds() * 1000
    expect(shown.locator("#row-checkout .lock-line")).to_have_count(0, timeout=left + SOON)
    assert database_now() >= until and events("lock.") == ["lock.taken"], "nobody but the clock has ended it"


def test_an_open_diff_stays_open_while_events_come_in(tab, alice, ci_reports):
    page = tab("/audit", as_=alice)
    page.locator("main summary").first.click()
    opened = page.locator("main details[open]").first.get_attribute("id")
    ci_reports(service="checkout", environment="staging", version="3.0.0", status="success")
    expect(page.get_by_text("checkout 3.0.0 to staging").first).to_be_visible(timeout=SOON)
    assert page.locator(f"#{opened}").get_attribute("open") is not None


def test_the_first_steps_tick_themselves_off(tab, alice, shop, page, ci_reports):
    home = tab("/", as_=alice)
    expect(home.locator(".step-done")).to_have_count(0)
    ci_reports(service="checkout", environment="production", version="1.0.0", status="success")
    expect(home.locator(".step-done")).to_have_count(1, timeout=SOON)
    lock_take(scopes.pair(shop.checkout_production), reason="Trying the gate", by=page(alice))
    expect(home.locator(".step-done")).to_have_count(2, timeout=SOON)
    gate_ask(shop.checkout_production, by=page(alice))
    expect(home.get_by_text("Deployed lately")).to_be_visible(timeout=SOON)


def test_an_empty_filter_field_does_not_stay_in_the_address(tab, alice, shop):
    page = tab("/deployments/", as_=alice)
    page.get_by_label("Team").select_option("payments")
    page.wait_for_url("**/deployments/?team=payments")
    expect(page.locator("#row-search")).to_have_count(0)


def test_the_grid_is_one_stop_and_keys_go_through_it(tab, alice, shop, transactional_db):
    for number in range(40):
        write("service", f"service-{number:02}")
    page = tab("/deployments/", as_=alice)
    stops = page.locator("[data-grid] :is(a, td, th)[tabindex='0']")
    expect(stops).to_have_count(1)
    page.locator("#row-checkout th a").focus()
    focused = page.locator("[data-grid] :focus")
    cells = page.locator("tbody tr")
    page.keyboard.press("End")
    expect(page.locator("#row-checkout .cell").last).to_be_focused()
    page.keyboard.press("PageDown")
    down = focused.evaluate("node => node.closest('tr').rowIndex")
    assert 5 < down < 40
    assert focused.evaluate("node => node.closest('td').cellIndex") == 2
    expect(focused).to_be_in_viewport()
    page.keyboard.press("PageUp")
    expect(page.locator("#row-checkout .cell").last).to_be_focused()
    page.keyboard.press("Control+End")
    expect(cells.last.locator(".cell").last).to_be_focused()
    page.keyboard.press("Home")
    expect(cells.last.locator("th a")).to_be_focused()
    page.keyboard.press("Control+Home")
    expect(page.locator("#row-checkout th a")).to_be_focused()
    expect(stops).to_have_count(1)
    page.keyboard.press("/")
    expect(page.locator("[data-search]")).to_be_focused()


@pytest.mark.parametrize("key", ["Space", "Enter"])
def test_a_key_opens_the_card_and_escape_returns_to_the_cell(tab, alice, shop, transactional_db, key):
    deployment_report(
        {"service": "checkout", "environment": "production", "version": "1.0", "message": "PAY-1: Fix"}, by=SETUP
    )
    page = tab("/deployments/", as_=alice)
    cell = page.locator("#row-checkout [data-card]").last
    cell.focus()
    page.keyboard.press(key)
    expect(page.locator("#card")).to_contain_text("PAY-1: Fix")
    expect(page.locator("#card a").first).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#card")).to_be_hidden()
    expect(cell).to_be_focused()
    assert page.url.endswith("/deployments/")


def test_a_card_that_is_open_stays_with_its_focus_while_its_line_changes(tab, alice, ci_reports):
    page = tab("/deployments/", as_=alice)
    page.locator("#row-checkout [data-card]").last.focus()
    page.keyboard.press("Space")
    expect(page.locator("#card a").first).to_be_focused()
    ci_reports(service="checkout", environment="production", version="3.0.0", status="success")
    expect(page.locator("#row-checkout")).to_contain_text("3.0.0", timeout=SOON)
    expect(page.locator("#card")).to_be_visible()
    expect(page.locator("#card a").first).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#row-checkout [data-card]").last).to_be_focused()


def test_an_open_menu_keeps_its_ticks_and_focus_and_the_page_its_scroll_across_one_report(tab, alice, ci_reports):
    for number in range(40):
        write("service", f"service-{number:02}")
    page = tab("/deployments/", as_=alice)
    page.locator("#row-service-35").scroll_into_view_if_needed()
    page.get_by_role("button", name="Columns").click()
    menu = page.locator("#columns")
    menu.get_by_label("Language").check()
    before = page.evaluate("[document.querySelector('.scroll').scrollTop, scrollY]")
    assert before[0] > 100
    ci_reports(service="service-35", environment="production", version="3.0.0", status="success")
    expect(page.locator("#row-service-35")).to_contain_text("3.0.0", timeout=SOON)
    expect(menu).to_be_visible()
    expect(menu.get_by_label("Language")).to_be_checked()
    expect(menu.get_by_label("Language")).to_be_focused()
    assert page.evaluate("[document.querySelector('.scroll').scrollTop, scrollY]") == before
    menu.get_by_label("Language").press("Enter")
    page.wait_for_url("**/deployments/?column=language*")
    expect(page.get_by_role("columnheader", name="Language")).to_be_visible()


def test_a_service_that_comes_in_between_moves_no_focus(tab, alice, ci_reports):
    page = tab("/deployments/", as_=alice)
    same_page = reload_would_forget(page)
    cell = page.locator("#row-search [data-card]").last
    cell.focus()
    write("service", "ledger")
    expect(page.locator("#row-ledger")).to_be_visible(timeout=SOON)
    expect(page.locator("tbody tr")).to_have_count(3)
    expect(cell).to_be_focused()
    ci_reports(service="ledger", environment="staging", version="1.0.0", status="success")
    expect(page.locator("#row-ledger")).to_contain_text("1.0.0", timeout=SOON)
    assert same_page()


def test_what_stands_beside_the_grid_stays_a_stop_of_its_own(tab, alice, shop, page):
    lock = lock_take(scopes.pair(shop.search_production), reason="Reindexing", by=page(alice))
    shown = tab("/deployments/?q=search", as_=alice)
    write("service", "search-two")
    expect(shown.locator("#row-search-two")).to_be_visible(timeout=SOON)
    found = shown.locator(".found-lock a")
    expect(found).to_have_attribute("href", lock.get_absolute_url())
    assert found.evaluate("link => link.tabIndex") == 0


# What is changed in the page apart from the words of ages, by the line that it stands in.
TOUCHED = """() => {
    window.touched = new Set();
    const line = node => (node.closest ? node : node.parentElement)?.closest("tr")?.id;
    const ticks = each => each.target.closest?.("time") || each.target.parentElement?.closest("time");
    new MutationObserver(all => all.filter(each => !ticks(each)).forEach(each => touched.add(line(each.target))))
        .observe(document.querySelector("#matrix tbody"), {subtree: true, childList: true, characterData: true, attributes: true});
}"""


def test_a_report_touches_its_own_line_and_no_other(tab, alice, ci_reports):
    for name in ("checkout", "search"):
        ci_reports(service=name, environment="production", version="1.0.0", status="success")
    page = tab("/deployments/", as_=alice)
    page.evaluate(TOUCHED)
    ci_reports(service="checkout", environment="production", version="3.0.0", status="success")
    expect(page.locator("#row-checkout")).to_contain_text("3.0.0", timeout=SOON)
    assert page.evaluate("[...touched]") == ["row-checkout"]


def test_two_keys_lead_to_each_section_and_the_search_offers_what_it_finds(tab, alice, shop):
    page = tab("/audit", as_=alice)
    for letter, address in (("c", "**/catalog/"), ("l", "**/locks/"), ("s", "**/actions/")):
        page.keyboard.press("g")
        page.keyboard.press(letter)
        page.wait_for_url(address)
    page.keyboard.press("Control+k")
    page.keyboard.type("check")
    expect(page.locator("#offers a").first).to_contain_text("Checkout")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#offers a").first).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#offers a")).to_have_count(0)
    page.keyboard.press("Enter")
    page.wait_for_url("**/deployments/?q=check")
