"""The lock pages by keyboard alone, and what moves in them by itself."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from locks import scopes
from locks.commands import claim_begin, claim_finish, lock_take, ticket_join
from locks.models import Lock
from locks.runs import Run
from portal.kit.by import Actor, By
from portal.kit.clock import database_now

CI = By(Actor("credential", "credential:ci", "CI", scopes=frozenset({"gate", "report"})), "api")
SOON = 4000


@pytest.fixture
def shop(transactional_db, shop):
    return shop


@pytest.fixture
def busy(shop):
    """Run A deploys checkout to production, run B waits."""
    claim = claim_begin(shop.checkout_production, Run("github:A:1"), by=CI).claim
    ticket_join(shop.checkout_production, Run("github:B:1"), by=CI)
    return claim


def tab_to(page, text, presses=60):
    """Presses Tab until what has the focus says this."""
    for _ in range(presses):
        page.keyboard.press("Tab")
        said = page.evaluate(
            "(() => { const at = document.activeElement; return `${at.getAttribute('aria-label') || ''} ${at.innerText || ''} ${at.labels?.[0]?.innerText || ''}` })()"
        )
        if text in said:
            return
    raise AssertionError(f"no stop says {text!r}")


def test_taking_a_lock_says_first_what_it_will_stop(tab, alice, busy):
    page = tab("/locks/", as_=alice)
    tab_to(page, "Take a lock")
    page.keyboard.press("Enter")
    for words in ("checkout", "production", "Checking the books"):
        page.keyboard.type(words)
        page.keyboard.press("Tab")
    preview = page.locator("#lock-preview")
    expect(preview).to_contain_text("checkout in production")
    expect(preview).to_contain_text("1 running")
    expect(preview).to_contain_text("1 waiting")
    assert not Lock.objects.exists()
    tab_to(page, "Lock")
    page.keyboard.press("Enter")
    expect(page.locator("#locks")).to_contain_text("Checking the books")
    assert Lock.objects.get().holder_name == alice.name


def test_a_lock_counts_down_is_extended_and_released_without_a_mouse(tab, alice, shop, page):
    ends = database_now() + timedelta(seconds=50)
    held = lock_take(scopes.pair(shop.checkout_staging), reason="Checking the books", until=ends, by=page(alice))
    shown = tab("/locks/", as_=alice)
    timer = shown.locator("#locks .chip-timer")
    expect(timer).not_to_have_text(timer.inner_text(), timeout=SOON)
    tab_to(shown, "Extend the lock of")
    shown.keyboard.press("Enter")
    expect(timer).to_contain_text("1 h")
    tab_to(shown, "Release the lock of")
    shown.keyboard.press("Enter")
    expect(shown.get_by_label("Release checkout")).to_be_focused()
    shown.keyboard.type("all is well")
    shown.keyboard.press("Enter")
    expect(shown.locator("#locks")).to_contain_text("No lock is active")
    held.refresh_from_db()
    assert held.release_reason == "all is well"


def test_the_line_moves_by_itself(tab, alice, shop, busy):
    page = tab("/locks/waiting", as_=alice)
    line = page.locator("main")
    expect(line).to_contain_text("github:A:1")
    claim_finish(busy, busy.fence, "success", by=CI)
    expect(line).not_to_contain_text("github:A:1", timeout=SOON)
    claim_begin(shop.checkout_production, Run("github:B:1"), by=CI)
    expect(line.locator("[id^=ticket-]")).to_have_count(0, timeout=SOON)
    expect(line).to_contain_text("github:B:1")
