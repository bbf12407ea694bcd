"""What came once, sent through the same command again."""

from dataclasses import replace

from django.db import transaction

from catalog.commands import entity_write
from catalog.wishes import parse
from deployments import reports
from deployments.commands import ingest
from deployments.commands.inbox import inbox_place
from deployments.commands.ingest import Became, Door, Outcome, Sent
from deployments.commands.payloads import payload_take
from deployments.commands.reports import taken_or_kept
from deployments.models import InboxItem, ReportRequest
from portal.accounts.policy import require
from portal.audit.record import record
from portal.kit.by import By
from portal.kit.clock import database_now
from portal.kit.errors import Conflict, Missing, PortalError
from portal.kit.locking import retried

TAKEN_IN = {*ReportRequest.USUAL, Became.LATE}


def report_replay(request: ReportRequest, *, by: By) -> ReportRequest:
    """Takes it in as of the time it arrived. Twice is the same as once. What is refused again says so in its row."""
    require(by, "ingest.replay")
    if request.body is None:
        raise Conflict("Its body was not kept, so it cannot be replayed.", code="body_not_kept")
    try:
        _replayed(request, by)
    except PortalError as error:
        if request.deployment_id:
            raise  # it was taken in once, and stays so
        ingest.refuse(Sent(request.body, request=request.pk), error, by=by)
    return ReportRequest.objects.select_related("deployment__entity", "inbox_item").get(pk=request.pk)


@retried
@transaction.atomic
def _replayed(request: ReportRequest, by: By) -> None:
    request = (
        ReportRequest.objects.select_for_update(of=("self",))
        .select_related("deployment", "inbox_item")
        .get(pk=request.pk)
    )
    before = request.facts()
    if request.door == Door.WEBHOOK and not request.inbox_item:
        payload_take(request, by=by, known=request.deployment, reported_by=request.sender)
    elif request.door == Door.ENTITY:
        _written_again(request, by)
    else:
        _taken_again(request, by)
    fresh = ReportRequest.objects.get(pk=request.pk)
    if fresh.outcome in (Became.REPEATED, Became.LATE, Became.IGNORED) and request.outcome in TAKEN_IN:
        fresh.outcome, fresh.answer = request.outcome, request.answer  # it stays what it was
    fresh.replayed_at, fresh.replayed_by = database_now(), by.actor.name
    fresh.save(update_fields=["outcome", "answer", "replayed_at", "replayed_by"])
    record("report_request.replayed", request.noun(), by=by, before=before, after=fresh.facts())


def _written_again(request: ReportRequest, by: By) -> None:
    """As its client wrote it. The row that this leaves in the log becomes what the first one says."""
    before = ReportRequest.objects.order_by("-id").values_list("id", flat=True).first()
    entity_write(parse("deployment", request.body, mode="merge"), by=replace(by, at=request.at))
    made = ReportRequest.objects.filter(id__gt=before, door=Door.ENTITY, actor_key=by.actor.key).order_by("-id").first()
    if made:
        made.delete()
        names = ("service", "environment", "outcome", "late_by", "answer", "deployment")
        ReportRequest.objects.filter(pk=request.pk).update(**{name: getattr(made, name) for name in names})


def _taken_again(request: ReportRequest, by: By) -> None:
    body = request.inbox_item.body if request.inbox_item else request.body or {}
    report = reports.parse(body, now=database_now(), is_history=request.is_backfill)
    by = replace(by, quiet=request.is_backfill)
    sent = Sent(request.body, request.door, request.is_backfill, request.pk)
    outcome = _from_inbox(request, by) or taken_or_kept(
        report, body, now=request.at, by=by, known=request.deployment, reported_by=request.sender
    )
    ingest.settle(sent, outcome, report=report, now=request.at, by=by)


def _from_inbox(request: ReportRequest, by: By) -> Outcome | None:
    """Where it waits in the inbox it is placed, if its names are known by now."""
    item = request.inbox_item
    if item is None or request.deployment:
        return None
    if item.state == InboxItem.State.DROPPED:
        raise Conflict("This report was dropped from the inbox.", code="inbox_settled")
    try:
        with transaction.atomic():
            placed = inbox_place(item, service=item.service, environment=item.environment, by=by)
    except Missing:
        return Outcome(inbox_item=item, became=Became.INBOX)
    return Outcome(placed, item, became=Became.CREATED)
