from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_safe

from deployments import queries, tables
from locks import queries as locks
from portal.accounts.policy import require
from portal.accounts.viewer import by_of
from portal.kit.addresses import address
from portal.kit.by import By
from portal.kit.clock import database_now
from portal.kit.errors import Missing
from portal.kit.live import live

Context = dict[str, Any]
LONGEST_KEY = 40


@require_safe
def commits(request: HttpRequest) -> HttpResponse:
    """Where is my commit?"""
    require(by_of(request), "catalog.read")
    return live(request, "deployments/commits.html", lambda: _commits(request), beat=locks.beat())


def _commits(request: HttpRequest) -> Context:
    by = by_of(request)
    before = _before(request)
    found = queries.find(by, request.GET.get("q", ""), before=before)
    key = queries.ticket_of(found.text) if found.kind == "ticket" else ""
    return {
        "q": found.text,
        "kind": found.kind,
        "count": len(found.commits),
        "more": found.more,
        "pager": _pager(request, found, before),
        "feature": {"key": key, "url": tables.feature_url(key)} if key else None,
        "groups": tables.commit_groups(found.commits, queries.presences(by, found.commits)),
    }


def _before(request: HttpRequest) -> int:
    given = request.GET.get("before", "")
    return int(given) if given.isascii() and given.isdecimal() and len(given) < 19 else 0


def _pager(request: HttpRequest, found: queries.Found, before: int) -> Context | None:
    """For kit/_pager.html: on to the older ones, and back to the newest."""
    if not (found.older or before):
        return None
    return {
        "count_text": "The newest first",
        "newer_url": address(request.GET, before=None) if before else None,
        "newer_label": "Newest",
        "older_url": address(request.GET, before=str(found.older)) if found.older else None,
    }


@require_safe
def feature(request: HttpRequest, key: str) -> HttpResponse:
    """How far a ticket has come."""
    if not queries.is_ticket(key):
        raise Missing(f"“{key[:LONGEST_KEY]}” is not the key of a ticket, such as ABC-123.")
    require(by_of(request), "catalog.read")
    return live(request, "deployments/feature.html", lambda: _feature(request, key), beat=locks.beat())


def _feature(request: HttpRequest, key: str) -> Context:
    found = queries.feature(by_of(request), key)
    return {"key": key, "verdict": tables.verdict(found), "more": found.more} | tables.feature_rows(found)


@require_safe
def mine(request: HttpRequest) -> HttpResponse:
    require(by_of(request), "catalog.read")
    return live(request, "deployments/mine.html", lambda: _mine(request), beat=locks.beat())


def _mine(request: HttpRequest) -> Context:
    found = queries.mine(by_of(request), now=database_now())
    waiting = [each.commit for each in found.waiting]
    return {
        "names": found.names,
        "known": found.known,
        "count": len(waiting),
        "groups": tables.commit_groups(waiting, {each.commit.pk: each.places for each in found.waiting}),
        "brought": tables.brought_rows(found.by_others),
        "days": queries.MINE_DAYS,
    }


@require_safe
def found(request: HttpRequest) -> HttpResponse:
    """The search at the top: a commit, a pull request or a ticket has a page of its own, the matrix finds services,
    versions and locks, and what it does not find is looked for everywhere.
    """
    by, text = by_of(request), request.GET.get("q", "").strip()
    if queries.is_of_commits(text) and (answer := queries.find(by, text)).commits:
        if answer.kind == "ticket":
            return redirect(tables.feature_url(queries.ticket_of(text)))
        return redirect(tables.search_url(text))
    if text and not queries.is_of_commits(text) and not _in_matrix(by, text):
        return redirect(reverse("pages:search", query={"q": text}))
    return redirect(reverse("deployments:matrix", query={"q": text} if text else None))


def _in_matrix(by: By, text: str) -> bool:
    return bool(queries.matrix(by, text=text).rows) or locks.locks(by, text=text).exists()
