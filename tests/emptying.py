"""A test with transactions of its own leaves the tables as the migrations did.

Django's flush makes the file of every table anew, which takes a quarter of a second, and wants all of them for itself at
once: a request that is still under way may then stop it, and the next test finds what this one left.
"""

import time
from typing import Any

from django.db import connection, transaction

PATIENCE = 10.0

# No test changes the first three. Columns are named, because some are made from others.
REMEMBER = """
    drop schema if exists pristine cascade;
    create schema pristine;
    create table pristine.columns as
        select c.relname as name, string_agg(quote_ident(a.attname), ', ' order by a.attnum) as listed
        from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
        where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and not a.attisdropped and a.attgenerated = ''
            and c.relname not in ('django_migrations', 'django_content_type', 'auth_permission')
        group by c.relname;
    create function pristine.is_filled(name text) returns boolean language plpgsql as $$
        declare found boolean;
        begin
            execute format('select exists (select from public.%I)', name) into found;
            return found;
        end
    $$;
    do $$
        declare own record;
        begin
            for own in select * from pristine.columns where pristine.is_filled(name) loop
                execute format('create table pristine.%I as select %s from public.%1$I', own.name, own.listed);
            end loop;
        end
    $$;
    create function pristine.restore() returns void language plpgsql as $$
        declare own record;
        begin
            for own in select * from pristine.columns where pristine.is_filled(name) loop
                execute format('delete from public.%I', own.name);
            end loop;
            for own in select * from pristine.columns where to_regclass(format('pristine.%I', name)) is not null loop
                execute format('insert into public.%I (%s) overriding system value select * from pristine.%1$I',
                    own.name, own.listed);
            end loop;
        end
    $$;
"""
# Of this database only; what watches over all of them is no session of ours.
BUSY = """
    select count(*) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend' and state <> 'idle'
"""

OTHERS = """
    select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'
"""


def remember() -> None:
    with connection.cursor() as cursor:
        cursor.execute(REMEMBER)


def be_alone() -> None:
    """Ends what else is at this database, which is about to be dropped."""
    with connection.cursor() as cursor:
        cursor.execute(OTHERS)


def restore(case: Any = None) -> None:
    """Once the requests that the test left under way have ended: they must not write into the next test."""
    end = time.monotonic() + PATIENCE
    while is_busy() and time.monotonic() < end:
        time.sleep(0.02)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("select pristine.restore()")


def is_busy() -> bool:
    """Whether another session of this database is at something."""
    with connection.cursor() as cursor:
        cursor.execute(BUSY)
        return bool(cursor.fetchone()[0])
