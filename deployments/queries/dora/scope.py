"""Of which deployments, and of which time."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, cast

from django.db.models import QuerySet

from catalog import permissions
from catalog.queries import blueprint, is_called
from deployments.models import Deployment, DeploymentConfig, DeploymentDay, begun
from deployments.queries.places import deployments, environments, visible
from portal.kit.by import By

DAYS = (30, 90)
MOST = timedelta(days=3660)


@dataclass(frozen=True)
class Span:
    """Half-open. Days and weeks are those of UTC, so that everybody who asks gets the same numbers."""

    since: datetime
    until: datetime

    @classmethod
    def of_days(cls, days: int, *, now: datetime) -> "Span":
        """The last `days` days up to now: whole days and today so far."""
        today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return cls(today - timedelta(days=days - 1), now)

    @property
    def days(self) -> float:
        return max((self.until - self.since) / timedelta(days=1), 1.0)

    @property
    def mondays(self) -> list[date]:
        """Of every week that the span touches."""
        first, last = (each.astimezone(UTC).date() for each in (self.since, self.until - timedelta(microseconds=1)))
        first -= timedelta(days=first.weekday())
        return [first + timedelta(days=n) for n in range(0, (last - first).days + 1, 7)]

    def holds_week(self, monday: date) -> bool:
        starts = datetime(monday.year, monday.month, monday.day, tzinfo=UTC)
        return self.since <= starts and starts + timedelta(days=7) <= self.until


@dataclass(frozen=True)
class Scope:
    """Empty is all. `tier` is production unless somebody says otherwise; `environment` stands instead of it."""

    service: str = ""
    team: str = ""
    tier: str = "production"
    environment: str = ""


def configs_of(by: By, scope: Scope) -> QuerySet[DeploymentConfig]:
    if scope.environment:
        places = [each for each in environments(by) if is_called(each, scope.environment)]
    else:
        places = environments(by, tier=scope.tier)
    configs = visible(by, DeploymentConfig.objects.filter(environment__in=places))
    if scope.service:
        configs = configs.filter(service__identifier=scope.service)
    return configs.filter(service__team__contains=[scope.team]) if scope.team else configs


def of_scope(by: By, scope: Scope) -> QuerySet[Deployment]:
    """Every deployment of the scope that the viewer may see, of whatever time: what one of them is follows from the others."""
    found: Any = deployments(by)
    rows = found.filter(config__in=configs_of(by, scope).values("pk")).annotate(begun=begun()).order_by()
    return cast("QuerySet[Deployment]", rows)


def days_of(by: By, scope: Scope, span: Span) -> list[DeploymentDay]:
    """What is rolled up of the scope: of the days that begin in the span. None for who may see only some deployments, since
    a sum does not tell which are in it."""
    if permissions.bounds(by) is not None and permissions.bounds(by, blueprint("deployment")) is not None:
        return []
    found = DeploymentDay.objects.filter(config__in=configs_of(by, scope).values("pk"))
    first = span.since.astimezone(UTC)
    earliest = first.date() + timedelta(days=0 if first == datetime.combine(first.date(), time(), UTC) else 1)
    return list(found.filter(day__gte=earliest, day__lt=span.until.astimezone(UTC).date()))
