"""Taking reports in: which deployment a report is of, and what it changes."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import transaction

from catalog import queries as catalog
from catalog.commands import entity_copy, entity_write
from catalog.models import Entity
from catalog.queries import Place
from catalog.wishes import parse
from deployments import instances, queries, reports
from deployments.commands import ingest
from deployments.commands.commits import commits_save
from deployments.commands.configs import (
    config_of,
    entity_held,
    hold_place,
    place_held,
    plain_identifier,
    recompute,
    suffixed,
)
from deployments.commands.ingest import Became, Door, Outcome, Sent
from deployments.models import LEVEL, Deployment, DeploymentConfig, Gate, InboxItem, ReportRequest, Status
from deployments.reports import Report
from portal.accounts.policy import require
from portal.audit.record import Entry, record, record_many
from portal.kit import rows
from portal.kit.by import By, trusted
from portal.kit.clock import database_now, iso
from portal.kit.errors import Conflict, Invalid, Missing, PortalError
from portal.kit.locking import Moved, retried

Json = dict[str, Any]

# What identifies a deployment may not change between its reports; the rest is filled where it was empty.
_FIXED = ("version", "commit")
_FILLED = (
    "previous_commit", "ref", "message", "author", "actor", "artifact", "decision", "run_url", "started_at", "fence",
)  # fmt: skip
OVER = 2  # the level of an end
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
    report = reports.parse(sent.body, now=now, is_history=sent.backfill)
    if earlier:
        outcome = _replay(ReportRequest.objects.get(pk=earlier), sent.body)
    else:
        outcome = taken_or_kept(report, sent.body, now=now, by=by)
    ingest.settle(sent, outcome, key="" if earlier else key, report=report, now=now, by=by)
    return outcome


def taken_or_kept(report: Report, body: Json, *, now: datetime, by: By, **more: Any) -> Outcome:
    """Takes it in where its names are known, else keeps it in the inbox. Some may make a service by reporting it."""
    try:
        place = place_held(report.service, report.environment)
    except Missing as unknown:
        if not (by.actor.makes_services and _make_service(report, body, by)):
            return Outcome(inbox_item=_keep(report, body, unknown, by), created=True, became=Became.INBOX)
        place = place_held(report.service, report.environment)
    return _taken_in(report, place, now=now, by=by, **more)


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
    hold_place(place)
    return _taken_in(report, place, now=now, by=by, known=known, entity=entity, reported_by=reported_by)


def _taken_in(
    report: Report,
    place: Place,
    *,
    now: datetime,
    by: By,
    known: Deployment | None = None,
    entity: Entity | None = None,
    reported_by: str = "",
) -> Outcome:
    config = config_of(place, by=by)
    if known:
        # As it is now that its config is held: a report may have come in between.
        known = Deployment.objects.select_related("entity", "config__entity").filter(pk=known.pk).first()
    if known and known.entity_is_clients:
        known.run = report.run  # its identifier, which may be new
    found = known or _same_run(report, place, config)
    if found and found.config_id not in (None, config.pk):
        raise Conflict(
            "A deployment stays with its service and environment.", code="deployment_conflict", differs_in=["config"]
        )
    if found:
        found.config = config
        found.entity = found.entity or entity
        deployment = found
        told = _advance(found, report, place, now)
    else:
        deployment = _make(report, place, config, now, entity, reported_by or by.actor.name, by)
        told = [Entry("deployment.reported", deployment.noun(), None, deployment.facts(), _payload(deployment))]
    became = BECAME[told[0].name] if told else Became.REPEATED
    told += recompute(config, by, None if found else deployment)
    commits_save(report, place.service_id)
    if told:
        record_many(told, by=by)
    return Outcome(deployment, created=found is None, became=became)


def _same_run(report: Report, place: Place, config: DeploymentConfig) -> Deployment | None:
    """The deployment of this run, also one whose config has been deleted since."""
    if not report.run:
        return None
    values = {"config": config.pk, "provider": report.provider, "run": report.run, "attempt": report.attempt}
    names = {"service": place.service, "environment": place.environment}
    found = rows.prepared(_SAME_RUN, values | names)
    return Deployment.objects.get(pk=found[0][0]) if found else None


_SAME_RUN = """
    select id from deployments_deployment
    where provider = %(provider)s and run = %(run)s and attempt = %(attempt)s and run <> '' and (config_id = %(config)s or (
        config_id is null and service_identifier = %(service)s and environment_identifier = %(environment)s))
    order by config_id nulls last limit 1
"""


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
    return Outcome(earlier.deployment or (item.deployment if item else None), item)


def _keep(report: Report, body: Json, unknown: Missing, by: By) -> InboxItem:
    item = InboxItem.objects.create(
        service=report.service,
        environment=report.environment,
        body=body,
        problem=unknown.message,
        nearest=unknown.details.get("nearest", []),
        reported_by=by.actor.name,
    )
    record("inbox.kept", item.noun(), by=by, after=item.facts())
    return item


def _make(
    report: Report,
    place: Place,
    config: DeploymentConfig,
    now: datetime,
    entity: Entity | None,
    reported_by: str,
    by: By,
) -> Deployment:
    passed = queries.passage(report, place, now=now)
    deployment: Deployment = Deployment(
        config=config,
        service_identifier=place.service,
        environment_identifier=place.environment,
        status=report.status,
        kind=report.kind,
        gate=passed.gate,
        gate_proof=passed.proof,
        version=report.version,
        commit=report.commit,
        reported_at=now,
        provider=report.provider,
        run=report.run,
        attempt=report.attempt,
        changes=report.changes,
        instances=report.instances,
        extra=report.extra,
        reported_by=reported_by,
        entity_is_clients=entity is not None,
        **{name: getattr(report, name) for name in _FILLED},
    )
    deployment.message, deployment.author = _told(deployment, report)
    _finish(deployment, report, now)
    deployment.entity = entity or _make_entity(deployment, config, by)
    rows.insert([deployment])
    return deployment


def _had(deployment: Deployment, name: str) -> str:
    return f"another {name}, “{getattr(deployment, name)}”"


def _advance(deployment: Deployment, report: Report, place: Place, now: datetime) -> list[Entry]:
    """A later report of the same run: the status may go up, and what was empty is filled. Answers what to tell of it."""
    before = deployment.facts()
    both = {name for name in _FIXED if getattr(report, name) and getattr(deployment, name)}
    differing = sorted(name for name in both if getattr(report, name) != getattr(deployment, name))
    if differing:
        raise Conflict(
            f"This run has already reported {' and '.join(_had(deployment, name) for name in differing)}.",
            code="deployment_conflict",
            differs_in=differing,
        )
    deployment.message, deployment.author = _told(deployment, report)
    for name in _FIXED + _FILLED:
        if getattr(deployment, name) in ("", None):
            setattr(deployment, name, getattr(report, name))
    deployment.changes = deployment.changes or report.changes
    deployment.kind = _kind(deployment, report)
    deployment.instances = instances.merged(deployment.instances, report.instances)
    deployment.extra = report.extra | deployment.extra
    _mark(deployment, report, place, now)
    _raise_status(deployment, report)
    _finish(deployment, report, now)
    if deployment.entity:
        deployment.entity = entity_held(deployment.entity)
    deployment.save()
    _copy_to_entity(deployment)
    after = deployment.facts()
    if after != before:
        return [Entry("deployment.updated", deployment.noun(), before, after, _payload(deployment))]
    if report.status != deployment.status:
        # It came late and changes nothing; that it came is worth knowing.
        return [Entry("deployment.noted", deployment.noun(), None, after, {"late_status": report.status})]
    return []


def _told(deployment: Deployment, report: Report) -> list[str]:
    """Its message and its author: as somebody said, else as the newest of the changes says, whichever was heard first."""
    told = []
    for name, longest in (("message", 20000), ("author", 254)):
        changes = deployment.changes or report.changes
        of_change = str(changes[0].get(name, ""))[:longest] if changes else ""
        known = getattr(deployment, name)
        said = known if known != of_change else ""
        told.append(said or getattr(report, name) or of_change)
    return told


def _kind(deployment: Deployment, report: Report) -> str:
    """A report that does not say what kind it is takes nothing back of one that does."""
    plain = Deployment.Kind.DEPLOY.value
    if plain not in (deployment.kind, report.kind) and deployment.kind != report.kind:
        raise Conflict(
            f"This run has already reported that it is of the kind {deployment.kind}.",
            code="deployment_conflict",
            differs_in=["kind"],
        )
    return deployment.kind if report.kind == plain else report.kind


def _mark(deployment: Deployment, report: Report, place: Place, now: datetime) -> None:
    """Only upwards: what showed once that it passed the gate has passed it."""
    if deployment.gate == Gate.UNGATED:
        ended = deployment.finished_at if deployment.is_over else None
        passed = queries.passage(report, place, now=now, ended=ended)
        deployment.gate, deployment.gate_proof = passed.gate, passed.proof


def _raise_status(deployment: Deployment, report: Report) -> None:
    old, new = Status(deployment.status), report.status
    if LEVEL[new] == LEVEL[old] == OVER and new != old:
        raise Conflict(
            f"This run has already ended with {old}; it cannot have ended with {new} as well.",
            code="deployment_conflict",
            differs_in=["status"],
        )
    if LEVEL[new] > LEVEL[old]:
        deployment.status = new


def _finish(deployment: Deployment, report: Report, now: datetime) -> None:
    """The instant that CI names for the end itself counts most, then one that came with a rollback, then ours; of two
    that count alike the earlier one, whichever was heard first."""
    if LEVEL[report.status] < OVER:
        return
    rank = 0 if report.finished_at is None else 2 if LEVEL[report.status] == OVER else 1
    ended, known = report.finished_at or now, deployment.finished_at
    if known is None or rank > deployment.finish_rank or (rank == deployment.finish_rank and ended < known):
        deployment.finished_at, deployment.finish_rank = ended, rank


def _make_entity(deployment: Deployment, config: DeploymentConfig, by: By) -> Entity:
    base = plain_identifier(f"{config.entity.identifier}-{deployment.commit[:7] or deployment.version}")
    title, copy = str(deployment)[:1000], _entity_copy(deployment)
    relations = {"deploymentConfig": config.entity}
    made = entity_copy("deployment", (base, suffixed(base)), title, copy, relations, by=by)
    if made is None:
        raise Moved("Somebody has just taken the identifier.")
    return made


def _entity_copy(deployment: Deployment) -> Json:
    copy = {
        "version": deployment.version,
        "commit": deployment.commit,
        "ref": deployment.ref,
        "message": deployment.message,
        "author": deployment.author,
        "deployedBy": deployment.actor,
        "status": deployment.status,
        "kind": deployment.kind,
        "gate": deployment.gate,
        "startedAt": iso(deployment.started_at),
        "finishedAt": iso(deployment.finished_at),
        "jobUrl": deployment.run_url,
    }
    return {name: value for name, value in copy.items() if value not in ("", None)}


def _copy_to_entity(deployment: Deployment) -> None:
    """A deployment that came as an entity keeps what its client wrote, to the letter."""
    if deployment.entity and not deployment.entity_is_clients:
        entity = deployment.entity  # held by now
        entity.properties = entity.properties | _entity_copy(deployment)
        entity.save(update_fields=["properties"])


def _payload(deployment: Deployment) -> Json:
    """What subscribers need of a deployment beside its facts."""
    return {
        "deployment": str(deployment.public_id),
        "config": deployment.config.entity.identifier if deployment.config else None,
        "version": deployment.version,
        "commit": deployment.commit,
        "changes": deployment.changes[:20],
    }
