"""A short-lived, signed note that the gate allowed something, handed back with the report.

It lets coverage be counted without a row for every check.
"""

from typing import Any

from django.core import signing

from locks.decisions import Decision, facts

_SALT = "portcullis.gate.receipt"
LIFE = 24 * 3600  # seconds


def issue(decision: Decision, *, commit: str) -> str:
    known = facts(decision)
    kept = {name: known[name] for name in ("outcome", "service", "environment", "intent", "at")}
    return signing.dumps(kept | {"commit": commit}, salt=_SALT, compress=True)


def read(receipt: str) -> dict[str, Any] | None:
    """What was allowed, or None for a receipt that is not ours or too old."""
    try:
        known: dict[str, Any] = signing.loads(receipt, salt=_SALT, max_age=LIFE)
    except signing.BadSignature:
        return None
    return known
