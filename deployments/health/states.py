"""States, and the verdict over results: a pure function of their set, whatever order they came in."""

from collections.abc import Iterable, Sequence
from enum import IntEnum

from django.db import models


class State(models.TextChoices):
    """The last three are never stored: a reader reckons them for an instant (`queries.shown`)."""

    UNKNOWN = "unknown"
    HEALTHY = "healthy"
    DEGRADED = "degraded"  # it works, and something is off: slow, a certificate near its end, another version
    FAILING = "failing"  # it answers, and wrongly
    DOWN = "down"  # it does not answer
    PAUSED = "paused"
    MAINTENANCE = "maintenance"
    PROBER_DOWN = "prober_down"


class Outcome(models.TextChoices):
    OK = "ok"
    DEGRADED = "degraded"
    FAILED = "failed"
    NO_DATA = "no_data"


class Level(IntEnum):
    """How bad a result is."""

    OK = 0
    DEGRADED = 1
    FAILING = 2
    DOWN = 3


STATES = {
    Level.OK: State.HEALTHY,
    Level.DEGRADED: State.DEGRADED,
    Level.FAILING: State.FAILING,
    Level.DOWN: State.DOWN,
}
LEVELS = {state: level for level, state in STATES.items()}
# The worst first, as a place is named by its probes.
WORST = [State.DOWN, State.FAILING, State.DEGRADED, State.HEALTHY, State.UNKNOWN]


def level_of(outcome: str, answered: bool) -> Level | None:
    """None where there is no data, which is never a failure."""
    if outcome == Outcome.FAILED:
        return Level.FAILING if answered else Level.DOWN
    return {Outcome.OK: Level.OK, Outcome.DEGRADED: Level.DEGRADED}.get(Outcome(outcome))


def verdict(
    levels: Sequence[Level], failures: int, recoveries: int, *, before: State = State.UNKNOWN, whole: bool = True
) -> State | None:
    """The state after `levels`, the newest first, from the state `before` them.

    It gets worse to what the last `failures` results all reach, and better to what none of the last `recoveries`
    exceeds; in between it stays. `whole`: there were no results before these. None: not enough of them are known.
    """
    low, high = Level.OK, Level.DOWN
    reach = len(levels) if whole else len(levels) - max(failures, recoveries) + 1
    for place in range(max(reach, 0)):
        floor, ceiling = _bounds(levels[place:], failures, recoveries)
        # What this result alone would make of a state, and then those after it.
        low, high = _clamped(floor, low, high), _clamped(ceiling, low, high)
        if low == high:
            return STATES[low]
    if before in LEVELS:
        return STATES[_clamped(LEVELS[before], low, high)]
    return State.UNKNOWN if whole else None


def worst(states: Iterable[str]) -> State:
    """That of a place, by those of its probes. What nothing is known of says nothing against the others."""
    known = set(states)
    return next((each for each in WORST if each in known), State.UNKNOWN)


def _bounds(levels: Sequence[Level], failures: int, recoveries: int) -> tuple[Level, Level]:
    """No better than the first, no worse than the second; the newest result lies between them."""
    floor = min(levels[:failures]) if len(levels) >= failures else Level.OK
    ceiling = max(levels[:recoveries]) if len(levels) >= recoveries else Level.DOWN
    return floor, ceiling


def _clamped(level: Level, low: Level, high: Level) -> Level:
    return max(low, min(level, high))
