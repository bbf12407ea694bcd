from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from catalog import permissions
from catalog.models import Entity
from deployments.health import commands, queries, tables, trials
from deployments.health.forms import MaintenanceForm, ProbeForm
from deployments.health.models import Probe
from deployments.health.views.pages import probe_context
from portal.accounts.viewer import by_of
from portal.kit.answers import go
from portal.kit.by import By
from portal.kit.clock import database_now, duration
from portal.kit.errors import PortalError
from portal.kit.forms import refuse

Context = dict[str, Any]
FORM = "health/form.html"


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    return _edited(request, None, by_of(request))


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, public_id: UUID) -> HttpResponse:
    by = by_of(request)
    return _edited(request, queries.probe(by, public_id), by)


def _edited(request: HttpRequest, probe: Probe | None, by: By) -> HttpResponse:
    """Saves, or calls it once as it stands in the form."""
    asked = {name: request.GET.get(name, "")[:1000] for name in ("kind", *ProbeForm.PLACE) if request.GET.get(name)}
    form = ProbeForm(request.POST or None, probe, asked)
    is_sent = request.method == "POST"
    context: Context = {"form": form, "probe": probe, "list_url": reverse("health:probes"), "offered": _offered(by)}
    context["cancel_url"] = tables.probe_url(probe) if probe else context["list_url"]
    if is_sent and form.is_valid():
        try:
            if "trial" in request.POST:
                context["trial"] = tables.trial_row(trials.trial(form.wished(), of=probe, by=by))
                is_sent = False
            else:
                return _saved(request, form, probe, by)
        except PortalError as error:
            form.refuse(error)
    return render(request, FORM, context, status=422 if is_sent else 200)


def _offered(by: By) -> dict[str, list[str]]:
    """Names for the fields to offer; others may be typed."""
    every = permissions.readable(by, Entity.objects.all())
    return {
        kind: list(
            every.filter(blueprint__identifier=kind).order_by("identifier").values_list("identifier", flat=True)[:500]
        )
        for kind in ("service", "environment")
    }


def _saved(request: HttpRequest, form: ProbeForm, probe: Probe | None, by: By) -> HttpResponse:
    if probe:
        saved = commands.probe_update(probe, form.wished(), by=by)
        return go(request, tables.probe_url(saved), say=f"{saved} is saved.")
    saved, token = commands.probe_create(form.wished(), by=by)
    if token:
        return _address_once(request, saved, token)
    return go(request, tables.probe_url(saved), say=f"{saved} is made.")


def _address_once(request: HttpRequest, probe: Probe, token: str) -> HttpResponse:
    """The one answer that holds it; nothing keeps it, not even the session."""
    url = f"{settings.BASE_URL}/v1/health/heartbeats/{token}"
    response = render(
        request, "health/address.html", {"title": str(probe), "url": tables.probe_url(probe), "address": url}
    )
    response["Cache-Control"] = "no-store"
    return response


@require_POST
def address(request: HttpRequest, public_id: UUID) -> HttpResponse:
    by = by_of(request)
    probe = queries.probe(by, public_id)
    return _address_once(request, probe, commands.probe_rekey(probe, by=by))


@require_POST
def pause(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """What the button said: pressed twice it is the same as once."""
    by = by_of(request)
    wished = request.POST.get("paused") == "1"
    probe = commands.probe_update(queries.probe(by, public_id), {"paused": wished}, by=by)
    return go(request, tables.probe_url(probe), say=f"{probe} is {'paused' if wished else 'asked again'}.")


@require_POST
def deletion(request: HttpRequest, public_id: UUID) -> HttpResponse:
    by = by_of(request)
    probe = queries.probe(by, public_id)
    commands.probe_delete(probe, by=by)
    return go(request, reverse("health:probes"), say=f"{probe} is deleted.")


@require_POST
def maintenance_begin(request: HttpRequest, public_id: UUID) -> HttpResponse:
    by = by_of(request)
    probe, form = queries.probe(by, public_id), MaintenanceForm(request.POST)
    if form.is_valid():
        data = form.cleaned_data
        try:
            ends_at = database_now() + duration(data["length"], "length")
            commands.maintenance_begin(probe=probe, reason=data["reason"], ends_at=ends_at, by=by)
        except PortalError as error:
            refuse(form, error)
        else:
            return go(request, tables.probe_url(probe), say="Maintenance is on: probes go on, and nobody is alerted.")
    return render(request, "health/probe.html", probe_context(request, public_id, form), status=422)


@require_POST
def maintenance_end(request: HttpRequest, public_id: UUID) -> HttpResponse:
    by = by_of(request)
    window = commands.maintenance_end(queries.maintenance_window(by, public_id), by=by)
    url = tables.probe_url(window.probe) if window.probe else reverse("health:probes")
    return go(request, url, say=f"Maintenance of {window.covers} has ended.")
