"""E5: torn down means that the provider, asked twice, said that nothing is there. Its word of success is nothing."""

from datetime import timedelta

import pytest

from deployments.environments.commands import environment_retry, environment_teardown
from deployments.environments.models import Step
from tests.conftest import SETUP, events
from tests.environments.conftest import fresh, worked

pytestmark = pytest.mark.django_db


def torn_down(environment):
    environment_teardown(environment, by=SETUP)
    return worked(environment)


def test_a_provider_that_says_success_and_does_nothing_is_asked_again_until_it_is_gone(outside, ready):
    outside.faults(("teardown", "folder", "lie"))
    environment = torn_down(ready)
    assert environment.state == "torn_down" and not outside.has(environment)
    lied, done = [each for each in outside.calls() if each["step"] == "folder"]
    assert lied["key"] != done["key"] and lied["fence"] < done["fence"]
    assert Step.objects.filter(environment=ready, phase="verify", state="failed").count() == 1


def test_one_that_lies_for_ever_is_told_of_once_and_is_never_torn_down(outside, ready):
    outside.faults(*[("teardown", "folder", "lie")] * 100)
    environment_teardown(ready, by=SETUP)
    environment = worked(ready, rounds=24)
    assert environment.state == "teardown_failed" and outside.has(environment)
    assert environment.attempt >= 3 and environment.work_at and "still there" in environment.last_error
    assert events("environment.teardown_failed", "environment.torn_down") == ["environment.teardown_failed"]
    outside.faults()
    environment_retry(environment, now=environment.work_at - timedelta(seconds=1), by=SETUP)
    assert fresh(ready).work_at < environment.work_at and events("environment.teardown_retried")
    assert worked(ready).state == "torn_down" and not outside.has(environment)


def test_a_404_that_comes_too_early_is_not_enough(outside, ready):
    outside.faults(("teardown", "folder", "lie"), ("verify", None, "early"))
    environment = torn_down(ready)
    assert environment.state == "torn_down" and not outside.has(environment)
    asked = [each["phase"] for each in outside.calls()]
    assert asked == ["teardown", "teardown", "verify", "verify", "teardown", "teardown", "verify", "verify"]


def test_between_the_two_questions_lies_the_pause_of_the_template(outside, ready):
    environment_teardown(ready, by=SETUP)
    first = worked(ready, rounds=3)
    assert [each.state for each in first.steps.filter(phase="verify")] == ["done", "pending"]
    verified = first.steps.filter(phase="verify").first().finished_at
    assert first.work_at == verified + ready.template.verify_pause
    assert first.state == "tearing_down"


def test_what_acts_and_then_times_out_is_asked_again_under_the_same_key(outside, ready):
    outside.faults(("teardown", "folder", "act_and_hang"))
    environment = torn_down(ready)
    assert environment.state == "torn_down" and not outside.has(environment)
    first, again = [each for each in outside.calls() if each["step"] == "folder"]
    assert first["key"] == again["key"] and (first["attempt"], again["attempt"]) == (1, 2)


def test_a_provider_that_is_gone_itself_leaves_it_being_torn_down(outside, ready, settings):
    settings.DEMO_PROVIDER = "http://127.0.0.1:9"
    environment_teardown(ready, by=SETUP)
    environment = worked(ready, rounds=8)
    assert environment.state == "teardown_failed" and "did not answer" in environment.last_error
    assert outside.has(environment) and fresh(ready).torn_down_at is None
