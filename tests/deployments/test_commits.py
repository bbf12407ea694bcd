"""The commits of a service, as reports tell of them."""

import itertools
import threading
import time

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from catalog.models import Entity
from deployments import messages
from deployments.models import Commit, CommitTicket, Deployment
from deployments.queries.lineage import between, contains
from portal.kit.errors import Invalid
from tests.deployments.test_reports import report

A, B, C, D, E, F = (letter * 40 for letter in "abcdef")


def change(sha, message="", *parents, told=True, **more):
    return {"sha": sha, "message": message} | ({"parents": list(parents)} if told else {}) | more


def told(*changes, head, version="", **more):
    return report(version or head[:7], commit=head, changes=list(changes), **more)


def checkout():
    return Entity.objects.get(blueprint__identifier="service", identifier="checkout").pk


def rows():
    fields = ("sha", "message", "author", "parents", "chained", "reaches", "pull_request")
    return sorted(Commit.objects.values_list(*fields)), sorted(CommitTicket.objects.values_list("key", "commit__sha"))


def step(old, new):
    found = between(checkout(), old, new)
    return [each.sha for each in found.added], [each.sha for each in found.removed], found.complete


def test_the_changes_of_a_report_become_commits_with_their_tickets_and_pull_requests(shop):
    told(
        change(B, "PAY-7: Round up (#12)", A, author="Dana", committed_at="2026-03-01T10:00:00+01:00", patch_id=D),
        head=B,
        previous_commit=A,
    )
    commit = Commit.objects.get(sha=B)
    assert (commit.author, commit.pull_request, commit.parents, commit.patch_id) == ("Dana", "12", [A], D)
    assert commit.committed_at.isoformat() == "2026-03-01T09:00:00+00:00"
    assert [each.key for each in commit.tickets.all()] == ["PAY-7"]


def test_changes_without_parents_stand_on_each_other_and_the_oldest_on_what_was_there_before(shop):
    told(change(C, told=False), change(B, told=False), head=C, previous_commit=A)
    assert step(A, C) == ([C, B], [], True)


def test_a_list_that_ends_with_what_was_deployed_is_read_from_its_end(shop):
    told(change(B, told=False), change(C, told=False), head=C, previous_commit=A)
    assert step(A, C) == ([C, B], [], True)


def test_what_was_deployed_is_a_commit_although_the_changes_leave_it_out(shop):
    told(change(B, told=False), head=C, previous_commit=A, message="Merge it")
    assert step(A, C) == ([C, B], [], True)
    assert Commit.objects.get(sha=C).message == "Merge it"


def test_any_order_and_repetition_of_reports_comes_to_the_same_commits(shop):
    reports = [
        lambda: told(change(B, "PAY-1: Fix", told=False), head=B, previous_commit=A, run="1"),
        lambda: told(change(C, "More", B), change(B, "PAY-1: Fix\n\nPAY-2", A), head=C, previous_commit=A, run="2"),
        lambda: told(change(D, "Side", told=False), head=D[:9], previous_commit=B[:7], run="3", ref="x/PAY-3-y"),
        lambda: told(change(E, "", C, D), change(D, "", A), head=E, previous_commit=C, boundary=[A], run="4"),
    ]
    seen = set()
    for order in itertools.permutations(reports):
        Commit.objects.all().delete()
        Deployment.objects.all().delete()
        Entity.objects.filter(blueprint__identifier__in=["deployment", "deploymentConfig"]).delete()
        for each in [*order, *order[:2]]:
            each()
        seen.add(str((rows(), step(B, E), step(E, A))))
    assert len(seen) == 1


def test_what_git_says_counts_before_the_order_of_a_list(shop):
    told(change(D, told=False), change(C, told=False), head=D, previous_commit=B)
    assert contains(checkout(), D, C) is True
    told(change(D, "", B), change(C, "", B), head=D, environment="staging")
    assert contains(checkout(), D, C) is False


def test_a_merged_branch_is_in_and_its_sister_is_not(shop):
    told(change(E, "", B, C), change(C, "", A), change(B, "", A), head=E, previous_commit=A)
    told(change(D, "", A), head=D, previous_commit=A, environment="staging")
    assert contains(checkout(), E, C) is True
    assert contains(checkout(), E, D) is False
    assert step(D, E) == ([E, C, B], [D], True)


def test_a_rollback_takes_away_what_was_added(shop):
    told(change(C, "", B), change(B, "", A), head=C, previous_commit=A)
    report("old", commit=A, previous_commit=C)
    assert step(C, A) == ([], [C, B], True)


def test_a_hole_is_owned_up_to(shop):
    told(change(B, "", A), head=B, previous_commit=A)
    told(change(E, "", D), head=E, previous_commit=D)
    assert step(B, E)[2] is False
    assert contains(checkout(), E, B) is None
    assert contains(checkout(), E, F) is None


def test_where_a_branch_began_in_what_was_there_before_is_no_hole(shop):
    """F is older than A, and nobody tells of the commits between."""
    merge = [change(E, "", A, C), change(C, "", F)]
    told(*merge, head=E, previous_commit=A, run="1")
    assert step(A, E) == ([E, C], [], False)
    told(*merge, head=E, previous_commit=A, boundary=[A, F], run="2")
    assert step(A, E) == ([E, C], [], True)


def test_history_is_known_and_is_no_change(shop):
    older = [change(C, "PAY-1: Newest", B, A), change(B, "PAY-2: Older", A), change(A, "First")]
    made = report("1.0", commit=C, history=older).deployment
    assert made.changes == [] and contains(checkout(), C, A) is True
    assert sorted(CommitTicket.objects.values_list("key", flat=True)) == ["PAY-1", "PAY-2"]
    told(change(D, "", C), head=D, previous_commit=C)
    assert step(A, D) == ([D, C, B], [], True)
    assert contains(checkout(), C, D) is False


def test_a_short_sha_is_the_long_one_that_begins_with_it(shop):
    told(change(B[:7], "Short", told=False), head=B[:7], previous_commit=A[:8])
    told(change(C, "", B), head=C, previous_commit=B)
    assert step(A, C) == ([C, B[:7]], [], True)
    told(change(B, "Long", A), head=B, previous_commit=A)
    assert step(A[:7], C[:10]) == ([C, B], [], True)
    assert contains(checkout(), C, B[:7]) is True


def test_a_short_sha_that_fits_two_is_neither(shop):
    one, other = "abcdef1" + "0" * 33, "abcdef1" + "1" * 33
    told(change(one, "", A), head=one)
    told(change(other, "", A), head=other)
    assert contains(checkout(), one, "abcdef1") is None


def test_commits_of_two_services_are_apart(shop):
    told(change(B, "", A), head=B)
    told(change(B, "", C), head=B, service="search")
    assert contains(checkout(), B, C) is None
    assert Commit.objects.filter(sha=B).count() == 2


def test_commits_and_their_tickets_cost_a_report_one_statement(shop):
    def asked(*changes):
        with CaptureQueriesContext(connection) as captured:
            told(*changes, head=B, previous_commit=A)
        return [each["sql"] for each in captured.captured_queries if "deployments_commit" in each["sql"]]

    assert len(asked()) == 0
    assert len(asked(change(B, "", A))) == 1
    assert len(asked(*(change(f"{number:040x}", "PAY-1", A) for number in range(50)))) == 1


@pytest.mark.django_db(transaction=True)
def test_a_ticket_of_a_commit_that_another_report_is_just_keeping_is_not_lost(shop):
    def from_the_branch():
        told(change(B, "Mend it", A), head=B, environment="staging", ref="PAY-9")
        connection.close()

    with transaction.atomic():
        told(change(B, "Mend it", A), head=B)
        other = threading.Thread(target=from_the_branch)
        other.start()
        time.sleep(0.7)
        assert other.is_alive()
    other.join()
    assert [each.key for each in Commit.objects.get(sha=B).tickets.all()] == ["PAY-9"]


def test_deployments_from_before_give_their_commits_in_batches_and_twice_is_once(shop):
    for number, sha in enumerate((B, C, D)):
        told(change(sha, f"PAY-{number + 1}", "abcd"[number] * 40), head=sha, previous_commit="abcd"[number] * 40)
    report("none", commit=E)
    kept = rows()
    Commit.objects.all().delete()
    for _ in range(2):
        call_command("backfill_commits", batch=2, verbosity=0)
        assert rows() == kept and len(kept[0]) == 3


def test_the_ticket_of_a_branch_is_that_of_its_newest_commit(shop):
    report("1.0", commit=A, ref="refs/heads/feature/SHOP-12-cheaper", message="Make it cheaper")
    assert list(CommitTicket.objects.values_list("key", "commit__sha")) == [("SHOP-12", A)]


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        ("changes.0.parents", {"parents": "abc"}),
        ("changes.0.parents", {"parents": ["a" * 101]}),
        ("changes.0.parents", {"parents": ["a"] * 101}),
        ("changes.0.committed_at", {"committed_at": "yesterday"}),
        ("changes.0.patch_id", {"patch_id": "f" * 65}),
    ],
)
def test_what_is_no_lineage_is_refused_and_leaves_nothing(shop, path, wrong):
    with pytest.raises(Invalid) as refused:
        report("1.0", commit=A, changes=[{"sha": A} | wrong])
    assert [fault["path"] for fault in refused.value.details["errors"]] == [path]
    assert not Deployment.objects.exists() and not Commit.objects.exists()


def test_a_sha_that_is_none_is_kept_with_the_deployment_and_makes_no_commit(shop):
    made = report("1.0", commit=A, changes=[{"sha": "r1042", "message": "ABC-1"}]).deployment
    assert made.changes == [{"sha": "r1042", "message": "ABC-1"}]
    assert not Commit.objects.exists()


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("PAY-12: Fix", ["PAY-12"]),
        ("Fix (PAY-12, SHOP-3) and PAY-12", ["PAY-12", "SHOP-3"]),
        ("refs/heads/feature/ABC-123-x", ["ABC-123"]),
        ("Merge pull request #12 from org/ABC-123-foo", ["ABC-123"]),
        ("Encode as UTF-8, hash with SHA-256, see RFC-2119 and CVE-2024-1234", []),
        ("pay-12 A-1 XABC-12a ABC-0 ABC-007", []),
    ],
)
def test_tickets_are_read_from_words(text, keys):
    assert messages.tickets_in(text) == keys


@pytest.mark.parametrize(
    ("message", "number"),
    [
        ("Merge pull request #12 from org/branch\n\nTitle", "12"),
        ("Round up (#34)\n\n* one\n* two (#9)", "34"),
        ("Merged in fix (pull request #5)", "5"),
        ("Merge branch 'x' into 'main'\n\nSee merge request shop/checkout!77", "77"),
        ("Fixes #8", ""),
    ],
)
def test_the_pull_request_is_read_from_the_message(message, number):
    assert messages.pull_request_of(message) == number


@pytest.mark.parametrize(
    ("told", "number"),
    [("12", "12"), ("#12", "12"), ("https://git.example/org/x/pull/12/", "12"), ("x", "")],
)
def test_the_pull_request_is_read_from_what_is_told(told, number):
    assert messages.pull_request_of("", told) == number


def test_reverts_and_picks_are_read_from_the_message():
    assert messages.reverts_of(f"Revert\n\nThis reverts commit {A}.\n\nReverts org/shop#12") == ["#12", A]
    assert messages.picked_from(f"Fix\n\n(cherry picked from commit {A})\n(cherry picked from commit {B})") == B
