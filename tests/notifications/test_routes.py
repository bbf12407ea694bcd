"""Which events a route hears, where they happen, and to whom it leads."""

from datetime import UTC, datetime, time, timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from catalog import queries as catalog
from catalog.commands import permissions_update
from catalog.models import Entity
from deployments.commands import deployment_report
from locks import scopes
from locks.commands import lock_release, lock_take
from portal.audit import outbox
from portal.audit.models import Delivery, Event
from portal.audit.nouns import Noun
from portal.audit.record import record
from portal.kit import remembered
from portal.kit.errors import Conflict, Invalid, Refused
from portal.notifications import known
from portal.notifications.commands import route_create, route_delete, route_test, route_update
from portal.notifications.defaults import DEFAULTS, defaults_install
from portal.notifications.models import Route
from portal.notifications.quiet import quiet_until
from portal.notifications.routing import stream_of
from tests.conftest import SETUP, events, write
from tests.notifications.conftest import told

REPORT = {"service": "checkout", "environment": "production", "version": "1"}


def lock(shop, kind="pair", **more):
    place = {"service": "checkout", "environment": "production"} if kind == "pair" else {}
    taken = lock_take(scopes.named(kind, **place | more), reason="debugging", by=SETUP)
    outbox.deliver_due()
    return taken


def targets():
    return [(each.subscriber, each.target) for each in told()]


@pytest.mark.parametrize(
    ("to", "channels"),
    [("place", ["payments"]), ("service", ["payments"]), ("environment", ["prod-talk"]), ("channel", ["ops"])],
)
def test_a_route_leads_to_the_channel_it_says(shop, slack, only, to, channels):
    write("service", "checkout", mode="patch", properties={"slackChannel": "#payments"})
    write("environment", "production", mode="patch", properties={"slackChannel": "prod-talk"})
    only(to=to, **({"address": "#ops"} if to == "channel" else {}))
    lock(shop)
    assert [message["channel_name"] for message in slack.messages] == channels


def test_a_place_without_a_channel_of_its_own_tells_nobody_where_only_that_is_wished(shop, slack, only):
    only(to="service")
    lock(shop)
    assert targets() == [] and Delivery.objects.get().result == {"targets": 0}


def test_two_routes_to_one_place_tell_it_once(shop, slack, only):
    only()
    only(name="Again", events=["lock.taken"], to="channel", address="general")
    lock(shop)
    assert targets() == [("slack", "general")] and len(slack.messages) == 1


def test_the_person_whom_it_concerns_is_told_if_he_may_see_it(shop, slack, only, page, bob):
    only(to="person")
    lock_take(scopes.pair(shop.checkout_production), reason="debugging", by=page(bob))
    outbox.deliver_due()
    assert targets() == [("slack", f"user:{bob.pk}")]
    assert slack.messages[0]["channel"].startswith(("U", "C"))


def test_a_program_is_no_person_to_be_told(shop, slack, only):
    only(to="person")
    lock(shop)
    assert targets() == []


@pytest.mark.parametrize(
    ("narrowed", "heard"),
    [
        ({"tiers": ["production"]}, ["checkout in production", "search in production", "everything"]),
        ({"tiers": ["staging"]}, ["checkout in staging", "everything"]),
        ({"services": ["checkout"]}, ["checkout in production", "checkout in staging", "everything"]),
        ({"services": ["search"]}, ["search in production", "everything"]),
        ({"teams": ["payments"]}, ["checkout in production", "checkout in staging", "everything"]),
        ({"teams": ["nobody"]}, ["everything"]),
        ({"events": ["lock.released"]}, []),
    ],
)
def test_a_route_hears_only_what_happens_where_it_listens(shop, slack, only, narrowed, heard):
    only(**narrowed)
    for service, environment in (("checkout", "production"), ("checkout", "staging"), ("search", "production")):
        lock(shop, service=service, environment=environment)
    lock(shop, "everything")
    assert [each.event.title for each in told()] == heard


def test_only_what_went_wrong_is_told_where_that_is_wished(shop, slack, only):
    only(events=["deployment.*"], only_bad=True)
    for status in ("success", "failure", "in_progress"):
        deployment_report(REPORT | {"status": status, "version": status}, by=SETUP)
    outbox.deliver_due()
    assert [each.event.after["status"] for each in told()] == ["failure"]


def test_a_deployment_that_is_under_way_is_told_when_it_ends(shop, slack, only):
    only(events=["deployment.*"])
    ci = {"ci": {"provider": "github", "run": "7"}}
    for status in ("in_progress", "success"):
        deployment_report(REPORT | ci | {"status": status}, by=SETUP)
    outbox.deliver_due()
    assert [each.event.name for each in told()] == ["deployment.updated"]


def test_a_backfill_tells_nobody(shop, slack, only):
    only(events=["deployment.*"])
    deployment_report(REPORT | {"status": "failure"}, backfill=True, by=SETUP)
    outbox.deliver_due()
    assert not Delivery.objects.exists()


def test_a_dry_route_says_in_the_log_what_it_would_tell(shop, slack, only):
    only(dry=True)
    lock(shop)
    assert slack.messages == []
    assert [(each.state, each.result) for each in told()] == [("done", {"dry": "It"})]


def test_where_one_of_two_routes_is_dry_the_other_tells(shop, slack, only):
    only(dry=True)
    only(name="Again")
    lock(shop)
    assert len(slack.messages) == 1 and told()[0].result.get("ts")


def test_a_route_that_is_off_tells_nothing(shop, slack, only):
    only(enabled=False)
    lock(shop)
    assert not Delivery.objects.exists()


def test_in_quiet_hours_it_waits_for_their_end(shop, slack, only):
    now = datetime.now(UTC)
    quiet = {"from": f"{now - timedelta(hours=1):%H:%M}", "until": f"{now + timedelta(hours=1):%H:%M}", "zone": "UTC"}
    only(quiet=quiet)
    lock(shop)
    [waiting] = told()
    assert slack.messages == [] and waiting.state == "pending"
    assert timedelta(minutes=58) < waiting.due_at - now <= timedelta(minutes=61)


NIGHT = (time(22), time(7), "Europe/Berlin")


@pytest.mark.parametrize(
    ("now", "ends"),
    [
        ("2026-01-05T20:59:59+00:00", None),
        ("2026-01-05T21:00:00+00:00", "2026-01-06T06:00:00+00:00"),
        ("2026-01-06T05:59:59+00:00", "2026-01-06T06:00:00+00:00"),
        ("2026-01-06T06:00:00+00:00", None),
        ("2026-03-28T22:00:00+00:00", "2026-03-29T05:00:00+00:00"),  # the clocks go forward that night
        ("2026-10-24T22:00:00+00:00", "2026-10-25T06:00:00+00:00"),  # and back
    ],
)
def test_quiet_hours_are_on_somebodys_wall(now, ends):
    found = quiet_until(datetime.fromisoformat(now), *NIGHT)
    assert found == (datetime.fromisoformat(ends) if ends else None)


def test_a_verdict_waits_for_what_is_still_to_be_said_of_its_deployment():
    deployment = Event(noun="deployment", noun_id="7")
    watch = Event(noun="watch", noun_id="9", payload={"deployment": "7"})
    assert stream_of(watch, ("slack", "ops")) == stream_of(deployment, ("slack", "ops")) == "ops deployment:7"


def test_a_time_zone_that_is_no_more_is_utc():
    now = datetime(2026, 3, 3, 23, 0, tzinfo=UTC)
    assert quiet_until(now, time(22), time(7), "Mars/Olympus") == datetime(2026, 3, 4, 7, 0, tzinfo=UTC)


def test_no_quiet_hours_are_none():
    assert quiet_until(datetime.now(UTC), None, None, "UTC") is None


# What a report pays


def statements(asked):
    return [each["sql"] for each in asked if not each["sql"].startswith(("SAVEPOINT", "RELEASE SAVEPOINT"))]


def test_a_report_that_no_route_wants_pays_no_statement_and_one_that_some_does_pays_one_row(shop, slack, only):
    def reported(version, **more):
        with CaptureQueriesContext(connection) as asked:
            deployment_report(REPORT | {"version": version} | more, by=SETUP)
        return statements(asked)

    reported("1"), known.known()
    plain = reported("2", status="success")
    assert not Delivery.objects.exists() and not any("notifications_route" in each for each in plain)
    only(events=["deployment.*"])
    known.known()
    wanted = reported("3", status="success")
    assert len(wanted) == len(plain) + 1, "the delivery alone"
    assert [each.subscriber for each in Delivery.objects.all()] == ["routing"]


def test_a_route_made_by_another_process_counts_within_five_seconds(shop, slack, only, monkeypatch):
    known.known()
    Route.objects.create(name="Theirs", events=["lock.*"], to="place")
    clock = [remembered.time.monotonic()]
    monkeypatch.setattr(remembered.time, "monotonic", lambda: clock[0])
    lock(shop)
    assert not Delivery.objects.exists()
    clock[0] += remembered.LASTING + 0.1
    lock(shop, environment="staging")
    assert [each.event.title for each in told()] == ["checkout in staging"]


# Commands


def test_only_administrators_change_routes(db, page, bob, alice):
    def routes():
        return sorted(Route.objects.values_list("name", "enabled"))

    before, told_before = routes(), events("route")
    locks = Route.objects.get(name="Locks")
    definition = {"name": "Mine", "events": ["lock.*"], "to": "place"}
    for deed in (
        lambda by: route_create(definition, by=by),
        lambda by: route_update(locks, definition, by=by),
        lambda by: route_delete(locks, by=by),
    ):
        with pytest.raises(Refused):
            deed(page(bob))
    assert (routes(), events("route")) == (before, told_before)
    route_create(definition, by=page(alice))
    assert ("Mine", True) in routes()


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"events": []}, "events"),
        ({"events": ["nonsense.*"]}, "events"),
        ({"events": ["lock.\0"]}, "events"),
        ({"name": "a\nb"}, "name"),
        ({"name": "\ud800"}, "name"),
        ({"name": " "}, "name"),
        ({"to": "everybody"}, "to"),
        ({"to": "channel"}, "address"),
        ({"to": "channel", "address": "<!channel>"}, "address"),
        ({"to": "place", "address": "general"}, "address"),
        ({"to": "email", "address": "dana@example.org, nobody"}, "address"),
        ({"to": "email", "address": "dana@example.org\nBcc: all@example.org"}, "address"),
        ({"to": "webhook", "address": "file:///etc/passwd"}, "address"),
        ({"to": "webhook", "address": "https://user:pass@example.org/"}, "address"),
        ({"to": "webhook", "address": "https://example.org/", "secret": "short"}, "secret"),
        ({"secret": "s" * 16}, "secret"),
        ({"quiet": {"from": "22:00", "until": "22:00"}}, "quiet"),
        ({"quiet": {"from": "25:00", "until": "07:00"}}, "quiet.from"),
        ({"quiet": {"from": "22:00", "until": "07:00", "zone": "Moon/Tycho"}}, "quiet.zone"),
        ({"quiet": {"from": "22:00", "until": "07:00", "zone": "../etc/passwd"}}, "quiet.zone"),
        ({"tiers": ["lunar"]}, "tiers.0"),
        ({"services": ["x"] * 51}, "services"),
        ({"extra": 1}, "body"),
    ],
)
def test_what_makes_no_route_is_refused_with_its_place_and_leaves_nothing(db, wrong, path):
    before = Route.objects.count()
    with pytest.raises(Invalid) as refused:
        route_create({"name": "It", "events": ["lock.*"], "to": "place"} | wrong, by=SETUP)
    assert path in [each["path"] for each in refused.value.details["errors"]]
    assert Route.objects.count() == before


def test_a_name_is_taken_once(only):
    only()
    with pytest.raises(Conflict):
        only()
    assert Route.objects.count() == 1


def test_events_keep_neither_the_secret_nor_the_path_of_a_webhook(only):
    route = only(to="webhook", address="https://hooks.example/very/secret", secret="s" * 16)
    route_update(
        route,
        {
            "name": "It",
            "events": ["lock.*"],
            "to": "webhook",
            "address": "https://hooks.example/other",
            "secret": "t" * 16,
        },
        by=SETUP,
    )
    kept = str([(each.before, each.after, each.payload) for each in Event.objects.filter(noun="route")])
    assert "s" * 16 not in kept and "t" * 16 not in kept and "very" not in kept and "other" not in kept
    assert "https://hooks.example/" in kept and "s" * 16 not in route.sealed_secret


def test_the_portals_own_routes_come_once_and_do_not_come_back(db):
    assert set(Route.objects.values_list("name", flat=True)) == {each["name"] for each in DEFAULTS.values()}
    route_delete(Route.objects.get(name="Locks"), by=SETUP)
    defaults_install()
    assert not Route.objects.filter(name="Locks").exists()


def test_an_event_that_nobody_says_owes_nothing(slack, only):
    only(events=["*"])
    with transaction.atomic():
        record("thing.made", Noun("thing", "1", "a thing"), by=SETUP)
    assert not Delivery.objects.exists()


@pytest.mark.parametrize("said", ["user:1", "two words", "x" * 200, "", "<!channel>", ["ops"], {"a": 1}, 7, None])
def test_what_is_no_channel_on_a_service_is_passed_over(shop, slack, only, said):
    Entity.objects.filter(identifier="checkout").update(properties={"slackChannel": said})
    only()
    lock(shop)
    assert targets() == [("slack", "general")]


def test_the_portals_channel_hears_nothing_that_is_kept_from_some(shop, slack, only, alice, page):
    """Everybody reads there. Its own channel is told, and without one an administrator sees why nobody is."""
    route = only()
    write("environment", "production", mode="patch", properties={"slackChannel": "prod-talk"})
    permissions_update(catalog.blueprint("service"), {"read": {"ownedByTeam": True, "roles": []}}, by=SETUP)
    lock(shop)
    [delivery] = told()
    assert (delivery.state, slack.messages) == ("parked", []) and "not everybody may see it" in delivery.last_error
    with pytest.raises(Conflict):
        route_test(route, delivery.event, by=page(alice))
    write("service", "checkout", mode="patch", properties={"slackChannel": "payments"})
    lock(shop, "service", service="checkout")
    lock(shop, "environment", environment="production")
    assert [message["channel_name"] for message in slack.messages] == ["payments", "prod-talk"]


def test_of_the_runs_that_a_wide_lock_stopped_only_those_are_listed_that_everybody_may_see(shop, slack, only, ci):
    only()
    taken = lock(shop, "environment", environment="production")
    for service in ("checkout", "search"):
        ci.get("gate", service=service, environment="production", run=f"gh:{service}:1", commit="4f2a9c1")
    only_theirs = {"read": {"policy": {"combinator": "and", "rules": [{"property": "$identifier", "operator": "=", "value": "search"}]}, "roles": []}}  # fmt: skip
    permissions_update(catalog.blueprint("service"), only_theirs, by=SETUP)
    lock_release(taken, by=SETUP)
    outbox.deliver_due()
    said = str(slack.messages[-1])
    assert "of search to production" in said and "checkout" not in said
