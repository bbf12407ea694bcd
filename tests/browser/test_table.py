"""What somebody does with a table, by keyboard alone."""

import pytest
from playwright.sync_api import expect

from catalog.models import Entity, View
from tests.browser.test_accessibility import serious
from tests.conftest import write

SERVICES = "/catalog/service/entities"


@pytest.fixture
def fleet(transactional_db, shop):
    for name, tier, language in (
        ("cart", "mission critical", "Go"),
        ("mail", "internal", "Go"),
        ("tax", "internal", "Java"),
    ):
        write("service", name, title=name.title(), team=("payments",), properties={"tier": tier, "language": language})


def tab_to(page, selector, presses=60):
    """Presses Tab until the focus is there."""
    for _ in range(presses):
        if page.evaluate("(s) => document.activeElement?.matches(s) ?? false", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not lead to {selector}")


def names(page):
    return page.locator("tbody th[scope=row] a").all_inner_texts()


def test_find(tab, bob, fleet):
    page = tab(SERVICES, as_=bob)
    page.keyboard.press("/")
    page.keyboard.type("java")
    page.keyboard.press("Enter")
    expect(page.locator("tbody tr")).to_have_count(1)
    assert names(page) == ["Tax"]
    expect(page.locator("#announce")).to_have_text("1 result")
    assert "q=java" in page.url


def test_filter(tab, bob, fleet):
    page = tab(SERVICES, as_=bob)
    tab_to(page, "#open-filter")
    page.keyboard.press("Enter")
    expect(page.locator("#filter select[name=property]")).to_be_focused()
    page.keyboard.type("Tier")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.type("internal")
    page.keyboard.press("Enter")
    expect(page.locator("tbody tr")).to_have_count(2)
    assert names(page) == ["Mail", "Tax"]
    expect(page.locator("#open-filter")).to_be_focused()
    expect(page.locator(".filter-lines")).to_contain_text("Tier is internal")
    page.go_back()
    expect(page.locator("tbody tr")).to_have_count(5)


def test_group(tab, bob, fleet):
    page = tab(SERVICES, as_=bob)
    tab_to(page, "#open-group")
    page.keyboard.press("Enter")
    tab_to(page, "#group button[value=tier]")
    page.keyboard.press("Enter")
    expect(page.locator(".group-row")).to_have_count(3)
    tab_to(page, "#group-1")
    page.keyboard.press("Enter")
    expect(page.locator("#group-1")).to_have_attribute("aria-expanded", "true")
    expect(page.locator("#group-1")).to_be_focused()


def test_save_a_view(tab, bob, fleet):
    page = tab(f"{SERVICES}?property=language&operator=%3D&value=Go", as_=bob)
    tab_to(page, "#open-save")
    page.keyboard.press("Enter")
    expect(page.locator("#view-title")).to_be_focused()
    page.keyboard.type("Written in Go")
    page.keyboard.press("Enter")
    expect(page.locator(".tabs [aria-current=page]")).to_contain_text("Written in Go")
    assert View.objects.get().owner == bob
    assert names(page) == ["Cart", "Mail"]


def test_fix_a_value(tab, bob, fleet):
    page = tab(f"{SERVICES}?q=tax", as_=bob)
    tab_to(page, "tbody th a")
    page.keyboard.press("Enter")
    page.wait_for_url("**/entities/tax")
    tab_to(page, "a[href*='!edit']")
    page.keyboard.press("Enter")
    page.wait_for_url("**/!edit/**")
    tab_to(page, "[name=p-language]")
    page.keyboard.press("Control+a")
    page.keyboard.type("Kotlin")
    page.keyboard.press("Enter")
    page.wait_for_url("**/service/entities/tax")
    expect(page.locator(".toasts")).to_contain_text("Tax is saved.")
    assert Entity.objects.get(identifier="tax").properties["language"] == "Kotlin"


def test_the_table_is_one_stop_and_arrows_move_in_it(tab, bob, fleet):
    page = tab(SERVICES, as_=bob)
    tab_to(page, "tbody th a")
    assert page.locator("[data-grid] [tabindex='0']").count() == 2  # the link and its checkbox
    page.keyboard.press("ArrowDown")
    expect(page.locator("tbody tr:nth-child(2) th a")).to_be_focused()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("End")
    expect(page.locator("tbody tr:nth-child(2) td").last).to_be_focused()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(page.locator("thead th a").first).to_be_focused()
    page.keyboard.press("Tab")
    assert not page.evaluate("Boolean(document.activeElement.closest('[data-grid]'))")


def test_a_value_is_changed_in_its_cell(tab, bob, fleet):
    page = tab(f"{SERVICES}?q=tax", as_=bob)
    language = page.locator("td[data-name=language]")
    tab_to(page, "tbody th a")
    while not page.evaluate("document.activeElement.dataset.name === 'language'"):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.locator("[name=p-language]")).to_be_focused()
    page.keyboard.type("Kotlin")
    page.keyboard.press("Escape")
    expect(language).to_have_text("Java")
    expect(language).to_be_focused()
    page.keyboard.press("F2")
    expect(page.locator("[name=p-language]")).to_be_focused()
    page.keyboard.type("Kotlin")
    assert serious(page) == []
    page.keyboard.press("Enter")
    expect(language).to_have_text("Kotlin")
    expect(language).to_be_focused()
    assert Entity.objects.get(identifier="tax").properties["language"] == "Kotlin"
    page.locator(".toasts").get_by_role("button", name="Undo").click()
    page.wait_for_url("**/entities/tax")
    assert Entity.objects.get(identifier="tax").properties["language"] == "Java"


def test_a_refused_value_stays_in_its_cell_with_the_reason(tab, bob, fleet):
    page = tab(f"{SERVICES}?q=tax&column=repository&column=$updatedAt", as_=bob)
    page.locator("td[data-name=repository]").click()
    expect(page.locator("[name=p-repository]")).to_be_focused()
    page.keyboard.type("not a link")
    page.keyboard.press("Enter")
    expect(page.locator("td[data-name=repository] .error")).to_be_visible()
    expect(page.locator("[name=p-repository]")).to_be_focused()
    page.locator("td[data-name='$updatedAt']").click()
    expect(page.locator(".cell-why")).to_contain_text("The portal keeps this value")
    page.keyboard.press("Escape")
    expect(page.locator(".cell-why")).to_have_count(0)


def test_several_are_changed_by_keyboard(tab, bob, fleet):
    page = tab(SERVICES, as_=bob)
    tab_to(page, "tbody th a")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    expect(page.locator("[data-picked]")).to_have_text("2")
    assert serious(page) == []
    page.get_by_role("button", name="Edit").press("Enter")
    page.wait_for_url("**/!bulk/edit/**")
    page.fill("[name=p-language]", "Zig")
    page.keyboard.press("Tab")
    expect(page.locator("[name=set][value=p-language]")).to_be_checked()
    page.get_by_role("button", name="See what would change").press("Enter")
    expect(page.get_by_role("status").first).to_contain_text("2 entities would be changed")
    assert serious(page) == []
    page.get_by_role("button", name="Change", exact=True).press("Enter")
    expect(page.get_by_role("heading", name="Done")).to_be_visible()
    assert Entity.objects.filter(properties__language="Zig").count() == 2


def test_axe_finds_nothing_serious(tab, alice, fleet):
    page = tab(SERVICES, as_=alice)
    for url in (
        f"{SERVICES}?property=tier&operator=%3D&value=internal",
        f"{SERVICES}?group=tier&open=internal",
        "/catalog/service/entities/cart",
        "/catalog/!edit/service/entities/cart",
        "/catalog/!new/service?mode=json",
        "/catalog/!delete/service/entities/cart",
        "/locks/",
    ):
        page.goto(url)
        assert serious(page) == [], url
    page.goto(SERVICES)
    for name in ("filter", "columns", "group", "export"):
        page.click(f"#open-{name}")
        assert serious(page) == [], name
        page.keyboard.press("Escape")


@pytest.mark.parametrize("width", [1440, 390])
def test_nothing_sticks_out(tab, alice, fleet, width):
    page = tab(SERVICES, as_=alice, width=width)
    for url in (
        SERVICES,
        f"{SERVICES}?group=tier",
        "/catalog/!edit/service/entities/cart",
        "/catalog/!delete/service/entities/cart",
    ):
        page.goto(url)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), url
