"""Realistic catalogs of any size: the demo company's shapes, grown. The same numbers give the same catalog.

Rows go in by COPY, past the commands: how quickly the commands take entities in is measured apart.
"""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from catalog.commands import blueprint_create, index_add
from catalog.commands.indexes import indexes_settle
from catalog.models import Blueprint
from portal.demo.cast import SERVICES, TEAMS, THINGS, WORK
from portal.kit.by import system

Json = dict[str, Any]

LANGUAGES = ["Go", "Python", "Java", "TypeScript", "Rust", "Kotlin", "Ruby", "C#"]
LIFECYCLES = ["experimental", "production", "deprecated"]
TIERS = ["mission critical", "customer facing", "internal"]
INDEXED = ["openIssues", "language", "lastCommitAt"]
COLUMNS = "blueprint_id, identifier, title, icon, team, properties, computed, datasource, created_by, updated_by, created_at, updated_at"

COMPONENT: Json = {
    "identifier": "component",
    "title": "Component",
    "icon": "Package",
    "schema": {
        "properties": {
            "description": {"type": "string", "title": "Description"},
            "lifecycle": {"type": "string", "title": "Lifecycle", "enum": LIFECYCLES},
            "language": {"type": "string", "title": "Language", "enum": LANGUAGES},
            "tier": {"type": "string", "title": "Tier", "enum": TIERS},
            "repository": {"type": "string", "format": "url", "title": "Repository"},
            "documentation": {"type": "string", "format": "url", "title": "Documentation"},
            "onCall": {"type": "string", "format": "user", "title": "On call"},
            "coverage": {"type": "number", "title": "Coverage"},
            "openIssues": {"type": "number", "title": "Open issues"},
            "public": {"type": "boolean", "title": "Public"},
            "lastCommitAt": {"type": "string", "format": "date-time", "title": "Last commit"},
            "tags": {"type": "array", "title": "Tags", "items": {"type": "string"}},
        }
    },
    "relations": {
        "service": {"title": "Service", "target": "service"},
        "dependsOn": {"title": "Depends on", "target": "component", "many": True},
    },
    "ownership": {"type": "Direct"},
}


@dataclass(frozen=True)
class Size:
    """Of every ten entities one is a service, nine are components; a component has two arrows."""

    entities: int

    @property
    def services(self) -> int:
        return self.entities // 10

    @property
    def components(self) -> int:
        return self.entities - self.services


def service(number: int, chance: random.Random) -> Json:
    base = list(SERVICES)[number % len(SERVICES)]
    team = SERVICES[base][0]
    return {
        "identifier": f"{base}-{number}",
        "title": f"{base.replace('-', ' ').capitalize()} {number}",
        "team": team,
        "properties": {
            "description": f"{SERVICES[base][3]} {chance.choice(WORK).format(thing=chance.choice(THINGS))}.",
            "language": chance.choice(LANGUAGES),
            "tier": TIERS[min(int(chance.expovariate(1)), 2)],
            "onCall": f"{chance.choice(TEAMS[team][2])}@larder.example",
            "slackChannel": f"team-{team}",
            "repository": f"https://github.com/larder/{base}-{number}",
            "documentation": f"https://docs.larder.example/{base}-{number}",
        },
    }


def component(number: int, chance: random.Random) -> Json:
    thing = chance.choice(THINGS)
    name = f"{thing.split()[-1].lower()}-{chance.choice(['api', 'worker', 'web', 'lib', 'job'])}-{number}"
    team = chance.choice(list(TEAMS))
    return {
        "identifier": "".join(c for c in name if c.isalnum() or c in "-_."),
        "title": f"{thing.capitalize()} {number}",
        "team": team,
        "properties": {
            "description": f"{chance.choice(WORK).format(thing=thing)}; {chance.choice(WORK).format(thing=thing)}.",
            "lifecycle": chance.choices(LIFECYCLES, [2, 7, 1])[0],
            "language": chance.choice(LANGUAGES),
            "tier": TIERS[min(int(chance.expovariate(1)), 2)],
            "repository": f"https://github.com/larder/{name}",
            "documentation": f"https://docs.larder.example/{name}",
            "onCall": f"{chance.choice(TEAMS[team][2])}@larder.example",
            "coverage": round(chance.random() * 100, 1),
            "openIssues": int(chance.expovariate(0.05)),
            "public": chance.random() < 0.1,
            "lastCommitAt": f"2026-{chance.randint(1, 11):02}-{chance.randint(1, 28):02}T{chance.randint(0, 23):02}:15:00Z",
            "tags": chance.sample(
                ["pci", "gdpr", "edge", "batch", "ml", "legacy", "beta", "mobile"], chance.randint(0, 3)
            ),
        },
    }


@transaction.atomic
def install() -> None:
    blueprint_create(COMPONENT, by=system("setup"))


def grow(size: Size) -> None:
    """Fills an empty catalog to this size."""
    with transaction.atomic():
        _copy("service", service, size.services, seed=1)
        _copy("component", component, size.components, seed=2)
        _arrows(size)
    with connection.cursor() as cursor:
        # As autovacuum would in time: statistics, and the pending lists of the GIN indexes flushed.
        cursor.execute("vacuum analyze catalog_entity")
        cursor.execute("vacuum analyze catalog_relation")
    mark()


def mark() -> None:
    """As an admin does of what people sort and group a large table by; and the worker's part."""
    component = Blueprint.objects.get(identifier="component")
    for name in INDEXED:
        index_add(component, name, by=system("setup"))
    indexes_settle([])


def _copy(blueprint: str, make: Any, count: int, *, seed: int) -> None:
    key = Blueprint.objects.get(identifier=blueprint).pk
    chance = random.Random(seed)
    with connection.cursor() as cursor, cursor.copy(f"copy catalog_entity ({COLUMNS}) from stdin") as copy:
        for row in _rows(make, count, chance):
            day = f"2026-{chance.randint(1, 11):02}-{chance.randint(1, 28):02} {chance.randint(0, 23):02}:00Z"
            copy.write_row(
                (
                    key,
                    row["identifier"],
                    row["title"],
                    "",
                    [row["team"]],
                    json.dumps(row["properties"]),
                    "{}",
                    "bench",
                    "bench",
                    "bench",
                    day,
                    day,
                )
            )


def _rows(make: Any, count: int, chance: random.Random) -> Iterator[Json]:
    for number in range(count):
        yield make(number, chance)


def _arrows(size: Size) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            with s as (select id, row_number() over (order by id) - 1 as n from catalog_entity
                       where blueprint_id = (select id from catalog_blueprint where identifier = 'service')),
                 c as (select id, row_number() over (order by id) - 1 as n from catalog_entity
                       where blueprint_id = (select id from catalog_blueprint where identifier = 'component'))
            insert into catalog_relation (source_id, name, target_id, position)
            select c.id, 'service', s.id, 0 from c join s on s.n = c.n %% %(services)s
            union all
            select c.id, 'dependsOn', d.id, 0 from c join c d on d.n = (c.n * 7919 + 13) %% %(components)s and d.id <> c.id
            """,
            {"services": max(size.services, 1), "components": max(size.components, 1)},
        )
