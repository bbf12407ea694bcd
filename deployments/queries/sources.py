"""Where the logs, errors, sessions and traces of places are, and which places lack a way there."""

from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import prefetch_related_objects

from catalog import compute
from catalog.builtin import TIERS
from catalog.queries import tier_of
from deployments.kinds import LINKS
from deployments.models import Deployment, DeploymentConfig, LogSource
from deployments.presets import Span
from deployments.queries.places import visible, whole
from deployments.sources import Link, Way, values_of, web
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


@dataclass(frozen=True)
class Place:
    """One place and the kinds that it has a link of."""

    config: DeploymentConfig
    had: frozenset[str]


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
    return _sources(config, span, [Way.of(each) for each in rows], deployment)


def _sources(
    config: DeploymentConfig, span: Span, ways: Sequence[Way], deployment: Deployment | None = None
) -> Sources:
    values = values_of(config, span, _names(ways), deployment)
    found = [*_plain(config), *_runs(deployment or config.current or config.latest)]
    tried = [each.link(values, span) for each in ways]
    links = found + [each for each in tried if each.url]
    order = list(LogSource.Kind)
    links.sort(key=lambda each: order.index(LogSource.Kind(each.kind)))
    had = {each.kind for each in links}
    lacking = {kind.value: [each for each in tried if each.kind == kind] for kind in order if kind not in had}
    return Sources(config, span, links, lacking)


def _names(ways: Iterable[Way]) -> frozenset[str]:
    return frozenset().union(*(each.names for each in ways))


def _had(config: DeploymentConfig, span: Span, ways: Sequence[Way], names: Set[str]) -> frozenset[str]:
    """The kinds of `_sources`, without the links: of each kind the first that leads anywhere will do."""
    found = {each.kind for each in (*_plain(config), *_runs(config.current or config.latest))}
    values = values_of(config, span, names)
    for each in ways:
        if each.source.kind not in found and each.url(values, span):
            found.add(each.source.kind)
    return frozenset(found)


def _plain(config: DeploymentConfig) -> list[Link]:
    """The addresses that somebody wrote into the config."""
    properties = config.entity.properties | config.entity.computed
    found = [Link(label, kind, icon, web(properties.get(name))) for name, (label, icon, kind) in LINKS.items()]
    return [each for each in found if each.url]


def _runs(deployment: Deployment | None) -> list[Link]:
    url = web(deployment.run_url) if deployment else ""
    return [Link("CI run", LogSource.Kind.CI.value, "terminal", url)] if url else []


def _computed_now(configs: Sequence[DeploymentConfig], names: Set[str] | None = None) -> None:
    """Each entity once: a service stands in several places, and an environment in all of them. With `names`: only of
    blueprints that compute one of these."""
    entities = [entity for each in configs for entity in (each.entity, each.service, each.environment)]
    once = list({each.pk: each for each in entities}.values())
    prefetch_related_objects(once, "blueprint")
    if names is not None:
        once = [each for each in once if not names.isdisjoint(each.blueprint.computed_properties)]
    values = compute.shown(once)
    for each in entities:
        if each.pk in values:
            each.computed = values[each.pk]


def sources_everywhere(
    by: By,
    *,
    service: str = "",
    environment: str = "",
    at: Callable[[DeploymentConfig], Span] | None = None,
) -> list[Sources]:
    """Of every place that the viewer may see, by service and tier. `at` says of each which time to open; else it is since
    what is live there was deployed."""
    configs = DeploymentConfig.objects.all()
    if service:
        configs = configs.filter(service__identifier=service)
    if environment:
        configs = configs.filter(environment__identifier=environment)
    found, ways = _with_ways(by, configs)
    now = database_now()
    at = at or (lambda config: span_of(config.current, live=True, now=now))
    return [_sources(each, at(each), ways) for each in found]


class Standings:
    """Of every place that the viewer may see, by service and tier, the kinds that it has links of; the links themselves
    of those that are shown."""

    def __init__(self, by: By, *, tier: str = "", team: str = "") -> None:
        configs = DeploymentConfig.objects.all()
        if team:
            configs = configs.filter(service__team__contains=[team])
        found, self._ways = _with_ways(by, configs, tier)
        self._now = database_now()
        names = _names(self._ways)
        self.places = [Place(each, _had(each, self._span(each), self._ways, names)) for each in found]

    def sources(self, places: Iterable[Place]) -> list[Sources]:
        return [_sources(each.config, self._span(each.config), self._ways) for each in places]

    def _span(self, config: DeploymentConfig) -> Span:
        return span_of(config.current, live=True, now=self._now)


def _with_ways(by: By, configs: Any, tier: str = "") -> tuple[list[DeploymentConfig], list[Way]]:
    """What the sources name of them is as it is now."""
    require(by, "catalog.read")
    rows = whole(visible(by, configs), without=("changes", "extra", "message", "decision", "instances"))
    tiers = {pk: tier_of(each) for pk, each in {each.environment_id: each.environment for each in rows}.items()}
    found = [each for each in rows if tier in ("", tiers[each.environment_id])]
    order = {name: place for place, name in enumerate(reversed(TIERS))}
    found.sort(key=lambda each: (each.service.identifier, order[tiers[each.environment_id]], each.entity_id))
    ways = [Way.of(each) for each in log_sources()]
    _computed_now(found, _names(ways) | LINKS.keys())
    return found, ways
