"""E1 to E3 and E5 to E7 with workers that are killed; E4 is in test_crash.py."""

import os
import signal
from datetime import timedelta
from functools import partial
from itertools import count
from multiprocessing import Value
from uuid import uuid4

import pytest

from deployments.environments import worker
from deployments.environments.commands import (
    environment_extend,
    environment_request,
    environment_teardown,
    environments_tick,
    sightings_take,
)
from deployments.environments.models import Environment, Sighting, Sweep
from deployments.environments.providers import Found
from portal.audit.models import Event
from portal.kit.clock import database_now
from tests.conftest import SETUP, events
from tests.environments.conftest import fresh, worked
from tests.killing import dies, killed_everywhere

pytestmark = pytest.mark.django_db(transaction=True)


def dies_when_answered():
    """A worker that is killed when the provider has answered, before that is noted."""
    asked = worker.ask

    def answered(work):
        asked(work)
        os.kill(os.getpid(), signal.SIGKILL)

    worker.ask = answered  # in a process of its own
    worked(rounds=1)


def test_workers_that_are_killed_when_they_are_lied_to_tear_it_down_all_the_same(outside, ready):
    """E5: an answer that never came, a success that was none, and a 404 that came too early; to each of two workers."""
    lies = [("teardown", "folder", "lie"), ("verify", None, "early")]
    outside.faults(("teardown", "server", "act_and_hang"), *lies * 2)
    environment_teardown(ready, by=SETUP)
    environment, deaths = fresh(ready), 0
    while environment.state != "torn_down" and deaths < 20:
        deaths += dies(dies_when_answered, lambda *statement: False)
        Environment.objects.update(lease_until=None)
        environment = worked(ready, rounds=1)
        assert environment.state != "torn_down" or not outside.has(environment)
    assert (environment.state, deaths) == ("torn_down", 8)
    assert events("environment.torn_down") == ["environment.torn_down"]
    asked = outside.calls()
    assert [each["phase"] for each in asked].count("verify") == 8
    assert not [one for one, later in zip(asked, asked[1:]) if one["fence"] >= later["fence"]]


DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
STRIDE = 7  # statements; 1 is the long form


numbers = count(1)


def cleared():
    for model in (Sighting, Sweep, Environment, Event):
        model.objects.all().delete()


def test_clocks_that_are_killed_warn_once_for_each_end_and_end_nothing_early(preview):
    """E1 and E2."""
    start = database_now().replace(second=0, microsecond=0)
    end = start + 2 * DAY
    looks = [end - DAY, end - 120 * MINUTE, end - 15 * MINUTE, end - MINUTE, end]
    at = Value("i", 0)  # where the clock of both is: it goes on when somebody dies

    def world():
        cleared()
        at.value = 0
        environment_request(preview, name=f"demo-{next(numbers)}", ttl=2 * DAY, now=start, by=SETUP)
        return deed

    def deed():
        while at.value < len(looks):
            environments_tick(looks[at.value])
            if looks[at.value] < end:
                assert not events("environment.expired", "environment.teardown_started")
            at.value += 1

    def check():
        told = Event.objects.filter(name="environment.expiry_warned").values_list("payload__minutes", flat=True)
        assert sorted(told) == [15, 120, 1440]
        assert events("environment.expired", "environment.teardown") == [
            "environment.expired",
            "environment.teardown_started",
        ]

    assert killed_everywhere(world, check, stride=3 * STRIDE) > 1


@pytest.mark.parametrize(
    "point", ["select environments_environment", "update environments_environment", "insert into audit_event"]
)
def test_who_is_killed_while_he_extends_it_has_either_saved_it_or_done_nothing(preview, point):
    """E3: at the very end of it."""
    environment = environment_request(preview, name="demo-1", ttl=DAY, by=SETUP)
    end = fresh(environment).deadline
    extend = partial(environment_extend, environment, DAY, now=end - MINUTE, by=SETUP)
    assert dies(extend, lambda text, params: text.startswith(point))
    environments_tick(end)
    assert fresh(environment).state == "tearing_down" and events("environment.extended") == []


def test_who_is_killed_in_a_pass_that_is_a_mass_tears_down_nothing_and_asks_once(preview, settings):
    """E7."""
    settings.ENVIRONMENT_BRAKE = 1

    def world():
        cleared()
        now = database_now()
        for _ in range(2):
            environment_request(preview, name=f"demo-{next(numbers)}", ttl=DAY, now=now, by=SETUP)
        return partial(environments_tick, now + 2 * DAY)

    def check():
        assert set(Environment.objects.values_list("state", flat=True)) == {"expiring"}
        assert len(Sweep.objects.get().held) == 2 and events("sweep.") == ["sweep.braked"]
        assert events("environment.expired") == ["environment.expired"] * 2

    assert killed_everywhere(world, check, stride=STRIDE) > 2


def test_who_is_killed_over_what_a_provider_has_suspects_it_once_and_nothing_young(preview):
    """E6."""
    began = []

    def world():
        cleared()
        start, label = database_now(), str(uuid4())
        look = partial(sightings_take, preview, [Found(label)], asked=start)

        began.append(start)
        return lambda: [look(now=start + minutes * MINUTE) for minutes in (0, 59, 60)]

    def check():
        orphan = Environment.objects.get()
        assert (orphan.state, orphan.state_at) == ("orphan_suspected", began[-1] + 60 * MINUTE)
        assert Sighting.objects.count() == 1
        assert events("environment.orphan_suspected") == ["environment.orphan_suspected"]

    assert killed_everywhere(world, check, stride=STRIDE) > 2
