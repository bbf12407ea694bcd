"""What is asked for every event that is recorded, and changes seldom: each process remembers it for some seconds."""

import time
from collections.abc import Callable
from typing import Generic, TypeVar

from django.db import transaction

T = TypeVar("T")

FRESH = 2.0  # seconds, after which a transaction that has ended asks again
LASTING = 5.0  # seconds, after which even one that goes on does


class Remembered(Generic[T]):
    """What `read` found, at most five seconds ago."""

    def __init__(self, read: Callable[[], T], empty: T) -> None:
        self.read, self.known = read, empty
        self.read_at = float("-inf")

    def __call__(self) -> T:
        age = time.monotonic() - self.read_at
        if age > LASTING:
            self._read()
        elif age > FRESH and transaction.get_connection().in_atomic_block:
            transaction.on_commit(self._read_again, robust=True)
        return self.known

    def forget(self) -> None:
        """Somebody has changed it: that counts at once in this process, whether or not he gets so far as to commit."""
        self.clear()
        transaction.on_commit(self.clear, robust=True)  # who read before the commit has read what was before

    def clear(self) -> None:
        self.read_at = float("-inf")

    def _read_again(self) -> None:
        if time.monotonic() - self.read_at > FRESH:
            self._read()

    def _read(self) -> None:
        self.known = self.read()
        self.read_at = time.monotonic()
