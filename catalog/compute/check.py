"""Whether what is stored is what follows. Nothing else may be: a difference is a mistake of ours, told and mended."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass

from django.db import transaction

from catalog.compute.values import World, stored_anew
from catalog.models import Blueprint, Entity, SelfCheck, Stale
from portal.kit.locking import retried

logger = logging.getLogger(__name__)

AT_ONCE = 500
MOST_EXAMPLES = 20
# Of those that lack a value so many are tried, to find out which of them failed.
MOST_TRIED = 500
MOST_FAULTS = 50


def check() -> SelfCheck:
    """Computes everything again, some hundreds of entities at a time, and keeps what came of it."""
    looked, wrong = 0, []
    for blueprint in Blueprint.objects.filter(derived__has_key="plan").order_by("pk"):
        after = 0
        while keys := _next(blueprint, after):
            wrong += _check_some(blueprint, keys)
            looked, after = looked + len(keys), keys[-1]
    if wrong:
        logger.error("Computed values of %s entities were not what follows: %s", len(wrong), wrong[:MOST_EXAMPLES])
    return SelfCheck.objects.create(looked=looked, wrong=len(wrong), examples=wrong[:MOST_EXAMPLES])


def _next(blueprint: Blueprint, after: int) -> list[int]:
    rows = Entity.objects.filter(blueprint=blueprint, pk__gt=after).order_by("pk")
    return list(rows.values_list("pk", flat=True)[:AT_ONCE])


@retried
@transaction.atomic
def _check_some(blueprint: Blueprint, keys: list[int]) -> list[str]:
    """Those that differ though nothing says that they might. Whoever changes what they show now leaves his mark first."""
    held = Entity.objects.filter(pk__in=keys).select_for_update(no_key=True).order_by("pk")
    others = stored_anew(list(held), World())
    expected = Stale.objects.filter(blueprint__in=blueprint.derived["reads"]).exists()
    return [] if expected else [f"{blueprint.identifier}/{each.identifier}" for each in others]


@dataclass(frozen=True)
class Fault:
    """What jq, or the type, says against a calculation's value of an entity."""

    entity: Entity
    name: str
    message: str


def faults(blueprint: Blueprint) -> list[Fault]:
    """The first that are found, by calculation. Only some hundreds of the entities without a value are tried."""
    return list(_faults(blueprint))[:MOST_FAULTS]


def _faults(blueprint: Blueprint) -> Iterator[Fault]:
    for name in blueprint.calculation_properties:
        rows = Entity.objects.filter(blueprint=blueprint).exclude(computed__has_key=name).order_by("-pk")[:MOST_TRIED]
        world = World()
        found = {each.pk: each for each in rows}
        world.of(blueprint.identifier, found, [name])
        for (pk, failed), message in world.faults.items():
            if failed == name and pk in found:
                yield Fault(found[pk], name, message)
