"""One deployment: made from the first report of its run, and taken further by the others, in whatever order they come."""

from datetime import datetime
from typing import Any

from catalog import compute
from catalog.commands import entity_copying
from catalog.models import Entity
from catalog.queries import Place
from deployments import instances, queries
from deployments.commands.commits import commits_saving
from deployments.commands.configs import entity_held, plain_identifier, suffixed
from deployments.models import LEVEL, OVER, Deployment, DeploymentConfig, Gate, Status
from deployments.reports import Report
from portal.audit.record import Entry
from portal.kit import rows
from portal.kit.by import By
from portal.kit.clock import iso
from portal.kit.errors import Conflict
from portal.kit.rows import Statement

Json = dict[str, Any]

# What identifies a deployment may not change between its reports; the rest is filled where it was empty.
_FIXED = ("version", "commit")
_FILLED = (
    "previous_commit", "ref", "message", "author", "actor", "artifact", "decision", "run_url", "started_at", "fence",
)  # fmt: skip


def make(
    report: Report,
    place: Place,
    config: DeploymentConfig,
    now: datetime,
    entity: Entity | None,
    reported_by: str,
    by: By,
    *,
    claimed: bool,
) -> Deployment:
    """A new deployment with its key and its entity, for the caller to insert; its commits are kept."""
    passed = queries.passage(report, place, now=now, claimed=claimed)
    deployment = rows.new(
        Deployment,
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
    asked = [rows.keying([deployment]), *commits_saving(report, place.service_id)]
    if entity:
        deployment.entity = entity
        rows.send(*asked)
    else:
        *_, deployment.entity = rows.send(*asked, _copying(deployment, config, by))
    return deployment


def _had(deployment: Deployment, name: str) -> str:
    return f"another {name}, “{getattr(deployment, name)}”"


def advance(deployment: Deployment, report: Report, place: Place, now: datetime) -> list[Entry]:
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
        return [Entry("deployment.updated", deployment.noun(), before, after, payload_of(deployment))]
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


def _copying(deployment: Deployment, config: DeploymentConfig, by: By) -> Statement:
    base = plain_identifier(f"{config.entity.identifier}-{deployment.commit[:7] or deployment.version}")
    title, copy = str(deployment)[:1000], _entity_copy(deployment)
    return entity_copying("deployment", (base, suffixed(base)), title, copy, {"deploymentConfig": config.entity}, by=by)


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
        if entity.blueprint.derived:
            compute.altered([entity.pk], _entity_copy(deployment))


def payload_of(deployment: Deployment) -> Json:
    """What subscribers need of a deployment beside its facts."""
    return {
        "deployment": str(deployment.public_id),
        "config": deployment.config.entity.identifier if deployment.config else None,
        "version": deployment.version,
        "commit": deployment.commit,
        "changes": deployment.changes[:20],
        "probed": deployment.config.is_probed if deployment.config else False,
    }
