"""Computed values and levels are the same for everybody, so nobody may let them tell of what he may not see himself."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from catalog.compute.reach import reach
from catalog.models import Blueprint
from catalog.permissions import bounds, restriction, sees_all
from portal.kit.by import By
from portal.kit.errors import Refused


@contextmanager
def telling_no_more(by: By) -> Iterator[None]:
    """Around a change of definitions: Refused if any property comes to tell of entities that the writer may not see."""
    if sees_all(by.actor):
        yield
        return
    before = reach()
    yield
    for each in sorted(reach() - before):
        require_sight(by, [each.of], f"{each.owner}.{each.name}")


def require_sight(by: By, blueprints: Iterable[str], what: str) -> None:
    """Raises Refused where the writer may not see all entities of one of them."""
    for each in Blueprint.objects.filter(identifier__in=set(blueprints)).order_by("identifier"):
        if bounds(by, each) is not None:
            raise Refused(f"{by.actor.name} may not let {what} tell of {each.title}. {restriction(each)}")
