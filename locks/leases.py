"""How long a silence means that somebody is dead."""

from datetime import timedelta

from portal.kit.errors import Invalid

LEASE = timedelta(seconds=60)
SHORTEST, GREATEST = timedelta(seconds=1), timedelta(seconds=600)


def check_lease(lease: timedelta) -> None:
    if not SHORTEST <= lease <= GREATEST:
        raise Invalid.at("lease", f"must be from {SHORTEST.seconds} to {GREATEST.seconds} seconds")
