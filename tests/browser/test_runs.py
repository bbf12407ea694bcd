"""Actions and runs in a browser: by keyboard, live, in both themes and widths."""

import pytest
from playwright.sync_api import expect

from portal.actions.commands import action_create, run_create, run_log
from portal.actions.models import Run
from tests.actions.test_pages import RESTART
from tests.browser.test_accessibility import serious
from tests.browser.test_layout import LONG, TOO_WIDE
from tests.conftest import SETUP


@pytest.fixture
def restart(transactional_db, shop):
    return action_create(RESTART | {"requiredApproval": True}, by=SETUP)


@pytest.mark.parametrize("width", [1440, 390])
def test_axe_finds_nothing_serious_and_long_words_fit(tab, alice, restart, width):
    run = run_create(restart, {"why": LONG, "more": {"a": LONG}}, entity="checkout", by=SETUP)
    run_log(run, {"message": LONG}, by=SETUP)
    page = tab("/actions/", as_=alice, width=width)
    for url in ("/actions/", "/actions/restart", "/actions/restart/run", "/runs/", run.get_absolute_url()):
        page.goto(url)
        assert serious(page) == [], url
        assert page.evaluate(TOO_WIDE) == [], url


def test_somebody_asks_for_a_run_approves_it_and_sees_it_end_without_a_mouse(tab, alice, restart):
    page = tab("/catalog/service/entities/checkout?tab=runs", as_=alice)
    page.get_by_role("link", name="Restart it").press("Enter")
    page.get_by_label("Why").fill("it leaks")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Waiting for approval")).to_be_visible()
    page.get_by_label("What you want to say").fill("Go")
    page.get_by_role("button", name="Approve").press("Enter")
    expect(page.get_by_text("Alice approved: Go")).to_be_visible()
    run_log(Run.objects.get(), {"message": "All healthy", "terminationStatus": "SUCCESS"}, by=SETUP)
    expect(page.get_by_text("All healthy")).to_be_visible()
    expect(page.get_by_text("Success", exact=True)).to_be_visible()
