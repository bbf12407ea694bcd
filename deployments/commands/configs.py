"""The config of a pair: made on first use, and what is live there read from the rows."""

from typing import Any

from django.utils import timezone

from catalog import compute
from catalog import queries as catalog
from catalog.commands import entity_store
from catalog.models import Entity
from catalog.queries import Place
from catalog.schema.identifiers import MOST_BYTES
from catalog.wishes import Wish
from deployments.models import Deployment, DeploymentConfig, Status
from portal.audit.record import Entry
from portal.kit import rows
from portal.kit.by import By, trusted
from portal.kit.clock import iso
from portal.kit.ids import random_text
from portal.kit.locking import Moved, advisory_lock

Json = dict[str, Any]


# `moved`: the row is newer than the others, which are as they were before we waited for it.
_CONFIG = """
    select c.id, c.entity_id, e.identifier, c.current_id, c.latest_id,
        d.public_id, d.version, d.commit, d.finished_at, d.actor, d.fence,
        coalesce(l.started_at, l.finished_at, l.reported_at),
        exists (
            select from health_probe p where p.service_id = c.service_id and p.environment_id = c.environment_id
        ),
        c.xmin <> (select o.xmin from deployments_deploymentconfig o where o.id = c.id) as moved
    from deployments_deploymentconfig c join catalog_entity e on e.id = c.entity_id
        left join deployments_deployment d on d.id = c.current_id
        left join deployments_deployment l on l.id = c.latest_id
    where c.service_id = %(service)s and c.environment_id = %(environment)s
    for no key update of c
"""
_OF_CURRENT = ("id", "public_id", "version", "commit", "finished_at", "actor", "fence")


def config_of(place: Place, *, by: By) -> DeploymentConfig:
    """The config of the pair, its row held until the transaction ends. The place is held already."""
    found = _config(place)
    if found is None:
        hold_pair(place.service_id, place.environment_id)
        found = _config(place)
    if found is None:
        wish = Wish(
            blueprint="deploymentConfig",
            identifier=free_identifier("deploymentConfig", f"{place.service}-{place.environment}"),
            mode="create",
            title=f"{place.service_title} in {place.environment_title}"[:1000],
            relations={"service": (place.service,), "environment": (place.environment,)},
        )
        entity_store(wish, by=trusted(by), checked=False)
        found = _config(place)
        assert found
    return found


def _config(place: Place) -> DeploymentConfig | None:
    """With as much of its entity, its ends and what is live as a report needs; the rest is read when it is asked for."""
    values = {"service": place.service_id, "environment": place.environment_id}
    for pk, entity, identifier, current, latest, *live, begun, probed, moved in rows.prepared(_CONFIG, values):
        if moved:
            return _config(place)  # the row is ours now
        config = rows.part(
            DeploymentConfig,
            id=pk,
            entity_id=entity,
            service_id=place.service_id,
            environment_id=place.environment_id,
            current_id=current,
            latest_id=latest,
        )
        config.entity = rows.part(Entity, id=entity, identifier=identifier)
        config.service = rows.part(Entity, id=place.service_id, identifier=place.service)
        config.environment = rows.part(Entity, id=place.environment_id, identifier=place.environment)
        config.current = rows.part(Deployment, **dict(zip(_OF_CURRENT, (current, *live)))) if current else None
        config.latest_begun, config.is_probed = begun, probed
        return config
    return None


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
    select b.identifier, e.id, e.identifier, coalesce(nullif(e.title, ''), e.identifier), e.team, e.properties ->> 'tier'
    from catalog_entity e join catalog_blueprint b on b.id = e.blueprint_id
    where e.id in (select id from named) order by e.id for key share of e
"""


def place_held(service: str, environment: str) -> Place:
    """The place of these names, kept from being renamed or deleted meanwhile. Reports do not wait for each other.

    Raises Missing with the nearest names.
    """
    names = {"service": service, "environment": environment, "folded": environment.strip().casefold()}
    for _ in range(3):
        found = rows.prepared(_PLACE, names)
        services = [each for kind, *each in found if kind == "service"]
        environments = [each for kind, *each in found if kind == "environment"]
        environments.sort(key=lambda each: each[1] != environment)
        if environments and [each[1] for each in services] == [service]:
            return catalog.place_told(services[0], environments[0])
        catalog.place(service, environment)  # it knows what to say of what is not there
        # It is there now, or has got its name back since.
    raise Moved("The service or the environment is being renamed.")


def hold_place(place: Place) -> None:
    """The same for a place that is known."""
    wanted = {place.service_id: place.service, place.environment_id: place.environment}
    held = "select id, identifier from catalog_entity where id = any(%s) order by id for key share"
    if dict(rows.prepared(held, [list(wanted)])) != wanted:
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
    (select 'current', id from deployments_deployment
    where config_id = %(config)s and kind = any(%(kinds)s) and status = 'success' and finished_at is not null
    order by finished_at desc, fence desc nulls last, provider desc, run desc, attempt desc, id desc limit 1)
    union all
    (select 'latest', id from deployments_deployment
    where config_id = %(config)s and kind = any(%(kinds)s)
    order by coalesce(started_at, finished_at, reported_at) desc, provider desc, run desc, attempt desc, id desc limit 1)
"""


def recompute(config: DeploymentConfig, by: By, new: Deployment | None = None) -> list[Entry]:
    """What is live is read from the rows, never from the order in which reports came. Answers what to tell of it.

    `new`: nothing but this one has been added since the config was read; where it is plainly ahead, no row is asked.
    """
    before, held = config.facts(), (config.current_id, config.latest_id)
    if not (new and _ahead(config, new)):
        _read_live(config)
    after = config.facts()
    if (config.current_id, config.latest_id) != held or after != before:
        _keep(config, by if after != before else None)
    else:
        copy_to_config_entity(config)
    return [Entry("deployment_config.changed", config.noun(), before, after)] if after != before else []


def _ahead(config: DeploymentConfig, new: Deployment) -> bool:
    """Whether it is both the newest success and the newest attempt, beyond a tie; then it is taken for both."""
    live, began = config.current, config.latest_begun
    if live is None or began is None or live.finished_at is None or new.status != Status.SUCCESS:
        return False
    if new.kind not in Deployment.DEPLOYS or new.finished_at is None:
        return False
    if new.finished_at <= live.finished_at or (new.started_at or new.finished_at) <= began:
        return False
    config.current = config.latest = new
    return True


def _read_live(config: DeploymentConfig) -> None:
    found = dict(rows.prepared(_LIVE, {"config": config.pk, "kinds": list(Deployment.DEPLOYS)}))
    known = Deployment.objects.in_bulk(found.values())
    config.current, config.latest = (known.get(found.get(role)) for role in ("current", "latest"))


# Of the entity's row as it is now: somebody may be writing another property of it.
_UPDATE = """
    update catalog_entity set
        properties = (properties - %(gone)s::text[]) || %(live)s::jsonb,
        updated_at = coalesce(%(at)s::timestamptz, updated_at),
        updated_by = coalesce(%(name)s::text, updated_by)
    where id = %(id)s
        and (%(at)s::timestamptz is not null or properties <> (properties - %(gone)s::text[]) || %(live)s::jsonb)
    returning id, blueprint_id
"""
# Who shows any of it is computed again, later.
_MARK = """
    insert into catalog_stale (kind, blueprint, entity, names, old, cursor)
    select 'changed', b.id, done.id, %(names)s::text[], '{}', 0 from done join catalog_blueprint b on b.id = done.blueprint_id
    where b.derived ? 'plan' or b.derived -> 'watched' ?| (%(names)s::text[] || '*'::text)
    returning id
"""
_COPY = f"with done as ({_UPDATE}) {_MARK}"
_KEEP = f"""
    with kept as (
        update deployments_deploymentconfig set current_id = %(current)s, latest_id = %(latest)s where id = %(config)s
    ), done as ({_UPDATE}) {_MARK}
"""


def _keep(config: DeploymentConfig, changed_by: By | None) -> None:
    """What is live, on the row and on its entity."""
    own = {"config": config.pk, "current": config.current_id, "latest": config.latest_id}
    if rows.prepared(_KEEP, _copied(config, changed_by) | own):
        compute.rouse()


def copy_to_config_entity(config: DeploymentConfig) -> None:
    """Writes what is live onto the entity, whose own writer stays."""
    if (config.current or config.latest) and rows.prepared(_COPY, _copied(config, None)):
        compute.rouse()


def _copied(config: DeploymentConfig, changed_by: By | None) -> Json:
    """`changed_by` changed what is live; without one the entity's own writer stays."""
    copy = _copy(config.current, config.latest)
    live = {name: value for name, value in copy.items() if value not in ("", None)}
    return {
        "id": config.entity_id,
        "gone": sorted(copy.keys() - live.keys()),
        "live": rows.text_of(live),
        "names": [*copy, *compute.WRITER],
        "at": timezone.now() if changed_by else None,
        "name": changed_by.actor.name if changed_by else None,
    }


def entity_held(entity: Entity) -> Entity | None:
    """The row as it is now, kept from others; None when it has been deleted."""
    return Entity.objects.select_for_update(of=("self",)).select_related("blueprint").filter(pk=entity.pk).first()


def _copy(current: Deployment | None, latest: Deployment | None) -> Json:
    """What the entity says of what is live; an empty value is none, and takes away what was said before."""
    live = current or Deployment()
    return {
        "status": latest.status if latest else None,
        "version": live.version,
        "commit": live.commit,
        "ref": live.ref,
        "message": live.message,
        "author": live.author,
        "deployedBy": live.actor,
        "deployedAt": iso(live.finished_at),
    }
