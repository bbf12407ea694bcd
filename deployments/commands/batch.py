"""Many reports in one call, each with a fate of its own."""

import logging
from collections.abc import Sequence
from typing import Any

from django.db import DatabaseError

from deployments.commands.ingest import Door, Outcome
from deployments.commands.reports import deployment_report, report_refuse
from portal.accounts.policy import require
from portal.kit.by import By
from portal.kit.database import cannot_hold, is_lost
from portal.kit.errors import Conflict, Invalid, PortalError
from portal.kit.locking import is_victim

MOST = 200
LONGEST_KEY = 255
KEY = "idempotency_key"

logger = logging.getLogger(__name__)


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
        plain, key = _keyed(body)
    except Invalid as error:
        report_refuse(body, error, door=Door.BATCH, by=by)
        return error
    try:
        return deployment_report(plain, key=key, door=Door.BATCH, backfill=backfill, by=by)
    except PortalError as error:
        return error
    except DatabaseError as error:
        return _fault(error)


def _keyed(body: Any) -> tuple[Any, str]:
    key = body.get(KEY) or "" if isinstance(body, dict) else ""
    if not isinstance(key, str) or len(key) > LONGEST_KEY:
        raise Invalid.at(KEY, f"must be a text of at most {LONGEST_KEY} characters")
    return ({name: value for name, value in body.items() if name != KEY} if key else body), key


def _fault(error: DatabaseError) -> PortalError:
    if is_victim(error):
        return Conflict("Too many wrote the same thing at once. Send this one again.", code="busy")
    if is_lost(error):
        raise error
    if cannot_hold(error):
        return Invalid("A value is too long, too large or malformed.")
    logger.error("A report of a batch could not be taken in", exc_info=error)
    return PortalError("The portal made a mistake. It is in its log.", code="internal_error")
