"""What comes to a hook: kept before it is answered, and read by a worker afterwards."""

from collections.abc import Callable, Mapping
from typing import Any

from django.db import DatabaseError, transaction

from catalog import queries as catalog
from deployments import reports
from deployments.commands import ingest
from deployments.commands.ingest import Became, Door, Sent
from deployments.commands.pairs import pair_held
from deployments.commands.reports import taken_or_kept
from deployments.models import Deployment, Hook, ReportRequest
from deployments.payloads import READERS, Ignored, Removed, Told, proof
from portal.audit.record import record
from portal.kit.by import By, system
from portal.kit.clock import database_now
from portal.kit.errors import Invalid, Missing, PortalError
from portal.kit.locking import retried

Json = dict[str, Any]

LONGEST_HEADER = 500
# What is kept of the headers: names, kinds and numbers, never what proves who sent it.
KEPT = frozenset("content-type idempotency-key user-agent x-github-delivery x-github-event x-gitlab-event".split())


def payload_keep(
    hook: Hook, raw: bytes, read: Callable[[bytes], Any], headers: Mapping[str, str]
) -> ReportRequest | None:
    """Keeps it for a worker and answers its row; None where the same delivery has come before.

    Refused when its signature is not right: until then nobody asks what it says. Invalid when `read` makes no object of it.
    """
    named = {name.lower(): value[:LONGEST_HEADER] for name, value in headers.items()}
    try:
        proof.check(hook, raw, named, database_now())
        body = read(raw)
        if not isinstance(body, dict):
            raise Invalid.at("body", "must be an object; send events one by one")
        key = proof.delivery_key(hook, raw, named, body)
    except PortalError as error:
        ingest.refuse(Sent(None, Door.WEBHOOK), error, by=hook.by())
        raise
    return _kept(hook, body, named, key)


@transaction.atomic
def _kept(hook: Hook, body: Json, headers: Json, key: str) -> ReportRequest | None:
    by = hook.by()
    kept = {name: value for name, value in headers.items() if name in KEPT or name.startswith("ce-")}
    request = ingest.keep(Sent(body, Door.WEBHOOK), key=key, hook=hook, headers=kept, by=by)
    if request:
        record("report_request.received", request.noun(), by=by, payload={"request": request.pk})
    return request


def payload_map(pk: int) -> None:
    """Takes in what it tells, once: a worker that dies half-way leaves it for the next."""
    request = ReportRequest.objects.select_related("hook").filter(pk=pk, outcome=Became.WAITING).first()
    if request is None:
        return
    by = request.hook.by() if request.hook else system("hooks")
    try:
        _mapped(pk, by)
    except (PortalError, DatabaseError) as error:
        fault = error if isinstance(error, PortalError) else ingest.as_fault(error)
        ingest.refuse(Sent(request.body, Door.WEBHOOK, request=pk), fault, by=by)


@retried
@transaction.atomic
def _mapped(pk: int, by: By) -> None:
    rows = ReportRequest.objects.select_for_update(of=("self",)).select_related("hook")
    request = rows.filter(pk=pk, outcome=Became.WAITING).first()
    if request:
        payload_take(request, by=by)


def payload_take(request: ReportRequest, *, by: By, known: Deployment | None = None, reported_by: str = "") -> None:
    """Takes in what it tells, as of its arrival, or writes down why it tells nothing. The caller holds its row."""
    sent = Sent(request.body, Door.WEBHOOK, request=request.pk)
    try:
        body = body_of(request)
    except Ignored as why:
        ingest.ignore(sent, str(why), by=by)
    except Removed as removal:
        ingest.ignore(sent, _removed(_placed(removal.told), by), by=by)
    else:
        report = reports.parse(body, now=database_now())
        outcome = taken_or_kept(report, body, now=request.at, by=by, known=known, reported_by=reported_by)
        ingest.settle(sent, outcome, report=report, now=request.at, by=by)


def body_of(request: ReportRequest) -> Json:
    """The report that a payload comes to. Raises Ignored where it comes to none."""
    if request.hook is None:
        raise Ignored("Its hook is gone.")
    return _placed(READERS[request.hook.kind](request.headers, request.body or {}, request.hook))


def _placed(told: Told) -> Json:
    """With the service that it means: the one at home in its repository, else the first that the catalog knows by name."""
    if told.body.get("service") or not told.names:
        return told.body
    homes = {name for each in told.repositories if each for name in catalog.services_of_repository(each)}
    if len(homes) == 1:
        return told.body | {"service": homes.pop()}
    # Where several are at home, a name has to say which; else the whole name waits for somebody to place it.
    known = [name for name in told.names if (name in homes if homes else catalog.is_service(name))]
    return told.body | {"service": [*known, told.names[-1 if homes else 0]][0]}


def _removed(body: Json, by: By) -> str:
    """It is told in the audit log; what was deployed last stays what is live (docs/decisions)."""
    try:
        pair = pair_held(body.get("service", ""), body.get("environment", ""))
    except (Missing, Invalid) as unknown:
        return f"A removal from a place that nobody knows. {unknown.message}"
    place, config = pair.place, pair.config
    if config is None:
        return f"Nothing was ever deployed to {place.environment}."
    payload = {"at": body.get("finished_at"), "version": body.get("version")}
    record("deployment_config.removed", config.noun(), by=by, before=config.facts(), payload=payload)
    return f"{place.service} was removed from {place.environment}: what was deployed last is shown on, and the audit log tells."
