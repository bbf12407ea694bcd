"""Many rows in one statement with one parameter: a list of JSON objects that PostgreSQL takes apart.

A placeholder for every value costs more to write and to read than the rows themselves.
"""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection
from django.db.models import Field, Model
from django.db.models.expressions import DatabaseDefault


def insert(rows: Sequence[Model]) -> None:
    """Inserts new rows of one model in their order and gives them their keys. Columns that none sets get their default."""
    if not rows:
        return
    fields = [each for each in type(rows[0])._meta.concrete_fields if not each.primary_key and _is_set(rows, each)]
    names = _names(fields)
    table = connection.ops.quote_name(type(rows[0])._meta.db_table)
    query = f"insert into {table} ({names}) select {names} from {_taken_apart(fields)} returning id"
    with connection.cursor() as cursor:
        cursor.execute(query, [_json(rows, fields)])
        for row, (key,) in zip(rows, cursor.fetchall(), strict=True):
            row.pk = key
            row._state.adding = False


def update(rows: Sequence[Model], names: Iterable[str]) -> None:
    """Sets these fields of rows that are there. One statement, where updates would be one each."""
    if not rows:
        return
    meta = type(rows[0])._meta
    fields: list[Any] = [meta.get_field(name) for name in names]
    table = connection.ops.quote_name(meta.db_table)
    values = ", ".join(f"{_name(each)} = given.{_name(each)}" for each in fields)
    whole = [meta.pk, *fields]
    query = f"update {table} as own set {values} from {_taken_apart(whole)} where own.id = given.id"
    with connection.cursor() as cursor:
        cursor.execute(query, [_json(rows, whole)])


def _taken_apart(fields: Sequence[Any]) -> str:
    columns = ", ".join(f"{_name(each)} {_type(each)}" for each in fields)
    return f"jsonb_to_recordset(%s::jsonb) as given ({columns})"


def _type(field: Any) -> str:
    kind = field.rel_db_type(connection) if field.primary_key or field.is_relation else field.db_type(connection)
    return str(kind)


def _name(field: Any) -> str:
    return str(connection.ops.quote_name(field.column))


def _names(fields: Sequence[Any]) -> str:
    return ", ".join(map(_name, fields))


def _is_set(rows: Sequence[Model], field: "Field[Any, Any]") -> bool:
    return not all(isinstance(getattr(each, field.attname), DatabaseDefault) for each in rows)


def _json(rows: Sequence[Model], fields: Sequence[Any]) -> str:
    return json.dumps(
        [{each.column: _plain(getattr(row, each.attname)) for each in fields} for row in rows], cls=DjangoJSONEncoder
    )


def _plain(value: Any) -> Any:
    # The encoder would cut an instant to milliseconds.
    return value.isoformat() if isinstance(value, datetime) else value
