"""What one entity's numbers were, interval by interval, read from the events that its writes left behind."""

import json
from collections.abc import Sequence

from django.db import connection

from catalog.models import Entity
from catalog.queries.entities import properties_of
from catalog.search.measures import plain
from catalog.search.series import Point
from catalog.search.spans import INTERVALS, Span

# The last event of an interval says what stood at its end; an interval without any is as the one before it. What stood
# before all of them is what the first one found. Without an event, what is there now has stood since the entity was made.
_SQL = """
with said as (
    select at, id, before -> 'properties' as was, after -> 'properties' as became,
        date_trunc(%(unit)s, at, %(zone)s) as begins
    from audit_event
    where blueprint = %(blueprint)s and entity = %(entity)s and blueprint <> '' and noun = 'entity' and name like 'entity.%%' and at <= %(end)s
), earlier as (
    (select became as stood, 1 as rank from said where at < %(start)s order by at desc, id desc limit 1)
    union all
    (select was, 2 from said order by at, id limit 1)
), known as (
    select '-infinity'::timestamptz as begins, (select stood from earlier order by rank limit 1) as stood
    union all
    (select distinct on (begins) begins, became from said where at >= %(start)s order by begins, at desc, id desc)
    union all
    select greatest(date_trunc(%(unit)s, %(made)s, %(zone)s), %(first)s), %(now)s::jsonb
    where not exists (select from said)
), marked as (
    select begins, known.stood, count(known.begins) over (order by begins) as part
    from (select '-infinity'::timestamptz union select unnest(%(beginnings)s::timestamptz[])) as every(begins)
    left join known using (begins)
), filled as (
    select begins, first_value(stood) over (partition by part order by begins) as stood from marked
)
select begins, name, pc_num(stood -> name) from filled cross join unnest(%(names)s::text[]) as name
where begins > '-infinity' order by begins
"""


def history(entity: Entity, names: Sequence[str], span: Span) -> list[Point]:
    """A point for each interval with what stood at its end; what was no number then is left out.

    No event keeps what the portal computes, so of that only the last interval tells, as it is now.
    """
    beginnings = span.beginnings()
    points = {begins: Point(begins, {}) for begins in beginnings}
    with connection.cursor() as cursor:
        cursor.execute(
            _SQL,
            {
                "blueprint": entity.blueprint.identifier,
                "entity": entity.identifier,
                "unit": INTERVALS[span.interval],
                "zone": span.zone,
                "start": span.start,
                "end": span.end,
                "made": entity.created_at,
                "first": beginnings[0],
                "now": json.dumps(entity.properties),
                "beginnings": beginnings,
                "names": [name for name in names if name not in entity.blueprint.computed_properties],
            },
        )
        for begins, name, value in cursor.fetchall():
            if value is not None:
                points[begins].values[name] = plain(value)
    _add_computed(points[beginnings[-1]], entity, names)
    return list(points.values())


def _add_computed(last: Point, entity: Entity, names: Sequence[str]) -> None:
    now = properties_of([entity])[entity.pk]
    for name in names:
        value = now.get(name)
        if (
            name in entity.blueprint.computed_properties
            and isinstance(value, int | float)
            and not isinstance(value, bool)
        ):
            last.values[name] = value
