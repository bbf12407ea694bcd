"""The inbox by the names that nobody knows."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from django.db.models import Count, Max, Min, QuerySet

from catalog.models import Alias, Entity
from deployments.models import InboxItem
from portal.accounts.policy import require
from portal.kit.by import By

Kind = Literal["service", "environment"]
MOST_GROUPS = 50
MOST_NAMES = 1_000


@dataclass(frozen=True)
class Group:
    """Reports that wait for the same name."""

    kind: Kind
    name: str
    count: int
    oldest: datetime
    newest: datetime


def waiting() -> QuerySet[InboxItem]:
    return InboxItem.objects.filter(state=InboxItem.State.WAITING)


def inbox_groups(by: By) -> list[Group]:
    """The names that most reports wait for, of both kinds, the most first."""
    require(by, "inbox.resolve")
    groups = [*_groups("environment"), *_groups("service")]
    return sorted(groups, key=lambda each: (-each.count, each.kind, each.name))[:MOST_GROUPS]


def inbox_known(by: By) -> int:
    """How many wait whose names are known by now: since they came somebody has made what they name."""
    require(by, "inbox.resolve")
    return len(items_known(MOST_NAMES))


def items_known(most: int) -> list[InboxItem]:
    """Those, the oldest first; it looks at the oldest thousand pairs of names."""
    pairs = waiting().values("service", "environment").annotate(oldest=Min("id")).order_by("oldest")[:MOST_NAMES]
    names = [(each["service"], each["environment"]) for each in pairs]
    services = known("service", {service for service, _ in names})
    environments = known("environment", {environment for _, environment in names})
    return list(waiting().filter(service__in=services, environment__in=environments).order_by("id")[:most])


def _groups(kind: Kind) -> list[Group]:
    """In three queries, however many wait."""
    counted = waiting().values(kind).annotate(count=Count("id"), oldest=Min("at"), newest=Max("at"))
    rows = list(counted.order_by("-count", kind)[:MOST_NAMES])
    there = known(kind, {each[kind] for each in rows})
    return [
        Group(kind, each[kind], each["count"], each["oldest"], each["newest"])
        for each in rows
        if each[kind] not in there
    ]


def known(kind: Kind, names: Iterable[str]) -> set[str]:
    """Those of the names that stand for something."""
    wanted = set(names)
    found = Entity.objects.filter(blueprint__identifier=kind, identifier__in=wanted)
    there = set(found.values_list("identifier", flat=True))
    if kind == "environment":
        folded = {name: name.strip().casefold() for name in wanted}
        aliases = set(Alias.objects.filter(folded__in=folded.values()).values_list("folded", flat=True))
        there |= {name for name, fold in folded.items() if fold in aliases}
    return there
