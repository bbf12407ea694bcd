"""The four keys, and the rows behind each number."""

from typing import Any

from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.queries import dora as keys
from deployments.queries.dora import DEFINITIONS, KEYS, VERSION, Edge, Lengths, Numbers, Row, Scope, Week
from deployments.spans import scope_of, span_of
from portal.api.auth import by_of
from portal.api.history import limit_of, named, no_edge
from portal.api.present import deployment_json
from portal.kit.by import By
from portal.kit.clock import database_now, iso
from portal.kit.errors import Invalid, Missing

Json = dict[str, Any]


@api_view(["GET"])
def dora(request: Request) -> Response:
    found, scope = _found(request)
    return Response(
        {"ok": True, "dora": _numbers(found.numbers, scope) | {"rolled_up": sum(each.total for each in found.rolled)}}
    )


@api_view(["GET"])
def rows(request: Request, key: str) -> Response:
    """Newest first: those that count, or with `reason` those that are left out; `next` is the next page's `after`."""
    if key not in KEYS:
        raise Missing(f"There is no key called “{key}”; they are {', '.join(KEYS)}.", nearest=[])
    params = request.query_params
    reason = params.get("reason", "")
    if reason and reason not in DEFINITIONS[key].reasons:
        raise Invalid.at("reason", f"must be one of {', '.join(DEFINITIONS[key].reasons)}")
    found, _ = _found(request)
    listed = keys.rows_of(found, key, reason=reason, failed=key == "change_failure" and params.get("failed") == "true")
    page, more = keys.page_of(listed, after=_after(by_of(request), params.get("after", "")), size=limit_of(params))
    return Response({"ok": True, "rows": [row_json(each) for each in page], "next": page[-1].edge if more else None})


def _found(request: Request) -> tuple[keys.Found, Scope]:
    by, params = by_of(request), request.query_params
    scope, span = named(scope_of(params), by), span_of(params, now=database_now())
    return keys.dora(by, scope, span), scope


def _after(by: By, text: str) -> Edge | None:
    found = keys.edge(by, text) if text else None
    if text and found is None:
        raise no_edge()
    return found


def row_json(row: Row) -> Json:
    change = row.change
    return {
        "deployment": deployment_json(row.deployment),
        "failed": row.judged.failed,
        "mended_after": row.judged.mended_after,
        "commit": change.sha if change else None,
        "committed_at": iso(change.committed_at) if change else None,
        "lead_time": change.seconds if change and not change.reason else None,
    }


def _numbers(found: Numbers, scope: Scope) -> Json:
    left_out = found.left_out
    return {
        "definitions": {"version": VERSION, **{key: each.text for key, each in DEFINITIONS.items()}},
        "since": iso(found.span.since),
        "until": iso(found.span.until),
        "service": scope.service or None,
        "team": scope.team or None,
        "tier": None if scope.environment else scope.tier or None,
        "environment": scope.environment or None,
        "frequency": {
            "deployments": found.deployed,
            "per_day": round(found.per_day, 4),
            "bucket": found.bucket or None,
            "left_out": left_out["frequency"],
        },
        "lead_time": lengths_json(found.lead_time) | {"left_out": left_out["lead_time"]},
        "change_failure": {
            "changes": found.changes,
            "failed": found.failed,
            "rate": found.failure_rate,
            "left_out": left_out["change_failure"],
        },
        "restore": lengths_json(found.restore) | {"left_out": left_out["restore"]},
        "weeks": [_week(each) for each in found.weeks],
    }


def lengths_json(lengths: Lengths) -> Json:
    """Seconds."""
    return {"count": lengths.count, "median": lengths.median, "p90": lengths.p90, "p95": lengths.p95}


def _week(week: Week) -> Json:
    return {
        "starts": week.starts.isoformat(),
        "whole": week.whole,
        "deployments": week.deployed,
        "days": week.days,
        "changes": week.changes,
        "failed": week.failed,
        "lead_time": lengths_json(week.lead_time),
        "restore": lengths_json(week.restore),
    }
