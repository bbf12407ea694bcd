"""Where the logs, errors, sessions and traces of places are, and which places lack a way there."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import prefetch_related_objects

from catalog import compute
from catalog.builtin import TIERS
from catalog.queries import tier_of
from deployments.kinds import LINKS
from deployments.models import Deployment, DeploymentConfig, LogSource
from deployments.presets import Span
from deployments.queries.places import visible, whole
from deployments.sources import Link, link, values_of, web
from portal.accounts.policy import require
from portal.kit.by import By
from portal.kit.clock import database_now

# Before a deployment and after it: what it broke shows a little later, what broke it a little earlier.
MARGIN = timedelta(minutes=10)


@dataclass(frozen=True)
class Sources:
    """The links of one place, by kind; `lacking` has each kind without one, and what its sources would need."""

    config: DeploymentConfig
    span: Span
    links: list[Link]
    lacking: dict[str, list[Link]]


def log_sources(configs: Iterable[DeploymentConfig | None] = ()) -> list[LogSource]:
    """Those that are on, in their order. `configs` are those that they are to be shown of: what these, their services and
    environments compute is as it is now. A few queries for all."""
    if shown := [each for each in configs if each]:
        _computed_now(shown)
    return list(LogSource.objects.filter(is_on=True))


def span_of(deployment: Deployment | None, *, live: bool, now: datetime) -> Span:
    """The time of a deployment with a margin around it; of what is live, until now. Without one, the last hour."""
    if deployment is None:
        return Span(now - timedelta(hours=1), now)
    begun = deployment.begun_at
    ended = None if live else deployment.finished_at
    until = now if ended is None else min(now, ended + MARGIN)
    return Span(begun - MARGIN, max(until, begun))


def sources_of(
    config: DeploymentConfig, span: Span, rows: Sequence[LogSource], deployment: Deployment | None = None
) -> Sources:
    """The config comes with its entity, service, environment and what is live; `rows` are `log_sources()`."""
    values = values_of(config, span, deployment)
    found = [*_plain(config), *_runs(deployment or config.current or config.latest)]
    tried = [link(each, values, span) for each in rows]
    links = found + [each for each in tried if each.url]
    order = list(LogSource.Kind)
    links.sort(key=lambda each: order.index(LogSource.Kind(each.kind)))
    had = {each.kind for each in links}
    lacking = {kind.value: [each for each in tried if each.kind == kind] for kind in order if kind not in had}
    return Sources(config, span, links, lacking)


def _plain(config: DeploymentConfig) -> list[Link]:
    """The addresses that somebody wrote into the config."""
    properties = config.entity.properties | config.entity.computed
    found = [Link(label, kind, icon, web(properties.get(name))) for name, (label, icon, kind) in LINKS.items()]
    return [each for each in found if each.url]


def _runs(deployment: Deployment | None) -> list[Link]:
    url = web(deployment.run_url) if deployment else ""
    return [Link("CI run", LogSource.Kind.CI.value, "terminal", url)] if url else []


def _computed_now(configs: Sequence[DeploymentConfig]) -> None:
    """Each entity once: a service stands in several places, and an environment in all of them."""
    entities = [entity for each in configs for entity in (each.entity, each.service, each.environment)]
    once = list({each.pk: each for each in entities}.values())
    prefetch_related_objects(once, "blueprint")
    values = compute.shown(once)
    for each in entities:
        each.computed = values[each.pk]


def sources_everywhere(
    by: By,
    *,
    service: str = "",
    environment: str = "",
    tier: str = "",
    team: str = "",
    at: Callable[[DeploymentConfig], Span] | None = None,
) -> list[Sources]:
    """Of every place that the viewer may see, by service and tier. `at` says of each which time to open; else it is since
    what is live there was deployed."""
    require(by, "catalog.read")
    now = database_now()
    configs = DeploymentConfig.objects.all()
    if service:
        configs = configs.filter(service__identifier=service)
    if environment:
        configs = configs.filter(environment__identifier=environment)
    if team:
        configs = configs.filter(service__team__contains=[team])
    rows_whole = whole(visible(by, configs), without=("changes", "extra", "message", "decision", "instances"))
    found = [each for each in rows_whole if tier in ("", tier_of(each.environment))]
    order = list(reversed(TIERS))
    found.sort(key=lambda each: (each.service.identifier, order.index(tier_of(each.environment)), each.entity_id))
    at = at or (lambda config: span_of(config.current, live=True, now=now))
    rows = log_sources(found)
    return [sources_of(each, at(each), rows) for each in found]
