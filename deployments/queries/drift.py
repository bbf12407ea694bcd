"""How far production is behind staging, and whether it has what staging has not."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from django.db import connection

from catalog.models import Entity
from catalog.queries import tier_of
from deployments.models import Deployment, DeploymentConfig
from deployments.queries.diffs import Count, counted, lives, same
from deployments.queries.lineage import graphs
from deployments.queries.order import ALIKE, SUCCESS
from portal.kit.by import By
from portal.kit.clock import database_now

# `behind`: production lacks what staging has. `ahead`: production has what staging has not. `apart`: both. `unclear`:
# they differ, and nobody has told which is the newer.
State = Literal["behind", "ahead", "apart", "unclear"]


@dataclass(frozen=True)
class Drift:
    """One service in an environment of staging and one of production where something else is live.

    `count.added` are the commits that production lacks, `count.removed` those that only production has. `since` is when staging
    first had what production lacks; None where that is not known.
    """

    service: Entity
    staging: Entity
    production: Entity
    staged: Deployment
    live: Deployment
    count: Count
    state: State
    since: datetime | None
    at: datetime

    @property
    def waits(self) -> timedelta | None:
        return self.at - self.since if self.since else None

    @property
    def edge(self) -> str:
        """What leads to those that follow."""
        return f"{self.service.pk}.{self.staging.pk}.{self.production.pk}"

    @property
    def warns(self) -> bool:
        return self.state in ("ahead", "apart")

    @property
    def weight(self) -> tuple[int, timedelta]:
        """The most behind is the greatest; what cannot be counted goes by its age."""
        return self.count.added + self.count.removed, self.waits or timedelta(0)


# Of two pairs of one service: when the first had last what the second has now, and when it got the next thing after that.
_SINCE = f"""
    select pair.staging, pair.production, ran.at, (
        select min(d.finished_at) from deployments_deployment d
        where d.config_id = pair.staging and {SUCCESS.format("d")} and d.finished_at > ran.at
            and d.finished_at <= %(at)s)
    from unnest(%(stagings)s::bigint[], %(productions)s::bigint[], %(versions)s::text[], %(commits)s::text[])
        pair (staging, production, version, commit)
    left join lateral (
        select greatest(
            (select max(d.finished_at) from deployments_deployment d
            where pair.commit <> '' and d.config_id = pair.staging and {ALIKE.format("d.commit", "pair.commit")}
            and d.commit <> '' and {SUCCESS.format("d")}
            and d.finished_at <= %(at)s),
            (select max(d.finished_at) from deployments_deployment d
            where pair.version <> '' and d.config_id = pair.staging and d.version = pair.version
            and {ALIKE.format("d.commit", "pair.commit")} and {SUCCESS.format("d")}
            and d.finished_at <= %(at)s)
        ) as at) ran on true
"""


Pair = tuple[DeploymentConfig, DeploymentConfig]


def drifts(by: By, *, service: str = "", team: str = "", at: datetime | None = None) -> list[Drift]:
    """Every service whose staging and production differ, the most behind first. What is deployed to one of them only is
    not compared."""
    now = at or database_now()
    of_service: dict[int, list[DeploymentConfig]] = defaultdict(list)
    for each in lives(by, service=service, team=team, tiers=("staging", "production"), at=at):
        of_service[each.service_id].append(each)
    pairs = [pair for configs in of_service.values() for pair in _pairs(configs)]
    graph_of = graphs([*{staging.service_id for staging, _ in pairs}])
    ran = _since(pairs, now), _since([(production, staging) for staging, production in pairs], now)
    found = []
    for staging, production in pairs:
        assert staging.current and production.current
        count = counted(graph_of[staging.service_id], production.current, staging.current)
        forth, back = ran[0][staging.pk, production.pk], ran[1][production.pk, staging.pk]
        state = _state(count, forth[0] is not None, back[0] is not None)
        places = staging.service, staging.environment, production.environment
        since = forth[1] if state in ("behind", "apart") else None
        found.append(Drift(*places, staging.current, production.current, count, state, since, now))
    return sorted(found, key=lambda each: each.weight, reverse=True)


def _pairs(configs: Sequence[DeploymentConfig]) -> list[Pair]:
    live = [(each, tier_of(each.environment)) for each in configs if each.current]
    staging = [each for each, tier in live if tier == "staging"]
    production = [each for each, tier in live if tier == "production"]
    return [(one, two) for one in staging for two in production if not same(one.current, two.current)]


def _state(count: Count, ran_on_staging: bool, ran_on_production: bool) -> State:
    """By the commits where they are known; else by what ran where: production lacks what came after what it has."""
    if count.added or count.removed:
        return "apart" if count.added and count.removed else "behind" if count.added else "ahead"
    if ran_on_staging and not ran_on_production:
        return "behind"
    if ran_on_production and not ran_on_staging:
        return "ahead"
    return "unclear"


def _since(pairs: Sequence[Pair], at: datetime) -> dict[tuple[int, int], tuple[datetime | None, datetime | None]]:
    """By the two configs: when the first had what the other has, and when it had something else after that."""
    values: dict[str, Any] = {"stagings": [], "productions": [], "versions": [], "commits": []}
    for one, other in pairs:
        assert other.current
        row = (one.pk, other.pk, other.current.version, other.current.commit)
        for column, value in zip(values.values(), row, strict=True):
            column.append(value)
    values["at"] = at
    with connection.cursor() as cursor:
        cursor.execute(_SINCE, values)
        return {(one, other): (ran, then) for one, other, ran, then in cursor.fetchall()}
