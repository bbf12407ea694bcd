"""Results come in, in any order and more than once."""

from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from catalog import queries as catalog
from deployments.health.commands import maintenance_settle, readings_take
from deployments.health.models import Flip, Maintenance, Probe, Reading, Standing
from deployments.health.queries import health_of, probe_health
from portal.audit.models import Event
from tests.conftest import events, write
from tests.health.conftest import at, make_probe, result

OUTCOMES = st.sampled_from([("ok", True), ("degraded", True), ("failed", True), ("failed", False), ("no_data", True)])


def take(*results, now=None):
    return readings_take(results, now=now or max(each.at for each in results))


def test_two_failures_alert_nobody_and_the_third_does_once(probe):
    take(result(probe, 0), result(probe, 10))
    for second in (20, 30):
        assert take(result(probe, second, "failed", status=500)) == []
    [flip] = take(result(probe, 40, "failed", status=503, reason="It answered 503.", ms=7))
    assert (flip.from_state, flip.to_state, flip.at) == ("healthy", "failing", at(40))
    assert take(result(probe, 50, "failed")) == []
    assert events("probe") == ["probe.flipped"] * 2
    told = Event.objects.latest("id")
    assert (told.before, told.after["state"], told.after["reason"]) == (
        {"state": "healthy"},
        "failing",
        "It answered 503.",
    )
    assert told.after["values"] == {"status": 503, "ms": 7}
    assert told.payload["flip"] == str(flip.public_id) and told.payload["muted"] is False
    assert (told.service, told.environment, told.title) == (
        "checkout",
        "production",
        "checkout in production: http",
    )


def test_one_success_is_no_recovery_and_two_are_one(probe):
    take(*(result(probe, n, "failed", answered=False) for n in range(3)))
    assert take(result(probe, 10)) == []
    assert take(result(probe, 20, "failed", answered=False)) == []
    [flip] = take(result(probe, 30), result(probe, 40))
    assert (flip.from_state, flip.to_state) == ("down", "healthy")


def test_what_comes_twice_counts_once(probe):
    bad = [result(probe, n, "failed", key=f"run-{n}") for n in (0, 1)]
    take(*bad)
    assert take(*bad, bad[0]) == []
    assert Reading.objects.count() == 2
    assert Probe.objects.get().state == "unknown"


def test_no_data_is_never_a_failure(probe):
    take(result(probe, 0), result(probe, 1))
    assert take(*(result(probe, n, "no_data") for n in range(2, 20))) == []
    assert Probe.objects.get().checked_at == at(1)
    there = probe.service_id, probe.environment_id
    assert health_of([there], now=at(60))[there].state == "healthy"
    stale = health_of([there], now=at(1 + 180))[there]
    assert (stale.state, stale.verdict, stale.stale_since) == ("unknown", "healthy", at(181))
    assert probe_health(Probe.objects.get(), now=at(181)).state == "unknown"


def test_a_place_is_as_bad_as_its_worst_probe_and_has_one_row(shop, probe):
    other = make_probe(shop.checkout_production, "tcp", kind="tcp")
    take(*(result(each, n) for each in (probe, other) for n in range(2)))
    [place] = Standing.objects.all()
    assert (place.state, place.is_polled, place.stale_after) == ("healthy", True, at(181))
    take(*(result(other, n, "failed", answered=False) for n in range(2, 5)))
    [place] = Standing.objects.all()
    assert (place.state, place.since, place.stale_after) == ("down", at(4), at(184))


def test_the_version_that_runs_is_on_the_place(probe):
    take(result(probe, 0, run_version="1.4.1"), result(probe, 10, run_version="1.4.2"))
    take(result(probe, 5, run_version="1.4.0"), now=at(20))
    [place] = Standing.objects.all()
    assert (place.run_version, place.version_at) == ("1.4.2", at(10))


def test_a_clock_that_was_put_back_keeps_the_order(probe):
    take(result(probe, 3600), result(probe, 3610))
    for n in range(3):
        take(result(probe, n, "failed", answered=False, lease=uuid4()), now=at(n))
    assert Probe.objects.get().state == "down"


class Shuffled(TestCase):
    """Whatever order they come in, and however often."""

    @settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
    @given(data=st.data())
    def test_the_verdict_does_not_depend_on_the_order(self, data):
        write("environment", "production", properties={"tier": "production"})
        write("service", "checkout")
        place = catalog.place("checkout", "production")
        told = data.draw(st.lists(OUTCOMES, min_size=1, max_size=25))
        found = set()
        for n in range(2):
            probe = make_probe(place, f"probe {n}")
            results = [
                result(probe, second, outcome, answered=answered, key=str(second))
                for second, (outcome, answered) in enumerate(told)
            ]
            came = data.draw(st.permutations(results)) + data.draw(st.lists(st.sampled_from(results), max_size=5))
            while came:
                size = data.draw(st.integers(1, 9))
                readings_take(came[:size], now=at(100))
                came = came[size:]
            probe.refresh_from_db()
            found.add((probe.state, probe.checked_at))
            turned = list(Flip.objects.filter(probe=probe).order_by("id").values_list("from_state", "to_state"))
            states = ["unknown", *(to for _, to in turned)]
            assert [each for each, _ in turned] == states[:-1] and states[-1] == probe.state
        assert len(found) == 1


@pytest.mark.parametrize("pattern", [["ok", "failed"] * 300])
def test_results_that_never_agree_leave_the_state_as_it_was(probe, pattern):
    take(result(probe, 0), result(probe, 1))
    take(*(result(probe, n, outcome) for n, outcome in enumerate(pattern, 2)))
    assert Probe.objects.get().state == "healthy"


def test_what_is_written_only_after_the_end_of_maintenance_was_settled_is_told(probe):
    window = Maintenance.objects.create(probe=probe, reason="upgrade", starts_at=at(0), ends_at=at(60), made_by="Alice")
    take(*(result(probe, n, "failed", answered=False) for n in (30, 40)))
    assert maintenance_settle(now=at(61)) == 0
    [flip] = take(result(probe, 59, "failed", answered=False), now=at(63))
    window.refresh_from_db()
    assert window.settled_at and not flip.muted
