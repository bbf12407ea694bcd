"""The config of a pair: made on first use, and what is live there read from the rows."""

import json
from collections.abc import Iterable
from typing import Any

from django.db import connection
from django.utils import timezone

from catalog import queries as catalog
from catalog.commands import entity_store
from catalog.models import Entity
from catalog.queries import Place
from catalog.schema.identifiers import MOST_BYTES
from catalog.wishes import Wish
from deployments.models import Deployment, DeploymentConfig
from portal.audit.record import Entry
from portal.kit.by import By, trusted
from portal.kit.clock import iso
from portal.kit.ids import random_text
from portal.kit.locking import Moved, advisory_lock

Json = dict[str, Any]


def config_of(place: Place, *, by: By) -> DeploymentConfig:
    """The config of the pair, its row held until the transaction ends. The place is held already."""
    rows = DeploymentConfig.objects.select_for_update(of=("self",)).select_related(
        "entity", "service", "environment", "current"
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


# The names first, then the rows by their keys: so an index finds each.
_PLACE = """
    with named as materialized (
        select e.id from catalog_entity e
        where e.blueprint_id = (select id from catalog_blueprint where identifier = 'service') and e.identifier = %(service)s
        union
        select e.id from catalog_entity e
        where e.blueprint_id = (select id from catalog_blueprint where identifier = 'environment')
            and e.identifier = %(environment)s
        union
        select entity_id from catalog_alias where folded = %(folded)s
    )
    select e.id, e.identifier, e.title, e.team, e.properties, b.identifier as kind
    from catalog_entity e join catalog_blueprint b on b.id = e.blueprint_id
    where e.id in (select id from named) order by e.id for key share of e
"""


def place_held(service: str, environment: str) -> Place:
    """The place of these names, kept from being renamed or deleted meanwhile. Reports do not wait for each other.

    Raises Missing with the nearest names.
    """
    names = {"service": service, "environment": environment, "folded": environment.strip().casefold()}
    for _ in range(3):
        found: list[Any] = list(Entity.objects.raw(_PLACE, names))
        services = [each for each in found if each.kind == "service"]
        environments = [each for each in found if each.kind == "environment"]
        environments.sort(key=lambda each: each.identifier != environment)
        if environments and [each.identifier for each in services] == [service]:
            return catalog.place_of(services[0], environments[0])
        catalog.place(service, environment)  # it knows what to say of what is not there
        # It is there now, or has got its name back since.
    raise Moved("The service or the environment is being renamed.")


def hold_place(place: Place) -> None:
    """The same for a place that is known."""
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


def plain_identifier(wished: str) -> str:
    """`wished`, cut to what an identifier may be, with room for a suffix."""
    cut = "".join(c if c.isalnum() or c in "@_.+:\\/=-" else "-" for c in wished)
    return cut.encode()[: MOST_BYTES - 20].decode(errors="ignore")[:980]


def suffixed(identifier: str) -> str:
    return f"{identifier}-{random_text(6)}"


def free_identifier(blueprint: str, wished: str) -> str:
    """`wished`, plain, with a suffix where it is taken. Nobody else gets it meanwhile."""
    plain = plain_identifier(wished)
    advisory_lock("entity", blueprint, plain)
    if not Entity.objects.filter(blueprint__identifier=blueprint, identifier=plain).exists():
        return plain
    return suffixed(plain)


# As by_finish() and by_start() order them. Written out, because every report asks it and an index answers each half.
_LIVE = """
    (select *, 'current' as role from deployments_deployment
    where config_id = %(config)s and kind = any(%(kinds)s) and status = 'success' and finished_at is not null
    order by finished_at desc, fence desc nulls last, provider desc, run desc, attempt desc, id desc limit 1)
    union all
    (select *, 'latest' as role from deployments_deployment
    where config_id = %(config)s and kind = any(%(kinds)s)
    order by coalesce(started_at, finished_at, reported_at) desc, provider desc, run desc, attempt desc, id desc limit 1)
"""


def recompute(config: DeploymentConfig, by: By) -> list[Entry]:
    """What is live is read from the rows, never from the order in which reports came. Answers what to tell of it."""
    before, held = config.facts(), (config.current_id, config.latest_id)
    rows: Iterable[Any] = Deployment.objects.raw(_LIVE, {"config": config.pk, "kinds": list(Deployment.DEPLOYS)})
    found = {each.role: each for each in rows}
    config.current, config.latest = found.get("current"), found.get("latest")
    if (config.current_id, config.latest_id) != held:
        config.save(update_fields=["current", "latest"])
    after = config.facts()
    copy_to_config_entity(config, by if after != before else None)
    return [Entry("deployment_config.changed", config.noun(), before, after)] if after != before else []


# Of the row as it is now: somebody may be writing another property of it.
_COPY = """
    update catalog_entity set
        properties = (properties - %(gone)s::text[]) || %(live)s::jsonb,
        updated_at = coalesce(%(at)s, updated_at),
        updated_by = coalesce(%(name)s, updated_by)
    where id = %(id)s
        and (%(at)s is not null or properties <> (properties - %(gone)s::text[]) || %(live)s::jsonb)
"""


def copy_to_config_entity(config: DeploymentConfig, changed_by: By | None = None) -> None:
    """Writes what is live onto the entity. `changed_by` changed what is live; without one the entity's own writer stays."""
    copy = _copy(config.current, config.latest)
    if not copy:
        return
    live = {name: value for name, value in copy.items() if value not in ("", None)}
    values: Json = {
        "id": config.entity_id,
        "gone": sorted(copy.keys() - live.keys()),
        "live": json.dumps(live),
        "at": timezone.now() if changed_by else None,
        "name": changed_by.actor.name if changed_by else None,
    }
    with connection.cursor() as cursor:
        cursor.execute(_COPY, values)


def entity_held(entity: Entity) -> Entity | None:
    """The row as it is now, kept from others; None when it has been deleted."""
    return Entity.objects.select_for_update(of=("self",)).select_related("blueprint").filter(pk=entity.pk).first()


def _copy(current: Deployment | None, latest: Deployment | None) -> Json:
    """What the entity says of what is live; an empty value is none."""
    if current is None and latest is None:
        return {}
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
    return copy
