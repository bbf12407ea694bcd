"""What an error of the database means: that it is out of reach, or that it was asked for what it cannot hold."""

from django.db import DataError, InterfaceError, OperationalError

# PostgreSQL's class of errors for rows too wide, index entries too long and the like. Django calls them operational.
LIMIT_EXCEEDED = "54"


def is_lost(error: BaseException | None) -> bool:
    return isinstance(error, OperationalError | InterfaceError) and not _beyond_limits(error)


def cannot_hold(error: BaseException | None) -> bool:
    return isinstance(error, DataError) or (isinstance(error, OperationalError) and _beyond_limits(error))


def _beyond_limits(error: BaseException) -> bool:
    state = getattr(error.__cause__, "sqlstate", None) or ""
    return bool(state.startswith(LIMIT_EXCEEDED))
