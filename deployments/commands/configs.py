"""The config of a pair: made on first use, and what is live there read from the rows."""

from dataclasses import replace
from typing import Any

from django.db import connection
from django.utils import timezone

from catalog.commands import entity_store
from catalog.models import Entity
from catalog.queries import Place
from catalog.schema.identifiers import MOST_BYTES
from catalog.wishes import Wish
from deployments.models import Deployment, DeploymentConfig, Status
from portal.audit.record import record
from portal.kit.by import By
from portal.kit.clock import iso
from portal.kit.ids import random_text
from portal.kit.locking import Moved, advisory_lock

Json = dict[str, Any]

# A changed setting or flag is history, not what is live.
DEPLOYS = (Deployment.Kind.DEPLOY, Deployment.Kind.ROLLBACK)


def config_of(place: Place, *, by: By) -> DeploymentConfig:
    """The config of the pair, its row held until the transaction ends."""
    hold_place(place)
    rows = DeploymentConfig.objects.select_for_update(of=("self",)).select_related(
        "entity__blueprint", "service", "environment", "current", "latest"
    )
    pair = {"service_id": place.service_id, "environment_id": place.environment_id}
    config = rows.filter(**pair).first()
    if config is None:
        hold_pair(place.service_id, place.environment_id)
        config = rows.filter(**pair).first()
    if config is None:
        wish = Wish(
            blueprint="deploymentConfig",
            identifier=free_identifier("deploymentConfig", f"{place.service}-{place.environment}"),
            mode="create",
            title=f"{place.service_title} in {place.environment_title}"[:1000],
            relations={"service": (place.service,), "environment": (place.environment,)},
        )
        entity_store(wish, by=trusted(by), checked=False)
        config = rows.get(**pair)
    return config


def hold_place(place: Place) -> None:
    """Keeps the service and the environment from being renamed or deleted meanwhile. Reports do not wait for each other."""
    wanted = {place.service_id: place.service, place.environment_id: place.environment}
    with connection.cursor() as cursor:
        cursor.execute(
            "select id, identifier from catalog_entity where id = any(%s) order by id for key share", [list(wanted)]
        )
        if dict(cursor.fetchall()) != wanted:
            raise Moved("The service or the environment has just been renamed or deleted.")


def hold_pair(service_id: int, environment_id: int) -> None:
    """Two who make the config of one pair at once wait here for each other."""
    advisory_lock("config", str(service_id), str(environment_id))


def trusted(by: By) -> By:
    """The same one, for what a report writes into the catalog: it needs no right of its own to that."""
    return replace(by, actor=replace(by.actor, is_admin=True))


def free_identifier(blueprint: str, wished: str) -> str:
    """`wished`, cut to what an identifier may be, with a suffix where it is taken. Nobody else gets it meanwhile."""
    cut = "".join(c if c.isalnum() or c in "@_.+:\\/=-" else "-" for c in wished)
    cut = cut.encode()[: MOST_BYTES - 20].decode(errors="ignore")[:980]
    advisory_lock("entity", blueprint, cut)
    if not Entity.objects.filter(blueprint__identifier=blueprint, identifier=cut).exists():
        return cut
    return f"{cut}-{random_text(6)}"


def recompute(config: DeploymentConfig, by: By) -> None:
    """What is live is read from the rows, never from the order in which reports came."""
    before = config.facts()
    rows = Deployment.objects.filter(config=config, kind__in=DEPLOYS).select_related("entity")
    config.current = rows.filter(status=Status.SUCCESS).by_finish().first()
    config.latest = rows.by_start().first()
    config.save(update_fields=["current", "latest"])
    after = config.facts()
    copy_to_config_entity(config, by if after != before else None)
    if after != before:
        record("deployment_config.changed", config.noun(), by=by, before=before, after=after)


def copy_to_config_entity(config: DeploymentConfig, changed_by: By | None = None) -> None:
    """Writes what is live onto the entity as it is now: somebody may be writing another property of it.

    `changed_by` changed what is live; without one the entity's own writer stays.
    """
    held = entity_held(config.entity)
    if held is None:
        return
    entity = config.entity = held
    copy = _copy(entity.properties, config.current, config.latest)
    if changed_by:
        entity.updated_at, entity.updated_by = timezone.now(), changed_by.actor.name
    if changed_by or copy != entity.properties:
        entity.properties = copy
        entity.save(update_fields=["properties", "updated_at", "updated_by"])


def entity_held(entity: Entity) -> Entity | None:
    """The row as it is now, kept from others; None when it has been deleted."""
    return Entity.objects.select_for_update(of=("self",)).select_related("blueprint").filter(pk=entity.pk).first()


def _copy(properties: Json, current: Deployment | None, latest: Deployment | None) -> Json:
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
