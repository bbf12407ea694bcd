"""What locks/live.py loads for many configs, as SQL for one: so that lists can be searched and sorted by it.

tests/locks/test_live.py holds the two against each other.
"""

from django.db import migrations

LOCKED = """
create function locks_locked(config bigint) returns jsonb
language sql stable parallel safe as $$
    with place as (
        select s.target_id as service, e.target_id as environment, service.team as teams,
            case when environment.properties ->> 'tier' in ('production', 'staging', 'test', 'development')
                then environment.properties ->> 'tier' else 'production' end as tier
        from catalog_relation s
        join catalog_entity service on service.id = s.target_id
        join catalog_relation e on e.source_id = s.source_id and e.name = 'environment'
        join catalog_entity environment on environment.id = e.target_id
        where s.source_id = config and s.name = 'service'
    ), first as (
        select l.* from place p join locks_lock l on l.released_at is null
            and (l.starts_at <= now() or l.starts_at <= l.created_at)
            and (l.expires_at is null or l.expires_at > now())
            and l.effect in ('block', 'block_automation')
            and case l.scope_kind
                when 'pair' then l.service_id = p.service and l.environment_id = p.environment
                when 'service' then l.service_id = p.service
                when 'environment' then l.environment_id = p.environment
                when 'tier' then l.tier = p.tier
                when 'team' then l.team = any(p.teams)
                when 'everything' then true end
        order by array_position(array['block', 'block_automation'], l.effect::text),
            array_position(array['incident', 'rollback', 'canary', 'manual'], l.kind::text),
            array_position(array['pair', 'service', 'environment', 'team', 'tier', 'everything'], l.scope_kind::text),
            l.expires_at desc nulls first, l.id
        limit 1
    )
    select case
        when not exists (select 1 from place)
            then '{"locked": true, "lockedReason": "It names no service and environment."}'::jsonb
        when not exists (select 1 from first) then '{"locked": false}'::jsonb
        else (select jsonb_strip_nulls(jsonb_build_object(
            'locked', true, 'lockedReason', reason, 'lockedBy', holder_name, 'lockedUntil',
            to_char(expires_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))) from first)
    end
$$
"""


class Migration(migrations.Migration):
    dependencies = [("locks", "0001_initial"), ("catalog", "0002_search")]

    operations = [migrations.RunSQL(LOCKED, "drop function locks_locked(bigint)")]
