"""The four keys: what each counts, what it leaves out and why."""

from datetime import UTC, date, datetime, timedelta
from itertools import permutations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deployments.commands import deployment_report
from deployments.models import Commit, Deployment
from deployments.queries.dora import Scope, Span, bucket, dora, edge, page_of, rows_of, with_deployments
from portal.kit.clock import database_now, iso
from tests.conftest import SETUP, write

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)
SPAN = Span.of_days(30, now=NOW)
PRODUCTION = Scope()


def report(version, *, at, status="success", service="checkout", environment="production", **more):
    """`at`: hours before NOW."""
    ended = (NOW - timedelta(hours=at)).isoformat()
    body = {
        "service": service,
        "environment": environment,
        "version": version,
        "commit": f"{version:0>8}".replace(".", "a"),
    }
    body |= {
        "status": status,
        "finished_at": ended,
        "ci": {"provider": "github", "run": f"{version}-{at}-{status}"},
    } | more
    return deployment_report(body, by=SETUP).deployment


def counted(**scope):
    return dora(SETUP, Scope(**scope), SPAN).numbers


def test_frequency_counts_successes_that_bring_something_and_says_why_the_rest_is_left_out(shop):
    report("1.0", at=100)
    report("1.1", at=90)
    report("1.1", at=80)
    report("1.0", at=70)
    report("1.2", at=60, status="failure")
    report("1.2", at=50, status="rolled_back")
    report("1.2", at=40, status="cancelled")
    report("1.2", at=30, status="in_progress", finished_at=None, started_at=(NOW - timedelta(hours=30)).isoformat())
    report("flag-on", at=20, kind="flag")
    report("1.3", at=24 * 31)
    report("1.3", at=10, environment="staging")
    found = counted()
    assert found.deployed == 3, "1.0, 1.1 and the redeploy of 1.1"
    assert found.left_out["frequency"] == {
        "rollback": 1, "failed": 1, "rolled_back": 1, "cancelled": 1, "unfinished": 1, "kind": 1,
    }  # fmt: skip


def test_what_is_undone_by_a_rollback_has_failed_and_the_rollback_is_no_change(shop):
    report("1.0", at=100)
    report("1.1", at=90)
    report("1.2", at=80)
    report("1.1", at=78)
    found = counted()
    assert (found.changes, found.failed, found.deployed) == (3, 1, 3), "1.2 has failed, and is deployed all the same"
    assert found.left_out["change_failure"] == {"rollback": 1}
    assert (found.restore.count, found.restore.median) == (1, 2 * 3600)


def test_a_rollback_convicts_what_was_live_and_nothing_before_it(shop):
    for version, at in (("1.0", 100), ("1.1", 90), ("1.2", 80), ("1.0", 70)):
        report(version, at=at)
    assert counted().failed == 1


def test_an_outage_lasts_from_its_first_failure_to_the_next_success(shop):
    report("1.0", at=100)
    report("1.1", at=90, status="failure")
    report("1.1", at=88, status="failure")
    report("1.1", at=86)
    report("1.2", at=50, status="failure")
    found = counted()
    assert (found.changes, found.failed) == (5, 3)
    assert (found.restore.count, found.restore.median) == (1, 4 * 3600)
    assert found.left_out["restore"] == {"part": 1, "open": 1}


def test_a_rollback_after_the_span_still_says_that_the_change_before_it_failed(shop):
    report("1.0", at=100)
    report("1.1", at=2)
    report("1.0", at=-0.05, finished_at=(NOW + timedelta(minutes=3)).isoformat())
    assert counted().failed == 1


def test_an_outage_that_began_before_the_span_is_not_counted_again(shop):
    report("1.0", at=24 * 40)
    report("1.1", at=24 * 31, status="failure")
    report("1.1", at=24 * 20, status="failure")
    report("1.2", at=24 * 19)
    found = counted()
    assert (found.failed, found.restore.count) == (1, 0)
    assert found.left_out["restore"] == {"part": 1}


def test_nothing_deployed_is_no_number(shop):
    found = counted()
    assert (found.deployed, found.failure_rate, found.restore.median, found.lead_time.median) == (0, None, None, None)
    assert found.bucket == "yearly"


@pytest.mark.parametrize(
    ("days", "word"),
    [
        (range(30), "daily"),
        (range(0, 30, 2), "daily"),
        (range(0, 30, 7), "weekly"),
        ([3], "monthly"),
        ([], "yearly"),
    ],
)
def test_the_bucket_follows_the_median_week(days, word):
    assert bucket(SPAN, {(NOW - timedelta(days=n)).date() for n in days}) == word


def test_weeks_begin_on_mondays_and_the_cut_ones_are_said_to_be_so(shop):
    report("1.0", at=1)
    weeks = counted().weeks
    assert [each.starts.isoformat() for each in weeks] == [
        "2026-03-02",
        "2026-03-09",
        "2026-03-16",
        "2026-03-23",
        "2026-03-30",
    ]
    assert [each.whole for each in weeks] == [True, True, True, True, False]
    assert [each.deployed for each in weeks] == [0, 0, 0, 0, 1]


def test_a_scope_is_a_service_a_team_a_tier_or_an_environment(shop):
    report("1.0", at=10)
    report("1.0", at=9, service="search")
    report("1.0", at=8, environment="staging")
    assert counted().deployed == 2
    assert counted(service="checkout").deployed == 1
    assert counted(team="payments").deployed == 1
    assert counted(tier="staging").deployed == 1
    assert counted(tier="").deployed == 3
    assert counted(environment="staging").deployed == 1
    assert counted(service="nothing").deployed == 0


def test_the_page_shows_the_numbers_and_every_number_leads_to_its_rows(shop, client, bob):
    client.force_login(bob)
    now = database_now()
    ago = lambda hours: {"finished_at": iso(now - timedelta(hours=hours))}  # noqa: E731
    report("1.0", at=0, **ago(50))
    report("1.1", at=0, **ago(40))
    report("1.0", at=1, **ago(30))
    report("1.2", at=0, status="failure", **ago(20))
    html = client.get("/deployments/dora").content.decode()
    assert "66.7%" in html and "2 of 3 changes" in html
    assert 'href="/deployments/dora/change_failure?failed=1"' in html
    rows = client.get("/deployments/dora/change_failure?failed=1").content.decode()
    assert "undone" in rows and "1.2" in rows and ">1.1<" in rows
    left = client.get("/deployments/dora/frequency?reason=rollback").content.decode()
    assert "puts back what ran there before" in left and ">1.0<" in left and ">1.1<" not in left
    assert "Not mended yet" in client.get("/deployments/dora/restore").content.decode()


@pytest.mark.parametrize(
    "query",
    [
        "days=x",
        "days=99999999",
        "from=2026-02-31",
        "from=2026-03-02&to=2026-03-01",
        "tier=moon",
        "to=0001-01-01",
        "to=0001-01-20",
    ],
)
def test_a_page_that_is_asked_for_nonsense_says_so_and_shows_what_is_usual(shop, client, bob, query):
    client.force_login(bob)
    answer = client.get(f"/deployments/dora?{query}")
    assert answer.status_code == 200
    assert "Shown is what is usual" in answer.content.decode()


def sha(number):
    return f"{number:040x}"


def change(number, ago=None):
    """A commit made `ago` hours before NOW, or nobody knows when."""
    at = {"committed_at": (NOW - timedelta(hours=ago)).isoformat()} if ago is not None else {}
    return {"sha": sha(number), "message": f"Change {number}"} | at


def ship(head, *changes, at, **more):
    """Reports commit `head` with its changes, newest first."""
    listed = [change(*each) if isinstance(each, tuple) else change(each) for each in changes]
    return report(str(head), at=at, **{"commit": sha(head), "changes": listed} | more)


def test_lead_time_is_from_each_commit_to_the_first_success_that_contains_it(shop):
    ship(1, (1, 500), at=100)
    ship(3, (3, 96), (2, 98), at=90, previous_commit=sha(1))
    ship(4, (4, 80), at=70, status="failure", previous_commit=sha(3))
    ship(5, (5, 65), at=60, previous_commit=sha(4))
    ship(3, at=50)
    ship(5, at=40)
    lead = dora(SETUP, PRODUCTION, SPAN).lead
    waited = {each.sha: each.seconds / 3600 for each in lead.counted}
    assert waited == {sha(3): 6, sha(2): 8, sha(4): 20, sha(5): 5}
    assert lead.left_out == {"first": 1, "failed": 1, "rollback": 2}
    assert counted().lead_time.median == 7 * 3600


def test_commits_without_a_time_or_younger_than_their_deployment_are_left_out_with_the_reason(shop):
    ship(1, at=100)
    ship(4, (4, 10), (3,), (2, 95), at=90, previous_commit=sha(1))
    report("5.0", at=80, commit="")
    report("5.1", at=70, commit="build-7")
    lead = dora(SETUP, PRODUCTION, SPAN).lead
    assert [each.sha for each in lead.counted] == [sha(2)]
    assert lead.left_out == {"first": 1, "no_time": 1, "negative": 1, "no_commit": 2}


def test_a_commit_waits_in_each_place_for_itself(shop):
    for environment, later in (("staging", 0), ("production", 20)):
        ship(1, (1, 500), at=150 - later, environment=environment)
        ship(2, (2, 110), at=100 - later, environment=environment)
    assert counted().lead_time.median == 30 * 3600
    assert counted(tier="staging").lead_time.median == 10 * 3600
    assert counted(tier="").lead_time.count == 2


def test_what_was_there_before_the_span_is_not_new_in_it(shop):
    ship(2, (2, 24 * 36), (1, 24 * 37), at=24 * 35)
    ship(1, at=24 * 34)
    ship(2, at=24 * 20)
    ship(3, (3, 24 * 11), at=24 * 10, previous_commit=sha(2))
    found = dora(SETUP, PRODUCTION, SPAN)
    assert [each.sha for each in found.lead.counted] == [sha(3)]


def test_any_order_and_any_repetition_of_the_reports_makes_the_same_numbers(shop):
    def told():
        numbers = counted(tier="")
        return (numbers.deployed, numbers.changes, numbers.failed, numbers.lead_time, numbers.restore, numbers.left_out)

    reports = [
        lambda s, e: ship(1, (1, 500), at=100, service=s, environment=e),
        lambda s, e: ship(3, (3, 96), (2, 98), at=90, previous_commit=sha(1), service=s, environment=e),
        lambda s, e: ship(4, (4, 80), at=70, status="failure", previous_commit=sha(3), service=s, environment=e),
        lambda s, e: ship(5, (5, 65), (4, 80), at=60, previous_commit=sha(3), service=s, environment=e),
        lambda s, e: ship(3, at=50, service=s, environment=e),
        lambda s, e: ship(6, (6, 49), at=50, previous_commit=sha(5), fence=3, service=s, environment=e),
    ]
    seen = set()
    for number, order in enumerate(permutations(range(6))):
        if number % 97:
            continue
        Deployment.objects.all().delete()
        Commit.objects.all().delete()
        for each in (*order, order[0]):
            reports[each]("checkout", "production")
        seen.add(repr(told()))
    assert len(seen) == 1, seen


def test_a_program_reads_the_numbers_and_pages_through_their_rows(shop, ci):
    now = database_now()
    for number in range(5):
        report(f"1.{number}", at=number, finished_at=iso(now - timedelta(hours=5 - number)))
    found = ci.get("deployments/dora", service="checkout", tier="all").json["dora"]
    assert (found["frequency"]["deployments"], found["change_failure"]["rate"]) == (5, 0.0)
    seen, after = [], ""
    while after is not None:
        page = ci.get("deployments/dora/frequency", limit="2", after=after).json
        seen += [each["deployment"]["version"] for each in page["rows"]]
        after = page["next"]
    assert seen == ["1.4", "1.3", "1.2", "1.1", "1.0"]


@pytest.mark.parametrize(
    ("path", "params", "status"),
    [
        ("deployments/dora", {"days": "0"}, 422),
        ("deployments/dora", {"from": "yesterday"}, 422),
        ("deployments/dora", {"from": "0001-01-01", "to": "9999-12-31"}, 422),
        ("deployments/dora", {"tier": "moon"}, 422),
        ("deployments/dora", {"service": "chekout"}, 404),
        ("deployments/dora", {"environment": "moon"}, 404),
        ("deployments/dora/beauty", {}, 404),
        ("deployments/dora/frequency", {"reason": "first"}, 422),
        ("deployments/dora/frequency", {"after": "x"}, 422),
        ("deployments/dora/frequency", {"limit": "9999"}, 422),
    ],
)
def test_a_program_that_asks_for_nonsense_is_told_what_would_be_right(shop, ci, path, params, status):
    assert ci.get(path, **params).status == status


def test_the_numbers_take_as_many_statements_for_fifty_pairs_as_for_one(shop):
    def statements():
        with CaptureQueriesContext(connection) as asked:
            found = dora(SETUP, PRODUCTION, SPAN)
            found.numbers  # noqa: B018
            list(with_deployments(rows_of(found, "lead_time")))
        return len(asked)

    ship(1, (1, 500), at=100)
    ship(2, (2, 99), at=90, previous_commit=sha(1))
    one = statements()
    for number in range(50):
        write("service", f"s{number}")
        ship(1, (1, 500), at=100, service=f"s{number}")
        ship(2, (2, 99), at=90, previous_commit=sha(1), service=f"s{number}")
    assert statements() == one


def test_what_a_viewer_may_not_see_is_in_no_number_and_in_no_row(shop, page, charlie, terraform):
    report("1.0", at=10)
    report("1.0", at=10, service="search")
    hide = {"read": {"ownedByTeam": True}}
    assert terraform.send("patch", "blueprints/service/permissions", {"entities": hide}).status == 200
    found = dora(page(charlie), PRODUCTION, SPAN)
    assert found.rows == [] and found.numbers.deployed == 0
    assert dora(SETUP, PRODUCTION, SPAN).numbers.deployed == 2


def test_a_page_goes_on_behind_a_row_that_has_gone(shop):
    rows = [report(f"1.{number}", at=50 - number) for number in range(3)][::-1]
    listed = rows_of(dora(SETUP, PRODUCTION, SPAN), "frequency")
    after = edge(SETUP, str(rows[1].public_id))
    for some in (listed, [each for each in listed if each.deployment != rows[1].pk]):
        page, more = page_of(some, after=after, size=5)
        assert ([each.deployment for each in page], more) == ([rows[2]], False)


def test_a_month_of_a_span_of_whole_days_ends_with_its_last_day():
    days = {date(2026, 2, 1), date(2026, 3, 28)}
    span = Span(datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 3, 29, tzinfo=UTC))
    assert bucket(span, days) == "monthly", "56 days, each half with a deployment"


def test_the_rows_of_a_reason_that_there_are_none_of_any_more_are_an_empty_page(shop, client, bob):
    client.force_login(bob)
    answer = client.get("/deployments/dora/lead_time?reason=negative")
    assert answer.status_code == 200 and "younger than their deployment" in answer.content.decode()
