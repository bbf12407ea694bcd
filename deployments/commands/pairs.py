"""A service in an environment, found by their names and kept as it is until the transaction ends."""

from dataclasses import dataclass
from itertools import chain
from typing import Any

from catalog import queries as catalog
from catalog.models import Entity
from catalog.queries import Place
from deployments.models import Deployment, DeploymentConfig
from deployments.reports import Report
from portal.kit import rows
from portal.kit.locking import Moved
from portal.kit.rows import Row, Statement


@dataclass(frozen=True)
class Pair:
    """`config` is None where nothing was ever deployed. `found` is the key of the deployment of the run that was asked
    for, and `claimed` whether this run has claimed its turn here at the gate."""

    place: Place
    config: DeploymentConfig | None
    found: int | None = None
    claimed: bool = False


# The names first, then the rows by their keys: so an index finds each. An environment's own name counts before an alias.
_NAMED = """
    named as materialized (
        select e.id from catalog_entity e
        where e.blueprint_id = (select id from catalog_blueprint where identifier = 'service') and e.identifier = %(service)s
        union
        select e.id from catalog_entity e
        where e.blueprint_id = (select id from catalog_blueprint where identifier = 'environment')
            and e.identifier = %(environment)s
        union
        select entity_id from catalog_alias where folded = %(folded)s
    )
"""
_TOLD = "coalesce(nullif(e.title, ''), e.identifier) as title, e.team, e.properties ->> 'tier' as tier"
_ENDS = """
    service as (select * from place where kind = 'service' and identifier = %(service)s),
    environment as (select * from place where kind = 'environment' order by identifier <> %(environment)s limit 1)
"""
# `moved`: the row is newer than the others, which are as they were before we waited for it.
_HELD = f"""
    with {_NAMED}, place as materialized (
        select b.identifier as kind, e.id, e.identifier, {_TOLD}
        from catalog_entity e join catalog_blueprint b on b.id = e.blueprint_id
        where e.id in (select id from named) order by e.id for key share of e
    ), {_ENDS}, config as materialized (
        select c.id, c.entity_id, c.current_id, c.latest_id,
            c.xmin <> (select o.xmin from deployments_deploymentconfig o where o.id = c.id) as moved
        from deployments_deploymentconfig c
        where c.service_id = (select id from service) and c.environment_id = (select id from environment)
        for no key update of c
    )
    select s.id, s.identifier, s.title, s.team, s.tier, e.id, e.identifier, e.title, e.team, e.tier,
        c.moved, c.id, c.entity_id, own.identifier, c.current_id, c.latest_id,
        coalesce(l.started_at, l.finished_at, l.reported_at),
        exists (select from health_probe p where p.service_id = s.id and p.environment_id = e.id),
        d.public_id, d.version, d.commit, d.finished_at, d.actor, d.fence
    from service s cross join environment e
        left join config c on true
        left join catalog_entity own on own.id = c.entity_id
        left join deployments_deployment d on d.id = c.current_id
        left join deployments_deployment l on l.id = c.latest_id
"""
_OF_CURRENT = ("id", "public_id", "version", "commit", "finished_at", "actor", "fence")

# The deployment of a run, also one whose config has been deleted since: of one statement with the pair it would be as it
# was before we waited. Each half by the index of runs: with an "or" PostgreSQL reads all deployments of the provider.
_RUN = f"""
    with {_NAMED}, place as (
        select b.identifier as kind, e.id, e.identifier
        from catalog_entity e join catalog_blueprint b on b.id = e.blueprint_id where e.id in (select id from named)
    ), {_ENDS}
    select coalesce((
        select d.id from deployments_deployment d
        where d.provider = %(provider)s and d.run = %(run)s and d.attempt = %(attempt)s and d.run <> ''
            and d.config_id = (
                select c.id from deployments_deploymentconfig c where c.service_id = s.id and c.environment_id = e.id
            )
    ), (
        select min(d.id) from deployments_deployment d
        where d.config_id is null and d.provider = %(provider)s and d.run = %(run)s and d.attempt = %(attempt)s
            and d.run <> '' and d.service_identifier = s.identifier and d.environment_identifier = e.identifier
    )), exists (
        select from locks_claim where service_id = s.id and environment_id = e.id and run = %(run_key)s
    )
    from service s cross join environment e
"""


def pair_held(service: str, environment: str, report: Report | None = None) -> Pair:
    """The pair of these names, and the deployment of the run that `report` is of, where there is one.

    The names are kept from being changed or deleted meanwhile, for which reports do not wait for each other; the config
    is ours alone. Raises Missing with the nearest names.
    """
    names = {"service": service, "environment": environment, "folded": environment.strip().casefold()}
    asked = [Statement(_HELD, names)]
    if report and report.run:
        run = {"provider": report.provider, "run": report.run, "attempt": report.attempt, "run_key": report.run_key}
        asked.append(Statement(_RUN, names | run))
    for _ in range(3):
        found, *of_run = (each[:1] for each in rows.send(*asked))
        if not found:
            catalog.place(service, environment)  # it knows what to say of what is not there
            # It is there now, or has got its name back since.
        elif not found[0][10]:
            return _pair(found[0], *chain(*of_run))
        # Else the row of the config was waited for, and is ours now.
    raise Moved("The service or the environment is being renamed.")


def _pair(told: Row, of_run: Row = ()) -> Pair:
    place = catalog.place_told(told[:5], told[5:10])
    return Pair(place, _config(place, *told[11:]), *of_run)


def _config(
    place: Place, pk: int | None, entity: int, identifier: str, current: int, latest: int, *more: Any
) -> DeploymentConfig | None:
    """With as much of its entity, its ends and what is live as a report needs; the rest is read when it is asked for."""
    if pk is None:
        return None
    begun, probed, *live = more
    return rows.part(
        DeploymentConfig,
        id=pk,
        entity=rows.part(Entity, id=entity, identifier=identifier),
        service=rows.part(Entity, id=place.service_id, identifier=place.service),
        environment=rows.part(Entity, id=place.environment_id, identifier=place.environment),
        current=rows.part(Deployment, **dict(zip(_OF_CURRENT, (current, *live)))) if current else None,
        latest_id=latest,
        latest_begun=begun,
        is_probed=probed,
    )
