"""Functions that turn a JSON value into something that can be compared, null where it cannot; and the indexes of search.

A plain cast is not immutable, or fails the INSERT on one bad value.
"""

import django.contrib.postgres.indexes
import catalog.models
from django.db import migrations, models
from django.db.models import F

NUMBER = """
create function pc_num(value jsonb) returns numeric
language sql immutable strict parallel safe
return case jsonb_typeof(value) when 'number' then value::numeric end
"""

TEXT = """
create function pc_text(value jsonb) returns text
language sql immutable strict parallel safe
return case jsonb_typeof(value) when 'string' then value #>> '{}' end
"""

# What counts as an instant is the same as in catalog/search/instants.py. Without a zone it is UTC.
INSTANT = r"""
create function pc_ts(value jsonb) returns timestamptz
language plpgsql immutable strict parallel safe as $$
declare said text := value #>> '{}';
begin
    if jsonb_typeof(value) <> 'string'
       or said !~ '^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?)?$' then
        return null;
    end if;
    if said !~ '(Z|[+-]\d\d:?\d\d)$' then
        said := said || 'Z';
    end if;
    return said::timestamptz;
exception when others then
    return null;
end $$
"""

# A text's own value, or the texts in a list.
TEXTS = """
create function pc_texts(value jsonb) returns text[]
language sql immutable strict parallel safe
return case jsonb_typeof(value)
    when 'string' then array[value #>> '{}']
    when 'array' then array(
        select each #>> '{}' from jsonb_array_elements(value) as each where jsonb_typeof(each) = 'string')
    else '{}' end
"""

# Whether a value, or an element of it, is one of a list's.
AMONG = """
create function pc_among(value jsonb, list jsonb) returns boolean
language sql immutable strict parallel safe
return case jsonb_typeof(value)
    when 'object' then false
    when 'array' then exists (
        select from jsonb_array_elements(value) as each
        where jsonb_typeof(each) not in ('array', 'object') and list @> each)
    else list @> value end
"""

# Punctuation only parts words, so that "cart-service" is found by "service". A text too long for the index
# costs its words, never the write.
WORDS = """
create function pc_words(identifier text, title text, properties jsonb) returns tsvector
language plpgsql immutable parallel safe as $$
begin
    return to_tsvector('simple', regexp_replace(identifier || ' ' || title || ' ' || coalesce((
        select string_agg(each #>> '{}', ' ')
        from jsonb_path_query(properties, 'strict $.** ? (@.type() == "string")') as each), ''),
        '[^[:alnum:]]+', ' ', 'g'));
exception when program_limit_exceeded then
    return to_tsvector('simple', regexp_replace(identifier || ' ' || left(title, 10000), '[^[:alnum:]]+', ' ', 'g'));
end $$
"""


def made(create, name):
    return migrations.RunSQL(create, f"drop function {name}")


class Migration(migrations.Migration):
    dependencies = [("catalog", "0001_initial")]

    operations = [
        made(NUMBER, "pc_num(jsonb)"),
        made(TEXT, "pc_text(jsonb)"),
        made(INSTANT, "pc_ts(jsonb)"),
        made(TEXTS, "pc_texts(jsonb)"),
        made(AMONG, "pc_among(jsonb, jsonb)"),
        made(WORDS, "pc_words(text, text, jsonb)"),
        # Not a field: no list reads it, and Django would with every entity.
        migrations.RunSQL(
            "alter table catalog_entity add column words tsvector"
            " generated always as (pc_words(identifier, title, properties)) stored",
            "alter table catalog_entity drop column words",
        ),
        migrations.RunSQL(
            "create index entity_words on catalog_entity using gin (words)", "drop index entity_words"
        ),
        migrations.AddIndex(
            "entity",
            django.contrib.postgres.indexes.GinIndex(
                fields=["identifier"], opclasses=["gin_trgm_ops"], name="entity_identifier_part"
            ),
        ),
        migrations.AddIndex(
            "entity",
            django.contrib.postgres.indexes.GinIndex(fields=["title"], opclasses=["gin_trgm_ops"], name="entity_title_part"),
        ),
        migrations.AddIndex(
            "entity", models.Index(F("blueprint"), catalog.models.shown_title(), F("id"), name="entity_by_title")
        ),
        migrations.AddIndex("entity", models.Index(fields=["blueprint", "updated_at", "id"], name="entity_by_update")),
        migrations.AddIndex("entity", models.Index(fields=["blueprint", "created_at", "id"], name="entity_by_creation")),
    ]
