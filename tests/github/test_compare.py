"""A deployment that was reported without commits gets them from GitHub."""

import pytest

from catalog.models import Entity
from deployments.models import Commit, Deployment
from deployments.queries.lineage import between
from portal.audit.models import Delivery, Event
from tests.conftest import write
from tests.deployments.test_reports import report
from tests.github.conftest import work

BASE, HEAD = "a" * 40, f"{3:040x}"


def commit(number, parent, **more):
    return {
        "sha": f"{number:040x}",
        "commit": {
            "message": f"PAY-{number}: Work (#{number})",
            "author": {"name": "Dana", "date": "2026-02-03T10:00:00Z"},
            "committer": {"name": "GitHub", "date": "2026-02-03T14:00:00Z"},
        },
        "parents": [{"sha": parent}],
    } | more


@pytest.fixture
def reading(github, settings, checkout):
    """A portal with a token that reads larder/checkout, where three commits lead from BASE to HEAD."""
    settings.GITHUB_TOKEN = "github_pat_reads"
    write_repository(f"{github.url}/larder/checkout")
    line = [commit(1, BASE), commit(2, f"{1:040x}"), commit(3, f"{2:040x}")]
    github.compared[f"/repos/larder/checkout/compare/{BASE}...{HEAD}"] = line
    return github


def write_repository(address):
    write("service", "checkout", mode="patch", properties={"repository": address})


def shas(made):
    made.refresh_from_db()
    return [each["sha"] for each in made.changes]


def test_the_commits_come_from_github_newest_first(reading):
    made = report("1.1", commit=HEAD, previous_commit=BASE).deployment
    work()
    assert shas(made) == [f"{number:040x}" for number in (3, 2, 1)]
    newest = Commit.objects.get(sha=HEAD)
    assert (newest.author, newest.pull_request, newest.title) == ("Dana", "3", "PAY-3: Work (#3)")
    service = Entity.objects.get(blueprint__identifier="service", identifier="checkout").pk
    assert [each.sha for each in between(service, BASE, HEAD).added] == shas(made)
    assert Event.objects.filter(name="deployment.filled").count() == 1


def test_what_was_live_before_stands_for_a_previous_commit_that_nobody_named(reading):
    report("1.0", commit=BASE, at=0)
    made = report("1.1", commit=HEAD, at=1).deployment
    work()
    assert len(shas(made)) == 3


def test_many_commits_come_in_pages_and_of_very_many_the_newest(reading):
    line = [commit(number, f"{number - 1:040x}") for number in range(1, 731)]
    head = line[-1]["sha"]
    reading.compared[f"/repos/larder/checkout/compare/{BASE}...{head}"] = line
    made = report("1.1", commit=head, previous_commit=BASE).deployment
    work()
    assert len(shas(made)) == 500 and shas(made)[0] == head
    assert len(reading.asked) == 7


@pytest.mark.parametrize(
    "more",
    [
        {"changes": [{"sha": HEAD}]},
        {"status": "failure"},
        {"previous_commit": ""},
        {"previous_commit": HEAD},
        {"commit": "r1042"},
        {"service": "search"},
    ],
)
def test_github_is_not_asked_where_there_is_nothing_to_ask(reading, more):
    report("1.1", **{"commit": HEAD, "previous_commit": BASE} | more)
    work()
    assert reading.asked == [] and not Event.objects.filter(name="deployment.filled").exists()


@pytest.mark.parametrize(
    "repository",
    [
        "https://elsewhere.example/larder/checkout",
        "{}/larder",
        "{}/larder/..",
        "{}/larder/...git",
        "{}/larder/..git/",
        "{}/a/b/c",
        7,
        "",
    ],
)
def test_a_repository_elsewhere_is_not_asked_for(reading, repository):
    address = repository.format(reading.url) if isinstance(repository, str) else repository
    rows = Entity.objects.filter(blueprint__identifier="service", identifier="checkout")
    rows.update(properties={"repository": address})
    made = report("1.1", commit=HEAD, previous_commit=BASE).deployment
    work()
    assert reading.asked == [] and shas(made) == []


def test_without_a_token_nothing_is_owed(github, checkout):
    write_repository(f"{github.url}/larder/checkout")
    report("1.1", commit=HEAD, previous_commit=BASE)
    assert not Delivery.objects.filter(subscriber="github.compare").exists()


@pytest.mark.parametrize(
    "answer",
    [
        (404, {"message": "Not Found"}),
        (401, {"message": "Bad credentials"}),
        (422, {"message": "No common ancestor"}),
        (302, {"message": "Moved"}),
    ],
)
def test_a_refusal_leaves_the_deployment_as_it_was(reading, answer):
    reading.answers = [answer]
    made = report("1.1", commit=HEAD, previous_commit=BASE).deployment
    work()
    delivery = Delivery.objects.get(subscriber="github.compare")
    assert shas(made) == [] and delivery.state in ("done", "parked")
    assert Deployment.objects.get().status == "success"


@pytest.mark.parametrize(
    "answer", [(503, {"message": "Down"}), (200, {"commits": "none"}), (200, [1]), (200, {"total_commits": 3})]
)
def test_what_is_no_answer_is_asked_for_again(reading, answer):
    reading.answers = [answer]
    made = report("1.1", commit=HEAD, previous_commit=BASE).deployment
    work()
    assert len(shas(made)) == 3


def test_odd_commits_in_an_answer_are_left_out(reading):
    odd = [1, {}, {"sha": "x"}, commit(2, BASE, commit=None), commit(9, BASE, parents=None)]
    dated = commit(3, BASE)
    dated["commit"]["committer"]["date"] = "long ago"
    reading.compared[f"/repos/larder/checkout/compare/{BASE}...{HEAD}"] = [*odd, dated]
    made = report("1.1", commit=HEAD, previous_commit=BASE).deployment
    work()
    assert shas(made) == [HEAD] and "committed_at" not in made.changes[0]


def test_a_report_that_brings_commits_meanwhile_keeps_them(reading):
    made = report("1.1", commit=HEAD, previous_commit=BASE, run="1").deployment
    report("1.1", commit=HEAD, previous_commit=BASE, run="1", changes=[{"sha": HEAD, "message": "Own"}])
    work()
    assert shas(made) == [HEAD] and made.changes[0]["message"] == "Own"
