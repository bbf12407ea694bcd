"""The config of a pair: made on first use, and what is live there read from the rows."""

from dataclasses import replace
from typing import Any

from catalog.commands import entity_store
from catalog.models import Entity
from catalog.queries import Place
from catalog.schema.identifiers import MOST_BYTES
from catalog.wishes import Wish
from deployments.models import Deployment, DeploymentConfig, Status
from portal.audit.record import record
from portal.kit.by import By, system
from portal.kit.clock import iso
from portal.kit.ids import random_text
from portal.kit.locking import advisory_lock

Json = dict[str, Any]

# A changed setting or flag is history, not what is live.
DEPLOYS = (Deployment.Kind.DEPLOY, Deployment.Kind.ROLLBACK)


def config_of(place: Place, *, by: By) -> DeploymentConfig:
    """The config of the pair, its row held until the transaction ends."""
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
        entity_store(wish, by=portal_for(by), checked=False)
        config = rows.get(**pair)
    return config


def hold_pair(service_id: int, environment_id: int) -> None:
    """Two who make the config of one pair at once wait here for each other."""
    advisory_lock("config", str(service_id), str(environment_id))


def portal_for(by: By) -> By:
    """The portal writes the entity, whoever reports: a report needs no right to write the catalog."""
    return replace(system("setup"), door=by.door, trace=by.trace)


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
    copy_to_config_entity(config)
    after = config.facts()
    if after != before:
        record("deployment_config.changed", config.noun(), by=by, before=before, after=after)


def copy_to_config_entity(config: DeploymentConfig) -> None:
    """Writes what is live onto the entity as it is now: somebody may be writing another property of it."""
    entity = config.entity = entity_held(config.entity)
    copy = _copy(entity.properties, config.current, config.latest)
    if copy != entity.properties:
        entity.properties = copy
        entity.save(update_fields=["properties"])


def entity_held(entity: Entity) -> Entity:
    return Entity.objects.select_for_update(of=("self",)).select_related("blueprint").get(pk=entity.pk)


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
