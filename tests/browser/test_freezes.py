"""The calendar by keyboard and on a phone, and the form that says what it will do while it is filled in."""

import pytest
from playwright.sync_api import expect

from locks import scopes
from locks.commands import freeze_create
from locks.models import Freeze
from locks.wishes import parse
from tests.browser.test_layout import LONG, TOO_WIDE
from tests.locks.test_freezes import WEEKEND

MAY = "/locks/freezes?month=2027-05"


@pytest.fixture
def weekend(transactional_db, shop, page, alice):
    return freeze_create(scopes.named("tier", tier="production"), parse(WEEKEND), by=page(alice))


def test_the_months_are_turned_and_a_freeze_is_reached_by_keyboard(tab, alice, weekend):
    page = tab(MAY, as_=alice)
    page.locator("#month-later").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".days caption").first).to_have_text("June 2027")
    page.locator("#month-later").focus()
    page.keyboard.press("Tab")  # to “Today”
    page.keyboard.press("Tab")
    expect(page.locator(".bar:focus")).to_have_count(1)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/locks/freezes/{weekend.public_id}")
    page.go_back()
    expect(page.locator(".days caption").first).to_have_text("June 2027")


def test_a_weekend_begins_in_the_evening_of_its_friday_and_goes_to_the_edge_of_its_sunday(tab, alice, weekend):
    page = tab(MAY, as_=alice)
    bar = page.locator("#month-2027-05 .bar-days-3 .bar").first.bounding_box()
    friday, sunday = (
        page.locator(f'#month-2027-05 td:has([datetime="2027-05-{day}"])').bounding_box() for day in ("07", "09")
    )
    assert friday["x"] + friday["width"] * 0.6 < bar["x"] < friday["x"] + friday["width"]
    assert abs(bar["x"] + bar["width"] - sunday["x"] - sunday["width"]) < 6


def test_a_phone_shows_one_month_and_a_wide_screen_two(tab, alice, weekend):
    page = tab(MAY, as_=alice, width=390)
    expect(page.locator(".month:visible")).to_have_count(1)
    page.set_viewport_size({"width": 1440, "height": 800})
    expect(page.locator(".month:visible")).to_have_count(2)


@pytest.mark.parametrize("width", [1440, 390])
def test_long_words_spoil_no_page_of_freezes(tab, alice, page, shop, transactional_db, width):
    wish = parse(
        WEEKEND
        | {"title": "x" * 200, "reason": LONG, "link": LONG, "rrule": "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR,SA;WKST=SU"}
    )
    freeze = freeze_create(scopes.named("everything"), wish, by=page(alice))
    here = tab(MAY, as_=alice, width=width)
    assert here.evaluate(TOO_WIDE) == []
    for url in (freeze.get_absolute_url(), f"{freeze.get_absolute_url()}/edit"):
        here.goto(url)
        assert here.evaluate(TOO_WIDE) == []


def test_the_form_shows_what_it_will_do_says_what_is_wrong_and_makes_the_freeze(tab, alice, shop, transactional_db):
    page = tab("/locks/freezes/new", as_=alice)
    ahead = page.locator("#freeze-preview")
    page.locator("label", has_text="Tier").first.click()
    page.select_option("[name=tier]", "production")
    expect(ahead).to_contain_text("2 places")
    page.fill("[name=starts]", "2027-01-01T17:00")
    page.fill("[name=length]", "63h")
    page.locator("label", has_text="Every week").click()
    page.locator("label", has_text="Fri").click()
    expect(ahead.locator("li")).to_have_count(5)
    expect(ahead).to_contain_text("Fri 8 Jan 2027, 17:00 to Mon 11 Jan 2027, 08:00")
    expect(page.locator("[name=rule]")).not_to_be_visible()
    page.fill("[name=title]", "Weekend")
    page.get_by_role("button", name="Freeze").click()
    expect(page.locator("[name=reason]")).to_be_focused()
    expect(page.locator("#freeze-form")).to_contain_text("Say why")
    expect(ahead.locator("li")).to_have_count(5)
    page.fill("[name=reason]", "nobody is in the office")
    page.get_by_role("button", name="Freeze").click()
    page.wait_for_url("**/locks/freezes/*-*")
    expect(page.locator("#freeze")).to_contain_text("Every Friday 17:00 to Monday 08:00")
    assert Freeze.objects.get().covers == "every production environment"
    page.get_by_role("button", name="Withdraw").first.click()
    page.get_by_role("button", name="Withdraw it").click()
    expect(page.locator("#freeze")).to_contain_text("Withdrawn")
