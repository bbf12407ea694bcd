"""What clients and pipelines send, and PostgreSQL's own rate for the like."""

import json
import random
import threading
import time
from collections.abc import Callable

import psycopg
from django.db import connection

from bench.catalog import COMPONENT, component
from bench.load import request
from catalog.commands import entity_write
from catalog.models import Entity
from catalog.wishes import Wish
from portal.kit.by import system

Next = Callable[[int], bytes]

BULK = 20


# A component that shows its service, and what programs make of both.
COMPUTING = COMPONENT | {
    "identifier": "computing",
    "title": "Computing component",
    "relations": {"service": COMPONENT["relations"]["service"]},
    "mirrorProperties": {
        "serviceTitle": {"title": "Service", "path": "service.$title"},
        "serviceLanguage": {"title": "Language of the service", "path": "service.language"},
    },
    "calculationProperties": {
        "label": {
            "title": "Label",
            "type": "string",
            "calculation": "(.title // .identifier) + ' of ' + .properties.serviceTitle",
        },
        "busy": {"title": "Busy", "type": "boolean", "calculation": "(.properties.openIssues // 0) > 50"},
    },
}


def bulk(token: str, round: int, blueprint: str = "component") -> Next:
    """Twenty new components a request, each pointing at a service that is there."""
    api = {"Authorization": f"Bearer {token}", "User-Agent": "port-ocean/bench/1.0/bench/exporter"}
    chance = random.Random(round)

    def body(number: int) -> bytes:
        first = (round + 1) * 10_000_000 + number * BULK
        entities = [_sent(component(first + each, chance)) for each in range(BULK)]
        data = json.dumps({"entities": entities}).encode()
        return request("POST", f"/v1/blueprints/{blueprint}/entities/bulk?upsert=true&merge=true", api, data)

    return body


def _sent(row: dict[str, object]) -> dict[str, object]:
    return row | {"relations": {"service": "address-book-0"}}


def places() -> list[tuple[str, str]]:
    """Five hundred services in production."""
    by = system("setup")
    entity_write(Wish("environment", "production", "merge", properties={"tier": "production"}), by=by)
    services = Entity.objects.filter(blueprint__identifier="service").order_by("id")[:500]
    return [(each, "production") for each in services.values_list("identifier", flat=True)]


def report(token: str, places: list[tuple[str, str]]) -> Next:
    api = {"Authorization": f"Bearer {token}", "User-Agent": "bench"}

    def body(number: int) -> bytes:
        service, environment = places[number % len(places)]
        said = {
            "service": service,
            "environment": environment,
            "version": f"1.{number}.0",
            "commit": f"{number:040x}",
            "status": "success",
            "actor": "bench",
            "ci": {"provider": "bench", "run": str(number), "attempt": 1, "url": f"https://ci.example/{number}"},
            "changes": [{"sha": f"{number:040x}", "message": f"PAY-{number}: mend a thing", "author": "Dana"}],
        }
        return request("POST", "/v1/deployments", api | {"Idempotency-Key": f"k{number}"}, json.dumps(said).encode())

    return body


def own_rate(*, connections: int, seconds: float) -> float:
    """Entities a second that PostgreSQL alone upserts, each with an audit row, in a transaction of its own."""
    with connection.cursor() as cursor:
        cursor.execute("create unlogged table if not exists bench_nothing ()")
        cursor.execute(
            "create table if not exists bench_entity (key text primary key, body jsonb not null);"
            "create table if not exists bench_audit (id bigint generated always as identity, key text, body jsonb)"
        )
    done = [0] * connections
    threads = [threading.Thread(target=_upserts, args=(done, n, seconds)) for n in range(connections)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return sum(done) / seconds


def _upserts(done: list[int], place: int, seconds: float) -> None:
    chance = random.Random(place)
    end = time.perf_counter() + seconds
    with psycopg.connect(**connection.get_connection_params() | {"cursor_factory": None, "context": None}) as own:
        while time.perf_counter() < end:
            row = component(chance.randrange(10**6), chance)
            body = json.dumps(row)
            own.execute(
                "insert into bench_entity values (%s, %s) on conflict (key) do update set body = excluded.body",
                [row["identifier"], body],
            )
            own.execute("insert into bench_audit (key, body) values (%s, %s)", [row["identifier"], body])
            own.commit()
            done[place] += 1
