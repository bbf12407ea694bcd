"""`locked` counts freezes as well: what locks/live.py loads for many configs, as SQL for one.

A freeze whose windows were not laid as far as now counts as on: closed, where nobody can tell.
tests/locks/test_live.py holds the two against each other.
"""

import importlib

from django.db import migrations

LOCKED = """
create or replace function locks_locked(config bigint) returns jsonb
language sql stable parallel safe as $$
    with place as (
        select array[
            'pair:' || s.target_id || ':' || e.target_id || ':', 'service:' || s.target_id || '::',
            'environment::' || e.target_id || ':', 'everything:::',
            'tier:::' || case when environment.properties ->> 'tier' in ('production', 'staging', 'test', 'development')
                then environment.properties ->> 'tier' else 'production' end
        ] || array(select 'team:::' || team from unnest(service.team) as team) as covers
        from catalog_relation s
        join catalog_entity service on service.id = s.target_id
        join catalog_relation e on e.source_id = s.source_id and e.name = 'environment'
        join catalog_entity environment on environment.id = e.target_id
        where s.source_id = config and s.name = 'service'
    ), first as (
        select * from (
            select l.effect, l.kind, l.scope_kind, l.expires_at as ends, l.id, l.reason, l.holder_name as holder
            from place p join locks_lock l on l.cover = any(p.covers) and l.released_at is null
                and coalesce(l.expires_at, 'infinity') > now()
                and (l.starts_at <= now() or l.starts_at <= l.created_at)
            union all
            select f.effect, 'freeze', f.scope_kind, w.ends_at, f.id, f.reason,
                f.holder_name || ' (freeze “' || f.title || '”)'
            from place p join locks_freeze f on f.cover = any(p.covers) and f.withdrawn_at is null
            left join lateral (
                select starts_at, ends_at from locks_window where freeze_id = f.id and ends_at > now()
                order by ends_at limit 1
            ) w on f.known_until > now()
            where f.known_until <= now() or w.starts_at <= now()
        ) bar
        where effect in ('block', 'block_automation')
        order by array_position(array['block', 'block_automation'], effect::text),
            array_position(array['incident', 'rollback', 'canary', 'manual', 'freeze'], kind::text),
            array_position(array['pair', 'service', 'environment', 'team', 'tier', 'everything'], scope_kind::text),
            ends desc nulls first, id
        limit 1
    )
    select case
        when not exists (select 1 from place)
            then '{"locked": true, "lockedReason": "It names no service and environment."}'::jsonb
        when not exists (select 1 from first) then '{"locked": false}'::jsonb
        else (select jsonb_strip_nulls(jsonb_build_object(
            'locked', true, 'lockedReason', reason, 'lockedBy', holder, 'lockedUntil',
            to_char(ends at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))) from first)
    end
$$
"""
BEFORE = importlib.import_module("locks.migrations.0002_locked").LOCKED.replace("create function", "create or replace function")


class Migration(migrations.Migration):
    dependencies = [("locks", "0003_freezes")]

    operations = [migrations.RunSQL(LOCKED, BEFORE)]
