"""Numbers over time, interval by interval. An interval without any is there too."""

from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from typing import Any

from django.contrib.postgres.aggregates import ArrayAgg
from django.db import models
from django.db.models import Case, Count, Expression, F, Func, Q, QuerySet, Value, When
from django.db.models.functions import Cast, Coalesce, NullIf

from catalog.models import Blueprint, Entity
from catalog.search import values
from catalog.search.measures import FUNCTIONS, plain
from catalog.search.spans import Span

MOST_LINES = 50
UNSET, OTHERS = "null", "others"
# Names with a meaning of their own; a value that is called so is written as JSON, in quotes.
TAKEN = ("date", UNSET, OTHERS)
_TEXT = models.TextField()
# What an interval's count is divided by for an average.
PARTS = {"hour": 60, "day": 24, "isoWeek": 7, "month": 30, "quarter": 90}


@dataclass(frozen=True)
class Point:
    """`values` by the name of the line; a line that has nothing here is left out."""

    begins: datetime
    values: dict[str, float]


def of_properties(
    rows: QuerySet[Entity], blueprint: Blueprint, span: Span, *, time: str, function: str, properties: list[str]
) -> list[Point]:
    """`function` is one of sum, average, min, max, median and last."""
    timed = _timed(rows, blueprint, span, time)
    lines = {f"line_{place}": name for place, name in enumerate(properties)}
    figures = {
        alias: _figure(function, values.number(values.json_of(name, blueprint))) for alias, name in lines.items()
    }
    found = {each["begins"]: each for each in timed.values("begins").annotate(**figures)}
    nothing = dict.fromkeys(lines, 0 if function == "sum" else None)
    return [
        Point(begins, {lines[alias]: plain(here[alias]) for alias in lines if here[alias] is not None})
        for begins in span.beginnings()
        for here in [found.get(begins, nothing)]
    ]


def of_count(
    rows: QuerySet[Entity], blueprint: Blueprint, span: Span, *, time: str, average: bool = False, by: str = ""
) -> list[Point]:
    """How many entities; `by` draws a line for each of a property's fifty commonest values, and one for the others."""
    timed: QuerySet[Any] = _timed(rows, blueprint, span, time).annotate(
        line=_label(blueprint, by) if by else Value("count")
    )
    lines = _commonest(timed) if by else ["count"]
    others = Case(When(line__in=lines, then=F("line")), default=Value(OTHERS), output_field=_TEXT)
    counts: dict[datetime, dict[str, float]] = {}
    for each in timed.annotate(drawn=others).values("begins", "drawn").annotate(count=Count("pk")):
        said = each["count"] / PARTS[span.interval] if average else each["count"]
        counts.setdefault(each["begins"], {})[each["drawn"]] = said
    return [Point(begins, dict.fromkeys(lines, 0) | counts.get(begins, {})) for begins in span.beginnings()]


def _timed(rows: QuerySet[Entity], blueprint: Blueprint, span: Span, time: str) -> QuerySet[Any]:
    """Those of the span, with their `moment` and when its interval `begins`."""
    rows = rows.order_by().annotate(moment=values.moment(blueprint, time))
    return rows.filter(moment__gte=span.start, moment__lte=span.end).annotate(begins=span.begin(F("moment")))


def _figure(function: str, number: Expression) -> Expression:
    if function != "last":
        return FUNCTIONS[function](number)
    latest = ArrayAgg(number, order_by=[F("moment").desc(), F("pk").desc()], filter=~Q(_Absent(number)))
    return Func(latest, template="(%(expressions)s)[1]", output_field=number.output_field)


class _Absent(Func):
    template = "(%(expressions)s is null)"
    output_field = models.BooleanField()


def _commonest(timed: QuerySet[Any]) -> list[str]:
    counted = timed.values("line").annotate(count=Count("pk")).order_by("-count", "line")
    return [each["line"] for each in counted[:MOST_LINES]]


def _label(blueprint: Blueprint, name: str) -> Expression:
    """A value as the name of a line."""
    if name in values.META:
        column = F("title") if name == "$title" else values.sort_key(blueprint, name)
        return Coalesce(NullIf(Cast(column, _TEXT), Value("", _TEXT)), Value(UNSET, _TEXT))
    value = values.json_of(name, blueprint)
    said: Expression = reduce(NullIf, (Value(each, _TEXT) for each in TAKEN), values.text(value))
    return Coalesce(said, Cast(value, _TEXT), Value(UNSET, _TEXT))
