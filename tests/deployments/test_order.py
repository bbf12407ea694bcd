"""The order of a pair's successes, and what follows from it: the same however the reports came."""

import itertools
import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog.models import Entity
from deployments.commands import deployment_report
from deployments.models import Deployment
from deployments.queries import order
from tests.conftest import SETUP, write
from tests.deployments.test_reports import NOON, report


def marks(**where):
    """Each success with its mark, in order."""
    found = Deployment.objects.filter(**where)
    steps = order.steps({each.config_id for each in found})
    names = {each.pk: each.version or each.commit for each in Deployment.objects.all()}
    return [(names[each.deployment], each.mark) for each in steps]


def test_first_redeploy_and_rollback_are_told_apart(shop):
    for at, version in enumerate(["1.0", "1.1", "1.1", "1.0", "1.2", "1.1"]):
        report(version, at=at)
    assert marks() == [
        ("1.0", "first"), ("1.1", ""), ("1.1", "redeploy"), ("1.0", "rollback"), ("1.2", ""), ("1.1", "rollback"),
    ]  # fmt: skip


def test_a_commit_that_ran_before_is_a_rollback_under_any_version(shop):
    for at, (version, commit) in enumerate([("b-1", "aaaaaaa"), ("b-2", "bbbbbbb"), ("b-3", "aaaaaaa")]):
        report(version, at=at, commit=commit)
    assert marks()[-1] == ("b-3", "rollback")


def test_a_version_that_names_every_build_tells_nothing(shop):
    for at, commit in enumerate(["aaaaaaa", "bbbbbbb", "ccccccc"]):
        report("main", at=at, commit=commit)
    assert [mark for _, mark in marks()] == ["first", "", ""]


def test_two_versions_of_one_commit_are_a_step_and_the_way_back_is_a_rollback(shop):
    for at, version in enumerate(["1.0", "1.1", "1.0"]):
        report(version, at=at, commit="aaaaaaa")
    assert [mark for _, mark in marks()] == ["first", "", "rollback"]


def test_a_version_reported_without_its_commit_is_the_same_version(shop):
    report("1.0", at=0, commit="aaaaaaa")
    report("1.0", at=1)
    report("1.1", at=2)
    report("1.0", at=3, commit="aaaaaaa")
    assert [mark for _, mark in marks()] == ["first", "redeploy", "", "rollback"]


def test_a_short_sha_is_the_long_one_that_begins_with_it(shop):
    told = ["a" * 40, "a" * 7, "b" * 40, "a" * 8, "b" * 40]
    for at, commit in enumerate(told):
        report("", at=at, commit=commit)
        report(f"v-{commit[0]}", at=at, commit=commit, environment="staging")
    for place in ("production", "staging"):
        found = [mark for _, mark in marks(environment_identifier=place)]
        assert found == ["first", "redeploy", "", "rollback", "rollback"]


def test_revisions_that_are_no_shas_are_the_same_only_as_a_whole(shop):
    for at, commit in enumerate(["12", "123", "1234"]):
        report("", at=at, commit=commit)
    assert [mark for _, mark in marks()] == ["first", "", ""]


def test_of_two_that_ended_at_once_the_greater_fence_is_later_and_none_is_before_any(shop):
    report("with-7", at=5, fence=7, run="1")
    report("without", at=5, run="9")
    report("with-0", at=5, fence=0, run="2")
    assert [version for version, _ in marks()] == ["without", "with-0", "with-7"]


def test_of_two_that_ended_at_once_without_a_fence_the_greater_run_is_later(shop):
    report("b", at=5, run="2")
    report("a", at=5, run="1")
    deployment_report(
        {"service": "checkout", "environment": "production", "version": "gitlab", "finished_at": str(NOON + timedelta(minutes=5)),
         "ci": {"provider": "gitlab", "run": "0"}}, by=SETUP,
    )  # fmt: skip
    assert [version for version, _ in marks()] == ["a", "b", "gitlab"]


def test_the_order_is_that_of_what_is_live(shop):
    for number, (fence, run) in enumerate(itertools.product([None, 0, 3], ["", "1", "10", "2"])):
        report(f"v{number}", at=5, run=run and f"{run}-{number}", **({} if fence is None else {"fence": fence}))
    by_finish = list(Deployment.objects.by_finish())
    steps = order.steps([by_finish[0].config_id])
    assert [each.deployment for each in steps] == [each.pk for each in reversed(by_finish)]
    assert by_finish[0].config.current == by_finish[0]


def test_any_order_of_reports_comes_to_the_same_steps(shop):
    told = [
        ("1.0", 0, {}),
        ("1.1", 5, {}),
        ("1.0", 9, {}),
        ("1.2", 9, {"fence": 1}),
        ("1.3", 12, {"status": "failure"}),
    ]
    seen = set()
    for permutation in itertools.permutations(told):
        Deployment.objects.all().delete()
        Entity.objects.filter(blueprint__identifier__in=["deployment", "deploymentConfig"]).delete()
        for version, at, more in permutation:
            report(version, at=at, run=f"{version}-{at}", **more)
        seen.add(tuple(marks()))
    assert seen == {(("1.0", "first"), ("1.1", ""), ("1.0", "rollback"), ("1.2", ""))}


@pytest.mark.parametrize("status", ["failure", "cancelled", "in_progress", "pending"])
def test_what_did_not_succeed_is_no_step(shop, status):
    report("1.0", at=0, run="1")
    ended = {} if status in ("in_progress", "pending") else {"at": 1}
    report("1.1", run="2", status=status, **ended)
    report("1.2", at=2, run="3")
    assert marks() == [("1.0", "first"), ("1.2", "")]


def test_what_was_rolled_back_is_no_step(shop):
    report("1.0", at=0, run="1")
    report("1.1", at=1, run="2")
    report("1.1", at=1, run="2", status="rolled_back")
    report("1.2", at=2, run="3")
    assert marks() == [("1.0", "first"), ("1.2", "")]


@pytest.mark.parametrize("kind", ["config", "flag"])
def test_a_changed_setting_or_flag_is_no_step(shop, kind):
    report("1.0", at=0)
    changed = report("dark-mode", at=1, kind=kind).deployment
    report("1.1", at=2)
    assert marks() == [("1.0", "first"), ("1.1", "")]
    assert order.steps_of([changed]) == {}
    assert order.previous(changed).version == "1.0"


def test_a_rollback_that_is_reported_as_one_is_a_step_like_any(shop):
    report("1.0", at=0)
    report("1.1", at=1)
    report("1.0", at=2, kind="rollback")
    assert marks() == [("1.0", "first"), ("1.1", ""), ("1.0", "rollback")]


def test_a_late_report_takes_its_place_between(shop):
    report("1.0", at=0)
    last = report("1.2", at=9).deployment
    assert order.previous(last).version == "1.0"
    late = report("1.1", at=5).deployment
    assert (order.previous(last), order.previous(late).version, order.following(late)) == (late, "1.0", last)


def test_each_pair_has_an_order_of_its_own(shop):
    report("1.0", at=0)
    there = report("1.0", at=1, environment="staging").deployment
    assert marks() == [("1.0", "first"), ("1.0", "first")]
    assert (order.previous(there), order.following(there)) == (None, None)


def test_what_failed_has_before_it_what_was_live_then(shop):
    report("1.0", at=0)
    failed = report("1.1", at=5, status="failure").deployment
    report("1.2", at=9)
    assert (order.previous(failed).version, order.following(failed).version) == ("1.0", "1.2")


def test_a_span_knows_what_came_before_it(shop):
    for at, version in enumerate(["1.0", "1.1", "1.0"]):
        made = report(version, at=at).deployment
    found = order.steps([made.config_id], since=NOON + timedelta(minutes=2), until=NOON + timedelta(minutes=3))
    assert [(each.deployment, each.rollback, each.first) for each in found] == [(made.pk, True, False)]
    assert order.steps([made.config_id], until=NOON) == []
    assert order.steps_of([made]) == {made.pk: found[0]}


def test_many_pairs_are_one_statement(shop):
    for number in range(20):
        write("service", f"s{number}")
        report("1.0", at=0, service=f"s{number}")
        report("1.1", at=1, service=f"s{number}")
    configs = set(Deployment.objects.values_list("config_id", flat=True))
    with CaptureQueriesContext(connection) as asked:
        found = order.steps(configs)
    assert (len(found), len(asked)) == (40, 1)


MANY = """
    insert into deployments_deployment (public_id, service_identifier, environment_identifier, kind, status, version,
        commit, previous_commit, ref, message, author, actor, finished_at, finish_rank, entity_is_clients, provider, run,
        attempt, run_url, decision, artifact, changes, extra, reported_by, config_id)
    select gen_random_uuid(), 'checkout', 'production', 'deploy', 'success', 'v' || n, 'c' || n, '', '', '', '', '',
        timestamptz '2026-01-01Z' + n * interval '1 minute', 2, false, 'github', n::text, 1, '', '', '', '[]', '{}', '',
        %s
    from generate_series(1, 5000) n
"""


def test_the_steps_of_a_few_are_found_by_indexes(shop):
    config = report("1.0", at=0).deployment.config_id
    with connection.cursor() as cursor:
        cursor.execute(MANY, [config])
        cursor.execute("analyze deployments_deployment")
        keys = list(Deployment.objects.order_by("-id").values_list("pk", flat=True)[:25])
        cursor.execute("explain " + order.STEPS.format(which="new.id = any(%(keys)s)"), {"keys": keys})
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "Seq Scan on deployments_deployment" not in plan  # of what nobody has rolled up there is no row to look for
    # With a single pair in the table either index of commits will do.
    for index in ("deployment_live", "deployment_(ran_)?commit", "deployment_ran_version"):
        assert re.search(index, plan), plan


def test_what_is_no_sha_is_itself_alone(shop):
    for at, commit in enumerate(["release-1", "release-10", "release-1"]):
        report("", at=at, commit=commit)
    assert [mark for _, mark in marks()] == ["first", "", "rollback"]
