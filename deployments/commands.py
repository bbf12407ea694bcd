from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import transaction

from catalog import queries as catalog
from catalog.commands import entity_store
from catalog.models import Entity
from catalog.queries import Place
from catalog.schema.identifiers import MOST_BYTES
from catalog.wishes import Wish
from deployments import reports
from deployments.models import LEVEL, Deployment, DeploymentConfig, InboxItem, ReportRequest, Status
from deployments.reports import Report
from portal.accounts.policy import require
from portal.audit.record import record
from portal.kit.by import By, system
from portal.kit.clock import database_now, iso
from portal.kit.errors import Conflict, Missing
from portal.kit.ids import random_text
from portal.kit.locking import advisory_lock, retried

Json = dict[str, Any]

# What identifies a deployment may not change between its reports; the rest is filled where it was empty.
_FIXED = ("version", "commit")
_FILLED = (
    "previous_commit",
    "ref",
    "message",
    "author",
    "actor",
    "artifact",
    "decision",
    "run_url",
    "started_at",
    "fence",
)


@dataclass(frozen=True)
class Outcome:
    """What became of a report: a deployment, or a place in the inbox."""

    deployment: Deployment | None = None
    inbox_item: InboxItem | None = None
    created: bool = False


@retried
@transaction.atomic
def deployment_report(body: Json, *, key: str = "", by: By) -> Outcome:
    """Takes a report in. `key` identifies the request: the same again has the same answer, another body is a Conflict.

    Names that the catalog does not know put the report into the inbox; nothing is lost.
    """
    require(by, "deployment.report")
    now = database_now()
    report = reports.parse(body, now=now)
    if key:
        advisory_lock("report", by.actor.key, key)
        earlier = ReportRequest.objects.filter(actor_key=by.actor.key, key=key).first()
        if earlier:
            return _replay(earlier, body)
    try:
        place = catalog.place(report.service, report.environment)
    except Missing as unknown:
        outcome = Outcome(inbox_item=_keep(report, body, unknown, by), created=True)
    else:
        outcome = deployment_store(report, place, now=now, by=by)
    if key:
        ReportRequest.objects.create(
            actor_key=by.actor.key,
            key=key,
            body=body,
            deployment=outcome.deployment,
            inbox_item=outcome.inbox_item,
        )
    return outcome


@transaction.atomic
def deployment_store(report: Report, place: Place, *, now: datetime, entity: Entity | None = None, by: By) -> Outcome:
    """Makes the deployment, or advances the one of the same run, and recomputes what is live.

    `entity` is the catalog's own entity of it where that exists already.
    """
    config = config_of(place, by=by)
    found = None
    if report.run:
        rows = Deployment.objects.filter(config=config, provider=report.provider, run=report.run)
        found = rows.filter(attempt=report.attempt).select_related("entity").first()
    if found:
        deployment = _advance(found, report, now, by)
    else:
        deployment = _make(report, place, config, now, entity, by)
    _recompute(config, by)
    return Outcome(deployment, created=found is None)


def config_of(place: Place, *, by: By) -> DeploymentConfig:
    """The config of the pair, made on first use, its row held until the transaction ends."""
    rows = DeploymentConfig.objects.select_for_update(of=("self",)).select_related(
        "entity__blueprint", "service", "environment", "current", "latest"
    )
    pair = {"service_id": place.service_id, "environment_id": place.environment_id}
    config = rows.filter(**pair).first()
    if config is None:
        advisory_lock("config", str(place.service_id), str(place.environment_id))
        config = rows.filter(**pair).first()
    if config is None:
        wish = Wish(
            blueprint="deploymentConfig",
            identifier=_free("deploymentConfig", f"{place.service}-{place.environment}"),
            mode="create",
            title=f"{place.service_title} in {place.environment_title}"[:1000],
            relations={"service": (place.service,), "environment": (place.environment,)},
        )
        # The portal makes it, whoever reports: a report needs no right to write the catalog.
        entity_store(wish, by=replace(system("setup"), door=by.door, trace=by.trace))
        config = rows.get(**pair)
    return config


@transaction.atomic
def inbox_place(item: InboxItem, *, service: str, environment: str, by: By) -> Deployment:
    """Takes the kept report in under names that the catalog knows. Twice is the same as once."""
    require(by, "inbox.resolve")
    item = InboxItem.objects.select_for_update().get(pk=item.pk)
    if item.state == InboxItem.State.PLACED and item.deployment:
        return item.deployment
    if item.state != InboxItem.State.WAITING:
        raise Conflict("This report was dropped.", code="inbox_settled")
    place = catalog.place(service, environment)
    report = reports.parse(item.body | {"service": service, "environment": environment}, now=database_now())
    # Without a time of its own it happened when it came, not when somebody got round to placing it.
    if report.finished_at is None and LEVEL[report.status] >= 2:
        report = replace(report, finished_at=item.at)
    outcome = deployment_store(report, place, now=item.at, by=by)
    before = item.facts()
    item.state, item.deployment = InboxItem.State.PLACED, outcome.deployment
    item.save(update_fields=["state", "deployment"])
    record("inbox.placed", item.noun(), by=by, before=before, after=item.facts())
    assert outcome.deployment is not None
    return outcome.deployment


@transaction.atomic
def inbox_drop(item: InboxItem, *, by: By) -> None:
    require(by, "inbox.resolve")
    item = InboxItem.objects.select_for_update().get(pk=item.pk)
    if item.state != InboxItem.State.WAITING:
        raise Conflict("This report is settled already.", code="inbox_settled")
    before = item.facts()
    item.state = InboxItem.State.DROPPED
    item.save(update_fields=["state"])
    record("inbox.dropped", item.noun(), by=by, before=before, after=item.facts())


def _replay(earlier: ReportRequest, body: Json) -> Outcome:
    if earlier.body != body:
        keys = sorted(name for name in earlier.body.keys() | body.keys() if earlier.body.get(name) != body.get(name))
        raise Conflict(
            f"This Idempotency-Key was used for another report; they differ in {', '.join(keys)}.",
            code="idempotency_conflict",
            differs_in=keys,
        )
    return Outcome(earlier.deployment, earlier.inbox_item)


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
    report: Report, place: Place, config: DeploymentConfig, now: datetime, entity: Entity | None, by: By
) -> Deployment:
    over = LEVEL[report.status] >= 2
    first = report.changes[0] if report.changes else {}
    deployment: Deployment = Deployment(
        config=config,
        service_identifier=place.service,
        environment_identifier=place.environment,
        status=report.status,
        kind=report.kind,
        version=report.version,
        commit=report.commit,
        finished_at=report.finished_at or (now if over else None),
        finish_is_ours=over and report.finished_at is None,
        reported_at=now,
        provider=report.provider,
        run=report.run,
        attempt=report.attempt,
        changes=report.changes,
        instances=report.instances,
        extra=report.extra,
        reported_by=by.actor.name,
        **{name: getattr(report, name) for name in _FILLED},
    )
    deployment.message = deployment.message or first.get("message", "")
    deployment.author = deployment.author or first.get("author", "")
    deployment.entity = entity or _make_entity(deployment, config, by)
    deployment.save()
    record("deployment.reported", deployment.noun(), by=by, after=deployment.facts(), payload=_payload(deployment))
    return deployment


def _advance(deployment: Deployment, report: Report, now: datetime, by: By) -> Deployment:
    """A later report of the same run: the status may go up, and what was empty is filled."""
    before = deployment.facts()
    changed = {name for name in _FIXED if getattr(report, name) and getattr(deployment, name)}
    differing = sorted(name for name in changed if getattr(report, name) != getattr(deployment, name))
    if differing:
        raise Conflict(
            f"This run has already reported another {' and '.join(differing)}.",
            code="deployment_conflict",
            differs_in=differing,
        )
    for name in _FIXED + _FILLED:
        if getattr(deployment, name) in ("", None):
            setattr(deployment, name, getattr(report, name))
    deployment.changes = deployment.changes or report.changes
    deployment.extra = report.extra | deployment.extra
    _advance_status(deployment, report, now)
    deployment.save()
    _copy_to_entity(deployment)
    after = deployment.facts()
    if after != before:
        record("deployment.updated", deployment.noun(), by=by, before=before, after=after, payload=_payload(deployment))
    elif report.status != deployment.status:
        # It came late and changes nothing; that it came is worth knowing.
        record("deployment.noted", deployment.noun(), by=by, after=after, payload={"late_status": report.status})
    return deployment


def _advance_status(deployment: Deployment, report: Report, now: datetime) -> None:
    old, new = Status(deployment.status), report.status
    if LEVEL[new] == LEVEL[old] == 2 and new != old:
        raise Conflict(
            f"This run has already ended with {old}; it cannot have ended with {new} as well.",
            code="deployment_conflict",
            differs_in=["status"],
        )
    if LEVEL[new] > LEVEL[old]:
        deployment.status = new
    if report.finished_at and (deployment.finished_at is None or deployment.finish_is_ours):
        deployment.finished_at, deployment.finish_is_ours = report.finished_at, False
    if deployment.is_over and deployment.finished_at is None:
        deployment.finished_at, deployment.finish_is_ours = now, True


def _recompute(config: DeploymentConfig, by: By) -> None:
    """What is live is read from the rows, never from the order in which reports came."""
    before = config.facts()
    rows = Deployment.objects.filter(config=config).select_related("entity")
    current = rows.filter(status=Status.SUCCESS).by_finish().first()
    latest = rows.by_start().first()
    if (current, latest) == (config.current, config.latest) and not _moved(config, current, latest):
        return
    config.current, config.latest = current, latest
    config.save(update_fields=["current", "latest"])
    copy_to_config_entity(config)
    after = config.facts()
    if after != before:
        record("deployment_config.changed", config.noun(), by=by, before=before, after=after)


def _moved(config: DeploymentConfig, current: Deployment | None, latest: Deployment | None) -> bool:
    return bool(config.entity.properties != _config_copy(config.entity.properties, current, latest))


def copy_to_config_entity(config: DeploymentConfig) -> None:
    """Writes what is live onto the entity as it is now: somebody may be writing another property of it."""
    entity = config.entity = _entity_held(config.entity)
    entity.properties = _config_copy(entity.properties, config.current, config.latest)
    entity.save(update_fields=["properties"])


def _config_copy(properties: Json, current: Deployment | None, latest: Deployment | None) -> Json:
    if current is None and latest is None:
        return properties
    copy: Json = {"status": latest.status if latest else None}
    if current:
        copy |= {
            "version": current.version,
            "commit": current.commit,
            "ref": current.ref,
            "message": current.message,
            "author": current.author,
            "deployedBy": current.actor,
            "deployedAt": iso(current.finished_at),
        }
    return {name: value for name, value in (properties | copy).items() if value not in ("", None)}


def _make_entity(deployment: Deployment, config: DeploymentConfig, by: By) -> Entity:
    base = f"{config.entity.identifier}-{deployment.commit[:7] or deployment.version}"
    wish = Wish(
        blueprint="deployment",
        identifier=_free("deployment", base),
        mode="create",
        title=str(deployment)[:1000],
        properties=_entity_copy(deployment),
        relations={"deploymentConfig": (config.entity.identifier,)},
    )
    return entity_store(wish, by=replace(system("setup"), door=by.door, trace=by.trace), event=False)


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
        "startedAt": iso(deployment.started_at),
        "finishedAt": iso(deployment.finished_at),
        "jobUrl": deployment.run_url,
    }
    return {name: value for name, value in copy.items() if value not in ("", None)}


def _copy_to_entity(deployment: Deployment) -> None:
    """A deployment that came as an entity keeps what its client wrote, to the letter."""
    if deployment.entity and deployment.provider != "entity":
        entity = _entity_held(deployment.entity)
        entity.properties = entity.properties | _entity_copy(deployment)
        entity.save(update_fields=["properties"])


def _entity_held(entity: Entity) -> Entity:
    return Entity.objects.select_for_update(of=("self",)).select_related("blueprint").get(pk=entity.pk)


def _free(blueprint: str, wished: str) -> str:
    """`wished`, cut to what an identifier may be, with a suffix where it is taken."""
    cut = "".join(c if c.isalnum() or c in "@_.+:\\/=-" else "-" for c in wished)
    cut = cut.encode()[: MOST_BYTES - 20].decode(errors="ignore")[:980]
    if not Entity.objects.filter(blueprint__identifier=blueprint, identifier=cut).exists():
        return cut
    return f"{cut}-{random_text(6)}"


def _payload(deployment: Deployment) -> Json:
    return {
        "deployment": str(deployment.public_id),
        "config": deployment.config.entity.identifier if deployment.config else None,
        "version": deployment.version,
        "commit": deployment.commit,
        "changes": deployment.changes[:20],
    }
