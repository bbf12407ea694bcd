"""The pages and the routes that say where commits are."""

import re
from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog import queries as catalog
from catalog.commands import permissions_update
from deployments.queries.features import feature
from deployments.tables import verdict
from portal.kit.clock import database_now
from tests.conftest import SETUP, write
from tests.deployments.test_commits import A, B, C, D, change
from tests.deployments.test_presence import by, deploy
from tests.deployments.test_reports import report

__all__ = ["by"]


@pytest.fixture
def alices(client, alice):
    client.force_login(alice)
    return client


@pytest.fixture
def delivered(shop):
    """The ticket is in production with search, and no further than staging with checkout."""
    deploy(A, at=0)
    deploy(C, change(C, "PAY-1: two", B), change(B, "PAY-1: one (#7)", A, author="Alice"), at=1, previous=A, environment="staging")  # fmt: skip
    deploy(D, change(D, "PAY-1: found", A), at=3, previous=A, service="search", actor="Priya")


def html(client, path, status=200):
    answer = client.get(path)
    assert answer.status_code == status, path
    return answer.content.decode()


def test_the_page_of_a_commit_says_where_since_when_and_by_whom(delivered, alices):
    page = html(alices, f"/deployments/commits?q={B[:9]}")
    assert "PAY-1: one (#7)" in page and "Not in" in page and "cccc" in page and "Dana" in page
    assert "/catalog/deployment/" in page and 'href="/deployments/features/PAY-1"' in page


def test_what_is_not_known_is_owned_up_to(delivered, alices):
    page = html(alices, "/deployments/commits?q=0123456789")
    assert "Unknown: no such commit is known here" in page and "Not in" not in page


def test_the_page_of_a_ticket_answers_in_one_line(delivered, alices):
    page = html(alices, "/deployments/features/PAY-1")
    told = "PAY-1 has not reached production everywhere. It is there in 1 of 2 services. Still out: Checkout (0 of 2 changes, all in staging)."
    assert told in page and "Priya" in page
    assert "No commit of PAY-2 is known here." in html(alices, "/deployments/features/PAY-2")
    html(alices, "/deployments/features/pay", 404)
    html(alices, "/deployments/features/%00", 400)


def test_the_line_says_when_all_of_it_is_there_or_nobody_can_tell(delivered, by):
    deploy(C, at=4, previous=A)
    assert (
        verdict(feature(by, "PAY-1"))["text"] == "PAY-1 is in production everywhere: all its changes in all 2 services."
    )
    deploy("9" * 40, change("9" * 40, "Else", "8" * 40), at=5, previous="8" * 40)
    assert verdict(feature(by, "PAY-1"))["text"].startswith("Whether PAY-1 is in production everywhere cannot be told.")


def test_a_line_tells_what_was_reverted(shop, by):
    deploy(B, change(B, "PAY-1: one", A), at=1, previous=A)
    deploy(C, change(C, f"This reverts commit {B}.", B), at=2, previous=B)
    assert "Still out: Checkout (reverted)." in verdict(feature(by, "PAY-1"))["text"]


def test_ones_own_page_has_what_waits_and_who_else_brought_it(delivered, alices):
    page = html(alices, "/deployments/mine")
    assert "PAY-1: one (#7)" in page and "PAY-1: two" not in page and "PAY-1: found" not in page


def test_what_went_through_two_environments_alike_is_one_line_of_ones_own_page(delivered, alices):
    now = database_now().isoformat()
    mine = change("e" * 40, "PAY-2: mine", A, author="Alice")
    for environment in ("staging", "production"):
        report("2.0", commit="e" * 40, previous_commit=A, service="search", actor="Priya", environment=environment, finished_at=now, changes=[mine])  # fmt: skip
    brought = html(alices, "/deployments/mine").split("Deployed by others")[1]
    assert brought.count("PAY-2: mine") == 1
    assert ">production</a>" in brought and ">staging</a>" in brought
    assert 'href="/catalog/service/entities/search"' in brought


def test_all_commits_of_a_person_are_reached_page_by_page(shop, alices):
    shas = [f"{number:040x}" for number in range(1, 24)]
    deploy(shas[-1], *[change(each, f"Step {each[-2:]}.", author="Priya Raman") for each in shas], at=1)
    seen, url = [], "/deployments/commits?q=priya"
    while url:
        page = html(alices, url)
        seen += re.findall(r'id="commit-([0-9a-f]{40})"', page)
        older = re.search(r'rel="next" href="([^"]+)"', page)
        url = f"/deployments/commits{unescape(older[1])}" if older else ""
    assert len(seen) == 23 and set(seen) == set(shas)
    assert html(alices, "/deployments/commits?q=priya&before=9;x").count('id="commit-') == 20


def test_who_has_no_commits_is_told_when_a_commit_is_his(delivered, client, charlie):
    client.force_login(charlie)
    assert "No commit of yours is known here" in html(client, "/deployments/mine")


def test_the_line_says_where_a_change_was_taken_back(shop, by):
    deploy(A, at=0)
    deploy(C, change(C, f"This reverts commit {B}.", B), change(B, "PAY-1: one", A), at=1, previous=A, environment="staging")  # fmt: skip
    assert "Still out: Checkout (0 of 1 change, reverted in staging)." in verdict(feature(by, "PAY-1"))["text"]


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("PAY-1", "/deployments/features/PAY-1"),
        ("pay-1", "/deployments/features/PAY-1"),
        ("#7", "/deployments/commits?q=%237"),
        (B[:8], f"/deployments/commits?q={B[:8]}"),
        ("checkout", "/deployments/?q=checkout"),
        ("0123456789", "/deployments/?q=0123456789"),
        ("an odd name", "/search?q=an+odd+name"),
        ("", "/deployments/"),
    ],
)
def test_the_search_at_the_top_leads_to_commits_and_tickets(delivered, alices, text, where):
    answer = alices.get("/deployments/find", {"q": text})
    assert (answer.status_code, answer["Location"]) == (302, where)


def test_programs_are_told_where_a_commit_is(delivered, ci):
    answer = ci.get("deployments/commits", q=B)
    [commit] = answer.json["commits"]
    assert (answer.status, answer.json["kind"], commit["pull_request"], commit["tickets"]) == (
        200,
        "sha",
        "7",
        ["PAY-1"],
    )
    assert [(one["environment"], one["state"]) for one in commit["places"]] == [
        ("staging", "in"),
        ("production", "out"),
    ]
    assert commit["places"][0]["deployment"]["actor"] == "Dana"
    before = ci.get("deployments/commits", q=B, at="2026-03-02T12:00:30Z").json["commits"][0]["places"]
    assert [(one["environment"], one["state"]) for one in before] == [("production", "out")]
    assert ci.get("deployments/commits", q="0123456789").json["commits"] == []
    assert ci.get("deployments/commits").status == 422
    assert ci.get("deployments/commits", q=B, at="noon").status == 422


def test_programs_are_told_how_far_a_ticket_has_come(delivered, ci):
    told = ci.get("deployments/features/PAY-1").json["feature"]
    assert (told["in_production"], [each["in_production"] for each in told["services"]]) == (False, [False, True])
    reach = {
        one["environment"]: (one["there"], one["total"], one["state"]) for one in told["services"][0]["environments"]
    }
    assert reach == {"staging": (2, 2, "all"), "production": (0, 2, "none")}
    assert ci.get("deployments/features/nothing").status == 422


@pytest.mark.parametrize("path", ["commits?q=PAY-1", "features/PAY-1", "mine", f"commits?q={B}"])
def test_a_service_that_one_may_not_see_is_on_no_page(delivered, client, charlie, path):
    permissions_update(catalog.blueprint("service"), {"read": {"ownedByTeam": True, "roles": []}}, by=SETUP)
    client.force_login(charlie)
    page = html(client, f"/deployments/{path}")
    assert "PAY-1: " not in page and "/catalog/service/entities/checkout" not in page


@pytest.mark.parametrize("path", ["commits?q=PAY-1", "features/PAY-1", "mine"])
def test_fifty_commits_and_services_ask_as_often_as_one(delivered, alices, path):
    def asked():
        with CaptureQueriesContext(connection) as captured:
            html(alices, f"/deployments/{path}")
        return len(captured)

    asked()
    first = asked()
    for number in range(10):
        write("service", f"s{number}")
        changes = [change(f"{number}{place}" + "e" * 38, f"PAY-1: {place}", A, author="Alice") for place in range(5)]
        for environment in ("staging", "production"):
            deploy(changes[0]["sha"], *changes, at=number, service=f"s{number}", environment=environment)
    assert asked() == first


def test_v1_refuses_to_tell_where_a_commit_will_be(delivered, ci):
    answer = ci.get("deployments/commits", q="PAY-12", at="2100-01-01T00:00:00Z")
    assert answer.status == 422 and "future" in answer.json["message"]
