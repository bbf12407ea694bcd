from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, Window
from django.db.models.functions import RowNumber

from catalog import permissions
from catalog.models import Entity, Relation
from portal.kit.by import By


@dataclass(frozen=True)
class Related:
    """One group of an entity's neighbours: `count` in all, of which `entities` are the first."""

    blueprint: str
    name: str
    incoming: bool
    count: int
    entities: list[Entity]


def related(by: By, entity: Entity, *, each: int = 12) -> list[Related]:
    """Its neighbours by relation as far as the viewer may see them, those it points at first.

    A fixed number of queries, however many there are.
    """
    seen = permissions.bounds(by)
    known = None if seen is None else Entity.objects.filter(seen).values("pk")
    return [
        *_neighbours(entity, known, incoming=False, each=each),
        *_neighbours(entity, known, incoming=True, each=each),
    ]


def _neighbours(entity: Entity, known: Any, *, incoming: bool, each: int) -> list[Related]:
    own, other = ("target", "source") if incoming else ("source", "target")
    arrows = Relation.objects.filter(**{own: entity})
    if known is not None:
        arrows = arrows.filter(**{f"{other}__in": known})
    keys = (f"{other}__blueprint__identifier", "name")
    counts = arrows.order_by().values_list(*keys).annotate(count=Count("pk")).order_by(*keys)
    order = [f"{other}__identifier"] if incoming else ["position", "id"]
    place = Window(RowNumber(), partition_by=[F(key) for key in keys], order_by=order)
    groups: dict[tuple[str, str], list[Entity]] = {}
    first = arrows.annotate(place=place).filter(place__lte=each).select_related(f"{other}__blueprint").order_by("place")
    for arrow in first:
        neighbour = getattr(arrow, other)
        groups.setdefault((neighbour.blueprint.identifier, arrow.name), []).append(neighbour)
    return [
        Related(blueprint, name, incoming, count, groups.get((blueprint, name), []))
        for blueprint, name, count in counts
    ]
