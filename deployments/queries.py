from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from catalog.builtin import TIERS
from catalog.models import Entity
from catalog.queries import place_of, tier_of
from deployments.models import Deployment, DeploymentConfig, InboxItem
from locks.decisions import Decision
from locks.queries import decide_many
from portal.accounts.policy import require
from portal.kit.by import By
from portal.kit.clock import database_now


@dataclass(frozen=True)
class Cell:
    """One service in one environment as it is now. `config` is None where nothing was ever deployed."""

    service: Entity
    environment: Entity
    config: DeploymentConfig | None
    decision: Decision

    @property
    def current(self) -> Deployment | None:
        return self.config.current if self.config else None

    @property
    def latest(self) -> Deployment | None:
        return self.config.latest if self.config else None

    @property
    def attempt_failed(self) -> bool:
        """The newest deployment failed; what is live is an older one."""
        return bool(self.latest and self.latest.status == "failure")

    @property
    def tier(self) -> str:
        return tier_of(self.environment)


@dataclass(frozen=True)
class Matrix:
    environments: list[Entity]
    rows: list[tuple[Entity, list[Cell]]]
    at: datetime


def services(by: By, *, text: str = "", team: str = "") -> QuerySet[Entity]:
    require(by, "catalog.read")
    found = Entity.objects.filter(blueprint__identifier="service")
    if text:
        found = found.filter(identifier__icontains=text) | found.filter(title__icontains=text)
    if team:
        found = found.filter(team__contains=[team])
    return found.order_by("identifier", "id")


def environments(by: By, *, tier: str = "") -> list[Entity]:
    """From development to production; those of a tier by name."""
    require(by, "catalog.read")
    order = list(reversed(TIERS))
    found = Entity.objects.filter(blueprint__identifier="environment")
    wanted = [each for each in found if not tier or tier_of(each) == tier]
    return sorted(wanted, key=lambda each: (order.index(tier_of(each)), each.identifier))


def matrix(
    by: By, *, text: str = "", team: str = "", tier: str = "", locked: bool = False, failing: bool = False
) -> Matrix:
    """Every service in every environment. `locked` and `failing` keep the services where that is so anywhere."""
    at = database_now()
    columns = environments(by, tier=tier)
    found = list(services(by, text=text, team=team))
    rows = list(zip(found, _cells(found, columns, at), strict=True))
    if locked:
        rows = [row for row in rows if any(cell.decision.denies for cell in row[1])]
    if failing:
        rows = [row for row in rows if any(cell.attempt_failed for cell in row[1])]
    return Matrix(columns, rows, at)


def _cells(services: list[Entity], environments: list[Entity], at: datetime) -> list[list[Cell]]:
    configs = {
        (config.service_id, config.environment_id): config
        for config in _configs().filter(service__in=services, environment__in=environments)
    }
    places = {(s.pk, e.pk): place_of(s, e) for s in services for e in environments}
    decisions = decide_many(places.values(), now=at)
    return [
        [
            Cell(service, environment, configs.get((service.pk, environment.pk)), decisions[service.pk, environment.pk])
            for environment in environments
        ]
        for service in services
    ]


def _configs() -> QuerySet[DeploymentConfig]:
    return DeploymentConfig.objects.select_related("entity", "service", "environment", "current", "latest")


def configs(
    by: By, *, service: str = "", environment: str = "", text: str = "", team: str = "", tier: str = ""
) -> list[Cell]:
    """One for each service in each environment it was deployed to, by service and then by tier."""
    require(by, "catalog.read")
    found = _configs().order_by("service__identifier", "environment__identifier", "id")
    if service:
        found = found.filter(service__identifier=service)
    if environment:
        found = found.filter(environment__identifier=environment)
    if text:
        found = found.filter(service__identifier__icontains=text) | found.filter(service__title__icontains=text)
    if team:
        found = found.filter(service__team__contains=[team])
    rows = [config for config in found if not tier or tier_of(config.environment) == tier]
    decisions = decide_many([place_of(row.service, row.environment) for row in rows])
    cells = [Cell(row.service, row.environment, row, decisions[row.service_id, row.environment_id]) for row in rows]
    order = list(reversed(TIERS))
    return sorted(cells, key=lambda cell: (cell.service.identifier, order.index(cell.tier), cell.environment.identifier))


def history(by: By, *, service: str, environment: str = "") -> QuerySet[Deployment]:
    """Deployments of a service, the newest first."""
    require(by, "catalog.read")
    found: QuerySet[Deployment] = Deployment.objects.filter(service_identifier=service)
    if environment:
        found = found.filter(environment_identifier=environment)
    ordered: QuerySet[Deployment] = found.select_related("entity", "config").by_start()  # type: ignore[attr-defined]
    return ordered


def inbox(by: By, *, state: str = InboxItem.State.WAITING) -> QuerySet[InboxItem]:
    require(by, "inbox.resolve")
    return InboxItem.objects.filter(state=state).order_by("-id")
