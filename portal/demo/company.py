"""Loads the demo company: three weeks of a shop's deployments, through the same commands that people and CI use."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from catalog import queries as catalog
from catalog.commands import entity_write
from catalog.queries import Place
from catalog.wishes import Wish
from deployments import reports
from deployments.commands import config_of, deployment_store
from deployments.models import Deployment
from locks import receipts
from locks.queries import decide
from portal.accounts.commands import team_create, user_create
from portal.accounts.models import User
from portal.audit.models import Event
from portal.demo.cast import ENVIRONMENTS, PEOPLE, SERVICES, TEAMS, THINGS, WORK
from portal.demo.closures import freezes, locks
from portal.demo.figures import figures
from portal.demo.maturity import LACKING, scorecards
from portal.demo.previews import environments
from portal.demo.probes import probes
from portal.demo.requests import requests
from portal.kit.by import By, system
from portal.kit.clock import database_now, iso

Json = dict[str, Any]

WEEKS = 3
NEVER_ASK = {"loyalty", "search"}  # the gate; for the page of coverage
PATH = ["development", "test", "staging", "production"]  # the way a release goes
# The ticket that two services work on, and how far each has come with it.
TICKET = "SHOP-1024"
FEATURE = {
    "basket": (4, ["Keep a gift message with each line", "Offer gift wrapping in the basket"]),
    "checkout": (3, ["Print the gift message on the order", "Charge for gift wrapping"]),
}


@dataclass
class Release:
    service: str
    version: str
    commit: str
    changes: list[Json]
    born: datetime
    number: int


@transaction.atomic
def load() -> None:
    """Everything or nothing; the same company each time, with times counted back from now."""
    chance = random.Random(20)
    by = system("setup")
    now = database_now()
    people = _people(by)
    _catalog(chance, by)
    places = {(s, e): catalog.place(s, e) for s in SERVICES for e in ENVIRONMENTS}
    newest: dict[str, Release] = {}
    for service in SERVICES:
        until = now - timedelta(days=1) if service in FEATURE else now
        left: list[Json] = []  # by releases that stopped before the first environment
        for release in _releases(service, chance, until):
            release.changes += left
            if _ship(release, places, chance, until, by):
                left, newest[service] = [], release
            else:
                left = release.changes
    _count()
    _feature(newest, places, now, by)
    _links(places, by)
    locks(places, people, now)
    freezes(people, now)
    requests(people, by)
    environments(people, now, by)
    scorecards(now, by)
    figures(by)
    probes(places, now, by)


def _count() -> None:
    """PostgreSQL would take tables that were empty a moment ago for empty still, and read them over and over."""
    with connection.cursor() as cursor:
        cursor.execute(
            "analyze catalog_entity, catalog_relation, deployments_deployment, deployments_deploymentconfig, audit_event"
        )


def _people(by: By) -> dict[str, User]:
    people = {key: user_create(f"{key}@larder.example", name, password=None, by=by) for key, name in PEOPLE.items()}
    for identifier, (title, _, members) in TEAMS.items():
        team_create(identifier, title, members=[people[key] for key in members], by=by)
    return people


def _catalog(chance: random.Random, by: By) -> None:
    for identifier, (title, tier, aliases, region) in ENVIRONMENTS.items():
        properties = {"tier": tier, "aliases": aliases, "region": region}
        if tier == "production":
            properties["slackChannel"] = "production"
        _write("environment", identifier, title, properties, ("platform",), by)
    for identifier, (team, language, tier, description) in SERVICES.items():
        properties = {
            "description": description,
            "language": language,
            "tier": tier,
            "onCall": f"{chance.choice(TEAMS[team][2])}@larder.example",
            "slackChannel": f"team-{team}",
            "repository": f"https://github.com/larder/{identifier}",
            "documentation": f"https://docs.larder.example/{identifier}",
        }
        properties = {name: value for name, value in properties.items() if name not in LACKING.get(identifier, ())}
        _write("service", identifier, identifier.replace("-", " ").capitalize(), properties, (team,), by)
    names = sorted(SERVICES)
    for identifier in names:
        needs = tuple(sorted(chance.sample([n for n in names if n != identifier], chance.randint(0, 3))))
        if needs:
            wish = Wish("service", identifier, "patch", relations={"dependsOn": needs}, given=frozenset({"relations"}))
            entity_write(wish, by=by)


def _write(blueprint: str, identifier: str, title: str, properties: Json, team: tuple[str, ...], by: By) -> None:
    entity_write(Wish(blueprint, identifier, "create", title=title, properties=properties, team=team), by=by)


def _releases(service: str, chance: random.Random, now: datetime) -> Iterator[Release]:
    team = SERVICES[service][0]
    major, minor = chance.randint(1, 6), chance.randint(0, 30)
    ticket, request = chance.randint(100, 900), chance.randint(200, 2000)
    count, below = chance.randint(3, 8), ""
    for born in sorted(_working_hour(chance, now) for _ in range(count)):
        minor += 1
        changes: list[Json] = []
        for _ in range(chance.choice([1, 1, 1, 2, 3])):
            ticket, request = ticket + chance.randint(1, 9), request + chance.randint(1, 6)
            author = chance.choice(TEAMS[team][2])
            message = chance.choice(WORK).format(thing=chance.choice(THINGS))
            sha = f"{chance.getrandbits(160):040x}"
            changes.append(
                {
                    "sha": sha,
                    "message": f"{TEAMS[team][1]}-{ticket}: {message} (#{request})",
                    "author": PEOPLE[author],
                    "committed_at": iso(born - timedelta(hours=2 + 5 * len(changes))),
                    "pr": str(request),
                    "url": f"https://github.com/larder/{service}/commit/{sha}",
                }
            )
        _on_each_other(changes, below, born)
        below = str(changes[0]["sha"])
        yield Release(
            service, f"{major}.{minor}.0", str(changes[0]["sha"]), changes, born, chance.randint(10**8, 10**9)
        )


def _on_each_other(changes: list[Json], below: str, born: datetime) -> None:
    """As git knows them: each stands on the next older one, the oldest on the release before."""
    for place, (change, older) in enumerate(zip(changes, [*changes[1:], None], strict=True)):
        change["parents"] = [older["sha"]] if older else [below] if below else []
        change["committed_at"] = iso(born - timedelta(hours=3 * place + 1))


def _feature(newest: dict[str, Release], places: dict[tuple[str, str], Place], now: datetime, by: By) -> None:
    """In production with one of its services, and with the other no further than staging."""
    chance = random.Random(1024)
    for number, (service, (steps, titles)) in enumerate(FEATURE.items()):
        major, minor, _ = newest[service].version.split(".")
        born = now - timedelta(hours=21 - number)
        changes = [_of_ticket(service, title, 2100 + 10 * number + place, chance) for place, title in enumerate(titles)]
        _on_each_other(changes, newest[service].commit, born)
        sha, run = str(changes[0]["sha"]), chance.randint(10**8, 10**9)
        release = Release(service, f"{major}.{int(minor) + 1}.0", sha, changes, born, run)
        for step, environment in enumerate(PATH[:steps]):
            at = born + timedelta(hours=4 * step + 1)
            _report(release, places[service, environment], "success", 1, at, chance, by)


def _of_ticket(service: str, title: str, request: int, chance: random.Random) -> Json:
    sha = f"{chance.getrandbits(160):040x}"
    return {
        "sha": sha,
        "message": f"{TICKET}: {title} (#{request})",
        "author": PEOPLE[chance.choice(TEAMS[SERVICES[service][0]][2])],
        "pr": str(request),
        "url": f"https://github.com/larder/{service}/commit/{sha}",
    }


def _working_hour(chance: random.Random, now: datetime) -> datetime:
    day = now - timedelta(days=chance.uniform(0.2, WEEKS * 7))
    at = day.replace(hour=chance.randint(8, 17), minute=chance.randint(0, 59), second=chance.randint(0, 59))
    return min(at, now - timedelta(hours=2))


def _ship(release: Release, places: dict[tuple[str, str], Place], chance: random.Random, now: datetime, by: By) -> bool:
    """Environment after environment; some releases stop on the way, some fail and are tried again. Whether any was reached."""
    at = release.born
    for environment in PATH:
        at += timedelta(minutes=chance.randint(6, 90 if environment != "production" else 600))
        if at > now - timedelta(minutes=3) or chance.random() < 0.08:
            return environment != PATH[0]
        failed = chance.random() < (0.07 if environment != "production" else 0.04)
        _report(release, places[release.service, environment], "failure" if failed else "success", 1, at, chance, by)
        if failed and chance.random() < 0.5:
            return True
        if failed:
            at += timedelta(minutes=chance.randint(5, 40))
            if at > now - timedelta(minutes=3):
                return True
            _report(release, places[release.service, environment], "success", 2, at, chance, by)
    return True


def _report(
    release: Release, place: Place, status: str, attempt: int, at: datetime, chance: random.Random, by: By
) -> None:
    run = f"{release.number}-{place.environment}"
    begun = at - timedelta(seconds=chance.randint(40, 400))
    asked = receipts.issue(decide(place, by=by, now=begun), commit=release.commit, run=f"github:{run}:{attempt}")
    body = {
        "service": place.service,
        "environment": place.environment,
        "version": release.version,
        "commit": release.commit,
        "ref": "refs/heads/main",
        "status": status,
        "decision": "" if place.service in NEVER_ASK else asked,
        "started_at": iso(begun),
        "finished_at": iso(at),
        "actor": release.changes[0]["author"],
        "ci": {
            "provider": "github",
            "run": run,
            "attempt": attempt,
            "url": f"https://github.com/larder/{place.service}/actions/runs/{release.number}",
        },
        "changes": release.changes,
    }
    outcome = deployment_store(reports.parse(body, now=at), place, now=at, by=by)
    assert outcome.deployment is not None
    _backdate(outcome.deployment, at, by)


def _backdate(deployment: Deployment, at: datetime, by: By) -> None:
    """The demo's events happened when the story says, so that lists and ages read like a real history."""
    Deployment.objects.filter(pk=deployment.pk).update(reported_at=at)
    Event.objects.filter(service=deployment.service_identifier, trace=by.trace, at__gt=at).filter(
        environment=deployment.environment_identifier, at__gte=database_now() - timedelta(seconds=1)
    ).update(at=at)


def _links(places: dict[tuple[str, str], Place], by: By) -> None:
    for place in places.values():
        config = config_of(place, by=by)
        base, where = "https://observe.larder.example", f"service={place.service}&env={place.environment}"
        links = {
            "logsUrl": f"{base}/logs?{where}",
            "errorsUrl": f"{base}/errors?{where}",
            "tracesUrl": f"{base}/traces?{where}",
            "serviceMapUrl": f"{base}/map?{where}",
        }
        if SERVICES[place.service][2] != "internal":
            links["sessionsUrl"] = f"{base}/sessions?{where}"
        wish = Wish(
            "deploymentConfig", config.entity.identifier, "patch", properties=links, given=frozenset({"properties"})
        )
        entity_write(wish, by=by)
