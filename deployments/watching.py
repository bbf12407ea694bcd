"""Whether a deployment did harm: what its place's probes found after it, against the hour before. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from deployments.health.states import Level
from deployments.models import Watch

Json = dict[str, Any]
Verdict = Watch.Verdict

WORDS = {Level.OK: "healthy", Level.DEGRADED: "degraded", Level.FAILING: "failing", Level.DOWN: "down"}


@dataclass(frozen=True)
class Observed:
    """One probe. `before` and `after` are the levels of its results, the oldest first; `failures` is how many in a row
    make it fail. `last` is what it said when it was worst, `values` what it found then."""

    name: str
    failures: int
    before: Sequence[Level] = ()
    after: Sequence[Level] = ()
    last: str = ""
    values: Json = field(default_factory=dict)

    @property
    def was(self) -> Level:
        return depth(self.before, self.failures)

    @property
    def fell(self) -> Level:
        return depth(self.after, self.failures)

    @property
    def is_worse(self) -> bool:
        return self.fell >= Level.FAILING and self.fell > self.was

    @property
    def is_bad(self) -> bool:
        """At the end."""
        return depth(self.after[-self.failures :], self.failures) >= Level.FAILING

    @property
    def ends(self) -> Level:
        return self.after[-1]


@dataclass(frozen=True)
class Judged:
    verdict: Verdict
    reason: str
    values: Json = field(default_factory=dict)


def depth(levels: Sequence[Level], times: int) -> Level:
    """The worst that so many results in a row all reach."""
    rows = (levels[start : start + times] for start in range(len(levels) - times + 1))
    return max((min(row) for row in rows), default=Level.OK)


def judge(seen: Sequence[Observed], *, over: bool, muted: bool = False, ended: str = "") -> Judged | None:
    """None while it is not over and nothing has failed. `muted`: somebody works there. `ended`: why it is over early.

    No data is never failure, and what failed before is not this deployment's doing.
    """
    values = {each.name: told(each) for each in seen}
    worse = [each for each in seen if each.is_worse]
    if worse and not muted:
        return Judged(Verdict.FAILED, _worse(worse[0]), values)
    if not over:
        return None
    if ended:
        return Judged(Verdict.INCONCLUSIVE, ended, values)
    if muted:
        return Judged(Verdict.INCONCLUSIVE, "There was maintenance while it was watched.", values)
    heard = [each for each in seen if each.after]
    if not heard:
        return Judged(Verdict.INCONCLUSIVE, "No probe has answered while it was watched.", values)
    return _at_the_end(heard, [each for each in seen if not each.after], values)


def _at_the_end(heard: Sequence[Observed], silent: Sequence[Observed], values: Json) -> Judged:
    bad = next((each for each in heard if each.is_bad), None)
    if bad:
        reason = f"{bad.name} was {WORDS[bad.was]} before as well: it is no worse."
        return Judged(Verdict.INCONCLUSIVE, reason, values)
    off = next((each for each in heard if each.ends > Level.OK and each.ends > each.was), None)
    if off:
        reason = f"{off.name} ended {WORDS[off.ends]}, which is too little to call it failed."
        return Judged(Verdict.INCONCLUSIVE, reason + _said(off), values)
    count = sum(len(each.after) for each in heard)
    reason = f"{_names(heard)} answered {count} time{'s' if count > 1 else ''}, no worse than in the hour before."
    if silent:
        reason += f" Nothing was heard of {_names(silent)}."
    return Judged(Verdict.PASSED, reason, values)


def _worse(probe: Observed) -> str:
    return (
        f"{probe.name} was {WORDS[probe.was]} in the hour before, and "
        f"{WORDS[probe.fell]} {_times(probe.failures)} since.{_said(probe)}"
    )


def _times(number: int) -> str:
    return f"{number} times in a row" if number > 1 else "once"


def _said(probe: Observed) -> str:
    return f" It said: {probe.last}" if probe.last else ""


def _names(probes: Sequence[Observed]) -> str:
    return ", ".join(each.name for each in probes)


def told(probe: Observed) -> Json:
    bad = sum(each >= Level.FAILING for each in probe.after)
    known: Json = {"before": WORDS[probe.was] if probe.before else None, "results": len(probe.after), "failed": bad}
    return known | ({"found": probe.values} if probe.is_worse and probe.values else {})
