"""A scorecard is changed by keyboard alone, with a look ahead at where everything would stand."""

import pytest
from playwright.sync_api import expect

from catalog import queries as catalog
from catalog.scorecards.commands import scorecard_create
from catalog.scorecards.models import Scorecard
from tests.browser.test_accessibility import serious
from tests.browser.test_table import tab_to
from tests.catalog.test_scorecards import READY
from tests.conftest import SETUP


@pytest.fixture
def ready(transactional_db, shop):
    return scorecard_create(catalog.blueprint("service"), READY, by=SETUP)


def test_a_rule_is_edited_and_the_preview_follows(tab, alice, ready):
    page = tab(f"/scorecards/{ready.pk}/edit", as_=alice)
    expect(page.locator("#score-preview")).to_contain_text("2 judged")
    tab_to(page, "#r0-level", presses=120)
    page.keyboard.type("Gold")
    page.keyboard.press("Tab")
    expect(page.locator("#score-preview")).to_contain_text("+1")
    assert Scorecard.objects.get().facts() == READY
    tab_to(page, "button[value=add-rule]", presses=120)
    page.keyboard.press("Enter")
    expect(page.locator("#r3-title")).to_be_focused()
    page.keyboard.type("Speaks a language")
    tab_to(page, "[name=r3-property]")
    page.keyboard.type("Language")
    expect(page.locator("#score-preview")).to_contain_text("Speaks a language")
    assert serious(page) == []
    tab_to(page, ".form-last button")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text("Production readiness")
    expect(page.locator(".rules-table")).to_contain_text("Speaks a language")
    assert [each["level"] for each in Scorecard.objects.get().rules] == ["Gold", "Silver", "Gold", "Gold"]
    assert serious(page) == []


def test_an_entity_leads_to_the_field_that_is_missing(tab, bob, ready):
    page = tab("/catalog/service/entities/checkout?tab=scorecards", as_=bob)
    page.get_by_role("link", name="Set description").click()
    expect(page.locator("#id_p-description")).to_be_visible()
    assert page.url.endswith("#id_p-description")


def test_nothing_is_wider_than_a_phone(tab, alice, ready):
    for url in ("/scorecards/", f"/scorecards/{ready.pk}", f"/scorecards/{ready.pk}/edit"):
        page = tab(url, as_=alice, width=390)
        page.wait_for_load_state("networkidle")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), url
