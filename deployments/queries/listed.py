"""Deployments of a scope by time, to be taken out or put into a calendar."""

from typing import Any

from django.db.models import QuerySet

from deployments.models import Deployment, happened
from deployments.queries.dora import Scope, Span, of_scope
from portal.kit.by import By


def listed(by: By, scope: Scope, span: Span | None = None) -> QuerySet[Deployment]:
    """Newest first, by their end, or by their beginning where they have none."""
    found: Any = of_scope(by, scope).annotate(at=happened())
    if span:
        found = found.filter(at__gte=span.since, at__lt=span.until)
    # Nobody who takes them out is told of these, and they can be a megabyte each.
    rows: QuerySet[Deployment] = found.defer("changes", "extra").order_by("-at", "-id")
    return rows
