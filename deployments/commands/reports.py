"""Taking reports in: which deployment a report is of, and what it changes."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from django.db import transaction

from catalog import queries as catalog
from catalog.commands import entity_write
from catalog.models import Entity
from catalog.queries import Place
from catalog.wishes import parse
from deployments import reports
from deployments.commands import ingest
from deployments.commands.commits import commits_saving
from deployments.commands.configs import configured, is_ahead, recompute
from deployments.commands.deployments import advance, make, payload_of
from deployments.commands.ingest import Became, Door, Outcome, Sent
from deployments.commands.pairs import Pair, pair_held
from deployments.models import Deployment, InboxItem, ReportRequest
from deployments.reports import Report
from portal.accounts.policy import require
from portal.audit.record import Entry, record_many
from portal.kit import rows
from portal.kit.by import By, trusted
from portal.kit.clock import database_now
from portal.kit.errors import Conflict, Invalid, Missing, PortalError
from portal.kit.locking import Moved, retried

Json = dict[str, Any]
Line = Callable[[Outcome], ReportRequest]

BECAME = {
    "deployment.reported": Became.CREATED,
    "deployment.updated": Became.ADVANCED,
    "deployment.noted": Became.LATE,
}


def deployment_report(body: Any, *, key: str = "", door: str = Door.REPORT, backfill: bool = False, by: By) -> Outcome:
    """Takes a report in. `key` identifies the request: the same again has the same answer, another body is a Conflict.

    Names that the catalog does not know put the report into the inbox; nothing is lost. Raises Invalid with every
    fault, and Conflict when the run has said otherwise before. Whatever becomes of it stands in the ingest log.
    `backfill`: it is history, of which nobody is notified and which claims nothing of the gate.
    """
    sent = Sent(body, door, backfill)
    by = replace(by, quiet=backfill)
    try:
        return _reported(sent, key, by)
    except PortalError as error:
        ingest.refuse(sent, error, by=by)
        raise


def report_refuse(body: Any, error: PortalError, *, door: str = Door.REPORT, by: By) -> None:
    """Writes down what a door refused before any command could."""
    ingest.refuse(Sent(body, door), error, by=by)


@retried
@transaction.atomic
def _reported(sent: Sent, key: str, by: By) -> Outcome:
    require(by, "deployment.report")
    earlier, now = ingest.earlier(key, by) if key else (None, database_now())
    reports.check_names(sent.body)
    report = reports.parse(sent.body, now=now, is_history=sent.backfill)
    if earlier:
        outcome = _replay(ReportRequest.objects.get(pk=earlier), sent.body)
        ingest.settle(sent, outcome, report=report, now=now, by=by)
        return outcome
    line = partial(ingest.line, sent, key=key, report=report, now=now, by=by)
    return taken_or_kept(report, sent.body, now=now, by=by, line=line)


def taken_or_kept(
    report: Report, body: Json, *, now: datetime, by: By, line: Line | None = None, **more: Any
) -> Outcome:
    """Takes it in where its names are known, else keeps it in the inbox. Some may make a service by reporting it.

    `line` makes the row of the ingest log, where it has none yet.
    """
    try:
        pair = pair_held(report.service, report.environment, report)
    except Missing as unknown:
        if not (by.actor.makes_services and _make_service(report, body, by)):
            return _kept(report, body, unknown, line, by)
        pair = pair_held(report.service, report.environment, report)
    return _taken_in(report, pair, now=now, by=by, line=line, **more)


def _make_service(report: Report, body: Json, by: By) -> bool:
    """False where that would not help, or cannot be: a mistyped environment must not become one."""
    repository = body.get("repository")
    properties = {"repository": repository} if is_address(repository) else {}
    try:
        catalog.environment_named(report.environment)
        wish = parse("service", {"identifier": report.service, "properties": properties}, mode="merge")
        entity_write(wish, by=trusted(by))
    except (Missing, Invalid):
        return False
    return True


def is_address(value: object) -> bool:
    return isinstance(value, str) and len(value) <= 1000 and value.startswith(("https://", "http://"))


@transaction.atomic
def deployment_store(
    report: Report,
    place: Place,
    *,
    now: datetime,
    by: By,
    known: Deployment | None = None,
    entity: Entity | None = None,
    reported_by: str = "",
) -> Outcome:
    """Makes the deployment, or advances the one of the same run, and recomputes what is live.

    `known` is the deployment where the caller knows it already; `entity` its entity, as a client wrote it;
    `reported_by` is named instead of `by` for a report that somebody else brought.
    """
    pair = pair_held(place.service, place.environment, report)
    if (pair.place.service_id, pair.place.environment_id) != (place.service_id, place.environment_id):
        raise Moved("The service or the environment has just been renamed or deleted.")
    return _taken_in(report, pair, now=now, by=by, known=known, entity=entity, reported_by=reported_by)


def _taken_in(
    report: Report,
    pair: Pair,
    *,
    now: datetime,
    by: By,
    known: Deployment | None = None,
    entity: Entity | None = None,
    reported_by: str = "",
    line: Line | None = None,
) -> Outcome:
    pair, config = configured(pair, report, by=by)
    place = pair.place
    if pk := known.pk if known else pair.found:
        # As it is now that its config is held: a report may have come in between.
        known = Deployment.objects.select_related("entity", "config__entity").filter(pk=pk).first()
    if known and known.config_id not in (None, config.pk):
        raise Conflict(
            "A deployment stays with its service and environment.", code="deployment_conflict", differs_in=["config"]
        )
    if known:
        deployment = known
        deployment.run = report.run if deployment.entity_is_clients else deployment.run  # its identifier, may be new
        deployment.config = config
        deployment.entity = deployment.entity or entity
        told = advance(deployment, report, place, now)
        rows.send(*commits_saving(report, place.service_id))
        changed, keeping = recompute(config, by)
        new = []
    else:
        deployment = make(report, place, config, now, entity, reported_by or by.actor.name, by, claimed=pair.claimed)
        told = [Entry("deployment.reported", deployment.noun(), None, deployment.facts(), payload_of(deployment))]
        ahead = is_ahead(deployment, config)
        if not ahead:
            with ingest.one_of_a_key():
                rows.insert([deployment])
        changed, keeping = recompute(config, by, deployment if ahead else None)
        new = [deployment] if ahead else []
    became = BECAME[told[0].name] if told else Became.REPEATED
    outcome = Outcome(deployment, created=known is None, became=became)
    with ingest.one_of_a_key():
        record_many(told + changed, by=by, beside=(new, [line(outcome)] if line else []), along=keeping)
    return outcome


def _replay(earlier: ReportRequest, body: Json) -> Outcome:
    known: Json = earlier.body or {}
    if known != body:
        keys = sorted(name for name in known.keys() | body.keys() if known.get(name) != body.get(name))
        raise Conflict(
            f"This Idempotency-Key was used for another report; they differ in {', '.join(keys)}.",
            code="idempotency_conflict",
            differs_in=keys,
        )
    item = earlier.inbox_item
    if earlier.deployment is None and item is None:
        raise Conflict(
            "What this Idempotency-Key reported is so old that only its numbers are kept.", code="idempotency_conflict"
        )
    return Outcome(earlier.deployment or (item.deployment if item else None), item)


def _kept(report: Report, body: Json, unknown: Missing, line: Line | None, by: By) -> Outcome:
    item = InboxItem.objects.create(
        service=report.service,
        environment=report.environment,
        body=body,
        problem=unknown.message,
        nearest=unknown.details.get("nearest", []),
        reported_by=by.actor.name,
    )
    outcome = Outcome(inbox_item=item, created=True, became=Became.INBOX)
    told = Entry("inbox.kept", item.noun(), None, item.facts())
    with ingest.one_of_a_key():
        record_many([told], by=by, beside=([line(outcome)],) if line else ())
    return outcome
