"""The config of a pair: made on first use, and what is live there read from the rows."""

from typing import Any

from django.utils import timezone

from catalog import compute
from catalog.commands import entity_store
from catalog.models import Entity
from catalog.queries import Place
from catalog.schema.identifiers import MOST_BYTES
from catalog.wishes import Wish
from deployments.commands.pairs import Pair, pair_held
from deployments.models import Deployment, DeploymentConfig, Status
from deployments.reports import Report
from portal.audit.record import Entry
from portal.kit import rows
from portal.kit.by import By, trusted
from portal.kit.clock import iso
from portal.kit.ids import random_text
from portal.kit.locking import advisory_lock
from portal.kit.rows import Row, Statement

Json = dict[str, Any]


def config_of(place: Place, *, by: By) -> DeploymentConfig:
    """The config of the pair, its row held until the transaction ends."""
    _, config = configured(pair_held(place.service, place.environment), by=by)
    return config


def configured(pair: Pair, report: Report | None = None, *, by: By) -> tuple[Pair, DeploymentConfig]:
    """A pair that is held, with the deployment of the run of `report`, and its config, which is made on first use."""
    if pair.config is None:
        _make(pair.place, by)
        pair = pair_held(pair.place.service, pair.place.environment, report)
        assert pair.config
    return pair, pair.config


def _make(place: Place, by: By) -> None:
    hold_pair(place.service_id, place.environment_id)
    if DeploymentConfig.objects.filter(service=place.service_id, environment=place.environment_id).exists():
        return
    wish = Wish(
        blueprint="deploymentConfig",
        identifier=free_identifier("deploymentConfig", f"{place.service}-{place.environment}"),
        mode="create",
        title=f"{place.service_title} in {place.environment_title}"[:1000],
        relations={"service": (place.service,), "environment": (place.environment,)},
    )
    entity_store(wish, by=trusted(by), checked=False)


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


def recompute(config: DeploymentConfig, by: By, ahead: Deployment | None = None) -> tuple[list[Entry], list[Statement]]:
    """What is live is read from the rows, never from the order in which reports came. Answers what to tell of it, and
    what keeps it, for the caller to send.

    `ahead` is the new one that `is_ahead` of all others: then no row is asked.
    """
    before, held = config.facts(), (config.current_id, config.latest_id)
    if ahead:
        config.current = config.latest = ahead
    else:
        _read_live(config)
    after = config.facts()
    if (config.current_id, config.latest_id) != held or after != before:
        keeping = [_keeping(config, by if after != before else None)]
    else:
        keeping = _copying(config)
    told = [Entry("deployment_config.changed", config.noun(), before, after)] if after != before else []
    return told, keeping


def is_ahead(new: Deployment, config: DeploymentConfig) -> bool:
    """Whether it is both the newest success and the newest attempt, beyond a tie."""
    live, began = config.current, config.latest_begun
    if live is None or began is None or live.finished_at is None or new.status != Status.SUCCESS:
        return False
    if new.kind not in Deployment.DEPLOYS or new.finished_at is None:
        return False
    return new.finished_at > live.finished_at and (new.started_at or new.finished_at) > began


def _read_live(config: DeploymentConfig) -> None:
    found: dict[str, int] = dict(rows.prepared(_LIVE, {"config": config.pk, "kinds": list(Deployment.DEPLOYS)}))
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


def _keeping(config: DeploymentConfig, changed_by: By | None) -> Statement:
    """What is live, on the row and on its entity."""
    own = {"config": config.pk, "current": config.current_id, "latest": config.latest_id}
    return Statement(_KEEP, _copied(config, changed_by) | own, _rouse)


def copy_to_config_entity(config: DeploymentConfig) -> None:
    """Writes what is live onto the entity, whose own writer stays."""
    rows.send(*_copying(config))


def _copying(config: DeploymentConfig) -> list[Statement]:
    return [Statement(_COPY, _copied(config, None), _rouse)] if config.current or config.latest else []


def _rouse(marked: list[Row]) -> None:
    if marked:
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
