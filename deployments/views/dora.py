from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from catalog.builtin import TIERS
from deployments import queries
from deployments.exports import FORMS
from deployments.queries import dora as keys
from deployments.queries.dora import DAYS, DEFINITIONS, KEYS, OF_COMMITS, VERSION, Scope, Span
from deployments.spans import scope_of, span_of
from deployments.tables import dora as tables
from portal.accounts.viewer import by_of
from portal.kit.addresses import address
from portal.kit.by import By
from portal.kit.clock import database_now
from portal.kit.errors import Invalid

Context = dict[str, Any]
ON_PAGE = 50


@require_safe
def dora(request: HttpRequest) -> HttpResponse:
    by = by_of(request)
    scope, span, problem = read(request.GET)
    found = keys.dora(by, scope, span)
    shown = {
        "cards": tables.cards(found.numbers, request.GET),
        "nothing": not (found.rows or found.rolled),
        "version": VERSION,
        "problem": problem,
    }
    return render(request, "deployments/dora.html", _toolbar(request, by, scope, span) | shown)


@require_safe
def dora_rows(request: HttpRequest, key: str) -> HttpResponse:
    """The rows behind a number: those that it counts, or with `reason` those that it leaves out."""
    by = by_of(request)
    if key not in KEYS:
        raise Http404
    scope, span, problem = read(request.GET)
    reason = request.GET.get("reason", "")
    if reason not in DEFINITIONS[key].reasons:
        reason = ""
    failed = request.GET.get("failed") == "1" and key == "change_failure" and not reason
    found = keys.dora(by, scope, span)
    after = keys.edge(by, request.GET.get("after", ""))
    rows, more = keys.page_of(keys.rows_of(found, key, reason=reason, failed=failed), after=after, size=ON_PAGE)
    of_commits = key == "lead_time" and (not reason or reason in OF_COMMITS)
    shown = {
        "key": key,
        "definition": DEFINITIONS[key],
        "text": DEFINITIONS[key].reasons.get(reason, ""),
        "tabs": tables.reasons(key, found, request.GET, reason),
        "failed": failed,
        "failed_count": found.failed if key == "change_failure" and not reason else None,
        "failed_url": address(request.GET, failed=None if failed else "1", after=None),
        "rows": [tables.change_row(each) if of_commits else tables.dora_row(each) for each in rows],
        "of_commits": of_commits,
        "rolled_up": 0 if failed else found.rolled_up(key, reason),
        "older_url": address(request.GET, after=rows[-1].edge) if more else None,
        "newest_url": address(request.GET, after=None) if after else None,
        "dora_url": reverse("deployments:dora") + address(request.GET, reason=None, after=None, failed=None),
        "exports": [
            (form.upper(), reverse("deployments:dora_export", args=[key, form]) + address(request.GET, after=None))
            for form in FORMS
        ],
        "problem": problem,
    }
    return render(request, "deployments/dora_rows.html", _toolbar(request, by, scope, span) | shown)


def read(query: Mapping[str, str]) -> tuple[Scope, Span, str]:
    """What cannot be read is said, and the usual stands instead."""
    now = database_now()
    try:
        return scope_of(query), span_of(query, now=now), ""
    except Invalid as wrong:
        return Scope(), Span.of_days(DAYS[0], now=now), f"{wrong.message}. Shown is what is usual."


def _toolbar(request: HttpRequest, by: By, scope: Scope, span: Span) -> Context:
    days = request.GET.get("days", "")
    if days not in map(str, DAYS):
        days = "chosen" if days or request.GET.get("from") or request.GET.get("to") else str(DAYS[0])
    return {
        "scope": scope,
        "tier": scope.tier or "all",
        "tiers": list(TIERS),
        "teams": queries.teams(by),
        "services": list(queries.services(by).values_list("identifier", flat=True)[:1000]),
        "span": span,
        "spans": DAYS,
        "days": days,
        "from": span.since.date().isoformat(),
        "to": (span.until - timedelta(microseconds=1)).date().isoformat(),
        "filtered": any(
            request.GET.get(name) for name in ("service", "team", "tier", "environment", "days", "from", "to")
        ),
        "reason": request.GET.get("reason", ""),
    }
