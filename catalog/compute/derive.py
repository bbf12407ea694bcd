"""What follows from the definitions of all blueprints, kept with each."""

from typing import Any

from django.db import transaction

from catalog.compute.graph import Graph
from catalog.compute.marks import all_of
from catalog.compute.types import typed
from catalog.compute.ways import known
from catalog.models import Blueprint
from portal.kit.locking import advisory_lock


def hold_definitions() -> None:
    """Before anything of a definition is read to be changed: two changes together may close a circle."""
    advisory_lock("definitions")


def derive(blueprint: Blueprint | None = None) -> None:
    """In the transaction that saved a definition, of `blueprint` among others. Raises Invalid for a circle, with its path."""
    graph = Graph(known())
    graph.check()
    _keep(graph)
    if blueprint and blueprint.identifier in graph.among:
        blueprint.derived = graph.among[blueprint.identifier].derived


@transaction.atomic
def install(**_: Any) -> None:
    """After an upgrade; a circle that was let in once computes to nothing."""
    hold_definitions()
    graph = Graph(known())
    graph.cut_circles()
    _keep(graph)


def _keep(graph: Graph) -> None:
    found = {name: each | typed(graph.among[name], graph.among) for name, each in graph.derived().items()}
    changed = [each for each in graph.among.values() if each.derived != found[each.identifier]]
    replanned = [each for each in changed if each.derived.get("plan") != found[each.identifier].get("plan")]
    for each in sorted(changed, key=lambda each: each.identifier):
        if set(found[each.identifier].get("watched", ())) - set(each.derived.get("watched", ())):
            # Whoever writes its entities now has not heard that others read them.
            advisory_lock("schema", each.identifier)
        each.derived = found[each.identifier]
        Blueprint.objects.filter(pk=each.pk).update(derived=each.derived)
    all_of(replanned)
