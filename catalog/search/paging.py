"""Lists in any order, a page at a time, by the keys of the page's last row: page 1,000 costs what page 1 does."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import reduce
from operator import or_
from typing import Any

import orjson
from django.db import connection
from django.db.models import Case, F, Q, QuerySet, Value, When

from catalog.models import Blueprint, Entity
from catalog.search import values
from portal.kit.errors import Invalid

Json = dict[str, Any]

MOST_KEYS = 5


@dataclass(frozen=True)
class Sort:
    """`property` is a name, or a `$` one."""

    property: str
    descending: bool = False


@dataclass(frozen=True)
class Page:
    """`next` and `previous` are cursors, None where there is no such page. `count`: of all pages, where it was asked for."""

    rows: list[Entity]
    next: str | None
    previous: str | None
    count: int | None = None


def ordered(
    rows: QuerySet[Entity], blueprint: Blueprint, keys: Sequence[Sort], *, backwards: bool = False
) -> QuerySet[Entity]:
    """What has no value comes last, whichever the direction; equals stand by their identifier's key.

    Each row carries its sort values as `key_0`, `key_1`, ...
    """
    keys = keys[:MOST_KEYS]
    rows = rows.annotate(**{f"key_{place}": values.sort_key(blueprint, key.property) for place, key in enumerate(keys)})
    order = []
    for name, down, nulls in _order(keys, backwards):
        said = {f"nulls_{nulls}": True} if nulls else {}
        order.append(F(name).desc(**said) if down else F(name).asc(**said))
    return rows.order_by(*order)


def _order(keys: Sequence[Sort], backwards: bool) -> list[tuple[str, bool, str]]:
    """Columns, whether each goes down, and where it has its nulls, if it has any."""
    ends = "first" if backwards else "last"
    order = [
        (f"key_{place}", key.descending != backwards, "" if _is_never_null(key.property) else ends)
        for place, key in enumerate(keys)
    ]
    return [*(order or [("identifier", backwards, "")]), ("id", backwards, "")]


def _is_never_null(name: str) -> bool:
    """So that a plain index serves the order."""
    return name in values.META


def page(
    rows: QuerySet[Entity],
    blueprint: Blueprint,
    keys: Sequence[Sort],
    *,
    size: int,
    cursor: str = "",
    count_to: int = 0,
) -> Page:
    """The page at the cursor, the first without one. Raises Invalid at `from` for a cursor that is none of this list's.

    `count_to`: all are found before any is put in order, and counted as far as this. For a full text, whose words
    PostgreSQL takes for common: it would rather walk the whole list in its order, and what is called alike stands
    together, perhaps at the end.
    """
    keys = keys[:MOST_KEYS]
    backwards, edge = _read(cursor, keys) if cursor else (False, None)
    found = ordered(rows, blueprint, keys, backwards=backwards)
    beyond = Q() if edge is None else _beyond(keys, edge, backwards)
    count = None
    if count_to:
        count, first = _counted(found, beyond, _order(keys, backwards), size + 1, count_to)
        got = list(found.filter(pk__in=first))
    else:
        got = list(found.filter(beyond)[: size + 1])
    more, got = len(got) > size, got[:size]
    if backwards:
        got.reverse()
    has_previous, has_next = (more, True) if backwards else (edge is not None, more)
    return Page(
        got,
        _cursor(got[-1], keys, "n") if got and has_next else None,
        _cursor(got[0], keys, "p") if got and has_previous else None,
        count,
    )


def _counted(
    found: QuerySet[Entity], beyond: Q, order: list[tuple[str, bool, str]], most: int, count_to: int
) -> tuple[int, list[int]]:
    """How many there are, and the keys of the first ones beyond the edge: looked for once."""
    names = [name for name, _, _ in order]
    is_beyond = Case(When(beyond, then=True), default=False) if beyond else Value(True)
    every = found.order_by().annotate(is_beyond=is_beyond).values_list(*names, "is_beyond")
    sql, parameters = every.query.sql_with_params()
    ways = [f"{name}{' desc' if down else ''}{f' nulls {nulls}' if nulls else ''}" for name, down, nulls in order]
    query = f"""
        with found({", ".join(names)}, is_beyond) as materialized ({sql}),
            first as (select id from found where is_beyond order by {", ".join(ways)} limit {most})
        select (select count(*) from (select from found limit {count_to}) counted), array(select id from first)
    """
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        count, first = cursor.fetchone()
        return count, first


def _beyond(keys: Sequence[Sort], edge: list[Any], backwards: bool) -> Q:
    """Rows after the edge: equal in the first keys, beyond it in the next one."""
    columns = [(f"key_{place}", key.descending) for place, key in enumerate(keys)] or [("identifier", False)]
    columns.append(("id", False))
    steps, equal = [], Q()
    for (column, descending), value in zip(columns, edge, strict=True):
        steps.append(equal & _after(column, value, descending, backwards))
        equal &= Q(**{f"{column}__isnull": True}) if value is None else Q(**{column: value})
    return reduce(or_, steps)


def _after(column: str, value: Any, descending: bool, backwards: bool) -> Q:
    """Nulls are the last of all going forwards, the first going backwards."""
    if value is None:
        return Q(**{f"{column}__isnull": False}) if backwards else Q(pk__in=[])
    beyond = Q(**{f"{column}__{'lt' if descending != backwards else 'gt'}": value})
    return beyond if backwards else beyond | Q(**{f"{column}__isnull": True})


def _cursor(row: Entity, keys: Sequence[Sort], way: str) -> str:
    said = [getattr(row, f"key_{place}") for place in range(len(keys))] or [row.identifier]
    body = orjson.dumps([way, _fingerprint(keys), *(_packed(each) for each in [*said, row.pk])])
    return base64.urlsafe_b64encode(body).decode().rstrip("=")


def _packed(value: Any) -> Any:
    if isinstance(value, Decimal):
        return {"n": str(value)}
    if isinstance(value, datetime):
        return {"t": value.isoformat()}
    return value


def _read(cursor: str, keys: Sequence[Sort]) -> tuple[bool, list[Any]]:
    wrong = Invalid.at("from", "is not the “next” of an earlier answer to this search")
    try:
        body = orjson.loads(base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4)))
        way, fingerprint, *edge = body
        edge = [_unpacked(each) for each in edge]
    except (binascii.Error, ValueError, TypeError, ArithmeticError, KeyError) as error:
        raise wrong from error
    if way not in ("n", "p") or fingerprint != _fingerprint(keys) or len(edge) != max(len(keys), 1) + 1:
        raise wrong
    if not isinstance(edge[-1], int) or any(isinstance(each, list) for each in edge):
        raise wrong
    return way == "p", edge


def _unpacked(value: Any) -> Any:
    if isinstance(value, dict):
        return Decimal(value["n"]) if "n" in value else datetime.fromisoformat(value["t"])
    return value


def _fingerprint(keys: Sequence[Sort]) -> str:
    return ",".join(f"{'-' if key.descending else ''}{key.property}" for key in keys)
