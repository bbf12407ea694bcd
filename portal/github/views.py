from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from catalog.importers.tables import LOOKS
from catalog.tables import entity_url
from portal.accounts.viewer import by_of
from portal.github.forms import ImportForm
from portal.github.imports import import_cancel, import_start
from portal.github.models import Import
from portal.github.queries import import_named, imports
from portal.kit.answers import go
from portal.kit.errors import Conflict, Invalid
from portal.kit.live import live

Json = dict[str, Any]

STATES = {
    "pending": ("waits for a worker", "yellow", "clock"),
    "running": ("running", "blue", "loader"),
    "completed": ("done", "green", "check"),
    "failure": ("failed", "red", "x"),
    "cancelled": ("cancelled", "lightGray", "minus"),
}
SHOWN = 20


@require_http_methods(["GET", "HEAD", "POST"])
def import_list(request: HttpRequest) -> HttpResponse:
    """The form, and the imports so far; a POST starts one, or looks first."""
    by = by_of(request)
    found = imports(by)
    form = ImportForm(request.POST or None, initial={"organization": request.GET.get("organization", "")})
    if request.method == "POST" and form.is_valid():
        try:
            preview = request.POST.get("step") != "apply"
            job = import_start(
                form.cleaned_data["organization"], token=form.cleaned_data["token"], preview=preview, by=by
            )
            return go(request, reverse("github:import", args=[job.public_id]))
        except Invalid as wrong:
            for each in wrong.details["errors"]:
                form.add_error(each["path"], each["message"].capitalize() + ".")
        except Conflict as taken:
            form.add_error(None, taken.message)
    context = {"form": form, "imports": [_row(each) for each in found[:SHOWN]]}
    return render(request, "github/import_list.html", context, status=422 if request.method == "POST" else 200)


@require_safe
def import_detail(request: HttpRequest, public_id: UUID) -> HttpResponse:
    job = import_named(by_of(request), public_id)
    return live(request, "github/import.html", lambda: _context(job), beat=f"{job.updated_at}|{job.state}")


@require_POST
def cancel(request: HttpRequest, public_id: UUID) -> HttpResponse:
    by = by_of(request)
    job = import_cancel(import_named(by, public_id), by=by)
    return go(request, reverse("github:import", args=[job.public_id]), say="The import stops before its next step.")


def _context(job: Import) -> Json:
    return {
        "job": _row(job),
        "counts": [(word, job.counts.get(name, 0)) for name, word in _words(job)],
        "rows": [_reported(each, job) for each in job.report],
        "waits": job.reason if not job.is_over else "",
        "why": job.reason if job.is_over else "",
        "left_now": len(job.cursor.get("queue") or []),
        "cancel_url": None if job.is_over else reverse("github:cancel", args=[job.public_id]),
        "again": job.preview and job.state == Import.State.COMPLETED,
        "needs_token": not settings.GITHUB_TOKEN,
    }


def _words(job: Import) -> list[tuple[str, str]]:
    would = "would " if job.preview else ""
    return [
        ("repositories", "repositories read"),
        ("created", f"{would}be new" if would else "made"),
        ("updated", f"{would}change" if would else "changed"),
        ("same", "as they were"),
        ("left", "left"),
    ]


def _row(job: Import) -> Json:
    return {
        "title": str(job),
        "organization": job.organization,
        "preview": job.preview,
        "state": STATES[job.state],
        "phase": job.cursor.get("phase", ""),
        "is_over": job.is_over,
        "by": job.actor_name,
        "created_at": job.created_at,
        "url": reverse("github:import", args=[job.public_id]),
    }


def _reported(row: Json, job: Import) -> Json:
    is_there = bool(row["blueprint"]) and row["word"] != "left" and not (job.preview and row["word"] == "created")
    url = entity_url(row["blueprint"], row["identifier"]) if is_there else None
    return row | {"look": LOOKS[row["word"]], "url": url}
