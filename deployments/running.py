"""Whether what was reported is what runs: the probe reads the running version, the report says which it should be."""

import re
from datetime import datetime
from enum import StrEnum

# After the end of a deployment the old version may answer for a while: instances go one after the other.
SETTLES = 10 * 60.0  # seconds
# For pages that keep themselves up to date: a mismatch is one from then on. See portal.audit.queries.register_moments.
SETTLED = f"""select max(coalesce(finished_at, started_at, reported_at)) from deployments_deployment
    where coalesce(finished_at, started_at, reported_at) <= at - interval '{SETTLES:.0f} seconds'"""


class Verified(StrEnum):
    """What nobody can tell is unknown: no probe reads a version, or none of late, or nothing was reported."""

    VERIFIED = "verified"
    NOT_YET = "not_yet"
    MISMATCH = "mismatch"
    UNKNOWN = "unknown"


def verified(
    version: str, commit: str, deployed_at: float | None, runs: str, told_at: float | None, at: float
) -> Verified:
    """`runs` was read at `told_at`; all instants in seconds since 1970. `deployments_health` says the same in SQL."""
    if not runs or told_at is None or not (version or commit):
        return Verified.UNKNOWN
    if is_same(version, commit, runs):
        return Verified.VERIFIED
    if deployed_at is not None and (told_at < deployed_at or at < deployed_at + SETTLES):
        return Verified.NOT_YET
    return Verified.MISMATCH


def is_same(version: str, commit: str, runs: str) -> bool:
    """By the version, with or without a v before it, or by the beginning of the commit."""
    if version and _plain(version) == _plain(runs):
        return True
    return bool(commit and re.fullmatch("[0-9a-f]{7,64}", runs) and commit.startswith(runs))


def _plain(version: str) -> str:
    return version[1:] if re.match("v[0-9]", version) else version


def seconds(moment: datetime | None) -> float | None:
    return moment.timestamp() if moment else None
