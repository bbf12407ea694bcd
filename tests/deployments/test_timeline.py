"""The timeline: what happened in a place, from all who know of it, the newest first."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog import queries as catalog
from deployments.commands import deployment_report
from deployments.queries import timeline
from deployments.queries.timeline import Asked, Happening, Look, Source, happenings, is_beyond, stretches
from locks import scopes
from locks.commands import code_use, codes_issue, freeze_create, lock_release, lock_take
from locks.models import Lock
from locks.runs import Run
from portal.kit.clock import database_now, iso
from tests.conftest import SETUP, write
from tests.locks.test_freezes import always


def report(version="1.0", *, ago=1.0, **more):
    """`ago`: hours before now."""
    ended = iso(database_now() - timedelta(hours=ago))
    body = {"service": "checkout", "environment": "production", "version": version, "finished_at": ended}
    return deployment_report(body | more, by=SETUP).deployment


def asked(hours=48, **more):
    now = database_now()
    return Asked(now - timedelta(hours=hours), now + timedelta(seconds=1), **more)


def kinds(**more):
    return [each.kind for each in happenings(SETUP, asked(**more), limit=50)]


def test_deployments_locks_freezes_and_ways_past_them_stand_on_one_axis(shop):
    report("1.0", ago=9)
    report("1.1", ago=8)
    report("1.0", ago=7)
    report("1.2", ago=6, status="failure")
    report("on", ago=5, kind="flag")
    report("x=1", ago=4, kind="config")
    lock = lock_take(scopes.pair(shop.checkout_production), reason="Debugging", by=SETUP)
    Lock.objects.filter(pk=lock.pk).update(starts_at=database_now() - timedelta(hours=3))
    lock_release(lock, by=SETUP)
    [(_, code)] = codes_issue(catalog.environment_named("production"), by=SETUP)
    used = database_now() - timedelta(hours=2)
    code_use(code, shop.checkout_production, Run("gh:1:1"), reason="fire", used_at=used, by=SETUP)
    assert kinds() == [
        "unlock", "break_glass", "lock", "config", "flag", "failure", "rollback", "deploy", "deploy",
    ]  # fmt: skip


def test_a_freeze_that_is_on_is_a_stretch_and_has_begun(shop):
    freeze_create(scopes.named("everything"), always(), by=SETUP)
    assert [each.kind for each in stretches(SETUP, asked())] == ["freeze"]


def test_what_was_locked_before_the_span_and_still_is_is_told(shop, client, alice):
    client.force_login(alice)
    held = lock_take(scopes.pair(shop.checkout_production), reason="Debugging", by=SETUP)
    assert "In force all this time" not in client.get("/deployments/timeline?last=2h").content.decode()
    Lock.objects.filter(pk=held.pk).update(starts_at=database_now() - timedelta(hours=3))
    shown = client.get("/deployments/timeline?last=2h").content.decode()
    told = shown.split("In force all this time:")[1].split("</section>")[0]
    assert held.get_absolute_url() in told and "Debugging" in told
    lock_release(held, by=SETUP)
    assert "In force all this time" not in client.get("/deployments/timeline?last=2h").content.decode()


def test_a_lock_that_ran_out_ended_by_itself(shop):
    lock = lock_take(scopes.pair(shop.checkout_production), reason="Debugging", by=SETUP)
    now = database_now()
    Lock.objects.filter(pk=lock.pk).update(starts_at=now - timedelta(hours=3), expires_at=now - timedelta(hours=1))
    [ended, taken] = happenings(SETUP, asked(), limit=9)
    assert (ended.kind, ended.word, ended.who) == ("unlock", "Ran out", "")
    assert (taken.kind, taken.detail) == ("lock", "Debugging")


@pytest.mark.parametrize("kind", ["deploy", "rollback", "failure", "config", "flag", "lock"])
def test_a_kind_is_asked_for_alone(shop, kind):
    for version, ago in (("1.0", 9), ("1.1", 8), ("1.0", 7)):
        report(version, ago=ago)
    report("1.2", ago=6, status="failure")
    report("1.3", ago=6, status="rolled_back")
    report("on", ago=5, kind="flag")
    report("x=1", ago=4, kind="config")
    lock_take(scopes.pair(shop.checkout_production), reason="Debugging", by=SETUP)
    found = kinds(kinds=frozenset({kind}))
    assert found == [each for each in kinds() if each == kind] and found


def test_what_holds_a_wider_scope_is_told_of_in_each_place_that_it_holds(shop):
    for scope in (
        scopes.named("everything"),
        scopes.named("tier", tier="production"),
        scopes.named("team", team="payments"),
        scopes.named("service", service="search"),
        scopes.pair(shop.checkout_staging),
    ):
        lock_take(scope, reason="why", by=SETUP)
    checkout, search = catalog.service_named("checkout"), catalog.service_named("search")
    staging = catalog.environment_named("staging")
    assert len(kinds(service=checkout)) == 4
    assert len(kinds(service=search)) == 3
    assert len(kinds(environment=staging)) == 4
    assert len(kinds(service=search, environment=staging)) == 2


def test_pages_by_key_leave_nothing_out_and_tell_nothing_twice(shop):
    moment = iso(database_now() - timedelta(hours=2))
    for number in range(5):
        report(f"1.{number}", finished_at=moment)
    for _ in range(3):
        lock = lock_take(scopes.pair(shop.search_production), reason="why", by=SETUP)
        lock_release(lock, by=SETUP)
    Lock.objects.update(starts_at=moment, released_at=moment)
    seen, edge = [], None
    for _ in range(20):
        page = happenings(SETUP, asked(before=edge), limit=2)
        seen += [(each.source, each.key) for each in page]
        if not page:
            break
        edge = page[-1].edge
    assert len(seen) == len(set(seen)) == 11


def test_an_upper_app_tells_of_more_by_a_source_of_its_own(shop):
    at = database_now() - timedelta(minutes=5)

    def load(by, which, limit):
        made = Happening(
            at, "incidents", 1, "incident", "Payments down", "checkout in production", "checkout", "production"
        )
        return [made] if is_beyond(at, 1, which, "incidents") else []

    timeline.register(Source("incidents", {"incident": Look("Incident", "red", "bell")}, load))
    try:
        report("1.0", ago=2)
        assert kinds() == ["incident", "deploy"]
        assert "incident" in timeline.looks()
    finally:
        timeline.registry._registry.sources.pop("incidents")


def test_who_may_not_see_a_service_sees_nothing_that_happened_to_it(shop, page, charlie, terraform):
    report("1.0")
    lock_take(scopes.pair(shop.checkout_production), reason="why", by=SETUP)
    hide = {"read": {"ownedByTeam": True}}
    assert terraform.send("patch", "blueprints/service/permissions", {"entities": hide}).status == 200
    assert happenings(page(charlie), asked(), limit=9) == []
    assert len(happenings(SETUP, asked(), limit=9)) == 2


def test_the_page_asks_as_often_for_fifty_rows_as_for_one(shop, client, bob):
    client.force_login(bob)

    def statements():
        with CaptureQueriesContext(connection) as seen:
            assert client.get("/deployments/timeline").status_code == 200
        return len(seen)

    report("1.0")
    lock_take(scopes.pair(shop.search_production), reason="why", by=SETUP)
    client.get("/deployments/timeline")
    one = statements()
    for number in range(25):
        report(f"2.{number}", ago=2)
        write("service", f"s{number}")
        lock_take(scopes.named("pair", service=f"s{number}", environment="production"), reason="why", by=SETUP)
    assert statements() == one


def test_the_page_shows_the_last_day_by_the_hour_and_keeps_itself_up_to_date(shop, client, bob):
    client.force_login(bob)
    made = report("1.0", message="Retry <b>payments</b>", actor="Dana")
    answer = client.get("/deployments/timeline")
    html = answer.content.decode()
    assert "checkout 1.0" in html and "in production" in html and "Retry &lt;b&gt;" in html and "Dana" in html
    assert made.get_absolute_url() in html
    again = client.get("/deployments/timeline", headers={"HX-Request": "true", "X-Stamp": answer["X-Stamp"]})
    assert again.status_code == 204
    report("1.1", ago=0.1)
    again = client.get("/deployments/timeline", headers={"HX-Request": "true", "X-Stamp": answer["X-Stamp"]})
    assert again.status_code == 200 and "1.1" in again.content.decode()


@pytest.mark.parametrize(
    "query",
    ["service=nope", "environment=nope", "from=x", "last=x", "kind=moon", "after=x", "after=2026-01-01T00:00:00%2B00:00|x|99999999999999999999", "after=9999-12-31T23:59:59-12:00|deployments|1"],
)  # fmt: skip
def test_a_filter_that_cannot_be_read_is_left_out_of_account(shop, client, bob, query):
    client.force_login(bob)
    report("1.0")
    assert client.get(f"/deployments/timeline?{query}").status_code == 200


def test_the_pages_of_a_service_and_of_an_environment_show_what_happened_there(shop, client, bob):
    client.force_login(bob)
    report("1.0")
    for path in ("service/checkout", "environment/production"):
        assert "1.0" in client.get(f"/deployments/timeline/{path}").content.decode()
    assert "Nothing changed here" in client.get("/deployments/timeline/service/search").content.decode()
    assert client.get("/deployments/timeline/service/nope").status_code == 404
    assert "/deployments/timeline/service/checkout" in client.get("/catalog/service/entities/checkout").content.decode()


def test_days_are_chosen_as_well(shop, client, bob):
    client.force_login(bob)
    report("0.9", finished_at=datetime(2026, 3, 3, 12, tzinfo=UTC).isoformat())
    assert "checkout 0.9" in client.get("/deployments/timeline?from=2026-03-01&to=2026-03-05").content.decode()
    assert "checkout 0.9" not in client.get("/deployments/timeline?from=2026-03-04&to=2026-03-05").content.decode()
