from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from catalog.webhooks import queries, tables
from catalog.webhooks.commands import payload_try
from catalog.webhooks.forms import TrialForm
from catalog.webhooks.models import Received, Webhook
from portal.accounts.viewer import by_of
from portal.kit.by import By
from portal.kit.errors import PortalError
from portal.kit.forms import refuse

Context = dict[str, Any]
MOST_RECENT = 8


@require_http_methods(["GET", "HEAD", "POST"])
def trial(request: HttpRequest, identifier: str) -> HttpResponse:
    """What would become of a payload that is pasted, or of one that came."""
    by = by_of(request)
    webhook = queries.readable_webhook(by, identifier)
    picked = request.GET.get("received", "")
    form = TrialForm(request.POST or None, queries.received(webhook, picked) if picked else None)
    tried = _tried(webhook, form, bool(picked), by) if request.method == "POST" and form.is_valid() else {}
    context = {"form": form, "webhook": tables.webhook_page(webhook), "recent": _recent(webhook)} | tried
    return render(request, "webhooks/try.html", context, status=422 if request.method == "POST" and not tried else 200)


def _tried(webhook: Webhook, form: TrialForm, picked: bool, by: By) -> Context:
    data = form.cleaned_data
    raw = None if picked else form.raw
    try:
        found = payload_try(webhook, data["body"], data["headers"], data["query"], raw=raw, by=by)
    except PortalError as error:
        refuse(form, error)
        return {}
    outcomes = [vars(each) for each in found.outcomes]
    return {
        "trial": tables.trial_row(found),
        "items": tables.item_rows(outcomes, found.entities),
        "more_items": max(len(outcomes) - tables.MOST_ITEMS, 0),
    }


def _recent(webhook: Webhook) -> list[Context]:
    kept = queries.received_of(webhook).exclude(state=Received.State.REFUSED).defer("body", "outcomes")[:MOST_RECENT]
    rows = [(each, tables.STATES[Received.State(each.state)]) for each in kept]
    return [
        {
            "url": f"?received={each.public_id}",
            "at": each.at,
            "state": each.state,
            "colour": colour,
            "icon": icon,
            "request_id": each.request_id,
        }
        for each, (colour, icon) in rows
    ]
