"""A finished deployment is watched: opened once, closed once with a verdict, never failed for want of data."""

from datetime import timedelta

import pytest

from deployments.commands import deployment_report, watch_look, watch_open, watches_look
from deployments.health.commands import readings_take
from deployments.health.models import Maintenance, Probe
from deployments.health.results import Result
from deployments.models import Watch
from portal.audit.models import Delivery, Event
from portal.audit.outbox import deliver_due
from portal.kit.clock import database_now, iso
from tests.conftest import SETUP, events

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


@pytest.fixture
def now(db):
    return database_now()


@pytest.fixture
def probe(shop, now):
    return probe_at(shop.checkout_production, now)


def probe_at(place, now, **more):
    return Probe.objects.create(
        name="http",
        kind="http",
        service_id=place.service_id,
        service_identifier=place.service,
        environment_id=place.environment_id,
        environment_identifier=place.environment,
        due_at=now + 5 * MINUTE,
        judged_from=now - timedelta(days=1),
        created_by="Alice",
        **more,
    )


def found(probe, at, *, bad=False, times=1, apart=20 * SECOND, outcome=""):
    outcome = outcome or ("failed" if bad else "ok")
    results = [
        Result(probe.pk, at + n * apart, outcome, status=500 if bad else 200, reason="HTTP 500" if bad else "")
        for n in range(times)
    ]
    readings_take(results, now=at + times * apart)


def report(version, now, *, environment="production", status="success", began=None, by=SETUP, **more):
    body = {
        "service": "checkout",
        "environment": environment,
        "version": version,
        "status": status,
        "started_at": iso(began or now - MINUTE),
        "ci": {"run": version},
    }
    ended = {"finished_at": iso(now)} if status not in ("pending", "in_progress") else {}
    return deployment_report(body | ended | more, backfill=more.pop("backfill", False), by=by).deployment


def opened(deployment, now):
    return watch_open(str(deployment.public_id), now=now)


def closed(watch):
    watch.refresh_from_db()
    return watch.verdict, watch.reason


def test_a_finished_production_deployment_opens_a_watch_by_its_event_once(shop, probe, now):
    one = report("1.0", now)
    deliver_due()
    watch = Watch.objects.get()
    assert watch.deployment == one and watch.until - watch.opened_at == 15 * MINUTE
    Delivery.objects.filter(subscriber="deployments.watch").update(state="pending")
    deliver_due()
    assert events("watch") == ["watch.opened"]
    probe.refresh_from_db()
    assert probe.hurry_until == watch.until and probe.due_at < now + MINUTE


@pytest.mark.parametrize("status", ["in_progress", "failure", "cancelled"])
def test_what_has_not_succeeded_opens_none(shop, probe, now, status):
    report("1.0", now, status=status)
    deliver_due()
    assert not Watch.objects.exists()


def test_history_that_is_loaded_opens_none(shop, probe, now):
    body = {
        "service": "checkout",
        "environment": "production",
        "version": "1.0",
        "status": "success",
        "ci": {"run": "1"},
    }
    deployment_report(body, backfill=True, by=SETUP)
    assert not Delivery.objects.filter(subscriber="deployments.watch").exists()


@pytest.mark.parametrize("case", ["staging", "no probe", "paused", "old", "flag", "not live", "gone"])
def test_what_nobody_can_say_anything_of_opens_none(shop, now, case):
    place = shop.checkout_staging if case == "staging" else shop.checkout_production
    if case != "no probe":
        probe_at(place, now, paused=case == "paused")
    one = report(
        "1.0",
        now - timedelta(hours=2) if case == "old" else now - MINUTE,
        began=now - timedelta(hours=3),
        environment=place.environment,
        kind="flag" if case == "flag" else "deploy",
    )
    if case == "not live":
        report("2.0", now)
    assert watch_open("gone" if case == "gone" else str(one.public_id), now=now) is None
    assert not Watch.objects.exists() and events("watch") == []


def test_other_tiers_are_watched_when_the_operator_says_so(shop, now, settings):
    settings.WATCH_TIERS = ["production", "staging"]
    probe_at(shop.checkout_staging, now)
    assert opened(report("1.0", now, environment="staging"), now)


def test_a_good_deployment_passes_at_the_end_and_not_before(shop, probe, now):
    watch = opened(report("1.0", now), now)
    found(probe, now + SECOND, times=30)
    assert not watch_look(watch.pk, now=now + 14 * MINUTE)
    assert watch_look(watch.pk, now=now + 15 * MINUTE)
    assert closed(watch)[0] == "passed"
    event = Event.objects.get(name="watch.closed")
    assert event.payload | {"values": None, "reason": None} == {
        "verdict": "passed",
        "reason": None,
        "values": None,
        "deployment": str(watch.deployment.public_id),
        "service_id": shop.checkout_production.service_id,
        "environment_id": shop.checkout_production.environment_id,
        "version": "1.0",
        "commit": "",
        "opened_at": iso(watch.opened_at),
    }


def test_k_failures_in_a_row_fail_it_at_once_and_what_made_it_so_is_kept(shop, probe, now):
    found(probe, now - 30 * MINUTE, times=20)
    watch = opened(report("1.0", now), now)
    found(probe, now + SECOND, bad=True, times=2)
    assert not watch_look(watch.pk, now=now + MINUTE)
    found(probe, now + MINUTE, bad=True)
    assert watch_look(watch.pk, now=now + 2 * MINUTE)
    verdict, reason = closed(watch)
    assert verdict == "failed" and "failing 3 times in a row" in reason and "HTTP 500" in reason
    assert watch.values["http"]["found"]["status"] == 500
    assert not watch_look(watch.pk, now=now + 3 * MINUTE), "closed is closed"
    assert events("watch") == ["watch.opened", "watch.closed"]


def test_what_failed_before_is_not_its_doing(shop, probe, now):
    found(probe, now - 20 * MINUTE, bad=True, times=20)
    watch = opened(report("1.0", now), now)
    found(probe, now + SECOND, bad=True, times=20)
    watch_look(watch.pk, now=now + 15 * MINUTE)
    assert closed(watch) == ("inconclusive", "http was failing before as well: it is no worse.")


def test_what_fails_while_it_is_rolled_out_is_neither_before_nor_after(shop, probe, now):
    watch = opened(report("1.0", now, began=now - 10 * MINUTE), now)
    found(probe, now - 9 * MINUTE, bad=True, times=20)
    found(probe, now + SECOND, times=3)
    watch_look(watch.pk, now=now + 15 * MINUTE)
    assert closed(watch)[0] == "passed"


def test_no_data_is_inconclusive(shop, probe, now):
    watch = opened(report("1.0", now), now)
    found(probe, now + SECOND, times=9, outcome="no_data")
    watch_look(watch.pk, now=now + 15 * MINUTE)
    assert closed(watch) == ("inconclusive", "No probe has answered while it was watched.")


def test_maintenance_is_inconclusive(shop, probe, now):
    Maintenance.objects.create(
        everything=True,
        covers="everything",
        reason="patching",
        starts_at=now + MINUTE,
        ends_at=now + 3 * MINUTE,
        made_by="Alice",
        holder_key="user:1",
    )
    watch = opened(report("1.0", now), now)
    found(probe, now + MINUTE, bad=True, times=9)
    watch_look(watch.pk, now=now + 15 * MINUTE)
    assert closed(watch) == ("inconclusive", "There was maintenance while it was watched.")


def test_a_newer_deployment_closes_the_older_watch_as_it_begins(shop, probe, now):
    watch = opened(report("1.0", now - 2 * MINUTE), now - MINUTE)
    report("1.1", now, status="in_progress", began=now)
    found(probe, now + SECOND, bad=True, times=9)
    assert watches_look(now=now + MINUTE) == 1
    assert closed(watch) == ("inconclusive", "Overtaken by 1.1.")


def test_a_newer_watch_finds_the_older_one_closed(shop, probe, now):
    older = opened(report("1.0", now - 2 * MINUTE, began=now - 3 * MINUTE), now - MINUTE)
    newer = opened(report("1.1", now, began=now - SECOND, kind="rollback"), now)
    assert newer and closed(older)[0] == "inconclusive"
    assert events("watch") == ["watch.opened", "watch.closed", "watch.opened"]


def test_a_newer_one_that_began_before_the_older_had_finished_takes_over_its_watch(shop, probe, now):
    older = opened(report("1.0", now - 2 * MINUTE, began=now - 9 * MINUTE), now - MINUTE)
    newer = opened(report("1.1", now, began=now - 3 * MINUTE), now)
    found(probe, now + SECOND, bad=True, times=9)
    assert newer and closed(older) == ("inconclusive", "Overtaken by 1.1.")


def test_one_that_is_rolled_back_is_not_judged(shop, probe, now):
    watch = opened(report("1.0", now), now)
    report("1.0", now, status="rolled_back")
    watch_look(watch.pk, now=now + MINUTE)
    assert closed(watch) == ("inconclusive", "It was rolled back.")


def test_the_verdict_shows_on_the_page_in_the_table_on_the_timeline_and_to_programs(shop, probe, now, ci, client, bob):
    client.force_login(bob)
    watch = opened(report("1.0", now), now)
    page, panel = watch.deployment.get_absolute_url(), "/deployments/panel/checkout"
    assert "the verdict comes in" in client.get(page).content.decode()
    assert ci.get(f"deployments/{watch.deployment.public_id}/watch").json["watch"]["state"] == "open"
    found(probe, now, bad=True, times=3, apart=timedelta(milliseconds=1))
    watch_look(watch.pk, now=database_now())
    for url in (page, panel, "/deployments/timeline"):
        told = client.get(url).content.decode()
        assert "watch failed" in told.lower(), url
    page = client.get(page).content.decode()
    assert "3 results, 3 failed" in page and "Decided " in page and 'href="#watch"' in page
    answer = ci.get(f"deployments/{watch.deployment.public_id}/watch").json["watch"]
    assert (answer["state"], answer["verdict"]) == ("failed", "failed") and "HTTP 500" in answer["reason"]
    assert ci.get(f"deployments/{watch.deployment.public_id}").json["deployment"]["watch"] == answer


def test_what_is_not_watched_says_so_and_what_is_not_there_is_404(shop, now, ci):
    one = report("1.0", now)
    assert ci.get(f"deployments/{one.public_id}/watch").json == {"ok": True, "watch": None}
    assert ci.get("deployments/019a2b3c-4d5e-7f80-91a2-b3c4d5e6f708/watch").status == 404
