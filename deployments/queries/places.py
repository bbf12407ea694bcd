from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Exists, Func, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce

from catalog import permissions
from catalog import queries as catalog
from catalog.builtin import TIERS
from catalog.models import Entity
from catalog.queries import place_of, tier_of
from deployments.instances import Rollout, rollout
from deployments.models import Deployment, DeploymentConfig, InboxItem, Status, begun
from deployments.passing import lasting
from deployments.queries.past import as_it_was, put_back
from locks.decisions import Decision
from locks.queries import decide_many, decided_at
from portal.accounts.policy import require
from portal.kit.by import By
from portal.kit.clock import database_now

# What keeps a config from a viewer: kinds of entities, and the columns of those.
ENDS = {"service": "service", "environment": "environment", "deploymentConfig": "entity"}


@dataclass(frozen=True)
class Cell:
    """One service in one environment as it is at the decision's instant, now or in the `past`. `config` is None where nothing
    was ever deployed."""

    service: Entity
    environment: Entity
    config: DeploymentConfig | None
    decision: Decision
    past: bool = False

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
    def rollout(self) -> Rollout | None:
        """Nobody tells when an instance came so far, so nothing is said of the past."""
        return None if self.past else rollout_of(self.latest, self.current)

    @property
    def tier(self) -> str:
        return tier_of(self.environment)


def rollout_of(latest: Deployment | None, current: Deployment | None) -> Rollout | None:
    """How many instances run what is being deployed, or what is live, as long as not all of them do."""
    for each in (latest, current):
        found = rollout(each)
        if each and found and found.done < found.total and each.status != Status.ROLLED_BACK:
            # A success that is not live has been overtaken.
            return found if each.status != Status.SUCCESS or each == current else None
    return None


def visible(by: By, rows: QuerySet[DeploymentConfig]) -> QuerySet[DeploymentConfig]:
    """Those of which the viewer may see the service, the environment, and the config itself."""
    known = permissions.granted(by, *ENDS)
    return rows.filter(**{f"{ENDS[kind]}__in": found.values("pk") for kind, found in known.items()})


def config_seen(by: By) -> Q | None:
    """Of deployment configs as entities: who may not see the service or the environment sees nothing of what runs there."""
    kept = _kept(by)
    return kept and ~Q(Exists(DeploymentConfig.objects.filter(kept, entity=OuterRef("pk"))))


def deployment_seen(by: By) -> Q | None:
    """Of deployments as entities, the same."""
    kept = _kept(by)
    if kept is None:
        return None
    configs = DeploymentConfig.objects.filter(kept).values("pk")
    return ~Q(Exists(Deployment.objects.filter(entity=OuterRef("pk"), config__in=configs)))


def _kept(by: By) -> Q | None:
    """True of the configs of places that are kept from the viewer."""
    kept = Q()
    for kind, known in permissions.granted(by, *permissions.PLACES).items():
        kept |= ~Q(**{f"{kind}__in": known.values("pk")})
    return kept or None


def deployments(by: By) -> QuerySet[Deployment]:
    """Those the viewer may see: their config, and their entity where they have one."""
    require(by, "catalog.read")
    if permissions.bounds(by) is None:
        return Deployment.objects.all()
    configs = visible(by, DeploymentConfig.objects.all())
    found = Deployment.objects.filter(config__in=configs.values("pk"))
    known = permissions.granted(by, "deployment").get("deployment")
    return found if known is None else found.filter(Q(entity=None) | Q(entity__in=known.values("pk")))


def services(by: By, *, text: str = "", team: str = "") -> QuerySet[Entity]:
    """`text` is a part of a name, or of a version or commit that is live somewhere."""
    require(by, "catalog.read")
    found = permissions.readable(by, Entity.objects.filter(blueprint__identifier="service"))
    if text:
        running = visible(by, DeploymentConfig.objects.filter(_runs(text), service=OuterRef("pk")))
        found = found.filter(Q(identifier__icontains=text) | Q(title__icontains=text) | Exists(running))
    if team:
        found = found.filter(team__contains=[team])
    return found.order_by("identifier", "id")


def _runs(text: str) -> Q:
    return Q(current__version__icontains=text) | Q(current__commit__istartswith=text)


def teams(by: By) -> list[str]:
    """Teams that own a service."""
    require(by, "catalog.read")
    owners = permissions.readable(by, Entity.objects.filter(blueprint__identifier="service"))
    owners = owners.annotate(owner=Func("team", function="unnest"))
    return sorted(set(owners.values_list("owner", flat=True).distinct()))


def environments(by: By, *, tier: str = "", all: bool = True) -> list[Entity]:
    """From development to production; those of a tier by name. Not `all`: without those that come and go unused."""
    require(by, "catalog.read")
    order = list(reversed(TIERS))
    found = permissions.readable(by, Entity.objects.filter(blueprint__identifier="environment"))
    found = found if all else lasting(found)
    wanted = [each for each in found if not tier or tier_of(each) == tier]
    return sorted(wanted, key=lambda each: (order.index(tier_of(each)), each.identifier))


def _cells(
    by: By, services: list[Entity], environments: list[Entity], at: datetime, *, past: bool = False
) -> list[list[Cell]]:
    ends = {entity.pk: entity for entity in [*services, *environments]}
    rows = visible(by, DeploymentConfig.objects.filter(service__in=services, environment__in=environments))
    configs = {(each.service_id, each.environment_id): each for each in whole(rows, ends, at if past else None)}
    places = {(s.pk, e.pk): place_of(s, e) for s in services for e in environments}
    decisions = (decided_at if past else decide_many)(places.values(), now=at)
    return [
        [
            Cell(
                service,
                environment,
                configs.get((service.pk, environment.pk)),
                decisions[service.pk, environment.pk],
                past,
            )
            for environment in environments
        ]
        for service in services
    ]


def whole(
    rows: QuerySet[DeploymentConfig],
    ends: dict[int, Entity] | None = None,
    at: datetime | None = None,
    without: Sequence[str] = (),
) -> list[DeploymentConfig]:
    """With their services, environments and deployments at hand. Each of these is read once, however often it is named;
    `without` the columns of deployments that nobody asks for."""
    found = list(rows.select_related("entity"))
    if at:
        put_back(found, at)
    deployments = Deployment.objects.defer(*without).in_bulk(
        {pk for config in found for pk in (config.current_id, config.latest_id) if pk}
    )
    if ends is None:
        ends = Entity.objects.in_bulk({pk for config in found for pk in (config.service_id, config.environment_id)})
    for config in found:
        config.service, config.environment = ends[config.service_id], ends[config.environment_id]
        config.current = deployments.get(config.current_id)
        config.latest = deployments.get(config.latest_id)
        if at and config.latest:
            as_it_was(config.latest, at)
    return found


def configs(by: By, *, service: str = "", environment: str = "", at: datetime | None = None) -> list[Cell]:
    """One for each service in each environment it was deployed to, by service and then by tier."""
    rows = DeploymentConfig.objects.all()
    if service:
        rows = rows.filter(service__identifier=service)
    if environment:
        rows = rows.filter(environment__identifier=environment)
    order = list(reversed(TIERS))
    return sorted(
        _decided(by, rows, at),
        key=lambda cell: (cell.service.identifier, order.index(cell.tier), cell.environment.identifier),
    )


def config_named(by: By, identifier: str) -> DeploymentConfig | None:
    """The one that an entity stands for, as far as the viewer may see it; None for an entity that names no place."""
    require(by, "catalog.read")
    rows = visible(by, DeploymentConfig.objects.select_related("service", "environment"))
    return rows.filter(entity__identifier=identifier).first()


def cells_by_entity(by: By, entities: Sequence[Entity]) -> dict[int, Cell]:
    """The places that these deployment configs stand for, by entity key; one that names no place is left out."""
    cells = _decided(by, DeploymentConfig.objects.filter(entity__in=entities))
    return {cell.config.entity_id: cell for cell in cells if cell.config}


def _decided(by: By, rows: QuerySet[DeploymentConfig], at: datetime | None = None) -> list[Cell]:
    require(by, "catalog.read")
    found = whole(visible(by, rows), at=at)
    places = [place_of(row.service, row.environment) for row in found]
    decisions = decided_at(places, now=at) if at else decide_many(places)
    return [
        Cell(row.service, row.environment, row, decisions[row.service_id, row.environment_id], at is not None)
        for row in found
    ]


def cell(by: By, service: str, environment: str, *, at: datetime | None = None) -> Cell:
    require(by, "catalog.read")
    found = catalog.service_named(service, by=by), catalog.environment_named(environment, by=by)
    return _cells(by, [found[0]], [found[1]], at or database_now(), past=at is not None)[0][0]


def cells_of(by: By, service: str, *, at: datetime | None = None) -> list[Cell]:
    """The service's row of the matrix."""
    found = [catalog.service_named(service, by=by)]
    return _cells(by, found, environments(by, all=False), at or database_now(), past=at is not None)[0]


def history(
    by: By, *, service: str, environment: str = "", before: Deployment | None = None, at: datetime | None = None
) -> QuerySet[Deployment]:
    """Deployments of a service, the one begun last first; `before` is the last one of the page above, and `at` leaves
    out what was begun later."""
    require(by, "catalog.read")
    found: Any = deployments(by).filter(service_identifier=service).annotate(begun=begun())
    if environment:
        found = found.filter(environment_identifier=environment)
    if at:
        found = found.filter(begun__lte=at)
    if before:
        found = found.filter(Q(begun__lt=before.begun_at) | Q(begun=before.begun_at, id__lt=before.pk))
    ordered: QuerySet[Deployment] = found.select_related("entity", "config").order_by("-begun", "-id")
    return ordered


def latest(by: By, most: int) -> list[DeploymentConfig]:
    """Configs by their newest deployment, whatever became of it, the newest first."""
    require(by, "catalog.read")
    begun = Coalesce("latest__started_at", "latest__finished_at", "latest__reported_at")
    rows = visible(by, DeploymentConfig.objects.filter(latest__isnull=False)).order_by(begun.desc(), "-id")
    # All are put in order by the key alone: what is shown of a few is not read of thousands.
    newest = list(rows.values_list("pk", flat=True)[:most])
    found = DeploymentConfig.objects.select_related("entity", "service", "environment", "latest").in_bulk(newest)
    return [found[pk] for pk in newest if pk in found]


def failing(by: By) -> QuerySet[DeploymentConfig]:
    require(by, "catalog.read")
    return visible(by, DeploymentConfig.objects.filter(latest__status=Status.FAILURE))


def inbox(by: By, *, state: str = InboxItem.State.WAITING) -> QuerySet[InboxItem]:
    require(by, "inbox.resolve")
    return InboxItem.objects.filter(state=state).order_by("-id")
