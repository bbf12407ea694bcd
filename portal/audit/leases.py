"""Leases of deliveries: short, so that what a dead worker held is soon free, and renewed while its handler is at work.

Who cannot renew his leases begins no call any more that could still be under way when another handles the same. A lock
of the session would tell of a death at once, but not behind a pooler that gives each transaction another connection.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from time import monotonic, sleep

from django.db import connection
from django.db.models.functions import Now

from portal.audit.models import Delivery
from portal.audit.subscribers import RetryLater

logger = logging.getLogger(__name__)

RENEWED_EVERY = 3.0  # seconds
LONGEST_CALL = 10.0  # seconds; any call of a handler gives up by then


class Keeper(Thread):
    """Renews what this process holds, over a connection of its own that it has only meanwhile."""

    def __init__(self) -> None:
        super().__init__(name="leases", daemon=True)
        self.held: dict[int, Delivery] = {}

    def run(self) -> None:
        while True:
            sleep(RENEWED_EVERY)
            # What was begun just now is mostly done before it matters.
            old = [each for each in list(self.held.values()) if _left(each) < _whole() - RENEWED_EVERY / 2]
            if old:
                self.renew_all(old)

    def renew_all(self, deliveries: list[Delivery]) -> None:
        try:
            for each in deliveries:
                renew(each)
        except Exception as error:
            logger.warning("Leases could not be renewed: %s", error)
        finally:
            connection.close()


_keeper: Keeper | None = None


@contextmanager
def kept(delivery: Delivery) -> Iterator[None]:
    """Nobody else takes it meanwhile, however long that is."""
    held = _here().held
    held[id(delivery)] = delivery
    try:
        yield
    finally:
        held.pop(id(delivery), None)


def begun(delivery: Delivery, asked: float) -> None:
    """It is ours since it was asked for at `asked`, by the monotonic clock."""
    delivery.held_until = asked + _whole()


def must_hold(delivery: Delivery) -> None:
    """Before a call outside. Raises RetryLater where the lease may end before the call does."""
    if _left(delivery) < LONGEST_CALL:
        raise RetryLater("Its lease could not be renewed in time: another worker takes it up.", untaken=True)


def renew(delivery: Delivery) -> None:
    """Moves the end of its lease, if it is still ours."""
    asked = monotonic()
    ours = Delivery.objects.filter(lease=delivery.lease, state=Delivery.State.SENDING)
    if ours.filter(pk=delivery.pk).update(lease_until=Now() + Delivery.LEASE):
        begun(delivery, asked)


def _here() -> Keeper:
    global _keeper
    # In a process that was forked there is no thread, and nothing is held.
    if _keeper is None or not _keeper.is_alive():
        _keeper = Keeper()
        _keeper.start()
    return _keeper


def _whole() -> float:
    return Delivery.LEASE.total_seconds()


def _left(delivery: Delivery) -> float:
    return delivery.held_until - monotonic()
