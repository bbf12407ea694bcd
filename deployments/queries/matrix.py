"""Every service in every environment. Thousands of places at once, so each is a few values and no model."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Case, F, FloatField, Func, QuerySet, Value, When

from catalog.models import Entity
from deployments.health.queries import SEEN_WITHIN, reckoned
from deployments.health.states import State
from deployments.models import Deployment, DeploymentConfig, Status
from deployments.queries.past import stood
from deployments.queries.places import environments, rollout_of, services, visible
from deployments.running import Verified, verified
from locks.decisions import Bar
from locks.queries import denied_by
from portal.kit.by import By
from portal.kit.clock import database_now


class Spot(NamedTuple):
    """What the matrix shows of one place. `config` is empty where nothing was ever deployed; `status` is that of the
    latest deployment, the rest is of what is live; `rollout` says how many instances have it while not all do; `bar` is
    what denies first. `health` is empty where nothing probes it; `runs` is the version that a probe reads there.

    `deployed_at` is in seconds since 1970: a datetime costs ten times as much to read, and there are thousands.
    """

    config: str = ""
    version: str = ""
    commit: str = ""
    actor: str = ""
    deployed_at: float | None = None
    status: str = ""
    rollout: str = ""
    health: str = ""
    health_since: float | None = None
    runs: str = ""
    verified: str = ""
    bar: Bar | None = None

    @property
    def attempt_failed(self) -> bool:
        return self.status == Status.FAILURE


@dataclass(frozen=True)
class Matrix:
    """As it is at the instant `at`, which is now or in the `past`."""

    environments: list[Entity]
    rows: list[tuple[Entity, list[Spot]]]
    at: datetime
    past: bool = False


Pair = tuple[int, int]
NOTHING = Spot()
UNHEALTHY = frozenset({State.DEGRADED.value, State.FAILING.value, State.DOWN.value})
SILENT, UNVERIFIED = frozenset({State.PAUSED.value, State.UNKNOWN.value}), Verified.UNKNOWN
UNTOLD: Sequence[Any] = ("", "", "", None, "")


def matrix(
    by: By,
    *,
    text: str = "",
    team: str = "",
    tier: str = "",
    locked: bool = False,
    failing: bool = False,
    unhealthy: bool = False,
    at: datetime | None = None,
    now: datetime | None = None,
) -> Matrix:
    """Now, or `at` an instant of the past. `locked`, `failing` and `unhealthy` keep the services where that is so anywhere."""
    now = at or now or database_now()
    columns = environments(by, tier=tier, all=False)
    wanted = services(by, text="" if at else text, team=team).only("identifier", "title", "team")
    found = list(wanted)
    configs = visible(by, DeploymentConfig.objects.all())
    if text or team:
        configs = configs.filter(service__in=wanted.order_by().values("pk"))
    live = _then(configs, at) if at else _now(configs, now)
    bars = denied_by(found, columns, now=now, past=at is not None)
    keys = [each.pk for each in columns]
    rows = [(service, _row(service.pk, keys, live, bars)) for service in found]
    if at and text:
        rows = [row for row in rows if _meets(text.casefold(), *row)]
    if locked:
        rows = [row for row in rows if any(spot.bar for spot in row[1])]
    if failing:
        rows = [row for row in rows if any(spot.attempt_failed for spot in row[1])]
    if unhealthy:
        rows = [row for row in rows if any(spot.health in UNHEALTHY for spot in row[1])]
    return Matrix(columns, rows, now, at is not None)


def _epoch(field: str) -> Func:
    return Func(field, template="extract(epoch from %(expressions)s)::float8", output_field=FloatField())


# Most often the latest deployment is what is live, and is not looked up a second time.
_NOW = """
    with own (service_id, environment_id, entity_id, current_id, latest_id) as ({configs}),
    quiet as materialized (select * from health_maintenance where starts_at <= %s and ends_at > %s and probe_id is null),
    prober as materialized (
        select case when not bool_or(up) then max(since) end as down from health_prober where seen_at > %s
    )
    select own.service_id, own.environment_id, e.identifier, live.version, live.commit, live.actor,
        extract(epoch from live.finished_at)::float8,
        case when own.latest_id = own.current_id then live.status else tried.status end,
        live.instances is not null or tried.instances is not null, own.current_id, own.latest_id,
        h.state, extract(epoch from h.since)::float8, extract(epoch from h.stale_after)::float8, h.run_version,
        extract(epoch from h.version_at)::float8,
        (select extract(epoch from min(starts_at))::float8 from quiet where h.state is not null
            and coalesce(quiet.service_id, own.service_id) = own.service_id
            and coalesce(quiet.environment_id, own.environment_id) = own.environment_id),
        case when h.is_polled then extract(epoch from prober.down)::float8 end
    from own join catalog_entity e on e.id = own.entity_id
        left join deployments_deployment live on live.id = own.current_id
        left join deployments_deployment tried on tried.id = nullif(own.latest_id, own.current_id)
        left join health_standing h on h.service_id = own.service_id and h.environment_id = own.environment_id
        cross join prober
"""


def _now(configs: QuerySet[DeploymentConfig], now: datetime) -> dict[Pair, Spot]:
    """By one plain statement: a model's way of reading a value costs more than the value, four thousand times."""
    named = configs.order_by().values_list("service_id", "environment_id", "entity_id", "current_id", "latest_id")
    try:
        sql, parameters = named.query.sql_with_params()
    except EmptyResultSet:  # there is no such place
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_NOW.format(configs=sql), [*parameters, now, now, now - SEEN_WITHIN])
        rows = cursor.fetchall()
    found: dict[Pair, Spot] = {}
    moment = now.timestamp()
    partial: dict[Pair, tuple[int | None, int | None]] = {}
    for service, environment, config, version, commit, actor, at, status, of_some, current, latest, *probed in rows:
        spot = Spot(config, version or "", commit or "", actor or "", at, status or "")
        found[service, environment] = _probed(spot, *probed, now=moment) if probed[0] else spot
        if of_some:
            partial[service, environment] = current, latest
    _tell_rollouts(found, partial)
    return found


def _probed(
    spot: Spot,
    state: str,
    since: float,
    stale_after: float | None,
    runs: str,
    told_at: float | None,
    quiet: float | None,
    down: float | None,
    *,
    now: float,
) -> Spot:
    """With its health at this instant, and whether what was reported runs there."""
    shown, shown_since, stale = reckoned(state, since, stale_after, now, quiet, down)
    is_silent = state in SILENT or stale is not None
    told = UNVERIFIED if is_silent else verified(spot.version, spot.commit, spot.deployed_at, runs, told_at, now)
    return spot._replace(health=shown, health_since=shown_since, runs="" if is_silent else runs, verified=told.value)


def _tell_rollouts(found: dict[Pair, Spot], partial: dict[Pair, tuple[int | None, int | None]]) -> None:
    """Of those whose live or latest deployment names instances, which most do not."""
    keys = {pk for pair in partial.values() for pk in pair if pk}
    rows = Deployment.objects.only("version", "commit", "status", "instances", "finished_at").in_bulk(keys)
    for pair, (current, latest) in partial.items():
        told = rollout_of(rows.get(latest), rows.get(current))
        found[pair] = found[pair]._replace(rollout=str(told or ""))


def _then(configs: QuerySet[DeploymentConfig], at: datetime) -> dict[Pair, Spot]:
    """The same at an instant of the past: what had not ended then was still on its way. Of instances nobody tells when
    they came so far, so nothing is said of them."""
    known: dict[int, Any] = {
        pk: rest for pk, *rest in configs.values_list("pk", "service_id", "environment_id", "entity__identifier")
    }
    keys = stood(known, at)
    under_way = When(finished_at__gt=at, then=Value(Status.IN_PROGRESS.value))
    rows = Deployment.objects.filter(pk__in={pk for pair in keys.values() for pk in pair if pk})
    told: dict[int | None, Sequence[Any]] = {
        pk: rest
        for pk, *rest in rows.values_list(
            "pk",
            "version",
            "commit",
            "actor",
            _epoch("finished_at"),
            Case(under_way, default=F("status")),
        )
    }
    found: dict[Pair, Spot] = {}
    for pk, (service, environment, config) in known.items():
        current, latest = keys[pk]
        version, commit, actor, ended, _ = told.get(current, UNTOLD)
        *_, status = told.get(latest, UNTOLD)
        found[service, environment] = Spot(config, version, commit, actor, ended, status)
    return found


def _row(service: int, environments: list[int], live: dict[Pair, Spot], bars: dict[Pair, Bar]) -> list[Spot]:
    spots = []
    for environment in environments:
        pair = service, environment
        spot, bar = live.get(pair, NOTHING), bars.get(pair)
        spots.append(spot._replace(bar=bar) if bar else spot)
    return spots


def _meets(text: str, service: Entity, spots: list[Spot]) -> bool:
    """As `services` finds by text, with what was live then."""
    runs = any(text in each.version.casefold() or each.commit.casefold().startswith(text) for each in spots)
    return runs or text in service.identifier.casefold() or text in (service.title or "").casefold()
