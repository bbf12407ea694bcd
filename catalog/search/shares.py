"""How the values of a property are spread over a list."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, QuerySet

from catalog.models import Blueprint, Entity
from catalog.search import values

MOST_COUNTED = 10_000


@dataclass(frozen=True)
class Share:
    """`value` is None for what has none."""

    value: Any
    count: int


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
