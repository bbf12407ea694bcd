from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q

from catalog import permissions
from catalog.models import Entity, Relation
from portal.kit.by import By


@dataclass(frozen=True)
class Related:
    """An entity's neighbours by one relation: how many they are, of which blueprint."""

    blueprint: str
    name: str
    incoming: bool
    count: int

    @property
    def key(self) -> str:
        return f"{'in' if self.incoming else 'out'}.{self.blueprint}.{self.name}"


def related(by: By, entity: Entity) -> list[Related]:
    """Its neighbours by relation as far as the viewer may see them, those it points at first.

    A fixed number of queries, however many there are.
    """
    seen = permissions.bounds(by)
    known = None if seen is None else Entity.objects.filter(seen).values("pk")
    return [*_neighbours(entity, known, incoming=False), *_neighbours(entity, known, incoming=True)]


def _neighbours(entity: Entity, known: Any, *, incoming: bool) -> list[Related]:
    own, other = ("target", "source") if incoming else ("source", "target")
    arrows = Relation.objects.filter(**{own: entity}).order_by()
    if known is not None:
        arrows = arrows.filter(**{f"{other}__in": known})
    keys = (f"{other}__blueprint__identifier", "name")
    counts = arrows.values_list(*keys).annotate(count=Count("pk")).order_by(*keys)
    return [Related(blueprint, name, incoming, count) for blueprint, name, count in counts]


def within(entity: Entity, group: Related) -> Q:
    """The condition that an entity is one of the group."""
    own, other = ("target", "source") if group.incoming else ("source", "target")
    return Q(pk__in=Relation.objects.filter(**{own: entity}, name=group.name).values(other))
