"""One number, or one count for each value, over all entities that a query finds. docs/decisions/0014-measures.md says what each means."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import models
from django.db.models import Aggregate, Avg, Count, Expression, F, FilteredRelation, Max, Min, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from catalog.models import Blueprint, Entity
from catalog.search import values
from catalog.search.shares import Share

MOST_VALUES = 1000
UNITS = {
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(days=7),
    "month": timedelta(days=30),
}


class Median(Aggregate):
    """Between the middle two, where there are two."""

    template = "percentile_cont(0.5) within group (order by %(expressions)s)"
    output_field = models.FloatField()
    allow_distinct = False


# Of nothing, the sum is nought and there is none of the others.
FUNCTIONS: dict[str, Callable[[Expression], Expression]] = {
    "sum": lambda number: Coalesce(Sum(number), Decimal(0)),
    "average": Avg,
    "min": Min,
    "max": Max,
    "median": Median,
}


@dataclass(frozen=True)
class Measure:
    """`property` is empty where entities are counted. `unit` of time that an average is taken over; empty: none."""

    function: str
    property: str = ""
    unit: str = ""
    time: str = "$createdAt"


def measured(
    rows: QuerySet[Entity], measure: Measure, *, now: datetime, blueprint: Blueprint | None = None
) -> float | None:
    """None where there is nothing to take the average, least, greatest or middle of."""
    rows = rows.order_by()
    if measure.function == "count" or measure.function == "average" and not (measure.property or measure.unit):
        return rows.count()
    if measure.unit:
        return _over_time(rows, measure, now, blueprint)
    number = values.number(values.json_of(measure.property, blueprint))
    found = rows.aggregate(value=FUNCTIONS[measure.function](number))["value"]
    return None if found is None else plain(found)


def _over_time(rows: QuerySet[Entity], measure: Measure, now: datetime, blueprint: Blueprint | None) -> float | None:
    """A unit that has begun counts as a whole one."""
    timed = rows.annotate(moment=values.moment(blueprint, measure.time)).filter(moment__isnull=False)
    number = values.number(values.json_of(measure.property, blueprint)) if measure.property else None
    found = timed.aggregate(first=Min("moment"), total=FUNCTIONS["sum"](number) if number else Count("pk"))
    if found["first"] is None:
        return None
    return plain(Decimal(found["total"]) / units_begun((now - found["first"]).total_seconds(), measure.unit))


def units_begun(seconds: float, unit: str) -> int:
    """At least one, also of what is yet to come."""
    return max(1, math.ceil(seconds / UNITS[unit].total_seconds()))


def counted(rows: QuerySet[Entity], name: str, *, blueprint: Blueprint | None = None) -> list[Share]:
    """How many have each value of the property, most first; at most a thousand values."""
    shares = rows.order_by().annotate(value=values.share_key(blueprint, name)).values("value")
    found = shares.annotate(count=Count("pk")).order_by("-count", "value")
    return [Share(each["value"], each["count"]) for each in found[:MOST_VALUES]]


def counted_by_standing(rows: QuerySet[Entity], standing: Expression) -> list[Share]:
    """How many stand where by a scorecard, most first; those that it does not judge under None."""
    shares = rows.order_by().annotate(value=standing).values("value")
    found = shares.annotate(count=Count("pk")).order_by("-count", "value")
    return [Share(each["value"], each["count"]) for each in found]


def counted_by_relation(rows: QuerySet[Entity], name: str) -> list[Share]:
    """How many point at each target, most first; at most a thousand targets."""
    arrows = FilteredRelation("arrows", condition=Q(arrows__name=name))
    shares = rows.order_by().annotate(arrow=arrows).annotate(value=F("arrow__target__identifier")).values("value")
    found = shares.annotate(count=Count("pk")).order_by("-count", "value")
    return [Share(each["value"], each["count"]) for each in found[:MOST_VALUES]]


def plain(value: Decimal | float) -> float:
    """As JSON writes numbers: whole ones without a point."""
    return int(value) if value == int(value) else float(value)
