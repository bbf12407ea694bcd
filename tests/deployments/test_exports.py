"""Deployments taken out: as CSV, as JSON, as JSON lines, and into a calendar; and paged through at /v1."""

import csv
import io
import json
import re
from datetime import timedelta
from html import unescape

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from icalendar import Calendar

from catalog import queries as catalog
from catalog.commands import permissions_update
from deployments.commands import deployment_report
from portal.accounts.feeds import feed_renew, feed_revoke
from portal.accounts.models import Feed
from portal.kit.clock import database_now, iso
from portal.kit.errors import Refused
from tests.conftest import SETUP, events


def report(version="1.0", *, ago=1.0, **more):
    """`ago`: hours before now."""
    ended = iso(database_now() - timedelta(hours=ago))
    body = {"service": "checkout", "environment": "production", "version": version, "finished_at": ended}
    return deployment_report(body | more, by=SETUP).deployment


@pytest.fixture
def bobs(client, bob):
    client.force_login(bob)
    return client


def file(client, path):
    answer = client.get(path)
    assert answer.status_code == 200 and answer.streaming and "attachment" in answer["Content-Disposition"]
    return b"".join(answer.streaming_content).decode()


def test_a_history_is_taken_out_in_three_forms_that_say_the_same(shop, bobs):
    for number in range(3):
        report(f"1.{number}", ago=3 - number, ci={"provider": "github", "run": str(number)})
    report("1.0", environment="staging")
    path = "/deployments/export.{}?service=checkout&environment=production"
    rows = list(csv.DictReader(io.StringIO(file(bobs, path.format("csv")))))
    whole = json.loads(file(bobs, path.format("json")))
    lines = [json.loads(line) for line in file(bobs, path.format("jsonl")).splitlines()]
    assert whole == lines and [each["version"] for each in whole] == ["1.2", "1.1", "1.0"]
    assert [{**each, "attempt": int(each["attempt"])} for each in rows] == [
        {name: "" if value is None else value for name, value in each.items()} for each in whole
    ]


def test_a_spreadsheet_takes_no_text_for_a_formula(shop, bobs):
    report("=1+1", message="@SUM(A1)", actor="-2", author="+3", ref="\tx")
    [row] = csv.DictReader(io.StringIO(file(bobs, "/deployments/export.csv")))
    told = [row[name] for name in ("version", "message", "actor", "author", "ref")]
    assert all(each.startswith("'") or each[:1].isalnum() for each in told), told


def test_a_span_and_a_tier_narrow_the_file(shop, bobs):
    report("new", ago=1)
    report("old", ago=24 * 40)
    report("there", ago=1, environment="staging")
    versions = lambda query: {each["version"] for each in json.loads(file(bobs, f"/deployments/export.json?{query}"))}  # noqa: E731
    assert versions("") == {"new", "old", "there"}
    assert versions("days=30") == {"new", "there"}
    assert versions("tier=staging") == {"there"}
    assert versions("service=nothing") == set()


def test_an_empty_file_is_a_file(shop, bobs):
    assert json.loads(file(bobs, "/deployments/export.json")) == []
    assert file(bobs, "/deployments/export.jsonl") == ""
    assert file(bobs, "/deployments/export.csv").startswith("service,environment,")


@pytest.mark.parametrize(
    ("path", "status"), [("export.exe", 404), ("export.csv?days=x", 422), ("dora/beauty/rows.csv", 404)]
)
def test_a_file_that_is_asked_for_wrongly_is_refused(shop, bobs, path, status):
    assert bobs.get(f"/deployments/{path}").status_code == status


def test_a_file_is_read_in_so_many_statements_however_long_it_is(shop, bobs):
    def statements():
        with CaptureQueriesContext(connection) as asked:
            file(bobs, "/deployments/export.csv")
        return len(asked)

    report("1.0")
    one = statements()
    for number in range(50):
        report(f"2.{number}")
    assert statements() == one


def test_the_rows_of_a_key_are_taken_out_as_its_page_lists_them(shop, bobs):
    report("1.0", ago=9)
    report("1.1", ago=8)
    report("1.0", ago=7)
    rows = json.loads(file(bobs, "/deployments/dora/change_failure/rows.json?failed=1"))
    assert [(each["version"], each["failed"], each["mended_after"]) for each in rows] == [
        ("1.1", True, pytest.approx(3600, abs=5))
    ]
    left_out = list(csv.DictReader(io.StringIO(file(bobs, "/deployments/dora/frequency/rows.csv?reason=rollback"))))
    assert [each["version"] for each in left_out] == ["1.0"]


def test_who_may_not_see_a_service_takes_none_of_it_out(shop, client, charlie):
    report("1.0")
    permissions_update(catalog.blueprint("service"), {"read": {"ownedByTeam": True, "roles": []}}, by=SETUP)
    client.force_login(charlie)
    assert json.loads(file(client, "/deployments/export.json")) == []


def test_a_program_pages_through_the_history_and_meets_each_once(shop, ci):
    moment = database_now() - timedelta(hours=1)
    for number in range(5):
        report(f"1.{number}", finished_at=iso(moment))
    seen, after = [], ""
    while after is not None:
        page = ci.get("deployments", service="checkout", limit="2", after=after).json
        seen += [each["version"] for each in page["deployments"]]
        after = page["next"]
    assert seen == ["1.4", "1.3", "1.2", "1.1", "1.0"]
    assert ci.get("deployments", service="chekout").status == 404
    assert ci.get("deployments", after="x").status == 422


def subscribed(secret):
    """What a program without cookies gets."""
    return Client().get(f"/deployments/feed/{secret}/deployments.ics")


def test_a_calendar_has_the_deployments_to_production(shop, page, bob):
    report(
        "1.0", ago=5, started_at=iso(database_now() - timedelta(hours=6)), message="Retry\nwith\x07 bells", actor="Dana"
    )
    report("1.1", ago=4, status="failure")
    report("1.2", ago=3, environment="staging")
    report("flag", ago=2, kind="flag")
    report("0.1", ago=24 * 100)
    answer = subscribed(feed_renew(Feed.Kind.DEPLOYMENTS, by=page(bob)))
    assert answer.status_code == 200 and answer["Content-Type"] == "text/calendar; charset=utf-8" and not answer.cookies
    found = sorted(Calendar.from_ical(answer.content).events, key=lambda each: each.start)
    assert [str(each["SUMMARY"]) for each in found] == ["Deployed: checkout 1.0", "Failed: checkout 1.1"]
    first = found[0]
    assert (
        abs(first.end - first.start - timedelta(hours=1)) < timedelta(seconds=5) and "\x07" not in first["DESCRIPTION"]
    )
    assert first["DTSTART"].to_ical().endswith(b"Z") and first["TRANSP"] == "TRANSPARENT"


def test_the_address_is_of_this_calendar_alone_and_ends_when_it_is_revoked(shop, page, bob):
    freezes = feed_renew(by=page(bob))
    secret = feed_renew(Feed.Kind.DEPLOYMENTS, by=page(bob))
    assert subscribed(freezes).status_code == 404
    assert Client().get(f"/locks/freezes/feed/{secret}/freezes.ics").status_code == 404
    feed_revoke(Feed.Kind.DEPLOYMENTS, by=page(bob))
    assert subscribed(secret).status_code == 404
    assert Client().get(f"/locks/freezes/feed/{freezes}/freezes.ics").status_code == 200, "the other one stands"
    assert events("feed.") == ["feed.made", "feed.made", "feed.revoked"]


def test_a_program_keeps_no_calendar(shop):
    with pytest.raises(Refused):
        feed_renew(Feed.Kind.DEPLOYMENTS, by=SETUP)
    assert not Feed.objects.exists()


def test_people_make_and_end_their_address_on_the_timeline(shop, bobs):
    assert bobs.post("/deployments/feed").status_code == 303
    html = bobs.get("/deployments/timeline").content.decode()
    assert "/deployments.ics" in html
    assert bobs.post("/deployments/feed/revocation").status_code == 303
    assert "/deployments.ics" not in bobs.get("/deployments/timeline").content.decode()


def test_the_timeline_leads_to_the_files_of_its_days_and_of_all_time_of_a_service(shop, bobs):
    report("old", ago=24 * 40)
    report("new")
    html = bobs.get("/deployments/timeline?service=checkout").content.decode()
    paths = [unescape(each) for each in re.findall(r'href="(/deployments/export\.json\?[^"]*)"', html)]
    assert [len(json.loads(file(bobs, each))) for each in paths] == [1, 2]
    assert len(re.findall(r"/deployments/export\.json\?", bobs.get("/deployments/timeline").content.decode())) == 1


def test_a_calendar_calls_a_deployment_what_the_timeline_calls_it(shop, page, bob):
    for ago, version in enumerate(("1.0", "1.1", "1.0")):
        report(version, ago=9 - ago)
    report("0.9", ago=1, kind="rollback", status="failure")
    answer = subscribed(feed_renew(Feed.Kind.DEPLOYMENTS, by=page(bob)))
    found = sorted(Calendar.from_ical(answer.content).events, key=lambda each: each.start)
    words = [str(each["SUMMARY"]).partition(":")[0] for each in found]
    assert words == ["Deployed", "Deployed", "Rolled back", "Failed"]


@pytest.mark.parametrize("path", ["/deployments/export.csv", "/deployments/timeline"])
def test_the_changes_of_a_deployment_are_not_read_for_a_line_of_it(shop, bobs, path):
    """They can be a megabyte each."""
    report(changes=[{"sha": "4f2a9c1d"}])
    with CaptureQueriesContext(connection) as asked:
        answer = bobs.get(path)
        content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    assert b"1.0" in content
    assert not [each["sql"] for each in asked if '"deployments_deployment"."changes"' in each["sql"]]
