"""What the generic entity doors do when they meet a deploymentConfig or a deployment."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import Any

from django.db.models import Q

from catalog import queries as catalog
from catalog.commands import entity_store
from catalog.kinds import Kind, register
from catalog.models import Entity
from catalog.wishes import Wish
from deployments import kinds, queries, reports
from deployments.commands import copy_to_config_entity, deployment_store, ingest
from deployments.commands.configs import hold_pair
from deployments.commands.ingest import Sent
from deployments.models import Deployment, DeploymentConfig, ReportRequest, Status
from deployments.reports import Report
from portal.accounts.policy import require
from portal.audit.record import Entry, record_many
from portal.kit.by import By
from portal.kit.clock import database_now, iso
from portal.kit.errors import Conflict, Invalid

Json = dict[str, Any]

LONGEST_RUN = 500
# Words that pipelines use, and the names under which they send things.
STATUS_WORDS = {
    "succeeded": Status.SUCCESS,
    "ok": Status.SUCCESS,
    "passed": Status.SUCCESS,
    "completed": Status.SUCCESS,
    "failed": Status.FAILURE,
    "error": Status.FAILURE,
    "running": Status.IN_PROGRESS,
    "started": Status.IN_PROGRESS,
    "queued": Status.PENDING,
    "canceled": Status.CANCELLED,
    "aborted": Status.CANCELLED,
}
NAMES = {
    "version": ("version", "imageTag", "tag"),
    "commit": ("commit", "commitSha", "sha"),
    "ref": ("ref", "branch"),
    "message": ("message", "commitMessage"),
    "author": ("author", "commitAuthor"),
    "actor": ("deployedBy", "deployingUser", "actor"),
    "run_url": ("jobUrl", "runUrl", "url"),
    "status": ("status", "deploymentStatus"),
    "started_at": ("startedAt",),
    "finished_at": ("finishedAt",),
}


def register_kinds() -> None:
    ends = ("service", "environment")
    register(Kind(kinds.CONFIG, base_relations=ends, told=kinds.TOLD, saved=config_saved, seen=queries.config_seen))
    register(
        Kind(
            kinds.DEPLOYMENT,
            base_relations=("deploymentConfig",),
            write=deployment_write,
            seen=queries.deployment_seen,
        )
    )


def config_saved(entity: Entity, by: By) -> None:
    """Keeps the typed row beside the entity. A second config of a pair is a Conflict; one without a pair is stored plain."""
    ends = {arrow.name: arrow.target for arrow in entity.arrows.select_related("target")}
    service, environment = ends.get("service"), ends.get("environment")
    held = DeploymentConfig.objects.filter(entity=entity).first()
    if service is None or environment is None:
        if held:
            raise Invalid.at("relations", "a deployment config keeps its service and its environment")
        return
    hold_pair(service.pk, environment.pk)
    twin = DeploymentConfig.objects.filter(service=service, environment=environment).exclude(entity=entity)
    other = twin.select_related("entity").first()
    if other:
        raise Conflict(
            f"{service.identifier} in {environment.identifier} has the config “{other.entity.identifier}” already.",
            code="config_taken",
            identifier=other.entity.identifier,
        )
    if held is None:
        DeploymentConfig.objects.create(entity=entity, service=service, environment=environment)
        return
    if (held.service_id, held.environment_id) != (service.pk, environment.pk):
        if held.deployments.exists():
            raise Conflict("It has deployments; its service and environment stay.", code="config_in_use")
        held.service, held.environment = service, environment
        held.save(update_fields=["service", "environment"])
    copy_to_config_entity(held)
    entity.refresh_from_db(fields=["properties"])


def deployment_write(wish: Wish, by: By) -> Entity | None:
    """Stores the entity as its client wrote it and takes it in as a report of the run with its identifier.

    Without a config to belong to it is stored plain.
    """
    require(by, "deployment.report")
    entity = Entity.objects.filter(blueprint__identifier="deployment", identifier=wish.identifier).first()
    known = Deployment.objects.filter(entity=entity).first() if entity else None
    if known and wish.rename and not known.entity_is_clients:
        raise Conflict("A deployment that CI reported keeps its identifier.", code="deployment_conflict")
    stored = entity_store(wish, by=by)
    sent, config = Sent(_sent(wish), ReportRequest.Door.ENTITY), _config_of(stored)
    if config is None:
        ingest.ignore(sent, "It names no deployment config: it is kept as a plain entity.", by=by)
        return stored
    now = by.at or database_now()
    report = _report(stored, config, known, now)
    place = catalog.place_of(config.service, config.environment)
    outcome = deployment_store(report, place, now=now, known=known, entity=stored, by=by)
    ingest.settle(sent, outcome, report=report, now=now, by=by)
    return stored


def _sent(wish: Wish) -> Json:
    relations = {name: list(targets) for name, targets in wish.relations.items()}
    return {"identifier": wish.identifier, "properties": wish.properties, "relations": relations}


def entity_changed(entity: Entity, before: Json, by: By) -> None:
    """Deployments remember their service and environment by name; a new name is theirs too."""
    kind = entity.blueprint.identifier
    if entity.identifier != before["identifier"]:
        Deployment.objects.filter(**{f"config__{kind}": entity}).update(**{f"{kind}_identifier": entity.identifier})


def entities_deleting(entities: Sequence[Entity], by: By) -> None:
    """With a service or an environment go its configs; what was live there stays in their last event."""
    gone = DeploymentConfig.objects.filter(
        Q(service__in=entities) | Q(environment__in=entities) | Q(entity__in=entities)
    )
    rows = gone.select_related("entity", "service", "environment", "current")
    record_many([Entry("deployment_config.deleted", each.noun(), each.facts()) for each in rows], by=by)


def _config_of(entity: Entity) -> DeploymentConfig | None:
    arrow = entity.arrows.filter(name="deploymentConfig").first()
    if arrow is None:
        return None
    return DeploymentConfig.objects.filter(entity=arrow.target_id).select_related("service", "environment").first()


def _report(entity: Entity, config: DeploymentConfig, known: Deployment | None, now: datetime) -> Report:
    """What the entity says, read with all the care that a report is read with."""
    found = {field: _first(entity.properties, names) for field, names in NAMES.items()}
    url = found.pop("run_url")
    run = entity.identifier if len(entity.identifier) <= LONGEST_RUN else sha256(entity.identifier.encode()).hexdigest()
    body = {name: value for name, value in found.items() if value is not None} | {
        "service": config.service.identifier,
        "environment": config.environment.identifier,
        "status": _status(str(found["status"] or (known.status if known else Status.SUCCESS.value))),
        "ci": {"provider": "entity", "run": run, "url": url},
    }
    try:
        report = reports.parse(body, now=now, needs_version=False)
    except Invalid as wrong:
        raise Invalid.of([fault | {"path": _property(fault["path"])} for fault in wrong.details["errors"]]) from wrong
    if known and report.finished_at and iso(report.finished_at) == iso(known.finished_at):
        return replace(report, finished_at=None)  # our own copy comes back: nobody has named an instant
    return report


def _property(path: str) -> str:
    """Where a fault of the report stands in the entity."""
    field = "run_url" if path == "ci.url" else path
    return f"properties.{NAMES[field][0]}" if field in NAMES else path


def _status(word: str) -> Status:
    folded = word.strip().lower().replace("-", "_").replace(" ", "_")
    if folded in Status.values:
        return Status(folded)
    if folded in STATUS_WORDS:
        return STATUS_WORDS[folded]
    raise Invalid.at("properties.status", f"{word!r} is none of {', '.join([*Status.values, *STATUS_WORDS])}")


def _first(properties: Json, names: tuple[str, ...]) -> Any:
    return next((properties[name] for name in names if properties.get(name) not in (None, "")), None)
