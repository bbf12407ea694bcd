from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from catalog import queries as catalog
from catalog.starters import tables
from catalog.starters.commands import starter_import, starter_remove
from catalog.starters.queries import standing, standings
from portal.accounts.policy import allows
from portal.accounts.viewer import by_of
from portal.kit.answers import go
from portal.kit.by import By

Json = dict[str, Any]


@require_safe
def starter_list(request: HttpRequest) -> HttpResponse:
    by = by_of(request)
    titles = _titles(by)
    rows = [tables.starter_row(each, titles) for each in standings(by)]
    return render(request, "starters/starter_list.html", {"starters": rows, "may_import": _may(by)})


@require_http_methods(["GET", "HEAD", "POST"])
def starter(request: HttpRequest, identifier: str) -> HttpResponse:
    """What it would change here; a POST imports it."""
    by = by_of(request)
    if request.method == "POST":
        examples, overwrite = (request.POST.get(name) == "1" for name in ("examples", "overwrite"))
        told = starter_import(identifier, examples=examples, overwrite=overwrite, by=by)
        done = f"{len(told.done)} {'part' if len(told.done) == 1 else 'parts'} came" if told.done else "Nothing changed"
        left = f", {len(told.left)} of what is here stayed as it is" if told.left else ""
        return go(request, reverse("starters:starter", args=[identifier]), say=f"{done}{left}.")
    found, titles = standing(by, identifier), _titles(by)
    plain = [each for each in found.changes if each.what != "entity"]
    examples_ = [each for each in found.changes if each.what == "entity"]
    context = {
        "starter": tables.starter_row(found, titles),
        "groups": tables.change_groups(plain, titles),
        "summary": tables.summary(plain),
        "examples": [
            {"blueprint": each.blueprint, "title": each.wished["title"], "new": each.word == "new"}
            for each in examples_
        ],
        "any_example": any(each.word == "new" for each in examples_),
        "comes": any(each.word == "new" for each in plain),
        "differs": any(each.word == "differs" for each in plain),
        "may_import": _may(by),
        "removal_url": reverse("starters:removal", args=[identifier]) if found.brought and _may(by) else None,
    }
    return render(request, "starters/starter.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def removal(request: HttpRequest, identifier: str) -> HttpResponse:
    """What taking it out again would do; a POST does it."""
    by = by_of(request)
    told = starter_remove(identifier, preview=request.method != "POST", by=by)
    rows = tables.removal_rows(told)
    if request.method == "POST":
        left = f" {len(told.left)} stayed." if told.left else ""
        return go(request, reverse("starters:starter", args=[identifier]), say=f"{len(told.gone)} of it went.{left}")
    starter_ = tables.starter_row(standing(by, identifier), _titles(by))
    return render(request, "starters/removal.html", {"starter": starter_, **rows})


def _titles(by: By) -> dict[str, str]:
    return {each.identifier: each.title for each in catalog.blueprints(by)}


def _may(by: By) -> bool:
    return allows(by.actor, "blueprint.write")
