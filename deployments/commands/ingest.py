"""The ingest log: what came to the doors of deployments, and what became of it.

What is taken in is logged in its own transaction, by the statement that settles its Idempotency-Key where it has one.
What is refused is logged by itself, when its transaction is rolled back.
"""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import DatabaseError, IntegrityError, transaction

from deployments.models import LEVEL, OVER, Deployment, Hook, InboxItem, ReportRequest
from deployments.reports import Report
from portal.kit import rows
from portal.kit.by import By
from portal.kit.database import cannot_hold, is_lost
from portal.kit.errors import Conflict, Invalid, PortalError
from portal.kit.locking import Moved, is_victim

Json = dict[str, Any]
Door, Became = ReportRequest.Door, ReportRequest.Outcome

logger = logging.getLogger(__name__)

LATE = timedelta(minutes=5)
LARGEST_BODY = 64 * 1024


@dataclass(frozen=True)
class Outcome:
    """What became of a report: a deployment, or a place in the inbox. `became` is how the ingest log calls it."""

    deployment: Deployment | None = None
    inbox_item: InboxItem | None = None
    created: bool = False
    became: str = Became.REPEATED


@dataclass(frozen=True)
class Sent:
    """A report on its way in. `request` is its row where it has one already, by its key or because it waits there."""

    body: Any
    door: str = Door.REPORT
    backfill: bool = False
    request: int | None = None


_EARLIER = """
    select (select id from deployments_reportrequest where actor_key = %s and key = %s), statement_timestamp()
"""


def earlier(key: str, by: By) -> tuple[int | None, datetime]:
    """The row of a key that has come before, else none; and the instant."""
    ((request, now),) = rows.prepared(_EARLIER, [by.actor.key, key])
    return request, now


def settle(sent: Sent, outcome: Outcome, *, report: Report, now: datetime, by: By) -> None:
    """Writes down what became of it, in the transaction that took it in."""
    values = _settled(sent, outcome, report, now)
    if sent.request:
        ReportRequest.objects.filter(pk=sent.request).update(**values)
    else:
        rows.insert([_row(sent, by, at=now, **values)])


def line(sent: Sent, outcome: Outcome, *, report: Report, now: datetime, by: By, key: str = "") -> ReportRequest:
    """The same as a new row, for its caller to insert `with one_of_a_key()`."""
    return _row(sent, by, key=key, at=now, **_settled(sent, outcome, report, now))


@contextmanager
def one_of_a_key() -> Iterator[None]:
    """Of two at once with one key, or one proof of the gate, the second waits here for the first, and starts anew to
    answer as the first did."""
    try:
        yield
    except IntegrityError as taken:
        raise Moved("The same request came at the same moment.") from taken


def _settled(sent: Sent, outcome: Outcome, report: Report, now: datetime) -> Json:
    made, late_by = outcome.deployment, None if sent.backfill else lateness(report, now)
    became = outcome.became
    if late_by is not None and became in (Became.CREATED, Became.ADVANCED):
        became = Became.LATE
    return {
        "service": (made.service_identifier if made else report.service)[: ReportRequest.LONGEST_NAME],
        "environment": (made.environment_identifier if made else report.environment)[: ReportRequest.LONGEST_NAME],
        "outcome": became,
        "late_by": late_by,
        "answer": None,
        "deployment": made,
        "inbox_item": outcome.inbox_item,
    }


def keep(sent: Sent, *, key: str, hook: Hook, headers: Json, by: By) -> ReportRequest | None:
    """The row of a payload, for a worker to read; None where one with its key is there."""
    values = {"service": "", "environment": "", "outcome": Became.WAITING}
    row = _row(sent, by, key=key, hook=hook, headers=headers, **values)
    try:
        with transaction.atomic():
            rows.insert([row])
    except IntegrityError:
        return None
    return row


def lateness(report: Report, now: datetime) -> int | None:
    """Seconds, where it came long after it happened."""
    happened = report.finished_at if LEVEL[report.status] >= OVER else report.started_at
    return int((now - happened).total_seconds()) if happened and now - happened > LATE else None


@transaction.atomic
def ignore(sent: Sent, why: str, *, by: By) -> None:
    """Tells of no deployment, and why it does not."""
    answer = {"message": why}
    if sent.request:
        ReportRequest.objects.filter(pk=sent.request).update(outcome=Became.IGNORED, answer=answer)
    else:
        rows.insert([_row(sent, by, outcome=Became.IGNORED, answer=answer, **named(sent.body))])


def refuse(sent: Sent, error: PortalError, *, by: By) -> None:
    """Outside the transaction that was rolled back. A log that cannot be written must not hide the refusal."""
    became = Became.CONFLICTING if isinstance(error, Conflict) else Became.REFUSED
    values: Json = {"outcome": became, "answer": answer_of(error)}
    try:
        with transaction.atomic():
            if sent.request:
                ReportRequest.objects.filter(pk=sent.request).update(**values)
            else:
                rows.insert([_row(sent, by, **values, **named(sent.body))])
    except DatabaseError:
        logger.exception("The refusal of a report could not be logged")


def as_fault(error: DatabaseError) -> PortalError:
    """What a database's fault says to the sender of a report; one that is not about the report is raised."""
    if is_lost(error) or is_victim(error) or not cannot_hold(error):
        raise error
    return Invalid("A value is too long, too large or malformed.")


def answer_of(error: PortalError) -> Json:
    return {"status": error.status, "error": error.code, "message": error.message, "details": error.details}


def named(body: Any) -> Json:
    """The names in a body that may be anything."""
    found = {name: body.get(name) for name in ("service", "environment")} if isinstance(body, dict) else {}
    return {name: value[: ReportRequest.LONGEST_NAME] for name, value in found.items() if isinstance(value, str)}


def _row(sent: Sent, by: By, *, key: str = "", **values: Any) -> ReportRequest:
    """The body of a request with a key is kept whole: another with the same key is compared with it."""
    return rows.new(
        ReportRequest,
        key=key or None,
        actor_key=by.actor.key,
        sender=by.actor.name,
        door=sent.door,
        is_backfill=sent.backfill,
        body=sent.body if key else bounded(sent.body),
        **values,
    )


def bounded(body: Any) -> Any:
    return body if len(json.dumps(body)) <= LARGEST_BODY else None
