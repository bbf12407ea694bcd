"""Who waits for whom, and who starts anew."""

import hashlib
import random
import time
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import DatabaseError, OperationalError, connection
from psycopg.errors import DeadlockDetected, ForeignKeyViolation, SerializationFailure

VICTIMS = (DeadlockDetected, SerializationFailure, ForeignKeyViolation)


class Moved(OperationalError):
    """What was looked up by name has changed since: start anew."""


P = ParamSpec("P")
R = TypeVar("R")


def advisory_lock(*names: str, shared: bool = False) -> None:
    """Waits for a lock named by `names` and holds it until the transaction ends.

    Only the *next* statement sees what the one who was waited for has written.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("An advisory lock outside a transaction would be released at once.")
    digest = hashlib.blake2b("\0".join(names).encode(), digest_size=8).digest()
    function = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
    with connection.cursor() as cursor:
        cursor.execute(f"select {function}(%s)", [int.from_bytes(digest, "big", signed=True)])


def is_victim(error: BaseException) -> bool:
    """Others were faster; the same again may well succeed."""
    return isinstance(error, Moved) or isinstance(error.__cause__, VICTIMS)


def retried(command: Callable[P, R]) -> Callable[P, R]:
    """Runs a command again, twice at most, when PostgreSQL chose it as the victim of a deadlock,
    or when a row that it points at was deleted before it could commit.

    Inside a larger transaction the error is passed on: only the outermost may start anew.
    """

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        for attempt in range(3):
            try:
                return command(*args, **kwargs)
            except DatabaseError as error:
                victim = is_victim(error)
                if not victim or connection.in_atomic_block or attempt == 2:
                    raise
                time.sleep(random.uniform(0.01, 0.1) * (attempt + 1))
        raise AssertionError("unreachable")

    return run
