"""The verdict is a function of the set of results."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from deployments.health.states import LEVELS, STATES, Level, State, level_of, verdict, worst

levels = st.lists(st.sampled_from(Level), max_size=30)
thresholds = st.integers(1, 5)


def replayed(results, failures, recoveries):
    """One result after the other, as anybody would write it: the oldest first."""
    states = [State.UNKNOWN]
    low, high = Level.OK, Level.DOWN
    for n in range(1, len(results) + 1):
        floor = min(results[n - failures : n]) if n >= failures else Level.OK
        ceiling = max(results[n - recoveries : n]) if n >= recoveries else Level.DOWN
        low, high = max(floor, min(low, ceiling)), max(floor, min(high, ceiling))
        states.append(STATES[low] if low == high else State.UNKNOWN)
    return states


@given(levels, thresholds, thresholds)
def test_looking_back_says_what_a_replay_says(results, failures, recoveries):
    assert verdict(results[::-1], failures, recoveries) == replayed(results, failures, recoveries)[-1]


@given(levels, levels, thresholds, thresholds)
def test_going_on_from_the_state_before_says_what_the_whole_says(old, new, failures, recoveries):
    before = verdict(old[::-1], failures, recoveries)
    whole = [*old, *new][::-1]
    near = whole[: len(new) + max(failures, recoveries) - 1]
    if before in LEVELS and len(near) < len(whole):
        assert verdict(near, failures, recoveries, before=before, whole=False) == verdict(whole, failures, recoveries)


@given(st.lists(st.sampled_from(Level), min_size=1, max_size=30), thresholds, thresholds)
def test_one_less_than_the_threshold_changes_nothing(results, failures, recoveries):
    """To worse: only when that many in a row are at least so bad. To better: only when that many are no worse."""
    told = replayed(results, failures, recoveries)
    for n, (was, is_now) in enumerate(pairwise(told), 1):
        if was in LEVELS and is_now in LEVELS and was != is_now:
            worse = LEVELS[is_now] > LEVELS[was]
            run = results[n - failures : n] if worse else results[n - recoveries : n]
            assert len(run) == (failures if worse else recoveries)
            assert all((each >= LEVELS[is_now]) if worse else (each <= LEVELS[is_now]) for each in run)


def test_too_little_says_nothing():
    assert verdict([], 3, 2) == State.UNKNOWN
    assert verdict([Level.DOWN, Level.DOWN], 3, 2) == State.UNKNOWN
    assert verdict([Level.OK, Level.OK], 3, 2) == State.HEALTHY
    assert verdict([Level.DOWN] * 3, 3, 2, whole=False) == State.DOWN
    assert verdict([Level.OK, Level.DOWN] * 4, 3, 2, whole=False) is None


def test_no_data_is_no_level():
    assert level_of("no_data", False) is None
    assert [level_of(each, True) for each in ("ok", "degraded", "failed")] == [0, 1, 2]
    assert level_of("failed", False) == Level.DOWN


def test_a_place_is_as_bad_as_its_worst_probe():
    assert worst(["healthy", "unknown"]) == State.HEALTHY
    assert worst(["healthy", "degraded", "down"]) == State.DOWN
    assert worst([]) == State.UNKNOWN
