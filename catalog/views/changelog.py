from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from catalog import queries, tables
from catalog.changelog import SIGNING
from catalog.commands import changelog_retry, changelog_test
from catalog.forms.changelog import ChangelogForm
from catalog.models import Blueprint
from catalog.tables.changelog import delivery_row
from portal.accounts.organization import secret_is_there
from portal.accounts.policy import require
from portal.accounts.viewer import by_of
from portal.kit.answers import go
from portal.kit.by import By
from portal.kit.live import live

Context = dict[str, Any]
TEMPLATE = "catalog/changelog.html"


@require_http_methods(["GET", "HEAD", "POST"])
def changelog(request: HttpRequest, blueprint: str) -> HttpResponse:
    """Where the changes of a blueprint are sent, and what became of the last; for those who may change it."""
    by = by_of(request)
    kind = _writable(by, blueprint)
    if request.method != "POST":
        return live(request, TEMPLATE, lambda: _context(kind, ChangelogForm(None, kind), by), beat=_beat(kind))
    form = ChangelogForm(request.POST, kind)
    if form.is_valid() and form.save(by):
        return go(request, _url(blueprint), say=f"Saved where the changes of {kind.title} go.")
    return render(request, TEMPLATE, _context(kind, form, by), status=422)


@require_POST
def changelog_trial(request: HttpRequest, blueprint: str) -> HttpResponse:
    by = by_of(request)
    changelog_test(_writable(by, blueprint), by=by)
    return go(request, _url(blueprint), say="A test is on its way.")


@require_POST
def changelog_again(request: HttpRequest, blueprint: str) -> HttpResponse:
    by = by_of(request)
    count = changelog_retry(_writable(by, blueprint), by=by)
    return go(request, _url(blueprint), say=f"{count} will be sent again." if count else "Nothing was given up.")


def _writable(by: By, blueprint: str) -> Blueprint:
    kind = queries.readable_blueprint(by, blueprint)
    require(by, "blueprint.write", blueprint=blueprint)
    return kind


def _url(blueprint: str) -> str:
    return reverse("catalog:changelog", args=[blueprint])


def _beat(kind: Blueprint) -> str:
    latest = [(each.pk, each.state, each.attempts) for each in queries.changelog_latest(kind.identifier)]
    return f"{kind.updated_at} {latest} {queries.changelog_waiting(kind.identifier)}"


def _context(kind: Blueprint, form: ChangelogForm, by: By) -> Context:
    waiting, given_up = queries.changelog_waiting(kind.identifier)
    destination = kind.changelog_destination or {}
    is_signed = secret_is_there(SIGNING)
    return {
        "form": form,
        "blueprint": tables.blueprint_row(kind),
        "is_watched": kind.is_watched,
        "other": destination.get("type", "") if destination and not kind.is_watched else "",
        "is_signed": is_signed,
        "secret_name": SIGNING,
        "secrets_url": _secrets(is_signed) if by.actor.is_admin else "",
        "rows": [delivery_row(each) for each in queries.changelog_latest(kind.identifier)],
        "waiting": waiting,
        "given_up": given_up,
        "test_url": reverse("catalog:changelog_trial", args=[kind.identifier]),
        "retry_url": reverse("catalog:changelog_again", args=[kind.identifier]),
    }


def _secrets(is_signed: bool) -> str:
    return reverse("pages:secrets") if is_signed else reverse("pages:secret_new", query={"name": SIGNING})
