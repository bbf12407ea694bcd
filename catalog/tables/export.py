"""A table taken out, all rows that match, as they are read: nothing is gathered in memory."""

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

from catalog.tables.table import Table

# What a spreadsheet would take for a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


class _Echo:
    def write(self, text: str) -> str:
        return text


def csv_lines(titles: Sequence[str], rows: Iterable[Iterable[Any]]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield writer.writerow(titles)
    for row in rows:
        yield writer.writerow([_field(value) for value in row])


def json_lines(rows: Iterable[Any]) -> Iterator[str]:
    """One array, a row on each line."""
    start = "["
    for row in rows:
        yield start + json.dumps(row, ensure_ascii=False, cls=DjangoJSONEncoder)
        start = ",\n"
    yield "]" if start != "[" else "[]"


def _field(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    text = value.isoformat() if hasattr(value, "isoformat") else str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(FORMULA) else text


def _csv(table: Table) -> Iterator[str]:
    titles = ["Identifier", "Title", *(column.title for column in table.exportable)]
    return csv_lines(titles, (row.values() for _, row in table.exported()))


def _json(table: Table) -> Iterator[str]:
    return json_lines(row for _, row in table.exported())


EXPORTS: dict[str, tuple[Callable[[Table], Iterator[str]], str]] = {
    "csv": (_csv, "text/csv; charset=utf-8"),
    "json": (_json, "application/json"),
}
