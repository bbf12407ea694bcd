"""Somebody breaks a service on its page, and open pages of the portal follow without being loaded again."""

import pytest
from playwright.sync_api import expect

from deployments.commands import deployment_report
from deployments.health.calls import ask
from deployments.health.commands import probe_create, readings_take
from deployments.health.models import Probe
from deployments.health.queries.pictures import PICTURES
from portal.embedded.target import Target
from portal.kit.clock import database_now
from tests.browser.test_layout import TOO_WIDE
from tests.conftest import SETUP


@pytest.fixture
def target():
    with Target({"checkout/production": {"version": "2.4.0"}}) as target:
        yield target


@pytest.fixture
def probe(transactional_db, shop, target, settings):
    settings.OUTGOING_NETWORKS = ["127.0.0.0/8"]
    PICTURES.clear()
    report = {
        "service": "checkout",
        "environment": "production",
        "version": "2.4.0",
        "commit": "4f2a9c1",
        "status": "success",
    }
    deployment_report(report, by=SETUP)
    spec = {"url": f"{target.url}checkout/production/health", "version": {"path": "$.version"}}
    spec["conditions"] = [{"path": "$.database", "equals": "ok"}]
    wished = {"service": "checkout", "environment": "production", "name": "front door", "spec": spec, "interval": 10}
    return probe_create(wished | {"failure_threshold": 1, "recovery_threshold": 1}, by=SETUP)[0]


def prober_comes_by(probe):
    """What a worker does in its round, by the same functions."""
    found = Probe.objects.get(pk=probe.pk)
    readings_take([ask(found, database_now())], now=database_now())


def test_breaking_a_service_shows_on_open_pages_by_itself(tab, alice, probe, target):
    health, matrix = tab("/health/", as_=alice), tab("/deployments/", as_=alice)
    prober_comes_by(probe)
    line, cell = health.locator(f"#probe-{probe.public_id}"), matrix.locator("#row-checkout")
    expect(line).to_contain_text("healthy")
    expect(cell.locator(".health-healthy")).to_be_visible()
    expect(cell.locator(".verified-good")).to_be_visible()

    button = tab(target.url)
    button.get_by_role("button", name="No database").click()
    expect(button.locator("section[data-broken]")).to_be_visible()
    prober_comes_by(probe)
    expect(line).to_contain_text("failing")
    expect(cell).to_contain_text("failing")

    line.get_by_role("link", name="checkout").click()
    expect(health.locator("#probe .note")).to_contain_text("$.database is “lost”, and should be “ok”.")
    button.get_by_role("button", name="Mend all").click()
    prober_comes_by(probe)
    expect(health.locator("#probe .note")).to_contain_text("healthy")
    expect(cell.locator(".health-healthy")).to_be_visible()


def test_the_form_shows_the_fields_of_its_kind_and_tries_the_probe(tab, alice, probe, target):
    page = tab(f"/health/{probe.public_id}/edit", as_=alice)
    page.get_by_role("button", name="Call it once now").click()
    expect(page.locator("#trial")).to_contain_text("Called once: ok")
    page.goto("/health/new?service=checkout&environment=production")
    expect(page.get_by_label("Address")).to_be_visible()
    page.get_by_text("Heartbeat", exact=True).click()
    expect(page.get_by_label("Address")).to_be_hidden()
    expect(page.get_by_label("May be late by, in seconds")).to_be_visible()


@pytest.mark.parametrize("width", [1440, 390])
def test_long_names_and_reasons_spoil_no_page_of_health(tab, alice, probe, width):
    long = "https://example.org/a-long-unbroken-name-" * 12
    Probe.objects.filter(pk=probe.pk).update(
        name=long[:100], reason=long, state="failing", run_version=long[:300], checked_at=database_now()
    )
    for url in (
        "/health/",
        f"/health/{probe.public_id}",
        f"/health/{probe.public_id}/edit",
        "/health/panel/service/checkout",
    ):
        page = tab(url, as_=alice, width=width)
        assert page.evaluate(TOO_WIDE) == [], url
