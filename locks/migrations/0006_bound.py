"""What locks_locked says of a config, said of a service and the name of an environment: for locks/bound.py."""

import importlib

from django.db import migrations

LOCKED = importlib.import_module("locks.migrations.0004_frozen").LOCKED
PLACE = """
        select array[
            'pair:' || service.id || ':' || environment.id || ':', 'service:' || service.id || '::',
            'environment::' || environment.id || ':', 'everything:::',
            'tier:::' || case when environment.properties ->> 'tier' in ('production', 'staging', 'test', 'development')
                then environment.properties ->> 'tier' else 'production' end
        ] || array(select 'team:::' || team from unnest(service.team) as team) as covers
        from catalog_entity service, lateral (
            select e.* from catalog_entity e join catalog_blueprint b on b.id = e.blueprint_id
            left join catalog_alias a on a.entity_id = e.id and a.folded = lower(btrim(named))
            where b.identifier = 'environment' and (e.identifier = named or a.id is not null)
            order by e.identifier <> named limit 1
        ) environment
        where service.id = held
    """
START, END = LOCKED.index("        select array["), LOCKED.index("), first as (")
BOUND = (
    (LOCKED[:START] + PLACE.lstrip("\n") + LOCKED[END:])
    .replace("create or replace function locks_locked(config bigint)", "create function locks_bound(held bigint, named text)")
)


class Migration(migrations.Migration):
    dependencies = [("locks", "0005_claims")]

    operations = [migrations.RunSQL(BOUND, "drop function locks_bound(bigint, text)")]
