"""How a deployment config stands in a table: with who holds the lock there, and live."""

from collections.abc import Sequence
from typing import Any

from catalog.models import Entity
from catalog.tables.columns import Column
from catalog.tables.looks import Look, Quick
from catalog.tables.state import Filter
from deployments import healths, queries, tables
from deployments.cells import CELLS
from locks.queries import beat
from portal.kit.by import By

LOCKED, FAILING = Filter("locked", "=", "yes"), Filter("status", "=", "failure")
DOWN = Filter("health", "in", "degraded,failing,down")


def _load(by: By, entities: Sequence[Entity]) -> dict[int, Any]:
    cells = queries.cells_by_entity(by, entities)
    sources = queries.log_sources(cell.config for cell in cells.values())
    told = healths.told(cells)
    return {pk: tables.place_row(cell, sources) | tables.health_row(told.get(pk)) for pk, cell in cells.items()}


CONFIG = Look(
    blueprint="deploymentConfig",
    title="Service",
    shown=("relations.environment", "version", "status", "health", "locked", "deployedAt", "$links"),
    more=(Column("$links", "Links", "object", {}),),
    quick=(
        Quick("Locked", "lock", LOCKED),
        Quick("Failing", "circle-x", FAILING),
        Quick("Unhealthy", "heart-pulse", DOWN),
    ),
    load=_load,
    cells=CELLS,
    beat=beat,
)
