"""A short-lived, signed note that the gate allowed something, handed back with the report.

It lets coverage be counted without a row for every check.
"""

from datetime import datetime, timedelta
from typing import Any

from django.core import signing

from locks.decisions import Decision, facts
from portal.kit.clock import instant

_SALT = "portcullis.gate.receipt"
# As long as a job may take at the greatest of the hosted CI systems: the report comes after the deploy.
LIFE = timedelta(hours=6)


def issue(decision: Decision, *, commit: str, run: str) -> str:
    known = facts(decision)
    kept = {name: known[name] for name in ("outcome", "service", "environment", "intent", "at")}
    return signing.dumps(kept | {"commit": commit, "run": run}, salt=_SALT, compress=True)


def read(receipt: str, *, now: datetime) -> dict[str, Any] | None:
    """What was allowed, `at` as a datetime, or None for a receipt that is not ours or too old at `now`."""
    try:
        known: dict[str, Any] = signing.loads(receipt, salt=_SALT)
    except signing.BadSignature:
        return None
    at = instant(known["at"], "at")
    return known | {"at": at} if timedelta() <= now - at <= LIFE else None
