"""A table taken out, all rows that match, as they are read: nothing is gathered in memory."""

import csv
import json
from collections.abc import Callable, Iterator
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

from catalog.tables.table import Table

# What a spreadsheet would take for a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


class _Echo:
    def write(self, text: str) -> str:
        return text


def _csv(table: Table) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield writer.writerow(["Identifier", "Title", *(column.title for column in table.exportable)])
    for _, row in table.exported():
        yield writer.writerow([_field(value) for value in row.values()])


def _field(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    text = value.isoformat() if hasattr(value, "isoformat") else str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(FORMULA) else text


def _json(table: Table) -> Iterator[str]:
    start = "["
    for _, row in table.exported():
        yield start + json.dumps(row, ensure_ascii=False, cls=DjangoJSONEncoder)
        start = ",\n"
    yield "]" if start != "[" else "[]"


EXPORTS: dict[str, tuple[Callable[[Table], Iterator[str]], str]] = {
    "csv": (_csv, "text/csv; charset=utf-8"),
    "json": (_json, "application/json"),
}
