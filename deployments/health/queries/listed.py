"""All probes at once, as what lists are filtered, counted and sorted by: of some thousands, rows and not models."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import F

from catalog.models import Entity
from catalog.queries import tier_in
from deployments.health.models import Probe
from deployments.health.models.probe import POLLED, held_for
from deployments.health.queries.probes import visible
from deployments.health.queries.standings import Muted, reckoned
from deployments.health.states import State
from portal.accounts.policy import require
from portal.kit.by import By

_COLUMNS = (
    "pk", "name", "kind", "host", "run_version", "service_identifier", "environment_identifier", "entity_identifier",
    "service", "environment", "entity", "teams_of_service", "teams_of_environment", "teams_of_entity",
    "paused", "state", "since", "checked_at", "interval", "spec__grace",
)  # fmt: skip
_TEAMS = {f"teams_of_{name}": F(f"{name}__team") for name in ("service", "environment", "entity")}


class Listed(NamedTuple):
    """A probe as it is at an instant. `tier` is "" for what stands in no environment; `text` is what a search looks in."""

    pk: int
    where: str
    name: str
    environment: str
    tier: str
    teams: Sequence[str]
    state: str
    text: str


def probes_listed(by: By, now: datetime, *, muted: Muted, down: datetime | None) -> list[Listed]:
    """All that the viewer may see, in no order. Two queries."""
    require(by, "probe.read")
    rows = list(visible(by, Probe.objects.annotate(**_TEAMS)).order_by().values_list(*_COLUMNS))
    stand = {row[_COLUMNS.index("environment")] for row in rows}
    told = Entity.objects.filter(pk__in=stand - {None}).values_list("pk", "properties__tier")
    tiers = {pk: tier_in({"tier": tier}) for pk, tier in told}
    return [_listed(row, tiers, muted, down, now) for row in rows]


def _listed(row: tuple[Any, ...], tiers: dict[int, str], muted: Muted, down: datetime | None, now: datetime) -> Listed:
    (pk, name, kind, host, version, service_name, environment_name, entity_name, service, environment, entity,
     of_service, of_environment, of_entity, paused, state, since, checked_at, interval, grace) = row  # fmt: skip
    where = entity_name or f"{service_name} in {environment_name}"
    quiet = (
        muted.since(service=service or entity, environment=environment or entity, probe=pk) if muted.windows else None
    )
    stale_after = checked_at + held_for(interval, grace) if checked_at else None
    verdict = State.PAUSED.value if paused else state
    told, _, _ = reckoned(verdict, since, stale_after, now, quiet, down if kind in POLLED else None)
    teams = (*(of_service or ()), *(of_environment or ()), *(of_entity or ()))
    text = f"{where}: {name} {host} {version}".casefold()
    return Listed(pk, where, name, environment_name, tiers.get(environment, ""), teams, told, text)
