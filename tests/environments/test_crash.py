"""E4: workers that are killed at every point of every step, in processes of their own."""

import os
import subprocess
import sys
from collections import Counter

import pytest
from django.db import connection

from deployments.environments.commands import environment_request, environment_teardown, step_finish, work_claim
from deployments.environments.models import Environment, Step
from deployments.environments.providers import Answer
from deployments.environments.worker import ask
from portal.kit.clock import database_now
from portal.kit.errors import Conflict
from tests.conftest import SETUP, events
from tests.environments.conftest import fresh, passes, worked

pytestmark = pytest.mark.django_db(transaction=True)

PLACES = ("asked", "acted", "noted")


def killed(outside, *points):
    """How many workers died at the points."""
    names = connection.settings_dict
    url = f"postgresql://portcullis@/{names['NAME']}?host={names['HOST'].replace('/', '%2F')}"
    if names["USER"]:
        url = url.replace("portcullis@", f"{names['USER']}@")
    env = os.environ | {"DATABASE_URL": url, "PORTCULLIS_DEMO_PROVIDER": outside.url}
    done = subprocess.run(
        [sys.executable, "-m", "tests.environments.mortal", *points],
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return int(done.stdout)


def test_a_worker_killed_at_every_point_of_every_step_leaves_one_whole_life(outside, preview):
    environment = environment_request(preview, name="demo-1", by=SETUP)
    # Each worker dies at the first such point that it comes to; what is noted it leaves to the next.
    lives = [f"1 {place}" for place in PLACES]
    assert killed(outside, *lives * 3, "teardown", *lives * 4) == len(lives) * 7
    environment = fresh(environment)
    assert environment.state == "torn_down" and not outside.has(environment)
    asked = outside.calls()
    # Of three workers for each step the first died before he asked.
    assert Counter(each["key"] for each in asked) == {each.key: 2 for each in Step.objects.all()}
    assert events("environment.") == [
        f"environment.{each}" for each in ("requested", "provisioned", "teardown_started", "torn_down")
    ]
    alone_and_in_order(asked)


def alone_and_in_order(calls):
    """No two at once, fences rising, and no step before the one before it was done."""
    for one, next_one in zip(calls, calls[1:]):
        assert one["ended"] <= next_one["begun"] and one["fence"] < next_one["fence"]
    orders = [each["key"].split(".")[-2:] for each in calls if each["phase"] != "verify"]
    provisioned, torn_down = (
        [order for order, each in zip(orders, calls) if each["phase"] == phase] for phase in ("provision", "teardown")
    )
    assert provisioned == sorted(provisioned) and torn_down == sorted(torn_down)


def test_who_was_stopped_past_his_lease_is_refused_and_writes_nothing(outside, preview):
    environment = environment_request(preview, name="demo-1", by=SETUP)
    late = work_claim()
    assert work_claim() is None, "one worker at a time"
    later = passes(3600)
    in_time = work_claim(later)
    assert in_time.call.key == late.call.key and in_time.fence > late.fence
    before = fresh(environment).facts()
    with pytest.raises(Conflict) as refused:
        step_finish(late, Answer("done", address="http://late.example/"))
    assert refused.value.code == "fence_old"
    assert fresh(environment).facts() == before and Step.objects.filter(state="done").count() == 0
    assert step_finish(in_time, ask(in_time)).state == "done"


def test_a_provider_that_knows_the_fence_refuses_who_comes_late(outside, preview):
    environment_request(preview, name="demo-1", by=SETUP)
    late = work_claim()
    in_time = work_claim(passes(3600))
    step_finish(in_time, ask(in_time))
    data = work_claim(passes(3600))
    assert ask(data).state == "done"
    stale = ask(
        type(late)(**{**vars(late), "call": type(late.call)(**{**vars(late.call), "key": late.call.key + ".x"})})
    )
    assert stale.state == "failed" and "409" in stale.error


def test_a_teardown_that_is_asked_for_waits_for_who_is_at_a_step(outside, preview):
    environment = environment_request(preview, name="demo-1", by=SETUP)
    working = work_claim()
    environment_teardown(environment, by=SETUP)
    assert work_claim(database_now()) is None
    assert step_finish(working, ask(working)).state == "cancelled"
    assert work_claim(database_now()).call.phase == "teardown"
    assert fresh(environment).state == "tearing_down"
    Environment.objects.update(lease_until=None)
    assert worked(environment).state == "torn_down" and not outside.has(environment)
