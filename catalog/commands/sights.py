"""A program that writes what is there already: nothing changes, and it is noted that the program still knows it."""

from collections.abc import Sequence
from datetime import datetime

from django.db import connection

from catalog.models import Entity
from portal.kit.by import By

_SEEN = """
insert into catalog_sight (entity_id, at) select key, %s from unnest(%s::bigint[]) as seen (key) order by key
on conflict (entity_id) do update set at = excluded.at"""


def see(entities: Sequence[Entity], now: datetime, by: By) -> None:
    """The rows are held. Whoever wrote last is the datasource, and is taken back by nobody's saving at a page."""
    if not entities or not by.agent:
        return
    with connection.cursor() as cursor:
        cursor.execute(_SEEN, [now, [each.pk for each in entities]])
    agent = by.agent[:300]
    others = [each for each in entities if each.datasource != agent]
    if others:
        Entity.objects.filter(pk__in=[each.pk for each in others]).update(datasource=agent)
    for each in others:
        each.datasource = agent
