"""Many entities changed or deleted at once: what to do, what would become of each, and what became of it."""

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from catalog import queries, tables
from catalog.commands import Outcome, changes_undo, entities_edit, entities_remove
from catalog.commands.bulk import MOST
from catalog.forms import BulkForm
from catalog.models import Blueprint
from catalog.tables.outcomes import outcome_rows, summary
from catalog.tables.state import State
from catalog.tables.table import Table
from portal.accounts.viewer import by_of
from portal.kit.answers import go
from portal.kit.by import By
from portal.kit.errors import Invalid

Json = dict[str, Any]
TEMPLATE = "catalog/bulk.html"


@dataclass(frozen=True)
class Chosen:
    """Identifiers with the `updated_at` they were seen with, and how many more the filter finds."""

    seen: dict[str, str]
    total: int

    @property
    def more(self) -> int:
        return self.total - len(self.seen)


def _chosen(request: HttpRequest, blueprint: Blueprint, by: By) -> Chosen:
    """Those that the form names; without any, those that the filter in the address finds, in the table's order."""
    names = request.POST.getlist("entity")
    if names:
        seen = [*request.POST.getlist("seen"), *[""] * len(names)]
        return Chosen(dict(list(zip(names, seen, strict=False))[:MOST]), len(set(names)))
    table = Table(blueprint, State.read(request.GET), by)
    if table.problem:
        raise Invalid.at("filter", table.problem)
    found = table.in_order[:MOST]
    total = table.rows.count() if len(found) == MOST else len(found)
    return Chosen({each.identifier: each.updated_at.isoformat() for each in found}, total)


@require_http_methods(["GET", "HEAD", "POST"])
def bulk_edit(request: HttpRequest, blueprint: str) -> HttpResponse:
    by = by_of(request)
    kind = queries.readable_blueprint(by, blueprint)
    chosen = _chosen(request, kind, by)
    step = request.POST.get("step", "")
    form = BulkForm(request.POST if step else None, kind, by=by)
    page = _page(kind, chosen, request) | {"form": form, "verb": "edit"}
    wanted = step in ("preview", "apply")
    wish = form.wish() if wanted and form.is_valid() else None
    if wish is None:
        return render(request, TEMPLATE, page | {"step": "form"}, status=422 if wanted else 200)
    wishes = [replace(wish, identifier=name, seen=seen) for name, seen in chosen.seen.items()]
    told = entities_edit(wishes, preview=step != "apply", by=by)
    return _told(request, page, told, kind, by)


@require_http_methods(["GET", "HEAD", "POST"])
def bulk_deletion(request: HttpRequest, blueprint: str) -> HttpResponse:
    by = by_of(request)
    kind = queries.readable_blueprint(by, blueprint)
    chosen = _chosen(request, kind, by)
    dependents = request.POST.get("dependents") == "1"
    page = _page(kind, chosen, request) | {"verb": "delete", "dependents": dependents}
    preview = request.POST.get("step") != "apply"
    told = entities_remove(blueprint, chosen.seen, dependents=dependents, preview=preview, by=by)
    return _told(request, page, told, kind, by)


@require_http_methods(["GET", "HEAD", "POST"])
def undo(request: HttpRequest, trace: UUID) -> HttpResponse:
    """What undoing would do; then what it did, on the entity's own page where it is but one."""
    by = by_of(request)
    told = changes_undo(trace, preview=request.method != "POST", by=by)
    if request.method == "POST" and len(told) == 1 and not told[0].refused:
        (only,) = told
        kept = only.after is not None
        url = tables.entity_url(only.blueprint, only.identifier) if kept else tables.list_url(only.blueprint)
        again = reverse("catalog:undo", args=[by.trace])
        word = "as it was before" if kept else "gone again"
        return go(request, url, say=f"{only.title} is {word}.", undo=again, undo_word="Redo")
    kind = queries.blueprint(told[0].blueprint)
    page = {"verb": "undo", "blueprint": tables.blueprint_row(kind), "back_url": tables.list_url(kind.identifier)}
    return _told(request, page, told, kind, by)


def _page(kind: Blueprint, chosen: Chosen, request: HttpRequest) -> Json:
    back = f"?{request.GET.urlencode()}" if request.GET else ""
    return {
        "blueprint": tables.blueprint_row(kind),
        "chosen": chosen,
        "seen": list(chosen.seen.items()),
        "most": MOST,
        "back_url": tables.list_url(kind.identifier) + back,
    }


def _told(request: HttpRequest, page: Json, told: list[Outcome], kind: Blueprint, by: By) -> HttpResponse:
    """The preview, or the result with a way back."""
    is_done = request.POST.get("step") == "apply" or page["verb"] == "undo" and request.method == "POST"
    rows = outcome_rows(told, kind)
    changes = [row for row in rows if not row["refused"]]
    page |= {
        "step": "result" if is_done else "preview",
        "rows": rows,
        "summary": summary(told, page["verb"], is_done=is_done),
        "any": any(row["changes"] for row in changes),
        "needed": sum(len(row["needed_by"]) for row in rows),
        "undo_url": reverse("catalog:undo", args=[by.trace])
        if is_done and any(r["changes"] for r in changes)
        else None,
    }
    return render(request, TEMPLATE, page)
