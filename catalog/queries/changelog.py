from heapq import merge
from itertools import islice
from typing import Any

from django.db.models import QuerySet

from catalog.changelog import SUBSCRIBER, streams
from portal.audit.models import Delivery

State = Delivery.State


def changelog_deliveries(blueprint: str) -> Any:
    """Of a blueprint's changes, and of its tests."""
    found: QuerySet[Delivery] = Delivery.objects.filter(subscriber=SUBSCRIBER, stream__in=streams(blueprint))
    return found


def changelog_latest(blueprint: str, most: int = 20) -> list[Delivery]:
    """The newest first. Each of the two streams is read by its own index."""
    rows = Delivery.objects.select_related("event").filter(subscriber=SUBSCRIBER).order_by("-id")
    found = [list(rows.filter(stream=each)[:most]) for each in streams(blueprint)]
    return list(islice(merge(*found, key=lambda each: -each.pk), most))


def changelog_waiting(blueprint: str) -> tuple[int, int]:
    """How many wait to be sent, and how many were given up."""
    rows = changelog_deliveries(blueprint)
    return rows.filter(state__in=Delivery.UNFINISHED).count(), rows.filter(state=State.PARKED).count()
