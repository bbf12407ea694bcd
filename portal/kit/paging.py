"""Pages of long lists: by the key of the first and last row, so that page 1,000 costs what page 1 does."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Model, QuerySet

MOST_COUNTED = 10_000


@dataclass(frozen=True)
class Page:
    """`before` and `after` are the query strings' values that lead to the pages beside this one."""

    rows: list[Any]
    before: str | None
    after: str | None


def page_of(
    found: QuerySet[Any], keys: Mapping[str, str], *, key: str = "id", newest_first: bool = False, size: int = 50
) -> Page:
    """The page that `keys["after"]` or `keys["before"]` names, the first one without either.

    `key` is unique within `found`.
    """
    backwards = bool(keys.get("before"))
    edge = str(keys.get("before") or keys.get("after") or "")
    if edge:
        found = _beyond(found, key, edge, greater=backwards == newest_first)
    descending = newest_first != backwards
    rows = list(found.order_by(f"-{key}" if descending else key)[: size + 1])
    more, rows = len(rows) > size, rows[:size]
    if backwards:
        rows.reverse()
    has_before, has_after = (more, True) if backwards else (bool(edge), more)
    return Page(
        rows,
        _key(rows[0], key) if rows and has_before else None,
        _key(rows[-1], key) if rows and has_after else None,
    )


def counted(found: QuerySet[Any], one: str, many: str) -> str:
    """`1 lock`, `62 locks`, `10,000+ locks`: never counts further than people read."""
    return number(found.order_by()[: MOST_COUNTED + 1].count(), MOST_COUNTED, one, many)


def number(count: int, most: int, one: str, many: str) -> str:
    return f"{min(count, most):,}{'+' if count > most else ''} {one if count == 1 else many}"


def _beyond(found: QuerySet[Any], key: str, edge: str, *, greater: bool) -> QuerySet[Any]:
    try:
        return found.filter(**{f"{key}__{'gt' if greater else 'lt'}": edge})
    except ValueError:
        return found  # somebody edited the address; the first page will do


def _key(row: Model, key: str) -> str:
    return str(getattr(row, key))
