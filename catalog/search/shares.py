"""How the values of a property are spread over a list."""

import json
from dataclasses import dataclass
from typing import Any

from django.db import connection, models, transaction
from django.db.models import Count, QuerySet
from django.db.models.expressions import RawSQL

from catalog.models import Blueprint, Entity
from catalog.search import indexes, values

# A list as long is counted through; a longer one is counted by its index, each value no further than people read.
MOST_COUNTED = 10_000
MOST_EACH = 1_000
MOST_VALUES = 500


@dataclass(frozen=True)
class Share:
    """`value` is None for what has none. `more`: there are at least as many."""

    value: Any
    count: int
    more: bool = False

    @property
    def said(self) -> str:
        return f"{self.count:,}{'+' if self.more else ''}"


def distribution(rows: QuerySet[Entity], blueprint: Blueprint, name: str, *, most: int = 20) -> list[Share]:
    """The commonest values and how many rows have each, most first."""
    counted = (
        rows.order_by()
        .annotate(value=values.share_key(blueprint, name))
        .values("value")
        .annotate(count=Count("pk"))
        .order_by("-count", "value")
    )
    return [Share(each["value"], each["count"]) for each in counted[:most]]


def spread(rows: QuerySet[Entity], blueprint: Blueprint, name: str, *, most: int) -> list[Share]:
    """The same for a glance: of a long list only the 10,000 that changed last are looked at."""
    latest = rows.order_by("-updated_at", "-id").annotate(value=values.share_key(blueprint, name))
    few, parameters = latest.values("value")[:MOST_COUNTED].query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(_SPREAD.format(few=few), [*parameters, most])
        return [Share(value and json.loads(value), count) for value, count in cursor.fetchall()]


_SPREAD = """
select to_jsonb(value) as value, count(*) as count from ({few}) as few group by 1 order by count desc, value limit %s
"""


def groups(rows: QuerySet[Entity], blueprint: Blueprint, name: str, *, most: int) -> list[Share]:
    """The same, at the same cost however long the list is, where the property is indexed: then counts end at 1,000."""
    if indexes.has_counts(blueprint, name) and rows.order_by()[: MOST_COUNTED + 1].count() > MOST_COUNTED:
        listed = _values(blueprint, name)
        if len(listed) <= MOST_VALUES:
            return _counted(rows, blueprint, name, listed)[:most]
    return distribution(rows, blueprint, name, most=most)


# From each value the index leads to the next one, however many entities have it.
_NEXT = """
with recursive each(value) as (
    (select {key} from catalog_entity where blueprint_id = %(blueprint)s and {key} is not null order by {key}, id limit 1)
    union all
    select (select {key} from catalog_entity where blueprint_id = %(blueprint)s and {key} > each.value
            order by {key}, id limit 1)
    from each where each.value is not null
) select value from each where value is not null limit %(most)s
"""
_EACH = """
select value, (select count(*) from ({having}) as few) from unnest(%s::jsonb[]) as each(value)
union all select null, (select count(*) from ({unset}) as few)
"""


def _values(blueprint: Blueprint, name: str) -> list[str]:
    """All there are in the blueprint, as JSON; one more than `MOST_VALUES` where there are too many."""
    (column,) = values.containers(name, blueprint)
    query = _NEXT.format(key=f"pc_share(catalog_entity.{column} -> %(name)s::text)")
    with connection.cursor() as cursor:
        cursor.execute(query, {"blueprint": blueprint.pk, "name": name, "most": MOST_VALUES + 1})
        return [value for (value,) in cursor.fetchall()]


def _counted(rows: QuerySet[Entity], blueprint: Blueprint, name: str, listed: list[str]) -> list[Share]:
    """Of each value the first thousand rows."""
    keyed = rows.order_by().annotate(share=values.counting_key(blueprint, name))
    each_value = RawSQL("each.value", [], output_field=models.JSONField())
    having, of_having = _limited(keyed.filter(share=each_value))
    unset, of_unset = _limited(keyed.filter(share__isnull=True))
    with transaction.atomic(), connection.cursor() as cursor:
        # A thousand of each value are enough; a bitmap would gather them all first.
        cursor.execute("set local enable_bitmapscan = off")
        cursor.execute(_EACH.format(having=having, unset=unset), [*of_having, listed, *of_unset])
        found = [(value and json.loads(value), count) for value, count in cursor.fetchall() if count]
        cursor.execute("set local enable_bitmapscan = on")
    shares = [Share(value, min(count, MOST_EACH), count > MOST_EACH) for value, count in found]
    return sorted(shares, key=lambda share: (-share.count, not share.more))


def _limited(rows: QuerySet[Entity]) -> tuple[str, tuple[Any, ...]]:
    sql: tuple[str, tuple[Any, ...]] = rows.values("pk")[: MOST_EACH + 1].query.sql_with_params()
    return sql
