"""E3: an extension and a teardown at the same moment. Either it is extended and lives, or the extension is refused."""

import threading
from datetime import timedelta

import pytest
from django.db import connection, connections

from deployments.environments.commands import (
    environment_extend,
    environment_request,
    environments_tick,
    step_finish,
    work_claim,
)
from deployments.environments.commands.clock import teardowns_start
from deployments.environments.models import Environment, Warning
from locks import scopes
from locks.commands import lock_take
from portal.kit.clock import database_now
from portal.kit.errors import Conflict
from tests.conftest import SETUP, events
from tests.environments.conftest import fresh

pytestmark = pytest.mark.django_db(transaction=True)

DAY = timedelta(days=1)
TIMES = 12


def at_once(*deeds):
    """What each came to, an error where it was one; all begin at the same moment."""
    barrier, came = threading.Barrier(len(deeds)), [None] * len(deeds)

    def run(number, deed):
        try:
            connection.ensure_connection()
            barrier.wait()
            came[number] = deed()
        except Exception as error:
            came[number] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=each) for each in enumerate(deeds)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return came


def test_an_extension_and_a_teardown_at_once_have_one_winner(preview):
    start = database_now()
    won = {"extended": 0, "torn down": 0}
    for number in range(TIMES):
        demo = environment_request(preview, name=f"demo-{number}", ttl=DAY, now=start - DAY, by=SETUP)
        if number % 2:  # only the last step is left to race with
            over(demo)
        extended, _ = at_once(
            lambda demo=demo: environment_extend(demo, DAY, now=start, by=SETUP),
            lambda: environments_tick(start),
        )
        demo = fresh(demo)
        if isinstance(extended, Exception):
            assert isinstance(extended, Conflict) and extended.code == "tearing_down"
            assert (demo.state, demo.deadline) == ("tearing_down", start)
            won["torn down"] += 1
        else:
            assert (demo.state, demo.deadline) == ("requested", start + DAY)
            won["extended"] += 1
    assert sum(won.values()) == TIMES


def over(demo):
    Environment.objects.filter(pk=demo.pk).update(state="expiring", resting="requested", cause="expired")


def test_a_lock_and_a_teardown_at_once_never_both_win_unseen(preview):
    """Whoever takes the lock first keeps it alive; whoever comes after the teardown locks what is going."""
    start = database_now()
    for number in range(TIMES // 2):
        demo = environment_request(preview, name=f"demo-{number}", ttl=DAY, now=start - DAY, by=SETUP)
        over(demo)
        scope = scopes.named("environment", environment=f"demo-{number}")
        lock, _ = at_once(
            lambda scope=scope: lock_take(scope, reason="debugging", by=SETUP),
            lambda: teardowns_start(database_now()),
        )
        torn = fresh(demo)
        assert torn.state == "expiring" or torn.teardown_at <= lock.starts_at or torn.teardown_at < database_now()
        if torn.state == "expiring":
            environments_tick(database_now() + timedelta(minutes=1))
            assert fresh(demo).state == "expiring" and "debugging" in fresh(demo).held_by


def test_four_ticks_at_once_warn_once_and_begin_one_teardown(preview):
    start = database_now()
    demo = environment_request(preview, name="demo", ttl=2 * DAY, now=start - DAY, by=SETUP)
    at_once(*[lambda: environments_tick(start)] * 4)
    assert Warning.objects.count() == 1 and events("environment.expiry_warned") == ["environment.expiry_warned"]
    assert fresh(demo).state == "requested"
    at_once(*[lambda: environments_tick(start + DAY)] * 4)
    environments_tick(start + DAY)
    assert events("environment.expired", "environment.teardown") == [
        "environment.expired",
        "environment.teardown_started",
    ]
    assert fresh(demo).round == 2


def test_four_workers_at_once_get_one_step(preview):
    environment_request(preview, name="demo", by=SETUP)
    claims = [each for each in at_once(*[work_claim] * 4) if each]
    assert len(claims) == 1 and claims[0].fence == 1


def test_a_result_and_a_callback_at_once_are_noted_once(outside, preview):
    from deployments.environments.commands import step_report
    from deployments.environments.providers import Answer

    demo = environment_request(preview, name="demo", by=SETUP)
    work = work_claim()
    done, call = Answer("done"), work.call
    at_once(
        lambda: step_finish(work, done),
        lambda: step_report(demo.public_id, call.key, call.token, done, fence=call.fence),
        lambda: step_report(demo.public_id, call.key, call.token, done, fence=call.fence),
    )
    assert [each.state for each in demo.steps.order_by("order")] == ["done", "pending", "pending"]
    assert fresh(demo).lease is None


def test_more_than_a_team_may_have_are_refused_however_many_ask_at_once(bob, page):
    from tests.environments.conftest import make

    limited = make(most_per_owner=2)
    came = at_once(*[lambda: environment_request(limited, by=page(bob))] * 5)
    refused = [each for each in came if isinstance(each, Exception)]
    assert [type(each) for each in refused] == [Conflict] * 3 and {each.code for each in refused} == {"too_many"}
    assert Environment.objects.count() == 2
