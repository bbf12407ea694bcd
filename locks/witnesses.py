"""Who is asked whether a place is well before a rule lets go of it. Upper apps register themselves.

Health falls silent without an event: a prober dies, results grow old. Then nothing is let go.
"""

from collections.abc import Callable
from datetime import datetime

# (service, environment, now): the keys of the two entities.
Witness = Callable[[int, int, datetime], bool]

_witnesses: dict[str, Witness] = {}


def register(witness: Witness) -> None:
    _witnesses[witness.__qualname__] = witness


def all_say_well(service: int, environment: int, now: datetime) -> bool:
    return all(witness(service, environment, now) for witness in _witnesses.values())
