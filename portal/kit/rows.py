"""Many rows in one statement with one parameter: a list of JSON objects that PostgreSQL takes apart.

A placeholder for every value costs more to write and to read than the rows themselves.
"""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeVar

import psycopg
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection
from django.db.models import Field, Model
from django.db.models.expressions import DatabaseDefault

M = TypeVar("M", bound=Model)


def insert(rows: Sequence[Model]) -> None:
    """Inserts new rows of one model in their order and gives them their keys. Columns that none sets get their default."""
    if not rows:
        return
    model = type(rows[0])
    names = tuple(each.name for each in model._meta.concrete_fields if not each.primary_key and _is_set(rows, each))
    query, fields = _insert(model, names)
    for row, (key,) in zip(rows, prepared(query, [_json(rows, fields)]), strict=True):
        row.pk = key
        row._state.adding = False


def update(rows: Sequence[Model], names: Iterable[str]) -> None:
    """Sets these fields of rows that are there. One statement, where updates would be one each."""
    if not rows:
        return
    query, fields = _update(type(rows[0]), tuple(names))
    prepared(query, [_json(rows, fields)])


def part(model: type[M], **values: Any) -> M:
    """A row of which only these columns were read; the others are read when they are asked for."""
    return model.from_db(
        "default", values, [values[each.attname] for each in model._meta.concrete_fields if each.attname in values]
    )


class _Prepared(psycopg.Cursor[tuple[Any, ...]]):
    def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
        return super().execute(query, params, **options | {"prepare": True})


def prepared(query: str, params: Any = None) -> list[tuple[Any, ...]]:
    """The rows of a statement that PostgreSQL parses and plans once for each connection: for what every report asks.

    Name the columns, never `*`: a plan does not outlive a change of what it answers. JSON comes as text.
    Where statements are logged it is an ordinary one, for the log to say what was asked.
    """
    with connection.cursor() if connection.queries_logged else _own_cursor() as cursor:
        cursor.execute(query, params)
        return cursor.fetchall() if cursor.description else []


def _own_cursor() -> Any:
    connection.ensure_connection()
    own: Any = _Prepared(connection.connection)
    return connection.make_cursor(own)


@lru_cache(maxsize=100)
def _insert(model: type[Model], names: tuple[str, ...]) -> tuple[str, list[Any]]:
    fields: list[Any] = [model._meta.get_field(name) for name in names]
    columns = ", ".join(map(_name, fields))
    table = connection.ops.quote_name(model._meta.db_table)
    return f"insert into {table} ({columns}) select {columns} from {_taken_apart(fields)} returning id", fields


@lru_cache(maxsize=100)
def _update(model: type[Model], names: tuple[str, ...]) -> tuple[str, list[Any]]:
    fields: list[Any] = [model._meta.get_field(name) for name in names]
    table = connection.ops.quote_name(model._meta.db_table)
    values = ", ".join(f"{_name(each)} = given.{_name(each)}" for each in fields)
    whole = [model._meta.pk, *fields]
    return f"update {table} as own set {values} from {_taken_apart(whole)} where own.id = given.id", whole


def _taken_apart(fields: Sequence[Any]) -> str:
    columns = ", ".join(f"{_name(each)} {_type(each)}" for each in fields)
    return f"jsonb_to_recordset(%s::jsonb) as given ({columns})"


def _type(field: Any) -> str:
    kind = field.rel_db_type(connection) if field.primary_key or field.is_relation else field.db_type(connection)
    return str(kind)


def _name(field: Any) -> str:
    return str(connection.ops.quote_name(field.column))


def _is_set(rows: Sequence[Model], field: "Field[Any, Any]") -> bool:
    return not all(isinstance(getattr(each, field.attname), DatabaseDefault) for each in rows)


def _json(rows: Sequence[Model], fields: Sequence[Any]) -> str:
    columns = [(each.column, each.attname) for each in fields]
    found = [{column: _plain(getattr(row, attribute)) for column, attribute in columns} for row in rows]
    return json.dumps(found, cls=DjangoJSONEncoder)


def _plain(value: Any) -> Any:
    # The encoder would cut an instant to milliseconds.
    return value.isoformat() if isinstance(value, datetime) else value
