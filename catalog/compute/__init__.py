"""Mirrors, calculations and aggregations: what follows from entities and is never written by a door."""

from catalog.compute.check import Fault, check, faults
from catalog.compute.derive import derive, hold_definitions, install
from catalog.compute.marks import WRITER, Change, altered, changed, going, rouse
from catalog.compute.owners import owners
from catalog.compute.shown import own, own_first, refresh, shown
from catalog.compute.sweep import sweep
from catalog.compute.told import relations_shown, told
from catalog.compute.types import defined
from catalog.compute.values import computed

__all__ = [
    "WRITER",
    "Change",
    "Fault",
    "altered",
    "changed",
    "check",
    "computed",
    "defined",
    "derive",
    "faults",
    "going",
    "hold_definitions",
    "install",
    "own",
    "own_first",
    "owners",
    "refresh",
    "relations_shown",
    "rouse",
    "shown",
    "sweep",
    "told",
]
