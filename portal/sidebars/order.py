"""The order of items: each stands behind the one it names, and those that name none in the order they came."""

from collections.abc import Iterable

from portal.sidebars.models import Item


def ordered(items: Iterable[Item]) -> list[Item]:
    """A folder stands before what is in it. Of several behind one item the newest stands next to it."""
    items = list(items)
    known = {each.identifier: each for each in items}
    first: dict[int | None, list[Item]] = {}
    behind: dict[str, list[Item]] = {}
    for each in items:
        before = known.get(each.after)
        if before and before.parent_id == each.parent_id:
            behind.setdefault(each.after, []).insert(0, each)
        else:
            first.setdefault(each.parent_id, []).append(each)
    return _walked(first.get(None, []), first, behind)


def _walked(roots: list[Item], first: dict[int | None, list[Item]], behind: dict[str, list[Item]]) -> list[Item]:
    found: list[Item] = []
    left = roots[::-1]
    while left:
        each = left.pop()
        found.append(each)
        left += behind.get(each.identifier, [])[::-1]
        left += first.get(each.pk, [])[::-1]
    return found
