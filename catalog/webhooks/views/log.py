from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from catalog.webhooks import commands, queries, tables
from catalog.webhooks.mapping import STATUSES
from catalog.webhooks.models import Received, Webhook
from portal.accounts.viewer import by_of
from portal.kit.addresses import pager
from portal.kit.answers import go
from portal.kit.live import live
from portal.kit.paging import page_of

Context = dict[str, Any]
CHOICES = {"state": Received.State.values, "status": STATUSES}


@require_safe
def detail(request: HttpRequest, identifier: str) -> HttpResponse:
    """What came, the newest first: live on the first page."""
    webhook = queries.readable_webhook(by_of(request), identifier)
    template = "webhooks/detail.html"
    if not request.GET.keys() & {"before", "after"}:
        return live(request, template, lambda: _log(request, webhook), beat=queries.beat(webhook))
    name = f"{template}#live" if request.htmx else template  # type: ignore[attr-defined]
    return render(request, name, _log(request, webhook))


def _log(request: HttpRequest, webhook: Webhook) -> Context:
    asked = {name: request.GET.get(name, "") for name in CHOICES}
    filters = {name: value if value in CHOICES[name] else "" for name, value in asked.items()}
    # Fifty bodies of a megabyte would be read for nothing, every few seconds.
    found = queries.received_of(webhook, **filters).defer("body", "headers", "query")
    page = page_of(found, request.GET, newest_first=True)
    for each in page.rows:
        each.webhook = webhook
    rows = [tables.received_row(each) for each in page.rows]
    return {
        "webhook": tables.webhook_page(webhook),
        "failed": queries.failed_count(webhook),
        "rows": rows,
        "filters": filters,
        "filtered": any(filters.values()),
        "states": CHOICES["state"],
        "statuses": STATUSES,
        "pager": pager(request.GET, page, f"{len(rows)} payloads, the newest first"),
    }


@require_safe
def received(request: HttpRequest, identifier: str, public_id: str) -> HttpResponse:
    """One payload: live, so that a replay shows what became of it."""
    found = queries.received(queries.readable_webhook(by_of(request), identifier), public_id)
    beat = f"{found.state} {found.settled_at} {found.repeats} {found.replays}"
    return live(request, "webhooks/received.html", lambda: _payload(found), beat=beat)


def _payload(found: Received) -> Context:
    return {
        "webhook": tables.webhook_row(found.webhook),
        "row": tables.received_page(found),
        "items": tables.item_rows(found.outcomes),
        "more_items": max(sum(found.counts.values()) - tables.MOST_ITEMS, 0),
    }


@require_POST
def received_replay(request: HttpRequest, identifier: str, public_id: str) -> HttpResponse:
    by = by_of(request)
    found = queries.received(queries.readable_webhook(by, identifier), public_id)
    commands.received_replay(found, by=by)
    return go(request, found.get_absolute_url(), say="It is mapped again in a moment.")


@require_POST
def replay(request: HttpRequest, identifier: str) -> HttpResponse:
    by = by_of(request)
    webhook = queries.readable_webhook(by, identifier)
    count = commands.failed_replay(webhook, by=by)
    say = (
        f"{count} payload{'s are' if count != 1 else ' is'} mapped again in a moment."
        if count
        else "Nothing has failed."
    )
    return go(request, webhook.get_absolute_url(), say=say)
