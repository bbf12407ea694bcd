"""When a lock's holder is told of it: shortly before its end, and each day that it is held on. Pure."""

from datetime import datetime, timedelta

WARNINGS = (timedelta(minutes=15), timedelta(minutes=5))  # before the end
DAILY = timedelta(days=1)  # after the lock was taken, at the hour at which it was taken
# So near to its end a lock does not count as forgotten.
NEAR = timedelta(hours=1)


def next_at(starts_at: datetime, expires_at: datetime | None, *, now: datetime) -> datetime | None:
    """The first instant after `now`. What has been missed by then is not made up for: it is no longer true."""
    day = starts_at + ((now - starts_at) // DAILY + 1) * DAILY
    due = [day] if expires_at is None or day < expires_at - NEAR else []
    if expires_at:
        due += [expires_at - before for before in WARNINGS]
    return min((each for each in due if each > now), default=None)


def warning(expires_at: datetime | None, *, now: datetime) -> timedelta | None:
    """The warning that is due so long before the end, the last one when both are; None while the end is far."""
    left = expires_at - now if expires_at else None
    return min((each for each in WARNINGS if left is not None and left <= each), default=None)
