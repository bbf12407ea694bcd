from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from deployments import queries, tables
from deployments.commands import report_replay
from deployments.models import ReportRequest
from portal.accounts.policy import allows
from portal.accounts.viewer import by_of
from portal.kit.addresses import pager
from portal.kit.answers import go
from portal.kit.clock import database_now
from portal.kit.live import live
from portal.kit.paging import page_of

Context = dict[str, Any]
LONGEST = 254


@require_safe
def ingest(request: HttpRequest) -> HttpResponse:
    """What came to the doors of deployments: live on the first page."""
    template = "deployments/ingest.html"
    if not request.GET.keys() & {"before", "after"}:
        return live(request, template, lambda: _ingest(request), beat=queries.ingest_beat())
    name = f"{template}#live" if request.htmx else template  # type: ignore[attr-defined]
    return render(request, name, _ingest(request))


def _ingest(request: HttpRequest) -> Context:
    by = by_of(request)
    filters = {name: request.GET.get(name, "").strip()[:LONGEST] for name in queries.FILTERS}
    page = page_of(queries.reports_listed(by, **filters), request.GET, newest_first=True)
    rows = [tables.arrival_row(each) for each in page.rows]
    return {
        "rows": rows,
        "filters": filters,
        "filtered": any(filters.values()),
        "outcomes": ReportRequest.Outcome.values,
        "doors": ReportRequest.Door.values,
        # What only the whole page shows is asked for when it is rendered.
        "services": lambda: list(queries.services(by).values_list("identifier", flat=True)[:1000]),
        "silent": lambda: [tables.silent_row(each) for each in queries.silent(by, now=database_now())],
        "hooks_url": reverse("deployments:hooks") if allows(by.actor, "hook.write") else "",
        "pager": pager(request.GET, page, f"{len(rows)} reports, the newest first"),
    }


@require_safe
def arrival(request: HttpRequest, pk: int) -> HttpResponse:
    """One report as it came, with its body and its answer."""
    by = by_of(request)
    found = queries.report_request(by, pk)
    return render(request, "deployments/arrival.html", {"row": tables.arrival_page(found, by)})


@require_http_methods(["GET", "HEAD", "POST"])
def replay(request: HttpRequest, pk: int) -> HttpResponse:
    by = by_of(request)
    found = queries.report_request(by, pk)
    if request.method != "POST":
        return redirect(found)
    replayed = report_replay(found, by=by)
    return go(request, found.get_absolute_url(), say=f"Replayed: {replayed.outcome}. {tables.what(replayed)}".strip())
