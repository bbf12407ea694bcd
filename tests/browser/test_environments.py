"""Environments with an end: their time runs in front of one's eyes, and one press makes it longer."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from deployments.environments.commands import environment_request, template_create
from deployments.environments.models import Environment
from portal.kit.clock import database_now
from tests.conftest import SETUP
from tests.environments.conftest import WISHED
from tests.environments.test_pages import worked

SOON = 5000
LONG = "a-word-that-does-not-end-" * 7


@pytest.fixture
def stay(transactional_db, alice, page):
    template = template_create(WISHED | {"title": "Preview"}, by=SETUP)
    made = environment_request(template, name=LONG[:150], ttl=timedelta(hours=2), reason=LONG * 4, by=page(alice))
    worked(output=LONG * 9)
    return made


def ends_in(seconds):
    Environment.objects.update(expires_at=database_now() + timedelta(seconds=seconds))


def test_one_press_makes_it_longer_and_the_countdown_follows_without_a_reload(tab, alice, stay):
    ends_in(50)
    page = tab("/environments/", as_=alice)
    page.evaluate("window.same = true")
    left = page.locator("#environments time[data-until]")
    expect(left).not_to_have_text(left.inner_text(), timeout=SOON)
    page.get_by_role("button", name="by 1 hour").press("Enter")
    expect(left).to_contain_text("1 h", timeout=SOON)
    expect(page.locator("#announce")).to_contain_text("lives until")
    page.goto(stay.get_absolute_url())
    expect(page.locator("#countdown")).to_contain_text("1 h")
    ends_in(40)  # somebody else, elsewhere
    expect(page.locator("#countdown")).to_contain_text("s left", timeout=SOON)


def test_a_pin_that_lacks_its_reason_says_so_where_it_is_missing(tab, alice, stay):
    page = tab(stay.get_absolute_url(), as_=alice)
    page.get_by_role("button", name="Pin").click()
    page.get_by_label("Until").fill((database_now() + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M"))
    page.locator("#pin button[type=submit]").click()
    expect(page.locator("#pin_reason_error")).to_contain_text("Say why")
    assert Environment.objects.get().pinned_until is None
    page.locator("#pin_reason").fill("A demo")
    page.locator("#pin_reason").press("Enter")
    expect(page.locator("#environment")).to_contain_text("pinned", timeout=SOON)


@pytest.mark.parametrize("width", [1440, 390])
def test_long_words_fit(tab, alice, stay, width):
    page = tab("/environments/", as_=alice, width=width)
    wide = "[...document.querySelectorAll('.scroll, html')].filter(e => e.scrollWidth > e.clientWidth + 1).length"
    for path in ("", f"{stay.public_id}", f"{stay.public_id}/teardown", "templates", "sweeps", "new/preview"):
        page.goto(f"/environments/{path}")
        assert page.evaluate(wide) == 0, path
