"""Who waits for whom, and who starts anew."""

import hashlib
import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
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
    """Waits for a lock named by `names` and holds it until the transaction ends; others who share it may hold it as well.

    Only the *next* statement sees what the one who was waited for has written.
    """
    _advisory_locks([(names, shared)])


def advisory_lock_within(wider: Sequence[tuple[str, ...]], alone: tuple[str, ...]) -> None:
    """Waits for all of `wider`, which others may hold as well, one after the other, then for `alone`."""
    _advisory_locks([*((names, True) for names in wider), (alone, False)])


def _advisory_locks(wanted: Sequence[tuple[tuple[str, ...], bool]]) -> None:
    _check_transaction()
    calls = [f"pg_advisory_xact_lock{'_shared' if shared else ''}(%s)" for _, shared in wanted]
    with connection.cursor() as cursor:
        cursor.execute(f"select {', '.join(calls)}", [_number(names) for names, _ in wanted])


def advisory_locks(all_names: Iterable[tuple[str, ...]]) -> None:
    """Several at once, always in the same order, so that two who want some of the same cannot wait for each other."""
    _check_transaction()
    numbers = sorted({_number(names) for names in all_names})
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(number) from unnest(%s::bigint[]) as number", [numbers])


@contextmanager
def alone(*names: str) -> Iterator[bool]:
    """Whether nobody else does what `names` stand for; until the end nobody else will. It waits for nobody."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_try_advisory_lock(%s)", [_number(("alone", *names))])
        first = bool(cursor.fetchone()[0])
    try:
        yield first
    finally:
        if first:
            with connection.cursor() as cursor:
                cursor.execute("select pg_advisory_unlock(%s)", [_number(("alone", *names))])


def _check_transaction() -> None:
    if not connection.in_atomic_block:
        raise RuntimeError("An advisory lock outside a transaction would be released at once.")


def _number(names: tuple[str, ...]) -> int:
    digest = hashlib.blake2b("\0".join(names).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


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
