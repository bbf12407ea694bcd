"""`python -m bench.matrix`: the matrix of 500 services in 8 environments over 1,000,000 deployments."""

import argparse
import http.client
import re
import time
from collections.abc import Callable

from bench.__main__ import Next, median, must_be, rounds, set_up, tell
from bench.load import request
from bench.stack import Stack, stack

SERVICES, ENVIRONMENTS, DEPLOYMENTS = 500, 8, 1_000_000
LOCKS = 60
WORDS = [
    "payments",
    "search",
    "stock",
    "delivery",
    "invoice",
    "orders",
    "address",
    "refund",
    "catalogue",
    "mail",
    "ledger",
]
PLACES = [
    ("dev", "development"),
    ("dev-eu", "development"),
    ("test", "test"),
    ("load-test", "test"),
    ("staging", "staging"),
    ("staging-eu", "staging"),
    ("production", "production"),
    ("production-eu", "production"),
]


def main() -> int:
    words = argparse.ArgumentParser(prog="python -m bench.matrix", description=__doc__)
    words.add_argument("--rounds", type=int, default=5)
    words.add_argument("--seconds", type=float, default=3.0)
    words.add_argument("--deployments", type=int, default=DEPLOYMENTS)
    words.add_argument("--hold", action="store_true", help="keep it running afterwards, to look at it")
    chosen = words.parse_args()
    with stack() as running:
        token, session = set_up(100)
        begun = time.perf_counter()
        fill(chosen.deployments)
        print(f"filled in {time.perf_counter() - begun:.0f} s")
        running.serve()
        measure(running, token, session, chosen)
        if chosen.hold:
            print(f"http://127.0.0.1:{running.port}/deployments/ with the cookie sessionid={session}")
            input("Enter ends it. ")
    return 0


def measure(running: Stack, token: str, session: str, chosen: argparse.Namespace) -> None:
    ask(running, asks(running, token, session), chosen)
    ask(running, asks_after_changes(token, session), chosen)


def ask(running: Stack, questions: dict[str, Next], chosen: argparse.Namespace) -> None:
    figures = rounds(running, questions, chosen)
    for name, found in figures.items():
        for each in found:
            must_be(each, 204 if "unchanged" in name else 200)
    tell(SERVICES * ENVIRONMENTS, figures)
    print("\ntimes the trivial page\n")
    for name, found in figures.items():
        ratio = median([base.rate / mine.rate for mine, base in zip(found, figures["trivial page"], strict=True)])
        print(f"{name:<34}{ratio:>8.2f}")


def asks(running: Stack, token: str, session: str) -> dict[str, Next]:
    """Everything is asked as often as the server bears it: its rate is then the server's time."""
    api = {"Authorization": f"Bearer {token}", "User-Agent": "bench"}
    person = {"Cookie": f"sessionid={session}"}
    live = person | {"HX-Request": "true"}
    stamp, parts = shown(running, live)
    page = "/deployments/"
    return {
        "trivial view": lambda n: request("GET", "/v1/trivial", api),
        "trivial page": lambda n: request("GET", "/trivial", person),
        "matrix, whole page": lambda n: request("GET", page, person),
        "matrix, refresh of all": lambda n: request("GET", page, live),
        "matrix, refresh of what differs": lambda n: request("GET", page, live | {"X-Parts": parts}),
        "matrix, unchanged": lambda n: request("GET", page, live | {"X-Stamp": stamp}),
        "matrix, of one team": lambda n: request("GET", f"{page}?team=team-7", person),
    }


def asks_after_changes(token: str, session: str) -> dict[str, Next]:
    """Each has to be made anew."""
    person, change = {"Cookie": f"sessionid={session}"}, changes()
    page, live = (
        request("GET", "/deployments/", person),
        request("GET", "/deployments/", person | {"HX-Request": "true"}),
    )
    return {
        "trivial view": lambda n: request("GET", "/v1/trivial", {"Authorization": f"Bearer {token}"}),
        "trivial page": lambda n: request("GET", "/trivial", person),
        "matrix, whole page, made anew": lambda n: after(change, page),
        "matrix, refresh of all, made anew": lambda n: after(change, live),
    }


def changes() -> Callable[[], object]:
    """Something happens anywhere: what was made before for others is of no use any more."""
    import psycopg
    from django.db import connection, transaction

    from portal.audit.nouns import Noun
    from portal.audit.record import record
    from portal.kit.by import system

    with transaction.atomic():
        event = record("bench.changed", Noun("bench", "1", "A change"), by=system("bench"))
    columns = ", ".join(each.column for each in event._meta.concrete_fields if each.name not in ("id", "public_id"))
    again = f"insert into audit_event (public_id, {columns}) select gen_random_uuid(), {columns} from audit_event where id = %s"
    wishes = connection.get_connection_params() | {"cursor_factory": None, "context": None}
    own = psycopg.connect(**wishes, autocommit=True)
    connection.close()
    return lambda: own.execute(again, [event.pk])


def after(deed: Callable[[], object], wire: bytes) -> bytes:
    deed()
    return wire


def shown(running: Stack, headers: dict[str, str]) -> tuple[str, str]:
    """The stamp of what a browser has, and of its parts."""
    wire = http.client.HTTPConnection("127.0.0.1", running.port, timeout=60)
    wire.request("GET", "/deployments/", headers=headers)
    answer = wire.getresponse()
    html = answer.read().decode()
    if answer.status != 200:
        raise SystemExit(f"The matrix was answered {answer.status}: {html[:500]}")
    parts = re.findall(r'data-(?:frame|part)="(\w+)"', html)
    return answer.getheader("X-Stamp", ""), "".join(parts)


def fill(deployments: int) -> None:
    """Straight into the tables: what is measured is reading."""
    from django.db import connection

    from catalog.models import Blueprint, Entity

    service, environment = (Blueprint.objects.get(identifier=name) for name in ("service", "environment"))
    Entity.objects.filter(blueprint=service).delete()
    Entity.objects.bulk_create(
        [_service(service, number) for number in range(SERVICES)]
        + [Entity(blueprint=environment, identifier=name, properties={"tier": tier}) for name, tier in PLACES]
    )
    with connection.cursor() as cursor:
        cursor.execute("set maintenance_work_mem = '256MB'")
        for statement in (CONFIGS, ENTITIES, "analyze", DEPLOYED, "analyze", LIVE, TOLD, LOCKED):
            cursor.execute(statement, {"each": deployments // (SERVICES * ENVIRONMENTS), "locks": LOCKS})
        cursor.execute("vacuum analyze")
    connection.close()


def _service(blueprint, number: int):
    from catalog.models import Entity

    name = f"{WORDS[number % len(WORDS)]}-{WORDS[number * 7 % 11]}-{number}"
    properties = {"language": "Go", "repository": f"https://github.com/larder/{name}", "onCall": "dana@larder.example"}
    return Entity(blueprint=blueprint, identifier=name, title=name, team=[f"team-{number % 40}"], properties=properties)


# As the report command leaves them behind.
CONFIGS = """
with made as (
    insert into catalog_entity (blueprint_id, identifier, title, icon, team, properties, computed, datasource, created_by, updated_by)
    select (select id from catalog_blueprint where identifier = 'deploymentConfig'), s.identifier || '-' || e.identifier,
        s.title || ' in ' || e.identifier, '', '{}', '{}', '{}', 'bench', 'bench', 'bench'
    from catalog_entity s, catalog_entity e
    where s.blueprint_id = (select id from catalog_blueprint where identifier = 'service')
        and e.blueprint_id = (select id from catalog_blueprint where identifier = 'environment')
        and not exists (select from deployments_deploymentconfig c where c.service_id = s.id and c.environment_id = e.id)
    returning id, identifier
), pairs as (
    select m.id, s.id as service, e.id as environment
    from catalog_entity s, catalog_entity e, made m
    where s.blueprint_id = (select id from catalog_blueprint where identifier = 'service')
        and e.blueprint_id = (select id from catalog_blueprint where identifier = 'environment')
        and m.identifier = s.identifier || '-' || e.identifier
), arrows as (
    insert into catalog_relation (source_id, name, target_id, position)
    select id, 'service', service, 0 from pairs union all select id, 'environment', environment, 0 from pairs
)
insert into deployments_deploymentconfig (entity_id, service_id, environment_id)
select id, service, environment from pairs
"""
ENTITIES = """
insert into catalog_entity (blueprint_id, identifier, title, icon, team, properties, computed, datasource, created_by, updated_by)
select (select id from catalog_blueprint where identifier = 'deployment'), c.id || '-' || n, s.identifier || ' 2.' || n, '', '{}',
    jsonb_build_object('version', '2.' || n, 'status', 'success'), '{}', 'bench', 'bench', 'bench'
from deployments_deploymentconfig c join catalog_entity s on s.id = c.service_id, generate_series(1, %(each)s) n
"""
DEPLOYED = """
insert into deployments_deployment (public_id, entity_id, config_id, service_identifier, environment_identifier, kind, status,
    version, commit, previous_commit, ref, message, author, actor, started_at, finished_at, finish_rank, entity_is_clients,
    provider, run, attempt, run_url, decision, artifact, changes, extra, reported_by)
select gen_random_uuid(), d.id, c.id, s.identifier, e.identifier, 'deploy',
    case when n %% 9 = 0 then 'failure' else 'success' end, '2.' || n || '.' || (c.id %% 17), md5(c.id || '.' || n), '', 'main',
    'PAY-' || n || ': Retry the payment when the bank answers late', 'erin@larder.example', 'dana' || n %% 30 || '@larder.example',
    t - interval '90 seconds', t, 2, false, 'github', 'run-' || c.id || '-' || n, 1, 'https://ci.example/' || n, '', '',
    '[{"sha": "4f2a9c1", "message": "Retry"}]', '{}', 'bench'
from deployments_deploymentconfig c join catalog_entity s on s.id = c.service_id join catalog_entity e on e.id = c.environment_id
    cross join generate_series(1, %(each)s) n
    -- None of the last minutes: what has just ended changes the page once more when it counts as settled.
    cross join lateral (select now() - interval '15 minutes' - (%(each)s - n) * interval '1 day'
        - c.id %% 1440 * interval '1 minute' as t) as at
    left join catalog_entity d on d.identifier = c.id || '-' || n
        and d.blueprint_id = (select id from catalog_blueprint where identifier = 'deployment')
"""
LIVE = """
update deployments_deploymentconfig c set
    current_id = (select id from deployments_deployment where config_id = c.id and status = 'success' order by finished_at desc limit 1),
    latest_id = (select id from deployments_deployment where config_id = c.id order by started_at desc limit 1)
where c.id %% 20 <> 0
"""
TOLD = """
update catalog_entity e set properties = jsonb_build_object('version', d.version, 'commit', d.commit, 'message', d.message,
    'deployedBy', d.actor, 'status', d.status)
from deployments_deploymentconfig c join deployments_deployment d on d.id = c.current_id where c.entity_id = e.id
"""
LOCKED = """
insert into locks_lock (public_id, kind, effect, scope_kind, service_id, service_identifier, environment_id,
    environment_identifier, tier, team, allows, reason, link, holder_kind, holder_key, holder_name, automatic_by,
    created_at, starts_at, expires_at, released_by, release_reason)
select gen_random_uuid(), 'manual', 'block', 'pair', c.service_id, s.identifier, c.environment_id, e.identifier, '', '', '{}',
    'Looking into slow payments', '', 'user', 'user:1', 'Dana', '', now(), now(), now() + interval '9 hours', '', ''
from (select * from deployments_deploymentconfig order by (id * 7919) %% 4001 limit %(locks)s) c
join catalog_entity s on s.id = c.service_id join catalog_entity e on e.id = c.environment_id
"""

if __name__ == "__main__":
    raise SystemExit(main())
