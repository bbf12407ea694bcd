"""The ingest log over /v1."""

from typing import Any

from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from deployments import queries, tables
from deployments.commands import Outcome, deployments_report, report_replay
from deployments.leftovers import leftovers
from deployments.models import ReportRequest
from portal.api.auth import by_of
from portal.api.bodies import object_of
from portal.api.present import inbox_json, url_of
from portal.api.selection import flag
from portal.kit.clock import iso
from portal.kit.errors import Invalid, PortalError
from portal.kit.masks import masked
from portal.kit.paging import page_of

Json = dict[str, Any]
CHOICES = {"outcome": ReportRequest.Outcome.values, "door": ReportRequest.Door.values}


@api_view(["GET"])
def ingest(request: Request) -> Response:
    """What came, the newest first, in pages of 50; `next` is the `after` of the next one."""
    params = request.query_params
    filters = {name: params.get(name, "") for name in queries.FILTERS}
    for name, known in CHOICES.items():
        if filters[name] and filters[name] not in known:
            raise Invalid.at(name, f"must be one of {', '.join(known)}")
    page = page_of(queries.report_requests(by_of(request), **filters), params, newest_first=True)
    return Response({"ok": True, "reports": [arrival_json(each) for each in page.rows], "next": page.after})


@api_view(["POST"])
def batch(request: Request) -> Response:
    """1 to 200 reports, each by itself: 200 when all were taken in, 207 when some were refused; matched by `index`."""
    by, body = by_of(request), object_of(request)
    backfill = flag(request, "backfill") or body.get("backfill") is True
    fates = list(enumerate(deployments_report(body.get("deployments"), backfill=backfill, by=by)))
    errors = [_fault(index, each) for index, each in fates if isinstance(each, PortalError)]
    taken = [(index, each, leftovers(body["deployments"][index])) for index, each in fates if isinstance(each, Outcome)]
    answer = {
        "ok": not errors,
        "deployments": [_made(*each) for each in taken if each[1].deployment],
        "inbox": [_waiting(*each) for each in taken if not each[1].deployment],
        "errors": errors,
    }
    return Response(answer, status=207 if errors else 200)


def _made(index: int, outcome: Outcome, warnings: list[Json]) -> Json:
    assert outcome.deployment
    made = {"index": index, "id": str(outcome.deployment.public_id), "created": outcome.created}
    return made | {"warnings": warnings}


def _waiting(index: int, outcome: Outcome, warnings: list[Json]) -> Json:
    item = inbox_json(outcome.inbox_item) if outcome.inbox_item else None
    return {"index": index, "inbox": item, "warnings": warnings}


def _fault(index: int, error: PortalError) -> Json:
    return {
        "index": index,
        "statusCode": error.status,
        "error": error.code,
        "message": error.message,
        "details": error.details,
    }


@api_view(["POST"])
def replay(request: Request, pk: int) -> Response:
    """Twice is the same as once."""
    by = by_of(request)
    return Response({"ok": True, "report": arrival_json(report_replay(queries.report_request(by, pk), by=by))})


def arrival_json(request: ReportRequest) -> Json:
    return {
        "id": request.pk,
        "at": iso(request.at),
        "sender": request.sender,
        "door": request.door,
        "backfill": request.is_backfill,
        "outcome": request.outcome or None,
        "message": tables.what(request) or None,
        "warnings": tables.warnings(request),
        "late_by": request.late_by,
        "service": request.service or None,
        "environment": request.environment or None,
        "deployment": str(request.deployment.public_id) if request.deployment else None,
        "inbox": inbox_json(request.inbox_item) if request.inbox_item else None,
        "body": masked(request.body),
        "answer": masked(request.answer),
        "replayed_at": iso(request.replayed_at),
        "url": url_of(request.get_absolute_url()),
    }
