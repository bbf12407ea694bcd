from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from catalog.integrations import overview, queries, shapes, tables
from catalog.integrations.commands import removal_approve, removal_refuse, removal_undo, resync_ask
from catalog.integrations.forms import MappingForm
from catalog.integrations.models import Integration, Removal
from portal.accounts.policy import allows, require
from portal.accounts.viewer import by_of
from portal.kit.addresses import pager
from portal.kit.answers import go
from portal.kit.by import By
from portal.kit.clock import database_now
from portal.kit.paging import page_of

Json = dict[str, Any]

FEW = 10


@require_safe
def integration_list(request: HttpRequest) -> HttpResponse:
    by, now = by_of(request), database_now()
    page = page_of(queries.integrations(by), request.GET, key="identifier")
    held = overview.waiting(page.rows) if _manages(by) else {}
    rows = [tables.integration_row(each, now=now, held=held.get(each.pk, 0)) for each in page.rows]
    context = {"rows": rows, "pager": _beside(request, page), "settings_of_ocean": tables.settings_of_ocean()}
    context["credentials_url"] = reverse("admin:accounts_credential_add") if _manages(by) else ""
    return render(request, "integrations/integration_list.html", context)


def _beside(request: HttpRequest, page: Any) -> Json | None:
    found = pager(request.GET, page, f"{len(page.rows)} integrations, by identifier")
    return found | {"newer_label": "Before", "older_label": "After"} if found else None


@require_safe
def integration(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """How it stands for everybody; what it found, mapped and broke for administrators, who may see all of it."""
    by = by_of(request)
    found = queries.integration_at(by, public_id)
    context = _head(found) | {
        "manages": _manages(by),
        "owned": [tables.owned_row(found, *each) for each in overview.owned_by_blueprint(found, by=by)],
    }
    if _manages(by):
        context |= _inside(found)
    return render(request, "integrations/integration.html", context)


@require_safe
def called(request: HttpRequest, identifier: str) -> HttpResponse:
    """Leads to the page of the integration with this identifier."""
    return redirect(queries.readable_integration(by_of(request), identifier))


def _head(found: Integration) -> Json:
    return {"integration": found, "row": tables.integration_row(found, now=database_now())}


def _inside(found: Integration) -> Json:
    resyncs = [tables.resync_row(each) for each in overview.resyncs(found)]
    removals = _removals(found)
    return {
        "resyncs": resyncs,
        "latest": next((each for each in resyncs if each["kinds"] or each["any"]), None),
        "kinds": [tables.example_row(each) for each in queries.kinds(found)[:50]],
        "faults": [tables.fault_row(each) for each in found.faults.order_by("-id")[:FEW]],
        "lines": [tables.line_row(each) for each in found.log.order_by("-at", "-id")[:FEW]],
        "removals": removals,
        "going_on": any(each["going_on"] for each in removals),
        "mapping": shapes.pretty(found.config) if found.config else "",
        "share": f"{found.share:.0%}",
    }


def _removals(found: Integration) -> list[Json]:
    rows = list(queries.removals(found)[:FEW])
    counts, names, problems = queries.held_in(rows)
    return [tables.removal_row(each, counts[each.pk], names[each.pk], problems[each.pk]) for each in rows]


@require_safe
def faults(request: HttpRequest, public_id: UUID) -> HttpResponse:
    by = by_of(request)
    found = _managed(by, public_id)
    page = page_of(found.faults.all(), request.GET, newest_first=True)
    rows = [tables.fault_row(each) for each in page.rows]
    context = _head(found) | {
        "faults": rows,
        "pager": pager(request.GET, page, f"{len(rows)} errors, the newest first"),
    }
    return render(request, "integrations/faults.html", context)


@require_safe
def log(request: HttpRequest, public_id: UUID) -> HttpResponse:
    by = by_of(request)
    found = _managed(by, public_id)
    level, resync = request.GET.get("level", ""), request.GET.get("resync", "")[: shapes.LONGEST]
    rows = found.log.all()
    rows = rows.filter(level=level) if level in shapes.LEVELS else rows
    rows = rows.filter(event_id=resync) if resync else rows
    page = page_of(rows, request.GET, newest_first=True, size=100)
    lines = [tables.line_row(each) for each in page.rows]
    context = _head(found) | {
        "lines": lines,
        "levels": shapes.LEVELS,
        "level": level,
        "resync": resync,
        "filtered": bool(level or resync),
        "pager": pager(request.GET, page, f"{len(lines)} lines, the newest first"),
    }
    return render(request, "integrations/log.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def mapping(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """The mapping in an editor, and who changed it when."""
    by = by_of(request)
    found = _managed(by, public_id)
    form = MappingForm(request.POST or None, found)
    if request.method == "POST" and form.is_valid() and form.save(by):
        say = f"The mapping of {found} is saved. It is used from its next resync on."
        return go(request, found.get_absolute_url(), say=say)
    history = [tables.change_row(each) for each in overview.changes_of_mapping(found)]
    context = _head(found) | {"form": form, "history": history}
    status = 422 if request.method == "POST" else 200
    return render(request, "integrations/mapping.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def resync(request: HttpRequest, public_id: UUID) -> HttpResponse:
    by = by_of(request)
    found = queries.integration_at(by, public_id)
    if request.method != "POST":
        return redirect(found)
    resync_ask(found, by=by)
    say = f"{found} is asked for a resync. It begins within a minute, if it asks for requests (POLLING)."
    return go(request, found.get_absolute_url(), say=say)


def approval(request: HttpRequest, public_id: UUID, removal: UUID) -> HttpResponse:
    return _decided(request, public_id, removal, removal_approve, "It is deleted now, in the background.")


def refusal(request: HttpRequest, public_id: UUID, removal: UUID) -> HttpResponse:
    return _decided(request, public_id, removal, removal_refuse, "Nothing of it is deleted.")


def undo(request: HttpRequest, public_id: UUID, removal: UUID) -> HttpResponse:
    return _decided(request, public_id, removal, removal_undo, "What went is put back now, in the background.")


@require_http_methods(["GET", "HEAD", "POST"])
def _decided(
    request: HttpRequest, public_id: UUID, removal: UUID, deed: Callable[..., Removal], say: str
) -> HttpResponse:
    by = by_of(request)
    found = queries.integration_at(by, public_id)
    if request.method != "POST":
        return redirect(found)
    require(by, "removal.decide")
    deed(queries.removal(found, removal), by=by)
    return go(request, f"{found.get_absolute_url()}#deletions", say=say)


def _manages(by: By) -> bool:
    return allows(by.actor, "integration.write")


def _managed(by: By, public_id: UUID) -> Integration:
    require(by, "integration.write")
    return queries.integration_at(by, public_id)
