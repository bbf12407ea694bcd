"""What the generic entity doors do when they meet a deploymentConfig or a deployment."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from catalog import queries as catalog
from catalog.commands import entity_store
from catalog.kinds import Kind, register
from catalog.models import Entity
from catalog.wishes import Wish
from deployments import kinds
from deployments.commands import copy_to_config_entity, deployment_store
from deployments.models import Deployment, DeploymentConfig, Status
from deployments.reports import Report
from portal.accounts.policy import require
from portal.kit.by import By
from portal.kit.clock import database_now, instant
from portal.kit.errors import Conflict, Invalid

Json = dict[str, Any]

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
    register(Kind(kinds.CONFIG, base_relations=("service", "environment"), saved=config_saved))
    register(Kind(kinds.DEPLOYMENT, base_relations=("deploymentConfig",), write=deployment_write))


def config_saved(entity: Entity, by: By) -> None:
    """Keeps the typed row beside the entity. A second config of a pair is a Conflict; one without a pair is stored plain."""
    ends = {arrow.name: arrow.target for arrow in entity.arrows.select_related("target")}
    service, environment = ends.get("service"), ends.get("environment")
    held = DeploymentConfig.objects.filter(entity=entity).first()
    if service is None or environment is None:
        if held:
            raise Invalid.at("relations", "a deployment config keeps its service and its environment")
        return
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
    held.entity = entity
    copy_to_config_entity(held)


def deployment_write(wish: Wish, by: By) -> Entity | None:
    """Stores the entity as its client wrote it and takes it in as a report of the run with its identifier.

    Without a config to belong to it is stored plain.
    """
    entity = Entity.objects.filter(blueprint__identifier="deployment", identifier=wish.identifier).first()
    known = Deployment.objects.filter(entity=entity).first() if entity else None
    if known and known.provider != "entity":
        _refuse_rewriting(known, wish)
    stored = entity_store(wish, by=by, event=False)
    config = _config_of(stored)
    if config is None:
        return stored
    require(by, "entity.write", teams=stored.team, blueprint="deployment")
    report = _report(stored, config)
    if known and known.provider != "entity":
        report = replace(report, provider=known.provider, run=known.run or str(known.public_id), attempt=known.attempt)
    place = catalog.place_of(config.service, config.environment)
    deployment_store(report, place, now=database_now(), entity=stored, by=by)
    return stored


def _refuse_rewriting(known: Deployment, wish: Wish) -> None:
    if wish.rename:
        raise Conflict("A deployment that CI reported keeps its identifier.", code="deployment_conflict")


def _config_of(entity: Entity) -> DeploymentConfig | None:
    arrow = entity.arrows.filter(name="deploymentConfig").first()
    if arrow is None:
        return None
    return DeploymentConfig.objects.filter(entity=arrow.target_id).select_related("service", "environment").first()


def _report(entity: Entity, config: DeploymentConfig) -> Report:
    found = {field: _first(entity.properties, names) for field, names in NAMES.items()}

    def text(field: str) -> str:
        return str(found[field] or "")

    def moment(field: str) -> datetime | None:
        return instant(found[field], f"properties.{NAMES[field][0]}") if found[field] else None

    return Report(
        service=config.service.identifier,
        environment=config.environment.identifier,
        status=_status(text("status") or Status.SUCCESS),
        provider="entity",
        run=entity.identifier[:500],
        version=text("version"),
        commit=text("commit"),
        ref=text("ref"),
        message=text("message"),
        author=text("author"),
        actor=text("actor"),
        run_url=text("run_url"),
        started_at=moment("started_at"),
        finished_at=moment("finished_at"),
    )


def _status(word: str) -> Status:
    folded = word.strip().lower().replace("-", "_").replace(" ", "_")
    if folded in Status.values:
        return Status(folded)
    if folded in STATUS_WORDS:
        return STATUS_WORDS[folded]
    raise Invalid.at("properties.status", f"{word!r} is none of {', '.join([*Status.values, *STATUS_WORDS])}")


def _first(properties: Json, names: tuple[str, ...]) -> Any:
    return next((properties[name] for name in names if properties.get(name) not in (None, "")), None)
