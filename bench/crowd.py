"""A portal with much of everything: the demo company, and each of its tables grown. Straight into the tables: what is
measured is reading."""

from django.core.management import call_command
from django.db import connection

from bench import catalog, matrix

COMPONENTS = 50_000
DEPLOYMENTS = 120_000
PLACE = ("service_id", "environment_id", "service_identifier", "environment_identifier")


def gather() -> None:
    call_command("setup")
    catalog.install()
    _services()
    catalog._copy("component", catalog.component, COMPONENTS, seed=2)
    with connection.cursor() as cursor:
        cursor.execute(OF_SERVICES)
        for statement in (
            matrix.CONFIGS,
            matrix.ENTITIES,
            "analyze",
            matrix.DEPLOYED,
            "analyze",
            matrix.LIVE,
            matrix.TOLD,
        ):
            cursor.execute(statement, {"each": DEPLOYMENTS // (matrix.SERVICES * len(matrix.PLACES))})
        cursor.execute("create temp table place as " + PLACES)
        for statement in (*HEALTH, *COMMITS):
            cursor.execute(statement)
    for table, (count, columns) in MORE.items():
        more(table, count, **columns)
    with connection.cursor() as cursor:
        for statement in AFTER:
            cursor.execute(statement)
        cursor.execute("vacuum analyze")
    catalog.mark()


def _services() -> None:
    from catalog.models import Blueprint, Entity

    service, environment = (Blueprint.objects.get(identifier=name) for name in ("service", "environment"))
    known = set(Entity.objects.filter(blueprint=environment).values_list("identifier", flat=True))
    Entity.objects.bulk_create(
        [matrix._service(service, number) for number in range(matrix.SERVICES)]
        + [
            Entity(blueprint=environment, identifier=name, properties={"tier": tier})
            for name, tier in matrix.PLACES
            if name not in known
        ]
    )


def more(table: str, count: int, **columns: str) -> None:
    """So many rows more (`n` counts them; `p` is a place), made of those that are there in turn, or of nothing: these
    columns are given anew, as SQL."""
    with connection.cursor() as cursor:
        cursor.execute(COLUMNS, [table])
        kinds: dict[str, tuple[str, str]] = {name: (kind, null) for name, kind, null in cursor.fetchall()}
        given = {name: f"p.{name}" for name in PLACE if name in kinds and "at_place" in columns}
        given |= {"public_id": "gen_random_uuid()"} | columns
        cursor.execute(f"select count(*) from {table}")
        of_others = bool((cursor.fetchone() or (0,))[0])
        plain = {name: f't."{name}"' if of_others else _nothing(*kind) for name, kind in kinds.items()}
        source = f"(select *, row_number() over (order by id) - 1 as nth, count(*) over () as them from {table})"
        cursor.execute(
            f"insert into {table} ({', '.join(map(_quoted, kinds))}) select {', '.join((plain | given)[name] for name in kinds)} "
            f"from {source if of_others else '(select 0 as nth, 1 as them)'} t "
            f"join generate_series(1, {count}) n on n % t.them = t.nth "
            "join place p on p.number = n * 7919 % (select count(*) from place)"
        )


COLUMNS = """
select column_name, data_type, is_nullable from information_schema.columns
where table_name = %s and column_name <> 'id' and is_generated = 'NEVER'
"""
NOTHING = {
    "jsonb": "'{}'",
    "ARRAY": "'{}'",
    "boolean": "false",
    "interval": "interval '10 minutes'",
    "uuid": "gen_random_uuid()",
    "timestamp with time zone": "now()",
    "character varying": "''",
    "text": "''",
}


def _nothing(kind: str, null: str) -> str:
    return "null" if null == "YES" else NOTHING.get(kind, "0")


def _quoted(name: str) -> str:
    return f'"{name}"'


AGO = "now() - n * interval '{}'"
ACTOR = "'user:' || n % 40"

OF_SERVICES = """
insert into catalog_relation (source_id, name, target_id, position)
select c.id, 'service', s.id, 0
from (select id, row_number() over (order by id) as n from catalog_entity
      where blueprint_id = (select id from catalog_blueprint where identifier = 'component')) c
join (select id, row_number() over (order by id) - 1 as n, count(*) over () as many from catalog_entity
      where blueprint_id = (select id from catalog_blueprint where identifier = 'service')) s on s.n = c.n % s.many
"""
PLACES = """
select row_number() over (order by c.id) - 1 as number, c.id as config_id, c.service_id, c.environment_id,
    s.identifier as service_identifier, e.identifier as environment_identifier
from deployments_deploymentconfig c join catalog_entity s on s.id = c.service_id join catalog_entity e on e.id = c.environment_id
"""
HEALTH = [
    """
insert into health_probe (public_id, name, kind, service_id, environment_id, service_identifier, environment_identifier,
    entity_blueprint, entity_identifier, spec, headers, host, interval, timeout, failure_threshold, recovery_threshold, paused,
    created_by, state, reason, run_version, checked_at, ms, summed_until)
select gen_random_uuid(), 'answers', 'http', service_id, environment_id, service_identifier, environment_identifier, '', '',
    jsonb_build_object('url', 'https://' || service_identifier || '.example/health'), '', service_identifier || '.example', 60, 5, 3, 2,
    false, 'bench', case when number % 40 = 0 then 'failing' else 'healthy' end, '', '', now(), 40, date_trunc('hour', now())
from place p where number % 2 = 0
    and not exists (select from health_probe h where h.service_id = p.service_id and h.environment_id = p.environment_id)
limit 2000
""",
    """
insert into health_reading (probe_id, at, outcome, answered, ms, status, reason, values, run_version, key)
select p.id, now() - n * interval '1 minute', 'ok', true, 30 + n % 40, 200, '', '{}', '', ''
from health_probe p, generate_series(0, 90) n where p.created_by = 'bench'
""",
    """
insert into health_flip (public_id, probe_id, from_state, to_state, at, told_at, reason, values, run_version, muted)
select gen_random_uuid(), p.id, case when n % 2 = 0 then 'healthy' else 'failing' end, case when n % 2 = 1 then 'healthy' else 'failing' end,
    now() - n * interval '3 days', now() - n * interval '3 days', 'It answered 503', '{}', '', false
from health_probe p, generate_series(1, 10) n where p.created_by = 'bench'
""",
    """
insert into health_summary (probe_id, span, at, counts, lasted, histogram)
select p.id, t.span, date_trunc(t.span, now()) - n * ('1 ' || t.span)::interval, t.counts, t.lasted, t.histogram
from health_probe p, generate_series(1, 48) n, (select distinct on (span) * from health_summary) t where p.created_by = 'bench'
""",
    """
insert into health_standing (service_id, environment_id, state, since, checked_at, run_version, is_polled, stale_after)
select service_id, environment_id, state, since, checked_at, '', true, now() + interval '1 year'
from health_probe where created_by = 'bench' on conflict do nothing
""",
]
COMMITS = [
    """
insert into deployments_commit (service_id, sha, message, author, committed_at, patch_id, pull_request, url, chained, reaches, reverts, picked_from)
select distinct on (c.service_id, d.commit) c.service_id, d.commit, d.message, 'Erin ' || d.id % 30, d.started_at - interval '2 hours', '', '', '',
    array[md5(c.id || '.' || (split_part(d.version, '.', 2)::int - 1))], '{}', '{}', ''
from deployments_deployment d join deployments_deploymentconfig c on c.id = d.config_id where d.reported_by = 'bench' and c.id % 2 = 0
on conflict do nothing
""",
    """
insert into deployments_committicket (commit_id, key)
select id, 'PAY-' || split_part(split_part(message, ':', 1), '-', 2) from deployments_commit where message like 'PAY-%%' on conflict do nothing
""".replace("%%", "%"),
]
# Each table: how many rows more, and what differs in them.
MORE: dict[str, tuple[int, dict[str, str]]] = {
    "catalog_blueprint": (60, {"identifier": "'kind-' || n", "title": "'Kind ' || n", "relations": "'{}'", "mirror_properties": "'{}'", "calculation_properties": "'{}'", "aggregation_properties": "'{}'", "derived": "'{}'"}),
    "accounts_user": (1000, {"email": "'person' || n || '@larder.example'", "name": "'Person ' || n", "invitation_hash": "''"}),
    "accounts_team": (200, {"identifier": "'crew-' || n", "title": "'Crew ' || n"}),
    "locks_lock": (20_000, {"at_place": "", "scope_kind": "'pair'", "tier": "''", "team": "''", "kind": "'manual'", "created_at": AGO.format("30 minutes"), "starts_at": AGO.format("30 minutes"), "expires_at": "case when n <= 200 then now() + interval '9 hours' else now() - n * interval '20 minutes' end", "released_at": "case when n > 200 and n % 2 = 0 then now() - n * interval '25 minutes' end", "expiry_told_at": "now()"}),
    "locks_keptdecision": (30_000, {"at_place": "", "outcome": "'deny'", "message": "'production is locked'",  "intent": "'deploy'", "actor_name": "'Dana'", "at": AGO.format("10 minutes"), "lock_ids": "'{}'", "freeze_ids": "'{}'"}),
    "locks_claim": (10_000, {"at_place": "", "begun_at": AGO.format("1 hour"), "lease_until": AGO.format("50 minutes"), "heartbeat_at": AGO.format("55 minutes"), "finished_at": AGO.format("55 minutes"), "outcome": "'success'", "intent": "'deploy'", "holder_name": "'CI'", "lease": "interval '10 minutes'", "run": "'run-' || n", "decision_id": "null", "fence": "10000 + n"}),
    "locks_ticket": (2_000, {"at_place": "", "arrived_at": AGO.format("1 hour"), "ended_at": AGO.format("50 minutes"), "ending": "'withdrawn'", "lease": "interval '10 minutes'", "run": "'run-' || n", "claim_id": "null"}),
    "locks_override": (1_000, {"reason": "'Mend the till'", "holder_name": "'Dana'", "holder_kind": "'user'", "holder_key": ACTOR, "passes": "'{}'", "commit": "md5(n::text)", "max_uses": "1","at_place": "", "created_at": AGO.format("1 hour"), "expires_at": "now() + (200 - n) * interval '1 hour'"}),
    "locks_freeze": (200, {"at_place": "", "scope_kind": "'service'", "environment_id": "null", "environment_identifier": "''", "tier": "''", "team": "''", "title": "'Freeze ' || n", "withdrawn_at": "case when n > 50 then now() end"}),
    "environments_environment": (3_000, {"name": "'pr-' || n", "entity_id": "null", "state": "case when n <= 500 then 'ready' else 'torn_down' end", "torn_down_at": "case when n > 500 then now() - n * interval '1 hour' end", "requested_at": AGO.format("2 hours"), "expires_at": "now() + (500 - n) * interval '1 hour'", "hard_until": "now() + interval '90 days'", "recreated_from_id": "null", "work_at": "null", "next_at": "null", "lease": "null"}),
    "actions_action": (100, {"identifier": "'action-' || n"}),
    "actions_run": (10_000, {"public_id": "'r_' || md5(n::text)", "created_at": AGO.format("30 minutes"), "updated_at": AGO.format("29 minutes"), "status": "'SUCCESS'", "pending": "false", "ended_at": AGO.format("29 minutes")}),
    "actions_runlog": (30_000, {"created_at": AGO.format("10 minutes")}),
    "audit_event": (60_000, {"at": AGO.format("5 minutes"), "trace": "gen_random_uuid()"}),
    "deployments_reportrequest": (60_000, {"key": "null", "at": AGO.format("5 minutes"), "outcome": "(array['created', 'created', 'created', 'refused', 'repeated'])[1 + n % 5]", "door": "'report'", "sender": "'CI'", "actor_key": ACTOR, "service": "p.service_identifier", "environment": "p.environment_identifier", "answer": "case when n % 5 = 3 then '{\"message\": \"no\", \"status\": 422}'::jsonb end"}),
    "deployments_inboxitem": (2_000, {"state": "'waiting'", "service": "'unknown-' || n", "environment": "'production'", "nearest": "'[]'", "body": """'{"service": "unknown", "environment": "production", "version": "1"}'""", "at": AGO.format("1 hour")}),
    "deployments_logsource": (12, {"name": "'Source ' || n"}),
    "deployments_hook": (20, {"name": "'Hook ' || n", "kind": "'github'", "key": "md5(n::text)"}),
    "notifications_route": (150, {"name": "'Route ' || n"}),
    "locks_lockrule": (40, {"name": "'Rule ' || n", "on": "'{failing}'", "scope": "'pair'", "effect": "'block'", "dry_run": "true", "enabled": "true"}),
    "webhooks_webhook": (5, {"identifier": "'hook-' || n", "title": "'Webhook ' || n", "key": "md5(n::text)", "enabled": "true", "mappings": "'[]'"}),
    "webhooks_received": (20_000, {"webhook_id": "(select min(id) from webhooks_webhook)", "at": AGO.format("2 minutes"), "state": "'done'", "body": "'{}'", "settled_at": "now()", "outcomes": "'[]'", "request_id": "'r' || n"}),
    "integrations_integration": (5, {"identifier": "'integration-' || n", "title": "'Integration ' || n", "app_type": "'github'"}),
    "integrations_logline": (30_000, {"integration_id": "(select min(id) from integrations_integration)", "at": AGO.format("1 minute"), "level": "'INFO'", "message": "'Resynced ' || n"}),
    "integrations_fault": (5_000, {"integration_id": "(select min(id) from integrations_integration)", "at": AGO.format("1 minute"), "blueprint": "'service'", "identifier": "'thing-' || n", "status": "422", "message": "'No such relation'"}),
    "locks_evidence": (10_000, {"outcome": "'dry'", "rule_id": "(select min(id) from locks_lockrule)", "service_id": "p.service_id", "environment_id": "p.environment_id", "key": "'evidence-' || n", "at": AGO.format("10 minutes"), "hold_id": "null"}),
    "accounts_credential": (200, {"name": "'Credential ' || n", "client_id": "'client-' || n", "secret_hash": "md5(n::text)"}),
}  # fmt: skip
AFTER = [
    """
insert into deployments_watch (public_id, deployment_id, config_id, opened_at, until, verdict, reason, values, closed_at)
select gen_random_uuid(), d.id, d.config_id, d.finished_at, d.finished_at + interval '15 minutes',
    case when d.id % 10 = 0 then 'failed' else 'passed' end, '', '{}', d.finished_at + interval '15 minutes'
from deployments_deployment d where d.id % 4 = 0 and d.status = 'success' on conflict do nothing
""",
    """
insert into audit_delivery (public_id, event_id, subscriber, target, stream, state, attempts, due_at, last_error, done_at, result)
select gen_random_uuid(), id, 'slack', 'C' || id % 50, noun || ':' || noun_id, 'done', 1, at, '', at, '{}' from audit_event where id % 3 = 0
on conflict do nothing
""",
    """
insert into catalog_entity (blueprint_id, identifier, title, icon, team, properties, computed, datasource, created_by, updated_by)
select (select id from catalog_blueprint where identifier = '_user'), email, name, '', '{}', '{}', '{}', '', '', '' from accounts_user
on conflict do nothing
""",
    """
insert into catalog_entity (blueprint_id, identifier, title, icon, team, properties, computed, datasource, created_by, updated_by)
select (select id from catalog_blueprint where identifier = '_team'), identifier, title, '', '{}', '{}', '{}', '', '', '' from accounts_team
on conflict do nothing
""",
]
