"""Commits that somebody has made up to keep the portal busy."""

from datetime import UTC, datetime, timedelta

from deployments.models import Commit
from deployments.queries.kin import MOST_COPIES, Kin
from deployments.queries.lineage import Graph, Success, assumed
from deployments.queries.presence import presences
from tests.deployments.test_reports import report


def sha(number):
    return f"{number:040x}"


def test_commits_that_all_take_each_other_back_are_answered(shop, page, alice):
    ring = range(1, 31)
    told = [
        {
            "sha": sha(one),
            "message": "\n".join(f"This reverts commit {sha(other)}." for other in ring if other != one),
            "parents": [sha(one + 1)] if one + 1 in ring else [],
        }
        for one in ring
    ]
    report("1", commit=sha(1), changes=told)
    commits = list(Commit.objects.order_by("sha"))
    found = presences(page(alice), commits)
    assert {str(one.state) for places in found.values() for one in places} == {"in", "reverted"}


def test_of_any_number_of_copies_some_are_looked_at():
    rows = [Commit(pk=number, sha=sha(number), patch_id="f" * 40, message="the same") for number in range(5000)]
    kin = Kin(1, rows[:1], rows)
    assert len(kin.copies(rows[0])) == MOST_COPIES


def test_many_deployments_on_a_long_line_of_commits_are_walked_once():
    length, deployed = 20_000, 2_000
    graph = Graph({sha(n): [sha(n + 1)] for n in range(length)}, {sha(n) for n in range(length)})
    now = datetime(2026, 1, 1, tzinfo=UTC)
    place = [Success(n, 1, sha(n * 10), "", now - timedelta(hours=n)) for n in range(deployed)]
    assert assumed(graph, [place]) is None
