"""Deployments by time, as programs page through them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.db.models import Q
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import queries as catalog
from deployments import queries
from deployments.exports import deployment_out
from deployments.models import Deployment, Status
from deployments.queries.dora import Scope
from deployments.queries.listed import listed
from deployments.spans import scope_of, span_said
from portal.accounts.policy import require
from portal.api.auth import by_of
from portal.kit.by import By
from portal.kit.clock import database_now
from portal.kit.errors import Invalid

MOST = 500


def deployments(request: Request) -> Response:
    """Newest first, of every tier and of all time unless something is named. Unknown names are 404."""
    by, params = by_of(request), request.query_params
    rows: Any = listed(by, named(scope_of(params, usual="all"), by), span_said(params, now=database_now()))
    if status := params.get("status"):
        if status not in Status.values:
            raise Invalid.at("status", f"must be one of {', '.join(Status.values)}")
        rows = rows.filter(status=status)
    if params.get("after"):
        edge = deployment_after(by, params["after"])
        at = edge.happened_at
        rows = rows.filter(Q(at__lt=at) | Q(at=at, pk__lt=edge.pk))
    size = limit_of(params)
    page = list(rows.select_related("entity")[: size + 1])
    after = str(page[size - 1].public_id) if len(page) > size else None
    return Response({"ok": True, "deployments": [deployment_out(each) for each in page[:size]], "next": after})


def named(scope: Scope, by: By) -> Scope:
    """With identifiers for the names. Raises Missing for those that stand for nothing."""
    require(by, "catalog.read")  # before any name is looked up: an answer may name others that are alike
    if scope.service:
        scope = replace(scope, service=catalog.service_named(scope.service, by=by).identifier)
    if scope.environment:
        scope = replace(scope, environment=catalog.environment_named(scope.environment, by=by).identifier)
    return scope


def limit_of(params: Any) -> int:
    text = params.get("limit", "100")
    if not (text.isascii() and text.isdigit() and len(text) < 5 and 0 < int(text) <= MOST):
        raise Invalid.at("limit", f"must be a whole number from 1 to {MOST}")
    return int(text)


def edges_of(edges: Sequence[str], params: Any) -> tuple[slice, str | None]:
    """The page of a list that is known whole, by what leads to the rows that follow each; and what leads to the next."""
    after, size = params.get("after", ""), limit_of(params)
    if after and after not in edges:
        raise Invalid.at(
            "after", "must be the `next` of the page before; what it named may have gone meanwhile: begin anew"
        )
    start = edges.index(after) + 1 if after else 0
    end = start + size
    return slice(start, end), edges[end - 1] if len(edges) > end else None


def deployment_after(by: By, public_id: str) -> Deployment:
    try:
        found = queries.deployments(by).filter(public_id=UUID(public_id)).first()
    except ValueError:
        found = None
    if found is None:
        raise no_edge()
    return found


def no_edge() -> Invalid:
    return Invalid.at("after", "must be the `next` of the page before")
