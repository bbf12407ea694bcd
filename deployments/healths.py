"""`health` and its companions on a deploymentConfig: true at the instant of reading, and nobody's to write."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from catalog.kinds import Live
from catalog.models import Entity
from deployments.health.queries import Health
from deployments.health.states import State
from deployments.models import Deployment
from deployments.running import Verified, seconds, verified
from portal.kit import rows
from portal.kit.by import By

Json = dict[str, Any]
PROPERTIES = frozenset({"health", "healthSince", "healthVerified"})
# Of these nobody can tell which version runs.
SILENT = frozenset({State.PAUSED.value, State.UNKNOWN.value})


def told(configs: Iterable[int]) -> dict[int, Json]:
    """The three properties of each config that has a probe, and as `runs` the version that it reads, by the keys of
    their entities. One query."""
    query = "select id, deployments_health(id) from unnest(%s::bigint[]) as wanted(id)"
    return {pk: json.loads(found) for pk, found in rows.prepared(query, [sorted(configs)]) if found}


def load(entities: Sequence[Entity]) -> dict[int, Json]:
    found = told(each.pk for each in entities)
    return {pk: {name: each[name] for name in PROPERTIES} for pk, each in found.items()}


def verified_by(health: Health, live: Deployment | None, now: datetime) -> Verified:
    if health.verdict in SILENT or health.stale_since or live is None:
        return Verified.UNKNOWN
    read_at = seconds(health.version_at)
    return verified(live.version, live.commit, seconds(live.finished_at), health.run_version, read_at, now.timestamp())


def write(entity: Entity, wished: Json, by: By) -> None:
    """Left alone: a client sends back what it has read, and by then it may be another."""


HEALTH = Live("deploymentConfig", PROPERTIES, load, write, function="deployments_health")
