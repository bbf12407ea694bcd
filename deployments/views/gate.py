from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from catalog.queries import service_named
from deployments import queries, tables
from locks import queries as locks
from portal.accounts.viewer import by_of
from portal.kit.clock import database_now
from portal.kit.live import live

Context = dict[str, Any]
ON_COVERAGE = 50


@require_safe
def badges(request: HttpRequest, service: str) -> HttpResponse:
    """The badges of a service, and what to paste to have them in a README."""
    by = by_of(request)
    found = service_named(service, by=by)
    rows = tables.badge_rows(found, queries.environments(by))
    return render(request, "deployments/badges.html", {"service": tables.service_row(found), "rows": rows})


@require_safe
def blocked(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """The runs that a lock stopped and that have not gone through since, for its page."""
    by = by_of(request)
    lock = locks.lock(by, public_id)

    def context() -> Context:
        now = database_now()
        runs = [tables.blocked_row(each) for each in queries.blocked_by(lock, now=now, by=by)]
        return {"lock": tables.opened_row(lock, now), "runs": runs}

    return live(request, "deployments/blocked.html", context, beat=locks.beat())


@require_safe
def coverage(request: HttpRequest) -> HttpResponse:
    found = queries.coverage(by_of(request))
    return render(
        request,
        "deployments/coverage.html",
        {
            "coverage": found,
            "days": queries.DAYS,
            "rows": [tables.uncovered_row(each) for each in found.uncovered[:ON_COVERAGE]],
            "more": len(found.uncovered) - ON_COVERAGE,
        },
    )
