"""How long it was up, from readings and from what they were rolled up to."""

from datetime import timedelta

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from deployments.health.commands import readings_forget, readings_roll_up, readings_take
from deployments.health.figures import Figures, figures_of, hour_of
from deployments.health.models import Probe, Reading, Summary
from deployments.health.queries import uptime
from deployments.health.results import Result
from tests.health.conftest import NOON, at

HOLD = timedelta(seconds=60)
told = st.lists(
    st.tuples(st.integers(0, 7199), st.sampled_from(["ok", "degraded", "failed", "no_data"]), st.integers(1, 5000)),
    max_size=60,
    unique_by=lambda each: each[0],
)


def readings(rows):
    return [Reading(at=at(second), outcome=outcome, ms=ms) for second, outcome, ms in sorted(rows)]


@given(told)
def test_hours_add_up_to_what_the_readings_say(rows):
    whole = readings(rows)
    middle = at(3600)
    first = [each for each in whole if each.at < middle]
    second = [each for each in whole if each.at >= middle]
    parts = figures_of(first, NOON, middle, hold=HOLD)
    parts += figures_of(second, middle, at(7200), hold=HOLD, before=first[-1] if first else None)
    found = figures_of(whole, NOON, at(7200), hold=HOLD)
    assert parts == found
    assert sum(found.lasted.values()) == 7_200_000


@given(st.lists(st.integers(1, 50_000), min_size=1, max_size=80), st.sampled_from([0.5, 0.95, 0.99]))
def test_a_percentile_is_right_to_a_twelfth(times, share):
    found = figures_of([Reading(at=at(n), outcome="ok", ms=ms) for n, ms in enumerate(times)], NOON, at(100), hold=HOLD)
    exact = sorted(times)[max(0, -int(-len(times) * share // 1) - 1)]
    assert exact - 1 <= found.percentile(share) <= exact * 13 / 12 + 1


def test_what_nothing_is_known_of_counts_apart():
    found = figures_of(readings([(0, "ok", 9), (60, "failed", 9), (120, "no_data", 9)]), NOON, at(600), hold=HOLD)
    assert found.uptime == 0.5 and found.known == pytest.approx(0.2)
    assert Figures().uptime is None and Figures().percentile(0.5) is None


@pytest.fixture
def old(probe):
    """Ten days of readings every ten minutes: a failure at each full hour, for ten minutes. Held for 30 minutes."""
    now = hour_of(timezone.now()) + timedelta(minutes=30)
    Probe.objects.update(interval=600, judged_from=now - timedelta(days=10), timeout=5)
    probe.refresh_from_db()
    return probe, now


def fill(probe, start, end):
    rows = []
    while start < end:
        rows.append(Reading(probe=probe, at=start, outcome="failed" if start.minute == 0 else "ok", ms=100))
        start += timedelta(minutes=10)
    Reading.objects.bulk_create(rows)


def test_figures_stay_what_they_were_when_readings_are_rolled_up_and_forgotten(old):
    probe, now = old
    start = now - timedelta(days=6)
    fill(probe, hour_of(start), now)
    before = uptime(probe, start, now)
    assert before.uptime == pytest.approx(5 / 6, abs=0.01) and before.known == 1
    assert readings_roll_up(now=now) > 100
    probe.refresh_from_db()
    assert uptime(probe, start, now) == before
    assert readings_roll_up(now=now) == 0
    later = now + timedelta(days=4)
    assert readings_forget(now=later, at_once=100) > 400
    assert Reading.objects.filter(probe=probe).count() == pytest.approx(3 * 144 + 3, abs=6)
    kept = uptime(probe, hour_of(start), now)
    assert (kept.uptime, kept.known) == (pytest.approx(5 / 6, abs=0.001), 1)
    assert kept.percentile(0.95) == pytest.approx(100, rel=1 / 12)
    readings_forget(now=now + timedelta(days=100))
    assert set(Summary.objects.values_list("span", flat=True)) == {"day"}
    assert uptime(probe, now - timedelta(days=8), now).counts["failed"] == kept.counts["failed"]


def test_what_comes_late_is_counted_in_its_hour(old):
    probe, now = old
    fill(probe, now - timedelta(hours=5), now)
    readings_roll_up(now=now)
    late = Result(probe.pk, now - timedelta(hours=3, minutes=5), "failed", key="late")
    readings_take([late], now=now)
    probe.refresh_from_db()
    counted = uptime(probe, now - timedelta(hours=5), now)
    assert readings_roll_up(now=now) == 3
    probe.refresh_from_db()
    assert uptime(probe, now - timedelta(hours=5), now) == counted
    assert sum(each.counts.get("failed", 0) for each in Summary.objects.all()) == 4 + 1
