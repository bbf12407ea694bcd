"""What a badge tells of a place, to whoever holds its address."""

from dataclasses import dataclass
from typing import Literal

from catalog import queries as catalog
from catalog.queries import Place
from deployments.health.queries import health_of
from deployments.models import DeploymentConfig
from locks.queries import decide_many


@dataclass(frozen=True)
class Standing:
    """`version` is what is live, or the beginning of its commit; `stopped_by` what stops any program now;
    `health` is empty where nothing probes it."""

    service: str
    environment: str
    version: str
    stopped_by: Literal["lock", "freeze", "claim", "line"] | None
    health: str = ""


def standing(service: str, environment: str) -> Standing:
    """Whoever has the address may see it; nobody is asked who he is. Raises Missing for names that are gone."""
    place = catalog.place(service, environment)
    return standings([place])[place.service_id, place.environment_id]


def standings(places: list[Place]) -> dict[tuple[int, int], Standing]:
    decisions = decide_many(places)
    rows = DeploymentConfig.objects.filter(
        service__in={each.service_id for each in places}, environment__in={each.environment_id for each in places}
    ).select_related("current")
    live = {(each.service_id, each.environment_id): each.current for each in rows}
    healths = health_of([(each.service_id, each.environment_id) for each in places])
    found = {}
    for place in places:
        key = place.service_id, place.environment_id
        current = live.get(key)
        version = (current.version or current.commit[:7]) if current else ""
        health = healths[key].state if key in healths else ""
        found[key] = Standing(place.service, place.environment, version, decisions[key].stopped_by, health)
    return found
