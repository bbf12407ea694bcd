"""Many reports in one call, each with a fate of its own."""

from collections.abc import Sequence
from typing import Any

from django.db import DatabaseError

from deployments.commands.ingest import Door, Outcome, as_fault
from deployments.commands.reports import deployment_report, report_refuse
from portal.accounts.policy import require
from portal.kit.by import By
from portal.kit.errors import Invalid, PortalError

MOST = 200
LONGEST_KEY = 255
KEY = "idempotency_key"


def deployments_report(bodies: Any, *, backfill: bool = False, by: By) -> list[Outcome | PortalError]:
    """What became of each, in their order. Each has a transaction of its own, so what is wrong with one harms no other,
    and what is sent again is known again. An `idempotency_key` in a report is its Idempotency-Key.

    Raises Invalid for too many. `backfill`: history, of which nobody is notified.
    """
    require(by, "deployment.report")
    if not isinstance(bodies, Sequence) or isinstance(bodies, str) or not 1 <= len(bodies) <= MOST:
        raise Invalid.at("deployments", f"must be a list of 1 to {MOST} reports")
    return [_fate(body, backfill, by) for body in bodies]


def _fate(body: Any, backfill: bool, by: By) -> Outcome | PortalError:
    try:
        plain, key = keyed(body)
    except Invalid as error:
        report_refuse(body, error, door=Door.BATCH, by=by)
        return error
    try:
        return deployment_report(plain, key=key, door=Door.BATCH, backfill=backfill, by=by)
    except PortalError as error:
        return error
    except DatabaseError as error:
        return as_fault(error)


def keyed(body: Any) -> tuple[Any, str]:
    """The report without its `idempotency_key`, and that key."""
    key = body.get(KEY) or "" if isinstance(body, dict) else ""
    if not isinstance(key, str) or len(key) > LONGEST_KEY:
        raise Invalid.at(KEY, f"must be a text of at most {LONGEST_KEY} characters")
    return ({name: value for name, value in body.items() if name != KEY} if key else body), key
