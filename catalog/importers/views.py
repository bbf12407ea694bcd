from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from catalog import queries as catalog
from catalog.importers import backstage, codeowners, queries, tables
from catalog.importers.commands import things_import
from catalog.importers.forms import CatalogInfoForm, CodeownersForm
from catalog.importers.things import Fate
from catalog.starters.queries import standing
from portal.accounts.policy import require
from portal.accounts.viewer import by_of
from portal.kit.by import By
from portal.kit.errors import Invalid

Json = dict[str, Any]
Form = CatalogInfoForm | CodeownersForm
Deed = Callable[[Any, bool, By], list[Fate]]


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    by = by_of(request)
    require(by, "catalog.read")
    return render(request, "importers/home.html", {"may_github": by.actor.is_admin})


@require_http_methods(["GET", "HEAD", "POST"])
def catalog_info(request: HttpRequest) -> HttpResponse:
    page = {"title": "catalog-info.yaml", "lead": LEADS["catalog-info"], "needs": _needs(by_of(request))}
    return _import(request, CatalogInfoForm, _catalog_info, page)


@require_http_methods(["GET", "HEAD", "POST"])
def owners(request: HttpRequest) -> HttpResponse:
    return _import(request, CodeownersForm, _owners, {"title": "CODEOWNERS", "lead": LEADS["codeowners"]})


LEADS = {
    "catalog-info": "Components, APIs, resources, systems, domains, groups and users, as Backstage describes them.",
    "codeowners": "Which teams own the services of a repository, by GitHub’s rules.",
}


def _catalog_info(wanted: Json, preview: bool, by: By) -> list[Fate]:
    reading = backstage.read([("catalog-info.yaml", wanted["text"])])
    return [*reading.left, *things_import(reading.things, source="import/catalog-info.yaml", preview=preview, by=by)]


def _owners(wanted: Json, preview: bool, by: By) -> list[Fate]:
    things, left = queries.owned(by, codeowners.read(wanted["text"]), wanted["repository"])
    return [*left, *things_import(things, source="import/CODEOWNERS", mode="patch", preview=preview, by=by)]


def _import(request: HttpRequest, kind: type[Form], deed: Deed, page: Json) -> HttpResponse:
    """The form; then what it would do; then what it did."""
    by = by_of(request)
    require(by, "catalog.read")
    page |= {"step": "form", "form": kind()}
    if request.method != "POST":
        return render(request, "importers/import.html", page)
    page["form"] = form = kind(request.POST, request.FILES)
    is_done = request.POST.get("step") == "apply"
    try:
        fates = deed(form.cleaned_data, not is_done, by) if form.is_valid() else None
    except Invalid as wrong:
        form.add_error(None, wrong.message)
        fates = None
    if fates is None or request.POST.get("step") == "back":
        return render(request, "importers/import.html", page, status=422 if fates is None else 200)
    titles = {each.identifier: each.title for each in catalog.blueprints(by)}
    page |= {
        "step": "result" if is_done else "preview",
        "rows": tables.fate_rows(fates, titles, is_done=is_done),
        "more": max(0, len(fates) - tables.MOST_SHOWN),
        "summary": tables.summary(fates, is_done=is_done),
        "any": any(each.word in ("created", "updated") for each in fates),
        "given": [(name, value) for name, value in form.cleaned_data.items() if name != "file"],
        "skipped": codeowners.read(form.cleaned_data["text"]).skipped[:50] if kind is CodeownersForm else [],
    }
    return render(request, "importers/import.html", page)


def _needs(by: By) -> Json | None:
    """The starter whose blueprints the files speak of, unless it is here."""
    found = standing(by, "software-catalog")
    if not any(each.word == "new" for each in found.changes if each.what not in ("view", "scorecard", "entity")):
        return None
    return {"title": found.starter.title, "url": reverse("starters:starter", args=[found.starter.identifier])}
