"""Statements that are prepared once; and rows written without a query for each, or a model's own ways.

Many rows go as one parameter, a list of JSON objects that PostgreSQL takes apart: placeholders for all of their values would
cost more to write and to read than the rows themselves. For a few it is the other way round.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import cache, lru_cache
from itertools import chain
from typing import Any, NamedTuple, TypeAlias, TypeVar, cast

import orjson
from django.core.serializers.json import DjangoJSONEncoder
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.models import JSONField, Model
from django.db.models.base import ModelState
from django.db.models.expressions import DatabaseDefault

from portal.kit.postgresql import session
from portal.kit.postgresql.base import DatabaseWrapper

Params: TypeAlias = session.Params
Row: TypeAlias = session.Row

M = TypeVar("M", bound=Model)

_LENGTH = re.compile(r"\(\d+(, *\d+)?\)")
FEW, MANY = 3, 0  # rows that are written with placeholders for their values; the mark of more


class Column(NamedTuple):
    name: str
    attribute: str
    is_json: bool


class Statement(NamedTuple):
    """One that is yet to be sent. `read` makes of its rows what `send` answers."""

    query: str
    params: Params = ()
    read: Callable[[list[Row]], Any] = list


def send(*statements: Statement) -> list[Any]:
    """What each of them comes to, all in one round trip. What one wrote, those after it see; where one fails, none after
    it is run."""
    answered = _ask([each[:2] for each in statements]) if statements else []
    return [each.read(found) for each, found in zip(statements, answered, strict=True)]


def prepared(query: str, params: Params = ()) -> list[Row]:
    """The rows of a statement that PostgreSQL parses and plans once for each connection: for what every report asks.

    Name the columns, never `*`: a plan does not outlive a change of what it answers. JSON comes as text.
    """
    return _ask([(query, params)])[0]


def _ask(asked: Sequence[tuple[str, Params]]) -> list[list[Row]]:
    return cast(DatabaseWrapper, connections[DEFAULT_DB_ALIAS]).ask(asked)


def insert(*groups: Sequence[Model]) -> None:
    """Inserts new rows, those of a group in their order, and gives them their keys, but for those that `keyed` gave
    theirs. A group is of one model; columns that none of it sets get their default.
    """
    if any(groups):
        send(inserting(*groups))


def inserting(*groups: Sequence[Model]) -> Statement:
    """The same, yet to be sent. There is one row at least."""
    groups = tuple(filter(None, groups))
    shapes = tuple((type(each[0]), _set_in(each), len(each) if len(each) <= FEW else MANY) for each in groups)
    query, columns = _insert(shapes)
    params: list[Any] = []
    for rows, own, (_, _, count) in zip(groups, columns, shapes, strict=True):
        params += [_json(rows, own)] if count == MANY else _values(rows, own)

    def read(keys: list[Row]) -> None:
        for row, (key,) in zip(chain(*groups), keys, strict=True):
            row.pk = key
            row._state.adding = False

    return Statement(query, params, read)


def keyed(rows: Sequence[Model]) -> None:
    """Gives new rows of one model their keys before they are inserted, so that others may point at them already."""
    if rows:
        send(keying(rows))


def keying(rows: Sequence[Model]) -> Statement:
    """The same, yet to be sent. There is one row at least."""

    def read(keys: list[Row]) -> None:
        for row, (key,) in zip(rows, keys, strict=True):
            row.pk = key

    return Statement(_keys(type(rows[0])), [len(rows)], read)


def update(rows: Sequence[Model], names: Iterable[str]) -> None:
    """Sets these fields of rows that are there. One statement, where updates would be one each."""
    if not rows:
        return
    query, columns = _update(type(rows[0]), tuple(names))
    prepared(query, [_json(rows, columns)])


def one(model: type[M], **which: Any) -> M | None:
    """The row with these values, as its manager would get it; its statement is made once, not for each request."""
    query, names, readers = _one(model, tuple(which))
    for row in prepared(query, list(which.values())):
        values = [read(value, None, connection) if read else value for read, value in zip(readers, row)]
        return model.from_db(DEFAULT_DB_ALIAS, names, values)
    return None


@lru_cache(maxsize=100)
def _one(model: type[Model], which: tuple[str, ...]) -> tuple[str, list[str], list[Any]]:
    fields = model._meta.concrete_fields
    columns = ", ".join(map(_name, fields))
    wanted = " and ".join(f"{_name(model._meta.get_field(name))} = %s" for name in which)
    query = f"select {columns} from {connection.ops.quote_name(model._meta.db_table)} where {wanted} limit 1"
    return query, [each.attname for each in fields], [getattr(each, "from_db_value", None) for each in fields]


def part(model: type[M], **values: Any) -> M:
    """A row of which only these columns were read; the others are read when they are asked for."""
    row = _filled(model, values)
    row._state.adding, row._state.db = False, "default"
    return row


def new(model: type[M], **values: Any) -> M:
    """The same as `model(**values)`, at a third of its price: every report makes four."""
    plain, made = _blank(model)
    return _filled(model, plain | {name: make() for name, make in made.items() if name not in values} | values)


def _filled(model: type[M], values: dict[str, Any]) -> M:
    """What Model.__init__ comes to, which asks every field by itself."""
    row = model.__new__(model)
    row._state = ModelState()
    keys, own = _columns_of_keys(model), row.__dict__
    for name, value in values.items():
        if column := keys.get(name):
            own[column] = None if value is None else value.pk
            row._state.fields_cache[name] = value
        else:
            own[name] = value
    return row


@cache
def _columns_of_keys(model: type[Model]) -> dict[str, str]:
    return {each.name: each.attname for each in model._meta.concrete_fields if each.is_relation}


@cache
def _blank(model: type[Model]) -> tuple[dict[str, Any], dict[str, Callable[[], Any]]]:
    """What an empty row holds, by the names of its columns; what is made anew for each."""
    fields = model._meta.concrete_fields
    made = {each.attname: each.default for each in fields if each.has_default() and callable(each.default)}
    return {each.attname: each.get_default() for each in fields if each.attname not in made}, made


@cache
def _keys(model: type[Model]) -> str:
    table, column = connection.ops.quote_name(model._meta.db_table), model._meta.pk.column
    return f"select nextval(pg_get_serial_sequence('{table}', '{column}')) from generate_series(1, %s::int)"


def _set_in(rows: Sequence[Model]) -> tuple[str, ...]:
    model = type(rows[0])
    unset = set.intersection(*map(_unset, rows))
    own = _own_fields(model) if rows[0].pk is None else model._meta.concrete_fields
    return tuple(each.name for each in own if each.attname not in unset)


@lru_cache(maxsize=100)
def _insert(shapes: tuple[tuple[type[Model], tuple[str, ...], int], ...]) -> tuple[str, list[list[Column]]]:
    fields: list[list[Any]] = [[model._meta.get_field(name) for name in names] for model, names, _ in shapes]
    inserts = [_insert_of(model, own, count) for (model, _, count), own in zip(shapes, fields, strict=True)]
    columns = [_columns(own) for own in fields]
    if len(inserts) == 1:
        return inserts[0], columns
    parts = ", ".join(f"part{number} as ({each})" for number, each in enumerate(inserts))
    keys = " union all ".join(f"select id from part{number}" for number in range(len(inserts)))
    return f"with {parts} {keys}", columns


def _insert_of(model: type[Model], fields: Sequence[Any], count: int) -> str:
    columns = ", ".join(map(_name, fields))
    table = connection.ops.quote_name(model._meta.db_table)
    if count == MANY:
        given = f"select {columns} from {_taken_apart(fields)}"
    else:
        # Without its length: a cast to it would cut what is too long in silence.
        row = ", ".join(f"%s::{_LENGTH.sub('', _type(each))}" for each in fields)
        given = "values " + ", ".join([f"({row})"] * count)
    return f"insert into {table} ({columns}) {given} returning id"


@lru_cache(maxsize=100)
def _update(model: type[Model], names: tuple[str, ...]) -> tuple[str, list[Column]]:
    fields: list[Any] = [model._meta.get_field(name) for name in names]
    table = connection.ops.quote_name(model._meta.db_table)
    values = ", ".join(f"{_name(each)} = given.{_name(each)}" for each in fields)
    whole = [model._meta.pk, *fields]
    return f"update {table} as own set {values} from {_taken_apart(whole)} where own.id = given.id", _columns(whole)


def _columns(fields: Sequence[Any]) -> list[Column]:
    return [Column(each.column, each.attname, isinstance(each, JSONField)) for each in fields]


def _taken_apart(fields: Sequence[Any]) -> str:
    columns = ", ".join(f"{_name(each)} {_type(each)}" for each in fields)
    return f"jsonb_to_recordset(%s::jsonb) as given ({columns})"


def _type(field: Any) -> str:
    kind = field.rel_db_type(connection) if field.primary_key or field.is_relation else field.db_type(connection)
    return str(kind)


def _name(field: Any) -> str:
    return str(connection.ops.quote_name(field.column))


def _unset(row: Model) -> set[str]:
    return {name for name, value in row.__dict__.items() if isinstance(value, DatabaseDefault)}


@cache
def _own_fields(model: type[Model]) -> list[Any]:
    return [each for each in model._meta.concrete_fields if not each.primary_key]


def _json(rows: Sequence[Model], columns: Sequence[Column]) -> str:
    return text_of([{column: getattr(row, attribute) for column, attribute, _ in columns} for row in rows])


def _values(rows: Sequence[Model], columns: Sequence[Column]) -> Iterator[Any]:
    for row in rows:
        for _, attribute, is_json in columns:
            value = getattr(row, attribute)
            yield text_of(value) if is_json and value is not None else value


def text_of(value: Any) -> str:
    """JSON for a parameter. Django's own encoder cuts an instant to milliseconds, and takes five times as long."""
    try:
        return orjson.dumps(value, default=_ENCODER.default).decode()
    except orjson.JSONEncodeError:
        return json.dumps(value, cls=_Encoder)  # whole numbers beyond 64 bits, halves of characters


class _Encoder(DjangoJSONEncoder):
    def default(self, value: Any) -> Any:
        return value.isoformat() if isinstance(value, datetime) else super().default(value)


_ENCODER = _Encoder()
