"""How many of the deployments to production passed the gate, and who deploys without asking it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Max, Q

from catalog.models import Entity
from deployments.models import Deployment, DeploymentConfig, Gate, Status, begun
from deployments.queries.places import deployments, environments
from portal.kit.by import By
from portal.kit.clock import database_now

Json = dict[str, Any]

DAYS = 30


@dataclass(frozen=True)
class Uncovered:
    """A service in an environment of production that was deployed to without the gate.

    `last` is the newest such deployment; `mended`: one that came after it has passed the gate.
    """

    service: Entity
    environment: Entity
    total: int
    ungated: int
    last: Deployment
    mended: bool


@dataclass(frozen=True)
class Coverage:
    """Of the deployments to production begun between `since` and `until`."""

    since: datetime
    until: datetime
    by_claim: int
    by_receipt: int
    ungated: int
    uncovered: list[Uncovered]

    @property
    def total(self) -> int:
        return self.by_claim + self.by_receipt + self.ungated

    @property
    def percent(self) -> int | None:
        return _percent(self.total, self.ungated)


def _percent(total: int, ungated: int) -> int | None:
    """Rounded down, so that 100 means all of them; None when nothing was deployed."""
    return (total - ungated) * 100 // total if total else None


def gated_percent(by: By, *, now: datetime) -> int | None:
    """The share alone, for pages that show it beside other things."""
    rows = _deploys(by, now - timedelta(days=DAYS), now)
    found = rows.aggregate(total=Count("pk"), ungated=Count("pk", filter=Q(gate=Gate.UNGATED)))
    return _percent(**found)


def coverage(by: By, *, now: datetime | None = None) -> Coverage:
    """Of the last 30 days. Who still deploys without it stands first, those with the most such deployments before others."""
    until = now or database_now()
    since = until - timedelta(days=DAYS)
    rows = _deploys(by, since, until)
    counted: list[Json] = list(
        rows.values("config")
        .annotate(
            claim=Count("pk", filter=Q(gate=Gate.CLAIM)),
            receipt=Count("pk", filter=Q(gate=Gate.RECEIPT)),
            ungated=Count("pk", filter=Q(gate=Gate.UNGATED)),
            gated_at=Max("begun", filter=~Q(gate=Gate.UNGATED)),
            ungated_at=Max("begun", filter=Q(gate=Gate.UNGATED)),
        )
        .order_by()
    )
    sums = {name: sum(each[name] for each in counted) for name in ("claim", "receipt", "ungated")}
    without = {each["config"]: each for each in counted if each["ungated"]}
    return Coverage(since, until, sums["claim"], sums["receipt"], sums["ungated"], _uncovered(rows, without))


def _deploys(by: By, since: datetime, until: datetime) -> Any:
    """Those to production that have begun; what is only announced has not got as far as the gate."""
    production = [each.pk for each in environments(by, tier="production")]
    found: Any = deployments(by).annotate(begun=begun())
    return found.filter(
        config__environment__in=production, kind__in=Deployment.DEPLOYS, begun__gte=since, begun__lte=until
    ).exclude(status=Status.PENDING)


def _uncovered(rows: Any, counted: dict[int, Json]) -> list[Uncovered]:
    configs = DeploymentConfig.objects.select_related("service", "environment").in_bulk(counted)
    newest = rows.filter(config__in=counted, gate=Gate.UNGATED).select_related("entity")
    found = []
    for last in newest.order_by("config", "-begun", "-id").distinct("config"):
        config, sums = configs[last.config_id], counted[last.config_id]
        total = sums["claim"] + sums["receipt"] + sums["ungated"]
        mended = sums["gated_at"] is not None and sums["gated_at"] > sums["ungated_at"]
        found.append(Uncovered(config.service, config.environment, total, sums["ungated"], last, mended))
    return sorted(
        found, key=lambda each: (each.mended, -each.ungated, each.service.identifier, each.environment.identifier)
    )
