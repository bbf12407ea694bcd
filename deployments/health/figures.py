"""What readings come to over a time: how long it was up, and how fast. Figures add up, so that those of hours make those of a day."""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from deployments.health.models import Reading
from deployments.health.states import Outcome

# Each step of the histogram is a twelfth slower than the one before it: a percentile is right to that.
STEP = math.log(13 / 12)
HOUR = timedelta(hours=1)


@dataclass
class Figures:
    """`counts` of results and `lasted`, milliseconds, by outcome, each result standing until the next, and no longer than it says
    anything; `histogram` of milliseconds by step."""

    counts: Counter[str] = field(default_factory=Counter)
    lasted: Counter[str] = field(default_factory=Counter)
    histogram: Counter[str] = field(default_factory=Counter)

    def __add__(self, other: "Figures") -> "Figures":
        return Figures(self.counts + other.counts, self.lasted + other.lasted, self.histogram + other.histogram)

    @property
    def uptime(self) -> float | None:
        """From 0 to 1, of the time of which something is known; None where nothing is."""
        up = self.lasted[Outcome.OK] + self.lasted[Outcome.DEGRADED]
        known = up + self.lasted[Outcome.FAILED]
        return up / known if known else None

    @property
    def known(self) -> float | None:
        """From 0 to 1: of how much of the time something is known."""
        total = sum(self.lasted.values())
        return 1 - self.lasted[Outcome.NO_DATA] / total if total else None

    def percentile(self, share: float) -> int | None:
        """Milliseconds that so many of the results did not exceed, to a twelfth."""
        total = sum(self.histogram.values())
        left = math.ceil(total * share)
        for step in sorted(map(int, self.histogram)):
            left -= self.histogram[str(step)]
            if left <= 0:
                return _ms(step)
        return None

    def json(self) -> dict[str, Any]:
        return {"counts": self.counts, "lasted": self.lasted, "histogram": self.histogram}


def figures_of(
    readings: Iterable[Reading], start: datetime, end: datetime, *, hold: timedelta, before: Reading | None = None
) -> Figures:
    """Of readings from `start` to before `end`, the oldest first; `before` is the last one that is older."""
    found = Figures()
    last, since = before, start
    for each in readings:
        _stand(found, last, since, each.at, hold)
        last, since = each, each.at
        found.counts[each.outcome] += 1
        if each.ms is not None and each.outcome != Outcome.NO_DATA:
            found.histogram[str(_step(each.ms))] += 1
    _stand(found, last, since, end, hold)
    return found


def hour_of(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def day_of(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


def _stand(found: Figures, last: Reading | None, since: datetime, until: datetime, hold: timedelta) -> None:
    if until <= since:
        return
    held = min(max(last.at + hold, since), until) if last and last.outcome != Outcome.NO_DATA else since
    if last and held > since:
        found.lasted[last.outcome] += _length(since, held)
    if until > held:
        found.lasted[Outcome.NO_DATA] += _length(held, until)


def _length(start: datetime, end: datetime) -> int:
    """Milliseconds: whole numbers add up the same in any order."""
    return round((end - start).total_seconds() * 1000)


def _step(ms: int) -> int:
    return math.ceil(math.log(max(ms, 1)) / STEP)


def _ms(step: int) -> int:
    return round(math.exp(step * STEP))
