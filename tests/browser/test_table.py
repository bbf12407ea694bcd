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


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious(tab, alice, fleet, theme):
    page = tab(SERVICES, as_=alice, theme=theme)
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
