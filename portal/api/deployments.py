from collections.abc import Callable
from datetime import datetime
from typing import Any

from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import queries as catalog
from deployments import queries
from deployments.commands import deployment_report, keyed, report_refuse
from deployments.leftovers import leftovers
from deployments.models import DeploymentConfig, LogSource
from deployments.moments import happened
from deployments.presets import Span
from portal.accounts.policy import require
from portal.api import history
from portal.api.auth import by_of
from portal.api.bodies import object_of
from portal.api.present import cell_json, coverage_json, deployment_json, inbox_json, sources_json
from portal.kit.by import By
from portal.kit.clock import database_now, instant
from portal.kit.errors import Invalid, PortalError

LONGEST_KEY = 255


@api_view(["GET", "POST"])
def deployments(request: Request) -> Response:
    """The list, by time. To a report: 201 taken in, 200 known already or advanced, 202 kept in the inbox because a name is unknown."""
    if request.method == "GET":
        return history.deployments(request)
    key = request.headers.get("Idempotency-Key", "")
    if len(key) > LONGEST_KEY or "\0" in key:
        raise Invalid.at("Idempotency-Key", f"must be at most {LONGEST_KEY} characters")
    by = by_of(request)
    body, own = _body(request, by)
    outcome = deployment_report(body, key=key or own, by=by)
    warnings = leftovers(body)
    if outcome.deployment:
        told = deployment_json(outcome.deployment)
        return Response(
            {"ok": True, "deployment": told, "created": outcome.created, "warnings": warnings},
            status=201 if outcome.created else 200,
        )
    item = inbox_json(outcome.inbox_item) if outcome.inbox_item else {}
    return Response({"ok": True, "inbox": item, "warnings": warnings}, status=202)


def _body(request: Request, by: By) -> tuple[dict[str, Any], str]:
    """The report and its `idempotency_key`. What cannot be read stands in the ingest log as well."""
    try:
        return keyed(object_of(request))
    except PortalError as error:
        report_refuse(None, error, by=by)
        raise


@api_view(["GET"])
def current(request: Request) -> Response:
    """What is live or was at an instant, for all or for one service or environment. Unknown names are 404, not an empty
    list."""
    by, params = by_of(request), request.query_params
    require(by, "catalog.read")  # before any name is looked up: an answer may name others that are alike
    service, environment = params.get("service", ""), params.get("environment", "")
    cells = queries.configs(
        by,
        service=catalog.service_named(service, by=by).identifier if service else "",
        environment=catalog.environment_named(environment, by=by).identifier if environment else "",
        at=happened(instant(params["at"], "at"), "at") if params.get("at") else None,
    )
    return Response({"ok": True, "deployment_configs": [cell_json(cell) for cell in cells]})


@api_view(["GET"])
def coverage(request: Request) -> Response:
    """Of the deployments to production, how many passed the gate, and who deploys without it."""
    return Response({"ok": True, "coverage": coverage_json(queries.coverage(by_of(request)))})


@api_view(["GET"])
def sources(request: Request) -> Response:
    """The links of each place, open at a span or since what is live was deployed, and the kinds that it lacks."""
    by, params = by_of(request), request.query_params
    require(by, "catalog.read")
    service, environment = params.get("service", ""), params.get("environment", "")
    ends = [instant(params[name], name) if params.get(name) else None for name in ("since", "until")]
    found = queries.sources_everywhere(
        by,
        service=catalog.service_named(service, by=by).identifier if service else "",
        environment=catalog.environment_named(environment, by=by).identifier if environment else "",
        at=_span(*ends),
    )
    kind = params.get("lacking", "")
    if kind and kind not in LogSource.Kind.values:
        raise Invalid.at("lacking", f"must be one of {', '.join(LogSource.Kind.values)}")
    shown = [each for each in found if not kind or kind in each.lacking]
    return Response({"ok": True, "places": [sources_json(each) for each in shown]})


def _span(since: datetime | None, until: datetime | None) -> Callable[[DeploymentConfig], Span] | None:
    if since is None and until is None:
        return None
    if since is None or (until is not None and until <= since):
        raise Invalid.at("since", "give the beginning of the time, which lies before until")
    span = Span(since, until or database_now())
    return lambda config: span
