"""What happens to probes when the catalog's entities change: they go with their place, and take its new name."""

from collections.abc import Sequence
from typing import Any

from catalog.models import Entity
from deployments.health.commands import probes_remove, probes_rename
from portal.kit.by import By


def entities_deleting(entities: Sequence[Entity], by: By) -> None:
    probes_remove(list(entities), by=by)


def entity_changed(entity: Entity, before: dict[str, Any], by: By) -> None:
    if entity.identifier != before["identifier"]:
        probes_rename(entity)
