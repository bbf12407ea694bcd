"""The pages of the ingest log, asked as a browser asks them."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deployments.commands import deployment_report, requests_forget
from deployments.models import Deployment, ReportRequest
from portal.kit.clock import database_now
from portal.kit.errors import Invalid
from tests.conftest import SETUP

HTMX = {"HX-Request": "true"}
LOG = "/deployments/ingest"


def report(service="checkout", version="1.0", **more):
    return deployment_report({"service": service, "environment": "production", "version": version, **more}, by=SETUP)


@pytest.fixture
def signed_in(client, alice):
    client.force_login(alice)
    return client


def text(client, url, **headers):
    response = client.get(url, headers=headers)
    assert response.status_code == 200, response.status_code
    return response.content.decode()


@pytest.fixture
def refused(shop):
    evil = "<script>alert(1)</script>"
    with pytest.raises(Invalid):
        report(version="", extra={"note": evil, "apiToken": "hush-hush"}, service=evil)
    return ReportRequest.objects.get()


def test_the_log_shows_what_came_and_leads_to_its_body_and_answer(signed_in, refused):
    page = text(signed_in, LOG)
    assert "give a version, a commit, or both" in page and refused.get_absolute_url() in page
    opened = text(signed_in, refused.get_absolute_url())
    assert "invalid_request" in opened and "Replay" in opened
    for shown in (page, opened):
        assert "<script>alert" not in shown and "&lt;script&gt;alert" in shown


def test_a_secret_in_a_body_is_never_shown(signed_in, refused):
    opened = text(signed_in, refused.get_absolute_url())
    assert "hush-hush" not in opened and "•••" in opened


def test_the_log_is_filtered_by_its_address(signed_in, refused):
    report()
    assert "came-" not in text(signed_in, f"{LOG}?outcome=late")
    assert text(signed_in, f"{LOG}?outcome=refused").count('id="came-') == 1
    assert text(signed_in, f"{LOG}?service=checkout&sender=setup").count('id="came-') == 1


def test_the_log_keeps_itself_up_to_date_also_with_what_was_refused(signed_in, shop):
    stamp = signed_in.get(LOG, headers=HTMX)["X-Stamp"]
    assert signed_in.get(LOG, headers=HTMX | {"X-Stamp": stamp}).status_code == 204
    with pytest.raises(Invalid):
        report(version="")
    fresh = signed_in.get(LOG, headers=HTMX | {"X-Stamp": stamp})
    assert fresh.status_code == 200 and b"refused" in fresh.content and b"<html" not in fresh.content


def test_alice_replays_what_could_not_be_placed(signed_in, shop):
    from tests.conftest import write

    report("till")
    row = ReportRequest.objects.get()
    assert "Place it in the inbox" in text(signed_in, row.get_absolute_url())
    write("service", "till")
    done = signed_in.post(f"{row.get_absolute_url()}/replay")
    assert (done.status_code, done["Location"]) == (303, row.get_absolute_url())
    assert Deployment.objects.get().service_identifier == "till"
    assert "Replayed: created." in text(signed_in, row.get_absolute_url())


def test_bob_is_offered_no_replay_and_gets_none(client, bob, shop):
    report()
    row = ReportRequest.objects.get()
    client.force_login(bob)
    assert "Replay" not in text(client, row.get_absolute_url())
    assert client.post(f"{row.get_absolute_url()}/replay").status_code == 403
    assert ReportRequest.objects.get().replayed_at is None


def test_fifty_rows_ask_no_more_queries_than_one(signed_in, shop):
    def queries():
        with CaptureQueriesContext(connection) as seen:
            text(signed_in, LOG)
        # A list shows no bodies, and reads none.
        assert not any('"deployments_reportrequest"."body"' in each["sql"] for each in seen)
        return len(seen)

    report()
    queries()
    one = queries()
    for number in range(25):
        report(version=f"1.{number}")
        report(f"unknown-{number}")
    assert queries() == one <= 12


def test_the_log_forgets_what_is_old_and_all_but_the_newest(shop):
    for number in range(6):
        report(version=f"1.{number}")
    old = ReportRequest.objects.order_by("id").first()
    ReportRequest.objects.filter(pk=old.pk).update(at=database_now() - timedelta(days=31))
    assert (requests_forget(), ReportRequest.objects.count()) == (1, 5)
    assert (requests_forget(most=2), ReportRequest.objects.count()) == (3, 2)
    assert Deployment.objects.count() == 6


def test_what_nobody_has_read_yet_is_not_forgotten(shop):
    report()
    ReportRequest.objects.update(at=database_now() - timedelta(days=31), outcome="waiting")
    assert (requests_forget(), ReportRequest.objects.count()) == (0, 1)


def regular(service, days, last):
    """Deployed once a day for so many days, the last of them `last` days ago."""
    for number in range(days):
        at = database_now() - timedelta(days=last + number, minutes=1)
        report(service, version=f"1.{number}", finished_at=at.isoformat(), started_at=at.isoformat())


@pytest.mark.parametrize(
    ("days", "last", "is_silent"),
    [(9, 4, True), (9, 2, False), (7, 20, False), (8, 54, False), (9, 40, True), (9, 0, False), (20, 10, True)],
)
def test_a_service_that_came_daily_and_stopped_is_named(signed_in, shop, days, last, is_silent):
    regular("search", days, last)
    page = text(signed_in, LOG)
    assert ('id="silent"' in page) is is_silent
    assert (f"was deployed on {days} of the last 60 days" in page) is is_silent


def test_a_weekly_service_is_given_three_weeks(signed_in, shop, page, alice):
    from deployments.queries import silent

    for number in range(8):
        at = database_now() - timedelta(days=8 + 3.5 * number)
        report("search", version=f"1.{number}", started_at=at.isoformat(), finished_at=at.isoformat())
    assert silent(page(alice), now=database_now()) == []
    assert [each.service for each in silent(page(alice), now=database_now() + timedelta(days=2.6))] == ["search"]


def test_a_silence_is_told_to_nobody_who_may_not_see_the_service(client, bob, shop, page):
    from catalog.commands import permissions_update
    from catalog.queries import blueprint
    from deployments.queries import silent

    regular("search", 9, 4)
    assert silent(page(bob), now=database_now())
    permissions_update(blueprint("service"), {"read": {"roles": ["Admin"]}}, by=SETUP)
    assert silent(page(bob), now=database_now()) == []


def test_flags_break_no_silence(shop, page, alice):
    from deployments.queries import silent

    regular("search", 9, 4)
    at = database_now().isoformat()
    report("search", version="flag-on", kind="flag", started_at=at, finished_at=at)
    assert [each.service for each in silent(page(alice), now=database_now())] == ["search"]
