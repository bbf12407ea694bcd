"""Where a commit is, and how far a ticket has come."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog import queries as catalog
from catalog.commands import entity_delete, permissions_update
from deployments.models import Commit, Deployment
from deployments.queries.features import feature
from deployments.queries.mine import mine
from deployments.queries.presence import State, presences
from deployments.queries.search import find
from portal.kit.clock import database_now
from tests.conftest import SETUP, write
from tests.deployments.test_commits import A, B, C, D, E, F, change
from tests.deployments.test_reports import NOON, report


@pytest.fixture
def by(shop, page, alice):
    return page(alice)


def deploy(head, *changes, at, environment="production", previous="", actor="Dana", **more):
    version = more.pop("version", head[:4])
    return report(
        version, commit=head, changes=list(changes), at=at, environment=environment, previous_commit=previous,
        actor=actor, **more,
    ).deployment  # fmt: skip


def where(by, sha, *, at=None, service="checkout"):
    """{environment: (state, who brought it about)}"""
    commit = Commit.objects.filter(sha=sha, service__identifier=service).first() or find(by, sha).commits[0]
    found = presences(by, [commit], at=at)[commit.pk]
    return {one.config.environment.identifier: (str(one.state), one.since and one.since.version) for one in found}


def test_a_commit_is_in_since_the_deployment_that_brought_it(by):
    deploy(A, at=0)
    deploy(B, change(B, "Fix", A), at=1, previous=A)
    deploy(C, change(C, "More", B), at=2, previous=B)
    deploy(A, at=0, environment="staging")
    assert where(by, B) == {"production": ("in", "bbbb"), "staging": ("out", None)}
    assert where(by, C) == {"production": ("in", "cccc"), "staging": ("out", None)}


def test_a_rollback_takes_it_out_again(by):
    deploy(A, at=0)
    deploy(B, change(B, "Fix", A), at=1, previous=A)
    deploy(A, at=2, previous=B, version="back")
    assert where(by, B) == {"production": ("out", "back")}
    assert where(by, B, at=NOON + timedelta(minutes=1)) == {"production": ("in", "bbbb")}


def test_a_failed_deployment_brings_nothing(by):
    deploy(A, at=0)
    deploy(B, change(B, "Fix", A), at=1, previous=A, status="failure")
    assert where(by, B) == {"production": ("out", None)}


def test_a_reverted_commit_is_told_apart_and_a_reverted_revert_is_in_again(by):
    deploy(A, at=0)
    deploy(B, change(B, "Fix", A), at=1, previous=A)
    deploy(C, change(C, f'Revert "Fix"\n\nThis reverts commit {B}.', B), at=2, previous=B)
    assert where(by, B) == {"production": ("reverted", "cccc")}
    deploy(D, change(D, f"This reverts commit {C}.", C), at=3, previous=C)
    assert where(by, B) == {"production": ("in", "dddd")}


def test_a_pull_request_that_is_reverted_by_its_number(by):
    deploy(B, change(B, "Fix (#12)", A), at=1, previous=A)
    deploy(C, change(C, 'Revert "Fix" (#13)\n\nReverts shop/checkout#12', B), at=2, previous=B)
    assert where(by, B) == {"production": ("reverted", "cccc")}
    assert where(by, C) == {"production": ("in", "cccc")}


def test_a_cherry_pick_brings_it_by_its_words_or_by_its_patch(by):
    deploy(B, change(B, "Fix", A, patch_id=F), at=1, environment="staging", previous=A)
    deploy(A, at=0)
    deploy(C, change(C, f"Fix\n\n(cherry picked from commit {B})", A), at=2, previous=A)
    assert where(by, B) == {"staging": ("in", "bbbb"), "production": ("copied", "cccc")}
    deploy(D, change(D, "Fix anew", A, patch_id=F), at=3, previous=A)
    assert where(by, B)["production"] == ("copied", "cccc")
    commit = Commit.objects.get(sha=B)
    through = {one.config.environment.identifier: one.through for one in presences(by, [commit])[commit.pk]}
    assert through["production"].sha == D and through["staging"] is None


def test_a_revert_of_a_revert_is_no_copy_of_what_it_brings_back(by):
    deploy(A, at=0)
    deploy(B, change(B, "Fix", A, patch_id=F), at=1, previous=A)
    back = change(C, f"This reverts commit {B}.", B, patch_id=E)
    again = change(D, f"This reverts commit {C}.", C, patch_id=F)
    deploy(D, again, back, at=2, previous=B, environment="staging")
    assert where(by, D) == {"staging": ("in", "dddd"), "production": ("out", None)}
    assert where(by, B) == {"staging": ("in", "dddd"), "production": ("in", "bbbb")}


def test_what_nobody_told_of_is_unknown_and_not_out(by):
    deploy(B, change(B, "Fix", A), at=1, previous=A)
    deploy(E, change(E, "Elsewhere", D), at=2, environment="staging", previous=D)
    assert where(by, B) == {"staging": ("unknown", None), "production": ("in", "bbbb")}


def test_without_any_lineage_the_order_of_deployments_stands_in_and_says_so(by):
    for number, sha in enumerate((A, B, C)):
        deploy(sha, at=number)
    deploy(A, at=9, environment="staging")
    deploy(B, at=10, environment="staging")
    found = find(by, B)
    assert found.kind == "sha"
    there = {one.config.environment.identifier: one for one in presences(by, found.commits)[found.commits[0].pk]}
    assert there["production"].state == State.IN and there["production"].since.commit == B
    assert (there["production"].assumed, there["staging"].assumed) == (True, False)
    assert where(by, C) == {"staging": ("out", None), "production": ("in", "cccc")}


def test_a_service_that_one_may_not_see_has_no_commits(by, page, bob):
    for service in ("checkout", "search"):
        deploy(B, change(B, "PAY-1: Fix (#7)", A, author="Bob"), at=1, previous=A, service=service)
    permissions_update(catalog.blueprint("service"), {"read": {"ownedByTeam": True, "roles": []}}, by=SETUP)
    for text in (B, "#7", "PAY-1", "bbbb", "Bob"):
        assert {each.service.identifier for each in find(by, text).commits} == {"checkout", "search"}, text
        assert {each.service.identifier for each in find(page(bob), text).commits} == {"checkout"}, text
    assert [each.service.identifier for each in feature(page(bob), "PAY-1").services] == ["checkout"]


def test_an_environment_that_one_may_not_see_is_no_place(by, page, bob):
    deploy(B, change(B, "PAY-1", A), at=1, previous=A)
    permissions_update(catalog.blueprint("environment"), {"read": {"ownedByTeam": True, "roles": []}}, by=SETUP)
    assert where(by, B) == {"production": ("in", "bbbb")}
    assert where(page(bob), B) == {}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (B, "sha"), (B[:9], "sha"), (B.upper(), "sha"), ("#12", "pull_request"), ("PR 12", "pull_request"),
        ("12", "pull_request"), ("PAY-7", "ticket"), ("pay-7", "ticket"), ("1.4.2", "version"), ("v1.4.2", "version"),
        ("Priya Raman", "person"), ("priya", "person"), ("nothing like it", ""), ("", ""), ("x" * 9999, ""),
        ("a\0b", ""), ("%", ""), ("'; drop table", ""),
    ],
)  # fmt: skip
def test_one_box_finds_by_sha_pull_request_ticket_version_and_person(by, text, kind):
    deploy(B, change(B, "PAY-7: Fix (#12)", A, author="Priya Raman"), at=1, previous=A, version="1.4.2")
    found = find(by, text)
    assert (found.kind, [each.sha for each in found.commits]) == (kind, [B] if kind else [])


def test_a_short_sha_is_found_by_the_long_one(by):
    deploy(B[:8], at=1)
    assert [each.sha for each in find(by, B).commits] == [B[:8]]


def test_a_ticket_is_done_when_all_of_it_is_in_all_of_production(by):
    deploy(A, at=0)
    deploy(C, change(C, "PAY-1: two", B), change(B, "PAY-1: one", A), at=1, previous=A, environment="staging")
    deploy(B, at=2, previous=A)
    deploy(D, change(D, "PAY-1: there", A), at=3, previous=A, service="search")
    found = feature(by, "PAY-1")
    assert [(each.service.identifier, each.is_done) for each in found.services] == [
        ("checkout", False),
        ("search", True),
    ]
    places = {one.config.environment.identifier: one for one in found.services[0].places}
    assert (places["staging"].there, places["staging"].total, places["staging"].state) == (2, 2, "all")
    assert (places["production"].there, places["production"].total, places["production"].state) == (1, 2, "some")
    assert places["production"].since.commit == B
    deploy(C, at=4, previous=B)
    assert feature(by, "PAY-1").is_done


def test_a_squash_and_what_it_holds_are_one_change(by):
    deploy(C, change(C, "PAY-1: part two", B), change(B, "PAY-1: part one", A), at=1, environment="staging", previous=A)
    deploy(
        D, change(D, "PAY-1: All of it (#5)\n\n* PAY-1: part one\n\n* PAY-1: part two", A), at=2, previous=A
    )  # fmt: skip
    (service,) = feature(by, "PAY-1").services
    assert [each.commit.sha for each in service.changes] == [D]
    assert {one.config.environment.identifier: one.state for one in service.places} == {
        "staging": "all",
        "production": "all",
    }


def test_a_revert_is_no_change_of_the_ticket_and_takes_its_change_out_of_the_count(by):
    deploy(C, change(C, "PAY-1: two", B), change(B, "PAY-1: one", A), at=1, previous=A)
    deploy(D, change(D, f'Revert "PAY-1: one"\n\nThis reverts commit {B}.', C), at=2, previous=C)
    (service,) = feature(by, "PAY-1").services
    (place,) = service.places
    assert (place.there, place.reverted, place.total, place.state) == (1, 1, 2, "all")
    assert [each.sha for each in service.reverts] == [D]


def test_a_commit_of_a_failed_deployment_is_nowhere_yet(by):
    deploy(A, at=0)
    deploy(B, change(B, "PAY-1: one", A), at=1, previous=A, status="failure")
    (service,) = feature(by, "PAY-1").services
    assert [each.is_nowhere for each in service.changes] == [True]


def test_ones_own_commits_wait_for_production_and_others_deploy_them(by):
    now = database_now()
    deploy(A, at=0)
    write("environment", "testing", properties={"tier": "test"})
    report("n", commit=C, previous_commit=A, actor="Charlie", environment="staging", finished_at=now.isoformat(), changes=[
        change(C, "Alice's own", B, author="alice"), change(B, "Another's", A, author="Bob")])  # fmt: skip
    found = mine(by, now=now + timedelta(minutes=1))
    assert [each.commit.sha for each in found.waiting] == [C]
    assert [(made.actor, [each.sha for each in own]) for made, own in found.by_others] == [("Charlie", [C])]


def test_what_was_taken_back_waits_for_nothing_and_a_copy_is_told_once(by):
    now = database_now()
    deploy(A, at=0)
    back = change(C, f"This reverts commit {B}.", B)
    deploy(C, back, change(B, "Wrong", A, author="Alice"), at=1, previous=A, environment="staging")
    pick = change(E, f"Fix\n\n(cherry picked from commit {D})", A, author="Alice")
    deploy(D, change(D, "Fix", C, author="Alice"), at=2, previous=C, environment="staging")
    report("p", commit=E, previous_commit=A, actor="Bob", finished_at=now.isoformat(), changes=[pick])
    found = mine(by, now=now + timedelta(minutes=1))
    assert found.waiting == [] and found.known == 3
    assert [(made.actor, [each.sha for each in own]) for made, own in found.by_others] == [("Bob", [E])]


def test_many_commits_and_places_ask_no_more_than_one(by):
    def asked():
        rows = list(Commit.objects.all())
        with CaptureQueriesContext(connection) as captured:
            presences(by, rows)
        return len(captured)

    deploy(B, change(B, "PAY-1", A), at=1, previous=A)
    first = asked()
    for number in range(9):
        write("environment", f"e{number}")
        deploy(C, change(C, "PAY-1", B), change(D, "", A), at=number, previous=B, environment=f"e{number}")
        deploy(C, change(C, "PAY-1", B), at=number, previous=B, environment=f"e{number}", service="search")
    assert Deployment.objects.count() == 19
    assert asked() == first


@pytest.mark.parametrize("text", ["1.0", A[:10]])
def test_what_ran_in_a_service_that_is_gone_is_not_found_and_harms_nobody(by, text):
    deploy(A, at=0, version="1.0")
    deploy(A, at=0, version="1.0", service="search")
    entity_delete(catalog.entity_to_write("service", "checkout"), dependents=True, by=SETUP)
    assert [each.service.identifier for each in find(by, text).commits] == ["search"]


@pytest.mark.parametrize(("text", "index"), [("1.0", "deployment_version"), (B[:10], "deployment_commit")])
def test_what_is_looked_for_is_found_by_an_index(by, text, index):
    deploy(A, at=0, version="1.0")
    kept = Deployment.objects.get()
    others = {
        "config": kept.config,
        "status": "success",
        "reported_at": kept.reported_at,
        "service_identifier": "x",
        "environment_identifier": "y",
    }
    Deployment.objects.bulk_create(Deployment(version=f"2.{n}", commit=f"{n:040x}", **others) for n in range(1000))
    with CaptureQueriesContext(connection) as asked:
        find(by, text)
    with connection.cursor() as cursor:
        cursor.execute("analyze deployments_deployment")
        cursor.execute("set local enable_seqscan = off")
        plans = []
        for each in asked.captured_queries:
            cursor.execute(f"explain {each['sql']}")
            plans.append(str(cursor.fetchall()))
    assert any(index in plan for plan in plans), plans
