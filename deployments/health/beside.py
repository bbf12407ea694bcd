"""What upper apps know that stands beside a probe's results: when something was deployed there, and which version should run."""

from collections.abc import Callable, Sequence
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
Versions = Callable[[By, Probe], Reported | None]

_marks: list[Marks] = []
_versions: list[Versions] = []


def register(*, marks: Marks, versions: Versions) -> None:
    _marks.append(marks)
    _versions.append(versions)


def marks(by: By, probe: Probe, since: datetime) -> list[Mark]:
    """Of the probe's place, the oldest first."""
    return sorted((mark for source in _marks for mark in source(by, probe, since)), key=lambda mark: mark.at)


def reported(by: By, probe: Probe) -> Reported | None:
    return next((found for source in _versions if (found := source(by, probe))), None)
