"""The indexes of PostgreSQL that make lists of one blueprint quick to sort, bound and count by one of its properties.

Their names say what they hold, so the database itself knows which are there, which are being made, and which are of no
use any more: after a change of an enum, or of the marks.
"""

import hashlib
import logging
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Literal

from django.db import DatabaseError, connection, models
from django.db.models import F, OrderBy, Q

from catalog.models import Blueprint, Entity
from catalog.search import values

State = Literal["ready", "being built", "waits"]

log = logging.getLogger(__name__)

PREFIX = "own_"
# Kinds that have an order.
SCALARS = ("string", "number", "boolean")


def serves(blueprint: Blueprint, name: str) -> bool:
    """Whether there can be an index: for a declared scalar that stands in a column."""
    declared = values.declared(blueprint, name).get("type") in SCALARS
    return declared and bool(values.containers(blueprint=blueprint, name=name))


def indexes_of(blueprint: Blueprint, name: str) -> list[models.Index]:
    """One for each direction, as what is unset comes last in both; and for what can be counted, one of its values."""
    if not serves(blueprint, name):
        return []
    key = values.sort_key(blueprint, name)
    columns = [(OrderBy(key), F("id")), (OrderBy(key, descending=True, nulls_last=True), F("id"))]
    if values.is_countable(blueprint, name):
        columns.append((OrderBy(values.counting_key(blueprint, name)), F("id")))
    return [_named(models.Index(*each, name="name", condition=Q(blueprint=blueprint.pk))) for each in columns]


def _named(index: models.Index) -> models.Index:
    with connection.schema_editor(collect_sql=True) as editor:
        statement = str(index.create_sql(Entity, editor))
    index.name = PREFIX + hashlib.blake2b(statement.encode(), digest_size=12).hexdigest()
    return index


def state(blueprint: Blueprint, name: str) -> State:
    there = _there()
    named = [there.get(index.name) for index in indexes_of(blueprint, name)]
    if named and all(named):
        return "ready"
    return "being built" if False in named else "waits"


def has_counts(blueprint: Blueprint, name: str) -> bool:
    """Whether the values' own index can be used."""
    if not values.is_countable(blueprint, name):
        return False
    return state(blueprint, name) == "ready"


def settle(wanted: Collection[models.Index]) -> None:
    """Drops what nobody wants and builds what is missing, without holding up any write.

    Outside any transaction. Only one worker at a time does it; another one leaves at once.
    """
    with _alone() as alone:
        if not alone:
            return
        there, named = _there(), {index.name: index for index in wanted}
        for name in [name for name, valid in there.items() if not valid or name not in named]:
            _run(f'drop index concurrently if exists "{name}"')
        missing = [index for name, index in named.items() if not there.get(name)]
        for index in missing:
            _build(index)
        if missing:
            _run("analyze catalog_entity")  # or the planner knows nothing of the new expressions


def _build(index: models.Index) -> None:
    try:
        with connection.schema_editor(atomic=False) as editor:
            editor.add_index(Entity, index, concurrently=True)  # type: ignore[call-arg]
    except DatabaseError:
        log.exception("The index %s could not be built; it is tried again.", index.name)


def _there() -> dict[str, bool]:
    """Their names, and whether each is whole."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select c.relname, i.indisvalid from pg_index i join pg_class c on c.oid = i.indexrelid"
            " where i.indrelid = 'catalog_entity'::regclass and starts_with(c.relname, %s)",
            [PREFIX],
        )
        return dict(cursor.fetchall())


@contextmanager
def _alone() -> Iterator[bool]:
    with connection.cursor() as cursor:
        cursor.execute("select pg_try_advisory_lock(hashtext('catalog indexes'))")
        alone = bool(cursor.fetchone()[0])
    try:
        yield alone
    finally:
        if alone:
            _run("select pg_advisory_unlock(hashtext('catalog indexes'))")


def _run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
