"""Deployments taken out as CSV, as JSON or as JSON lines, as they are read: nothing is gathered in memory."""

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

from catalog.tables.export import csv_lines, json_lines
from deployments.models import Deployment
from deployments.queries.dora import Row
from portal.kit.clock import iso

Json = dict[str, Any]

COLUMNS = (
    "service", "environment", "kind", "status", "version", "commit", "previous_commit", "ref", "message", "author", "actor",
    "started_at", "finished_at", "gate", "provider", "run", "attempt", "run_url", "artifact", "reported_at", "reported_by",
    "id",
)  # fmt: skip
OF_ROWS = ("failed", "mended_after", "commit_counted", "committed_at", "lead_time")


def deployment_out(deployment: Deployment) -> Json:
    """Flat, with the names that a report has."""
    known = deployment.facts() | {
        "provider": deployment.provider or None,
        "run": deployment.run or None,
        "attempt": deployment.attempt,
        "reported_at": iso(deployment.reported_at),
        "reported_by": deployment.reported_by or None,
        "id": str(deployment.public_id),
    }
    return {name: known[name] for name in COLUMNS}


def row_out(row: Row) -> Json:
    """A row of a key: its deployment, and what the key makes of it. Times in seconds."""
    change = row.change
    return deployment_out(row.deployment) | {
        "failed": row.judged.failed,
        "mended_after": row.judged.mended_after,
        "commit_counted": change.sha if change else None,
        "committed_at": iso(change.committed_at) if change else None,
        "lead_time": change.seconds if change and not change.reason else None,
    }


def csv_of(columns: tuple[str, ...]) -> Callable[[Iterable[Json]], Iterator[str]]:
    return lambda rows: csv_lines(columns, (row.values() for row in rows))


def _one_by_one(rows: Iterable[Json]) -> Iterator[str]:
    return (json.dumps(row, ensure_ascii=False, cls=DjangoJSONEncoder) + "\n" for row in rows)


# By the end of the file's name: what makes it, and what it is.
FORMS: dict[str, tuple[Callable[[tuple[str, ...]], Callable[[Iterable[Json]], Iterator[str]]], str]] = {
    "csv": (csv_of, "text/csv; charset=utf-8"),
    "json": (lambda _: json_lines, "application/json"),
    "jsonl": (lambda _: _one_by_one, "application/jsonl; charset=utf-8"),
}


def written(form: str, rows: Iterable[Json], columns: tuple[str, ...] = COLUMNS) -> tuple[Iterator[str], str]:
    make, media_type = FORMS[form]
    return make(columns)(rows), media_type
