from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from catalog.builtin import TIERS
from catalog.queries import entity, service_named
from deployments import queries, tables
from deployments.models import DeploymentConfig, LogSource
from deployments.presets import Span
from deployments.queries import span_of
from portal.accounts.viewer import by_of
from portal.kit.addresses import number_of, numbered
from portal.kit.errors import Missing

Context = dict[str, Any]
ON_PAGE = 50
PANEL = "deployments/sources_panel.html"
# What the panels can be opened at: the word of the address, and what it is called.
SPANS = {"live": "Since it was deployed", "deploy": "While it was deployed", "hour": "Last hour", "day": "Last day"}
LENGTHS = {"hour": timedelta(hours=1), "day": timedelta(days=1)}


@require_safe
def sources(request: HttpRequest) -> HttpResponse:
    """Which places have a link of which kind, and which lack one."""
    by, asked = by_of(request), request.GET
    kind = asked.get("kind", "") if asked.get("kind") in LogSource.Kind.values else LogSource.Kind.APPLICATION.value
    tier, team = asked.get("tier", ""), asked.get("team", "")
    standings = queries.Standings(by, tier=tier, team=team)
    found = standings.places
    lacking = [each for each in found if kind not in each.had]
    # Those that lack it stand first: they are what the page is for.
    shown = lacking if asked.get("lacking") else [*lacking, *(each for each in found if kind in each.had)]
    first = ON_PAGE * (number_of(request.GET) - 1)
    context = {
        "kinds": tables.kind_rows(found, kind, request.GET),
        "kind": kind,
        "about": tables.KINDS[kind],
        "tier": tier,
        "team": team,
        "only_lacking": bool(asked.get("lacking")),
        "tiers": list(reversed(TIERS)),
        "teams": queries.teams(by),
        "total": len(found),
        "count": len(lacking),
        "rows": [tables.sources_row(each, kind) for each in standings.sources(shown[first : first + ON_PAGE])],
        "pager": numbered(request.GET, ON_PAGE, len(shown)),
        "admin_url": reverse("admin:deployments_logsource_changelist") if by.actor.is_admin else "",
    }
    return render(request, "deployments/sources.html", context)


@require_safe
def sources_of_service(request: HttpRequest, name: str) -> HttpResponse:
    service = service_named(name, by=by_of(request))
    return _panel(request, str(service), reverse("deployments:sources_of_service", args=[service.identifier]), service=service.identifier)  # fmt: skip


@require_safe
def sources_of_config(request: HttpRequest, identifier: str) -> HttpResponse:
    found = entity(by_of(request), "deploymentConfig", identifier)
    config = DeploymentConfig.objects.filter(entity=found).select_related("service", "environment").first()
    if config is None:
        raise Missing(f"“{identifier}” is a config of no service and environment yet.")
    pair = {"service": config.service.identifier, "environment": config.environment.identifier}
    return _panel(request, str(found), reverse("deployments:sources_of_config", args=[identifier]), **pair)


def _panel(request: HttpRequest, subject: str, url: str, **pair: str) -> HttpResponse:
    chosen = request.GET.get("span", "")
    chosen = chosen if chosen in SPANS else "live"
    now = timezone.now()
    found = queries.sources_everywhere(by_of(request), **pair, at=lambda config: _span(config, chosen, now))
    context = {
        "subject": subject,
        "rows": [tables.sources_row(each, "") for each in found],
        "spans": [
            {"url": f"{url}?span={word}", "label": label, "here": word == chosen} for word, label in SPANS.items()
        ],
        "report_url": reverse("deployments:sources"),
    }
    template = f"{PANEL}#panel" if request.htmx else PANEL  # type: ignore[attr-defined]
    return render(request, template, context)


def _span(config: DeploymentConfig, chosen: str, now: datetime) -> Span:
    if chosen in LENGTHS:
        return Span(now - LENGTHS[chosen], now)
    return span_of(config.current, live=chosen == "live", now=now)
