"""Workers follow the marks that writes left, and store what has become of computed values. Any number of them may.

A mark is taken away in the transaction that did what it asked for: whoever dies half-way has done nothing.
"""

import logging
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models.functions import Now

from catalog.compute.graph import ANYTHING, Graph
from catalog.compute.values import settle
from catalog.compute.ways import Way, known
from catalog.models import Blueprint, Stale
from portal.kit.locking import retried

logger = logging.getLogger(__name__)

MARKS_AT_ONCE = 1000
# Their rows are held while programs run, and whoever writes them waits: at first few, and more while it goes quickly.
FEWEST, AT_ONCE = 25, 200
QUICK = 1.0  # seconds
SPREAD_AT_ONCE = 5000
LATER = timedelta(minutes=1)


def sweep(seconds: float = 2.0) -> bool:
    """Works for about so long; answers whether there is more to do."""
    until, most = time.monotonic() + seconds, FEWEST
    while (begun := time.monotonic()) < until:
        # What is due comes first: whatever is shown by ten thousand and written all the time would make them due
        # again and again before they are computed once.
        if not (_settle(most) or _spread() | _spread_all()):
            return False
        most = min(most * 2, AT_ONCE) if time.monotonic() - begun < QUICK else FEWEST
    return True


# From what changed to what is to be computed again.


@dataclass(frozen=True)
class Reach:
    """Entities of `owner` depend on some of another blueprint that are reached by `way`: on these `names` of them.

    `old`: on those that this relation of an entity there pointed at before it changed.
    """

    owner: Blueprint
    way: Way
    names: frozenset[str]
    old: str = ""

    def concerns(self, mark: Stale) -> bool:
        if self.old:
            return bool(mark.old.get(self.old))
        return bool(mark.names) and (ANYTHING in self.names or not self.names.isdisjoint(mark.names))

    def starts(self, mark: Stale) -> list[int]:
        return [int(each) for each in mark.old[self.old]] if self.old else [mark.entity]


@retried
@transaction.atomic
def _spread() -> bool:
    """Each step of the way is one statement, for all marks that are taken together."""
    marks = list(_taken(Stale.Kind.CHANGED))
    if not marks:
        return False
    graph = Graph(known())
    reaches = reaches_of(graph)
    names = {each.pk: each.identifier for each in graph.among.values()}
    for blueprint, own in _grouped(marks).items():
        for reach in reaches.get(names.get(blueprint, ""), ()):
            starts = {key for mark in own if reach.concerns(mark) for key in reach.starts(mark)}
            if starts:
                _insert_due(reach, sorted(starts), graph.among)
    Stale.objects.filter(pk__in=[each.pk for each in marks]).delete()
    return True


def _taken(kind: str) -> Iterator[Stale]:
    rows = Stale.objects.filter(kind=kind, at__lte=Now()).select_for_update(skip_locked=True)
    return iter(rows.order_by("pk")[:MARKS_AT_ONCE])


def _grouped(marks: Iterable[Stale]) -> dict[int, list[Stale]]:
    found: dict[int, list[Stale]] = defaultdict(list)
    for each in marks:
        found[each.blueprint].append(each)
    return found


def reaches_of(graph: Graph) -> dict[str, list[Reach]]:
    """By the blueprint whose entities change."""
    found: dict[str, dict[tuple[str, Way, str], frozenset[str]]] = defaultdict(dict)
    for blueprint in graph.among.values():
        for node in graph.stored(blueprint):
            for read in graph.reads(node):
                for there, way, old, names in _parts(blueprint.identifier, read.way, read.names):
                    key = (blueprint.identifier, way, old)
                    found[there][key] = found[there].get(key, frozenset()) | names
    return {
        there: [Reach(graph.among[owner], way, names, old) for (owner, way, old), names in each.items()]
        for there, each in found.items()
    }


def _parts(owner: str, way: Way, names: frozenset[str]) -> Iterator[tuple[str, Way, str, frozenset[str]]]:
    """(whose change, how the owner reaches it, by which relation as it was, which names), for each place on the way."""
    here = owner
    for number, step in enumerate(way):
        arrow = frozenset({f"relations.{step.relation}"})
        if step.forward:
            yield here, way[:number], "", arrow
        else:
            yield step.blueprint, way[: number + 1], "", arrow
            yield step.blueprint, way[:number], step.relation, arrow
        here = step.blueprint
    yield here, way, "", names


def _insert_due(reach: Reach, starts: Sequence[int], among: Mapping[str, Blueprint]) -> None:
    sql = "select id from unnest(%s::bigint[]) as id"
    parameters: list[Any] = [list(starts)]
    places = [reach.owner.identifier, *(step.blueprint for step in reach.way)]
    for step, here, there in reversed(list(zip(reach.way, places, places[1:], strict=False))):
        holder = among[here if step.forward else there]
        begin, end = ("target_id", "source_id") if step.forward else ("source_id", "target_id")
        sql = (
            f"select distinct r.{end} as id from ({sql}) w join catalog_relation r on r.{begin} = w.id"
            f" and r.name = any(%s) join catalog_entity e on e.id = r.{end} and e.blueprint_id = %s"
        )
        parameters += [holder.names_stored(step.relation), among[here].pk]
    with connection.cursor() as cursor:
        cursor.execute(
            f"insert into catalog_stale (kind, blueprint, entity, names, old, cursor) "
            f"select 'due', %s, id, '{{}}', '{{}}', 0 from ({sql}) found",
            [reach.owner.pk, *parameters],
        )


# All entities of a blueprint, some thousands at a time.

_OVER = """
    select not exists (select from pg_snapshot_xip(pg_current_snapshot()) as x where x::text::bigint < %s)
"""
_NEXT = """
    with batch as (
        select id from catalog_entity where blueprint_id = %(blueprint)s and id > %(cursor)s order by id limit %(limit)s
    ), made as (
        insert into catalog_stale (kind, blueprint, entity, names, old, cursor)
        select 'due', %(blueprint)s, id, '{}', '{}', 0 from batch
    ) select max(id), count(*) from batch
"""


@retried
@transaction.atomic
def _spread_all() -> bool:
    mark = next(_taken(Stale.Kind.ALL), None)
    if mark is None or not _known_to_all(mark):
        return False
    with connection.cursor() as cursor:
        cursor.execute(_NEXT, {"blueprint": mark.blueprint, "cursor": mark.cursor, "limit": SPREAD_AT_ONCE})
        last, count = cursor.fetchone()
    if count < SPREAD_AT_ONCE:
        mark.delete()
    else:
        Stale.objects.filter(pk=mark.pk).update(cursor=last)
    return True


def _known_to_all(mark: Stale) -> bool:
    """Whether every transaction that was under way when the mark was first seen is over.

    One of these may have asked the blueprint before it was saved, so that it left no mark of what it changed.
    """
    with connection.cursor() as cursor:
        if mark.seen is None:
            cursor.execute("select pg_snapshot_xmax(pg_current_snapshot())::text::bigint")
            (mark.seen,) = cursor.fetchone()
            Stale.objects.filter(pk=mark.pk).update(seen=mark.seen)
        cursor.execute(_OVER, [mark.seen])
        return bool(cursor.fetchone()[0])


# Computing again.


def _settle(most: int) -> bool:
    """What fails is left for later; the others of its batch go on one by one."""
    marks = _next_due(most)
    try:
        return _settle_some(marks) if marks else False
    except Exception:
        logger.exception("Computed values of %s entities could not be made", len(marks))
        for each in marks:
            _settle_alone(each)
        return True


def _settle_alone(key: int) -> None:
    try:
        _settle_some([key])
    except Exception:
        logger.exception("The computed values of mark %s could not be made", key)
        Stale.objects.filter(pk=key).update(at=Now() + LATER)


def _next_due(limit: int) -> list[int]:
    """Of one blueprint, so that its programs run together."""
    due = Stale.objects.filter(kind=Stale.Kind.DUE, at__lte=Now())
    first = due.order_by("pk").values("blueprint")[:1]
    return list(due.filter(blueprint=first).order_by("pk").values_list("pk", flat=True)[:limit])


@retried
@transaction.atomic
def _settle_some(keys: Sequence[int]) -> bool:
    """The marks first, then the rows, then what they depend on: so nobody stores what was true before another's commit."""
    marks = list(Stale.objects.filter(pk__in=keys).select_for_update(skip_locked=True).order_by("pk"))
    settle({each.entity for each in marks})
    Stale.objects.filter(pk__in=[each.pk for each in marks]).delete()
    return bool(marks)
