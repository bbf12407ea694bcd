"""What the views that people keep sort and group by."""

from django.http import QueryDict

from catalog.models import Blueprint, Entity, View
from catalog.search.indexes import serves
from catalog.tables.state import State

# Below, every order is quick.
LARGE = 5_000
MOST = 6


def sorted_or_grouped() -> set[tuple[int, str]]:
    """(blueprint key, property) for large blueprints, at most six of each: those of most views."""
    found: set[tuple[int, str]] = set()
    for blueprint in Blueprint.objects.filter(views__isnull=False).distinct():
        if Entity.objects.filter(blueprint=blueprint)[: LARGE + 1].count() > LARGE:
            found |= {(blueprint.pk, name) for name in _names(blueprint)[:MOST]}
    return found


def _names(blueprint: Blueprint) -> list[str]:
    counts: dict[str, int] = {}
    for view in View.objects.filter(blueprint=blueprint).order_by("id"):
        state = State.read(QueryDict(view.query))
        for name in dict.fromkeys([state.group, *(key.property for key in state.sort[:1])]):
            if serves(blueprint, name):
                counts[name] = counts.get(name, 0) + 1
    return sorted(counts, key=lambda name: -counts[name])
