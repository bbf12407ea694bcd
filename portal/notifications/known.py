"""Which routes there are, as each process knows them: asked for every event that is recorded."""

import time
from dataclasses import dataclass

from django.db import transaction

from portal.notifications.models import Route

FRESH = 2.0  # seconds, after which a transaction that has ended asks again
LASTING = 5.0  # seconds, after which even one that goes on does


@dataclass(frozen=True)
class Known:
    """As much of a route as is needed to say that an event is none of its business."""

    events: tuple[str, ...]
    only_bad: bool
    to: str


_known: tuple[Known, ...] = ()
_read_at = float("-inf")


def known() -> tuple[Known, ...]:
    """Those that are on, as they were at most five seconds ago."""
    age = time.monotonic() - _read_at
    if age > LASTING:
        _read()
    elif age > FRESH and transaction.get_connection().in_atomic_block:
        transaction.on_commit(_read_again, robust=True)
    return _known


def forget() -> None:
    """Somebody has changed a route: it counts at once in this process, whether or not he gets so far as to commit."""
    clear()
    transaction.on_commit(clear, robust=True)  # who read before the commit has read what was before


def clear() -> None:
    global _read_at
    _read_at = float("-inf")


def _read_again() -> None:
    if time.monotonic() - _read_at > FRESH:
        _read()


def _read() -> None:
    global _known, _read_at
    rows = Route.objects.filter(enabled=True).order_by().values_list("events", "only_bad", "to")
    _known = tuple(Known(tuple(events), only_bad, to) for events, only_bad, to in rows)
    _read_at = time.monotonic()
