"""What an error of the database means: that it is out of reach, that it was asked for what it cannot hold, or for what it has already."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DataError, IntegrityError, InterfaceError, OperationalError, transaction

from portal.kit.errors import Conflict

# PostgreSQL's class of errors for rows too wide, index entries too long and the like. Django calls them operational.
LIMIT_EXCEEDED = "54"


def is_lost(error: BaseException | None) -> bool:
    return isinstance(error, OperationalError | InterfaceError) and not _beyond_limits(error)


def cannot_hold(error: BaseException | None) -> bool:
    return isinstance(error, DataError) or (isinstance(error, OperationalError) and _beyond_limits(error))


def _beyond_limits(error: BaseException) -> bool:
    state = getattr(error.__cause__, "sqlstate", None) or ""
    return bool(state.startswith(LIMIT_EXCEEDED))


@contextmanager
def taken(kind: str, message: str) -> Iterator[None]:
    """Within, what is there already is a Conflict with this message; the transaction around it goes on."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        raise Conflict(message, code="identifier_taken", kind=kind) from error
