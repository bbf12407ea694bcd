"""What deployments.health.queries.reckoned() and deployments.running.verified() make of a config's place: so that lists can
be searched and sorted by it.

tests/deployments/test_health.py holds the two against each other.
"""

from django.db import migrations

HEALTH = """
create function deployments_health(config bigint) returns jsonb
language sql stable parallel safe as $$
    with stood as (
        select h.state, h.since, h.run_version as runs, h.version_at, d.version, d.commit, d.finished_at,
            h.state not in ('paused', 'unknown') and coalesce(h.stale_after, '-infinity') <= statement_timestamp() as stale,
            h.stale_after,
            (select min(m.starts_at) from health_maintenance m
                where m.starts_at <= statement_timestamp() and m.ends_at > statement_timestamp() and (m.everything
                    or m.probe_id is null and coalesce(m.service_id, h.service_id) = h.service_id
                        and coalesce(m.environment_id, h.environment_id) = h.environment_id)) as quiet,
            case when h.is_polled then (select case when not bool_or(p.up) then max(p.since) end from health_prober p
                where p.seen_at > statement_timestamp() - interval '60 seconds') end as down
        from deployments_deploymentconfig c
        join health_standing h on h.service_id = c.service_id and h.environment_id = c.environment_id
        left join deployments_deployment d on d.id = c.current_id
        where c.entity_id = config
    ), told as (
        select *,
            case when state = 'paused' then state when quiet is not null then 'maintenance'
                when down is not null then 'prober_down' when stale then 'unknown' else state end as shown,
            case when state = 'paused' then since when quiet is not null then quiet when down is not null then down
                when stale then coalesce(stale_after, since) else since end as shown_since
        from stood
    )
    select jsonb_build_object('health', shown, 'healthSince',
        to_char(shown_since at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'healthVerified',
        case when stale or state in ('paused', 'unknown') or runs = '' or version_at is null
                or coalesce(version, '') = '' and coalesce(commit, '') = '' then 'unknown'
            when version <> '' and regexp_replace(version, '^v(?=[0-9])', '') = regexp_replace(runs, '^v(?=[0-9])', '')
                or commit <> '' and runs ~ '^[0-9a-f]{7,64}$' and starts_with(commit, runs) then 'verified'
            when version_at < finished_at or statement_timestamp() < finished_at + interval '10 minutes' then 'not_yet'
            else 'mismatch' end, 'runs', runs)
    from told
$$
"""


class Migration(migrations.Migration):
    dependencies = [("deployments", "0016_watches"), ("health", "0001_initial")]

    operations = [migrations.RunSQL(HEALTH, "drop function deployments_health(bigint)")]
