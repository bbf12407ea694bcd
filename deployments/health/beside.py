"""What upper apps know that stands beside a probe's results: when something was deployed there, and which version should run."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from deployments.health.models import Probe
from portal.kit.by import By


@dataclass(frozen=True)
class Mark:
    at: datetime
    title: str
    url: str
    is_bad: bool = False


@dataclass(frozen=True)
class Reported:
    """`verified` says whether it runs: a word of `deployments.running`."""

    version: str
    url: str
    verified: str


Marks = Callable[[By, Probe, datetime], Sequence[Mark]]
# By the keys of probes; of one that nothing was reported of there is none.
Versions = Callable[[By, Sequence[Probe]], Mapping[int, Reported]]

_marks: list[Marks] = []
_versions: list[Versions] = []


def register(*, marks: Marks, versions: Versions) -> None:
    _marks.append(marks)
    _versions.append(versions)


def marks(by: By, probe: Probe, since: datetime) -> list[Mark]:
    """Of the probe's place, the oldest first."""
    return sorted((mark for source in _marks for mark in source(by, probe, since)), key=lambda mark: mark.at)


def reported(by: By, probes: Sequence[Probe]) -> dict[int, Reported]:
    return {key: found for source in _versions for key, found in source(by, probes).items()}
