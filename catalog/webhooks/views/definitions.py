from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from catalog.webhooks import queries, tables
from catalog.webhooks.commands import webhook_delete, webhook_rekey
from catalog.webhooks.forms import WebhookForm
from catalog.webhooks.models import Webhook
from portal.accounts.policy import require
from portal.accounts.viewer import by_of
from portal.kit.answers import go
from portal.kit.by import By


@require_safe
def listed(request: HttpRequest) -> HttpResponse:
    rows = [tables.webhook_row(each) for each in queries.webhooks_shown(by_of(request))]
    return render(request, "webhooks/list.html", {"rows": rows, "new_url": reverse("webhooks:new")})


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    by = by_of(request)
    require(by, "webhook.write")
    return _edited(request, None, by)


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, identifier: str) -> HttpResponse:
    by = by_of(request)
    return _edited(request, queries.readable_webhook(by, identifier), by)


def _edited(request: HttpRequest, webhook: Webhook | None, by: By) -> HttpResponse:
    form = WebhookForm(request.POST or None, webhook)
    if request.method == "POST" and form.is_valid():
        saved = form.save(by)
        if saved is not None and form.made_secret:
            return _secret_once(request, saved, form.made_secret)
        if saved is not None:
            return go(request, saved.get_absolute_url(), say=f"{saved} is saved.")
    context = {
        "form": form,
        "webhook": tables.webhook_page(webhook) if webhook else None,
        "list_url": reverse("webhooks:list"),
    }
    return render(request, "webhooks/form.html", context, status=422 if request.method == "POST" else 200)


def _secret_once(request: HttpRequest, webhook: Webhook, secret: str) -> HttpResponse:
    """The one answer that holds it; nothing keeps it, not even the session."""
    context = {
        "webhook": tables.webhook_page(webhook),
        "secret": secret,
        "header": webhook.security["signatureHeaderName"],
        "algorithm": webhook.security["signatureAlgorithm"],
    }
    response = render(request, "webhooks/secret.html", context)
    response["Cache-Control"] = "no-store"
    return response


@require_POST
def rekey(request: HttpRequest, identifier: str) -> HttpResponse:
    by = by_of(request)
    webhook = webhook_rekey(queries.readable_webhook(by, identifier), by=by)
    return go(request, webhook.get_absolute_url(), say=f"{webhook} has another address. Enter it at its senders.")


@require_POST
def delete(request: HttpRequest, identifier: str) -> HttpResponse:
    by = by_of(request)
    webhook = queries.readable_webhook(by, identifier)
    webhook_delete(webhook, by=by)
    return go(request, reverse("webhooks:list"), say=f"{webhook} is deleted.")
