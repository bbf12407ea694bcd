"""Old deployments are rolled up by day: their rows go, their numbers stay."""

from datetime import timedelta

import pytest
from django.test import override_settings

from catalog import queries as catalog
from catalog.commands import permissions_update
from catalog.models import Entity
from deployments import tasks
from deployments.commands import deployment_report, deployments_roll_up
from deployments.models import Deployment, DeploymentConfig, DeploymentDay
from deployments.queries.dora import Scope, Span, dora
from portal.audit.models import Event
from portal.kit.clock import database_now, iso
from portal.kit.errors import Conflict
from tests.conftest import SETUP, write
from tests.deployments.test_dora import NOW, change, report, sha, ship

WHOLE = Span(NOW - timedelta(days=400), NOW)


def told(span=WHOLE, tier=""):
    found = dora(SETUP, Scope(tier=tier), span).numbers
    weeks = [
        (each.starts, each.deployed, each.days, each.changes, each.failed, each.lead_time, each.restore)
        for each in found.weeks
    ]
    return (
        found.deployed,
        found.changes,
        found.failed,
        found.lead_time,
        found.restore,
        found.bucket,
        found.left_out,
        weeks,
    )


@pytest.fixture
def year(shop):
    """A year of checkout in production and staging, with everything in it that a key can stumble over."""
    for environment, extra in (("production", 0), ("staging", 5)):
        where = {"environment": environment}
        days = lambda number, extra=extra: 24 * number - extra  # noqa: E731
        ship(1, (1, days(380)), at=days(370), **where)
        ship(3, (3, days(362)), (2, days(365)), at=days(360), previous_commit=sha(1), **where)
        ship(3, at=days(355), **where)
        ship(4, (4, days(351)), at=days(350), previous_commit=sha(3), status="failure", **where)
        ship(4, at=days(349), status="failure", ci={"provider": "github", "run": f"again-{environment}"}, **where)
        ship(4, at=days(348), ci={"provider": "github", "run": f"third-{environment}"}, **where)
        ship(3, at=days(347), ci={"provider": "github", "run": f"back-{environment}"}, **where)
        report("on", at=days(340), kind="flag", **where)
        report("0.9", at=days(339), status="cancelled", **where)
        started = (NOW - timedelta(hours=days(338))).isoformat()
        report("0.8", at=days(338), status="in_progress", finished_at=None, started_at=started, **where)
        ship(5, (5, days(302)), at=days(300), previous_commit=sha(3), **where)
        ship(6, (6, days(101)), at=days(100), previous_commit=sha(5), **where)
        ship(5, at=days(99), ci={"provider": "github", "run": f"undo-{environment}"}, **where)
        ship(7, (7, days(21)), (6, days(101)), at=days(20), previous_commit=sha(5), **where)
        ship(4, at=days(10), ci={"provider": "github", "run": f"ancient-{environment}"}, **where)


@pytest.mark.parametrize("keep", [345, 200, 90, 15, 5])
def test_the_numbers_are_the_same_before_and_after(year, keep):
    before, recent = told(), told(Span.of_days(30, now=NOW))
    rows = Deployment.objects.count()
    gone = deployments_roll_up(keep, now=NOW)
    assert gone and Deployment.objects.count() == rows - gone
    assert told() == before
    assert told(Span.of_days(30, now=NOW)) == recent


def test_the_numbers_are_the_same_after_many_passes_as_time_goes_on(year):
    before = told()
    for keep in (360, 345, 300, 290, 98, 40, 12, 1):
        deployments_roll_up(keep, now=NOW)
        assert told() == before, keep
    kept = DeploymentDay.objects.count()
    assert deployments_roll_up(1, now=NOW) == 0
    assert DeploymentDay.objects.count() == kept and told() == before


def test_what_is_live_and_what_was_live_before_stay(year):
    live = set(DeploymentConfig.objects.values_list("current", flat=True))
    deployments_roll_up(1, now=NOW + timedelta(days=400))
    assert set(DeploymentConfig.objects.values_list("current", flat=True)) == live
    for config in DeploymentConfig.objects.all():
        done = Deployment.objects.filter(config=config, status="success", kind="deploy").by_finish()
        assert [each.commit for each in done] == [sha(4), sha(7)]


def test_nothing_happens_while_the_setting_is_off(year):
    rows, started = Deployment.objects.count(), Event.objects.count()
    with override_settings(KEEP_DEPLOYMENTS=0):
        tasks.roll_up()
    assert (Deployment.objects.count(), Event.objects.count()) == (rows, started)
    assert not DeploymentDay.objects.exists()


def test_the_clock_rolls_up_what_the_setting_says(shop):
    for number in range(4):
        report(f"1.{number}", at=0, finished_at=iso(database_now() - timedelta(days=800 - number)))
    with override_settings(KEEP_DEPLOYMENTS=730):
        tasks.roll_up()
    assert sorted(Deployment.objects.values_list("version", flat=True)) == ["1.2", "1.3"]


def test_their_entities_go_with_them_and_the_audit_log_tells_of_each_pair(year):
    gone = deployments_roll_up(200, now=NOW)
    assert Entity.objects.filter(blueprint__identifier="deployment").count() == Deployment.objects.count()
    found = Event.objects.filter(name="deployment_config.rolled_up")
    assert sum(each.payload["deployments"] for each in found) == gone and found.count() == 2
    assert Event.objects.filter(name="deployment.reported").count() == 30, "what was told stays told"


def test_a_day_counts_by_status_kind_and_gate(year):
    deployments_roll_up(200, now=NOW)
    days = DeploymentDay.objects.filter(config__environment__identifier="production")
    assert sum(each.counts["kind"].get("flag", 0) for each in days) == 1
    assert sum(each.counts["status"].get("failure", 0) for each in days) == 2
    assert sum(each.counts["gate"].get("ungated", 0) for each in days) == sum(each.total for each in days)


def test_what_another_entity_points_at_stays(shop, terraform):
    first = report("1.0", at=24 * 300)
    for number in range(1, 5):
        report(f"1.{number}", at=24 * (300 - number))
    body = {"identifier": "note", "title": "Note", "schema": {"properties": {}}}
    body |= {"relations": {"of": {"target": "deployment", "title": "Of", "required": False, "many": False}}}
    assert terraform.post("blueprints", body).status == 201
    write("note", "n", relations={"of": (first.entity.identifier,)})
    before = told()
    deployments_roll_up(30, now=NOW)
    assert sorted(Deployment.objects.values_list("version", flat=True)) == ["1.0", "1.3", "1.4"]
    assert told() == before


def test_a_failure_that_was_not_mended_yet_stays_and_can_still_be_mended(shop):
    report("1.0", at=24 * 300)
    report("1.1", at=24 * 299, status="failure")
    deployments_roll_up(30, now=NOW)
    assert Deployment.objects.count() == 2
    report("1.2", at=24 * 298)
    assert dora(SETUP, Scope(), WHOLE).numbers.restore.median == 24 * 3600


def test_the_page_says_how_many_rows_are_no_longer_kept(year, client, bob):
    client.force_login(bob)
    deployments_roll_up(200, now=NOW)
    html = client.get("/deployments/dora/frequency?from=2025-03-01&to=2026-03-31").content.decode()
    assert "only their numbers are kept" in html


def test_sums_are_not_told_to_who_may_see_only_some_deployments(year, page, charlie):
    deployments_roll_up(200, now=NOW)
    everything = dora(page(charlie), Scope(), WHOLE)
    assert everything.rolled and everything.numbers.changes == 9
    permissions_update(catalog.blueprint("deployment"), {"read": {"ownedByTeam": True, "roles": []}}, by=SETUP)
    hidden = dora(page(charlie), Scope(), WHOLE)
    assert (hidden.rolled, hidden.rows, hidden.numbers.changes) == ([], [], 0)
    assert dora(SETUP, Scope(), WHOLE).numbers.changes == 9


def test_changes_of_the_fixture_are_told(year):
    """So that the others compare something."""
    assert change(1)["sha"] == sha(1)
    deployed, changes, failed, lead, restore, *_ = told()
    assert (deployed, changes, failed, lead.count, restore.count) == (14, 18, 10, 12, 8)


def test_a_key_whose_deployment_is_rolled_up_is_told_so_and_makes_none(shop):
    body = {"service": "checkout", "environment": "production", "version": "1.0"}
    deployment_report(body, key="k", by=SETUP).deployment.delete()
    with pytest.raises(Conflict, match="only its numbers are kept"):
        deployment_report(body, key="k", by=SETUP)
    assert not Deployment.objects.exists()
