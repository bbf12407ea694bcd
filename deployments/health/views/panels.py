from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from catalog.queries import entity, environment_named, service_named
from deployments.health import queries
from deployments.health.queries.pulse import probes_beat
from deployments.health.views.pages import _sorted, known, rows_of
from portal.accounts.viewer import by_of
from portal.kit.clock import database_now
from portal.kit.live import live

Context = dict[str, Any]
TEMPLATE = "health/panel.html"
ON_PANEL = 12


@require_safe
def panel_of_service(request: HttpRequest, name: str) -> HttpResponse:
    service = service_named(name, by=by_of(request))
    return _panel(request, str(service), {"service": service.identifier}, "q", service.identifier)


@require_safe
def panel_of_environment(request: HttpRequest, name: str) -> HttpResponse:
    environment = environment_named(name, by=by_of(request))
    return _panel(
        request, str(environment), {"environment": environment.identifier}, "environment", environment.identifier
    )


@require_safe
def panel_of_config(request: HttpRequest, identifier: str) -> HttpResponse:
    """Of the service and the environment at the ends of its relations."""
    config = entity(by_of(request), "deploymentConfig", identifier)
    arrows = config.arrows.filter(name__in=["service", "environment"])
    ends = dict(arrows.values_list("name", "target__identifier"))
    if len(ends) < 2:
        return _panel(request, str(config), None)
    return _panel(request, str(config), ends)


def _panel(
    request: HttpRequest, subject: str, place: dict[str, str] | None, key: str = "", value: str = ""
) -> HttpResponse:
    def context() -> Context:
        now = database_now()
        found = _sorted(known(queries.probes(by_of(request), **place), now)) if place else []
        return {
            "subject": subject,
            "rows": rows_of(found[:ON_PANEL], now),
            "more": max(len(found) - ON_PANEL, 0),
            "nowhere": place is None,
            "list_url": reverse("health:probes", query={key: value} if key else None),
            "new_url": reverse("health:new", query=place),
        }

    return live(request, TEMPLATE, context, beat=probes_beat())
