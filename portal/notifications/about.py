"""Where an event belongs, as routes choose by it."""

from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Q

from catalog.models import Entity
from catalog.permissions import ANYBODY, bounds
from catalog.queries import tier_in
from portal.audit.models import Event
from portal.notifications.models import Route
from portal.notifications.shapes import CHANNEL

Json = dict[str, Any]
Named = tuple[str, str]  # blueprint, identifier


@dataclass(frozen=True)
class About:
    """`wide`: a lock or a freeze that reaches more than it names. `tier` is "" where no environment is named."""

    service: str
    teams: frozenset[str]
    tier: str
    wide: str
    channels: Json

    def of_service(self) -> str:
        return str(self.channels.get("service") or "")

    def of_environment(self) -> str:
        return str(self.channels.get("environment") or "")


def abouts(events: list[Event]) -> list[About]:
    """Of each, with one query for all."""
    wanted = {named for event in events for named in _named(event)}
    found = _entities(wanted)
    return [_about(event, found) for event in events]


def about(event: Event) -> About:
    return abouts([event])[0]


def is_open(event: Event) -> bool:
    """Whether every member may see what it is about. What is gone counts as kept from some where anything is."""
    seen = bounds(ANYBODY)
    named = set(_named(event))
    if seen is None or not named:
        return True
    one = [Q(blueprint__identifier=blueprint, identifier=identifier) for blueprint, identifier in named]
    return Entity.objects.filter(seen, reduce(or_, one)).count() == len(named)


def _named(event: Event) -> list[Named]:
    named = [("service", event.service), ("environment", event.environment), (event.blueprint, event.entity)]
    return [each for each in named if all(each)]


def _entities(wanted: set[Named]) -> dict[Named, tuple[list[str], Json]]:
    if not wanted:
        return {}
    one = [Q(blueprint__identifier=blueprint, identifier=identifier) for blueprint, identifier in wanted]
    rows = Entity.objects.filter(reduce(or_, one))
    columns = rows.values_list("blueprint__identifier", "identifier", "team", "properties")
    return {(blueprint, identifier): (team, kept) for blueprint, identifier, team, kept in columns}


def _about(event: Event, found: dict[Named, tuple[list[str], Json]]) -> About:
    facts = event.after or event.before or {}
    scope = facts.get("scope") if event.noun in ("lock", "freeze") else None
    teams = {team for named in _named(event) for team in found.get(named, ([], {}))[0]}
    if scope == "team" and facts.get("team"):
        teams.add(str(facts["team"]))
    if event.noun == "environment" and event.payload.get("team"):
        teams.add(str(event.payload["team"]))
    return About(
        event.service or (event.entity if event.blueprint == "service" else ""),
        frozenset(teams),
        _tier(event, facts, found),
        str(scope or ""),
        {
            kind: _channel(found.get((kind, name), ([], {}))[1].get("slackChannel"))
            for kind, name in (("service", event.service), ("environment", event.environment))
        },
    )


def _channel(said: Any) -> str:
    """What somebody wrote on an entity, where it is a channel's name or id. Anything else would stop what is told elsewhere."""
    name = said.strip() if isinstance(said, str) else ""
    return name.lstrip("#") if CHANNEL.match(name) else ""


def _tier(event: Event, facts: Json, found: dict[Named, tuple[list[str], Json]]) -> str:
    """What has no tier, or is gone, is as strict as the strictest."""
    if not event.environment:
        return str(facts.get("tier") or "")
    return tier_in(found.get(("environment", event.environment), ([], {}))[1])


def concerns(route: Route, about: About) -> bool:
    """Whether the event happened where the route listens. What reaches every service reaches those it names."""
    everywhere = about.wide == "everything"
    if route.teams and not everywhere and about.wide != "tier" and about.teams.isdisjoint(route.teams):
        return False
    if route.tiers and about.tier not in route.tiers and not (about.wide and not about.tier):
        return False
    reaches_all = about.wide in {"everything", "tier", "environment"}
    return not route.services or reaches_all or about.service in route.services
