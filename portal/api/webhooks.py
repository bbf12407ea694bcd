from collections.abc import Iterator
from typing import Any

import orjson
from django.db.models import QuerySet
from rest_framework.decorators import api_view, authentication_classes, permission_classes
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.schema.validate import check_shape
from catalog.webhooks import queries
from catalog.webhooks.commands import (
    failed_replay,
    payload_refuse,
    payload_take,
    payload_try,
    received_replay,
    webhook_create,
    webhook_delete,
    webhook_update,
)
from catalog.webhooks.mapping import STATUSES
from catalog.webhooks.models import Received, Webhook
from portal.api.auth import by_of
from portal.api.bodies import json_of, object_of, raw_of
from portal.api.envelope import TooLarge
from portal.api.present import url_of
from portal.kit.clock import iso
from portal.kit.errors import Invalid
from portal.kit.masks import masked
from portal.kit.seal import unseal

Json = dict[str, Any]

MOST_RECEIVED = 200
MOST_BYTES = 8 * 1024 * 1024
TRIAL = {
    "type": "object",
    "properties": {
        "headers": {"type": "object", "additionalProperties": {"type": "string"}},
        "queryParams": {"type": "object"},
    },
    "required": ["body"],
}


@api_view(["POST"])
@authentication_classes([])
@permission_classes([])
def ingest(request: Request, key: str) -> Response:
    """Where senders post. The address is the webhook's own; a signature proves more, where one is set.

    It is kept before it is answered; a worker maps it.
    """
    webhook = queries.webhook_at(key)
    query = {name: request.query_params[name] for name in request.query_params}
    try:
        raw = raw_of(request)
        body = json_of(raw)
    except (Invalid, TooLarge) as fault:
        payload_refuse(webhook, request.headers, query, Invalid(str(fault)))
        raise
    received = payload_take(webhook, raw, body, request.headers, query)
    return Response({"ok": True, "id": str(received.public_id)}, status=202)


@api_view(["GET", "POST"])
def webhooks(request: Request) -> Response:
    by = by_of(request)
    if request.method == "GET":
        shown = [_shown(each) for each in queries.webhooks(by)]
        return Response({"ok": True, "webhooks": shown, "integrations": shown})
    return _answer(webhook_create(object_of(request), by=by), status=201)


@api_view(["GET"])
def metadata(request: Request) -> Response:
    found = queries.names(by_of(request))
    names = [{"identifier": each.identifier, "title": each.title, "icon": each.icon or None} for each in found]
    return Response({"ok": True, "webhooks": names})


@api_view(["GET", "PUT", "PATCH", "DELETE"])
def webhook(request: Request, identifier: str) -> Response:
    """PUT sets the whole definition, PATCH the top-level keys that are given."""
    by = by_of(request)
    found = queries.readable_webhook(by, identifier)
    if request.method == "DELETE":
        webhook_delete(found, by=by)
        return Response({"ok": True})
    if request.method != "GET":
        found = webhook_update(found, object_of(request), partial=request.method == "PATCH", by=by)
    return _answer(found)


@api_view(["GET"])
def received(request: Request, identifier: str) -> Response:
    """What came and what became of it, the newest first: so many, and no more than their bodies come to 8 MiB."""
    found = queries.readable_webhook(by_of(request), identifier)
    chosen = {"state": Received.State.values, "status": STATUSES}
    filters = {name: request.query_params.get(name, "") for name in chosen}
    for name, known in chosen.items():
        if filters[name] and filters[name] not in known:
            raise Invalid.at(name, f"must be one of {', '.join(known)}")
    rows = queries.received_of(found, **filters)[:MOST_RECEIVED]
    return Response({"ok": True, "received": list(_bounded(rows))})


@api_view(["POST"])
def replay(request: Request, identifier: str, public_id: str) -> Response:
    by = by_of(request)
    found = queries.received(queries.readable_webhook(by, identifier), public_id)
    return Response({"ok": True, "received": _came(received_replay(found, by=by))}, status=202)


@api_view(["POST"])
def replay_failed(request: Request, identifier: str) -> Response:
    by = by_of(request)
    count = failed_replay(queries.readable_webhook(by, identifier), by=by)
    return Response({"ok": True, "count": count}, status=202)


@api_view(["POST"])
def trial(request: Request, identifier: str) -> Response:
    """What would become of a payload. Nothing is written."""
    by, context = by_of(request), object_of(request)
    check_shape(TRIAL, context)
    found = queries.readable_webhook(by, identifier)
    headers, params = context.get("headers", {}), context.get("queryParams", {})
    tried = payload_try(found, context["body"], headers, params, raw=None, by=by)
    outcomes = [vars(each) | {"entity": tried.entities.get(n)} for n, each in enumerate(tried.outcomes)]
    return Response({"ok": True, "outcomes": outcomes, "requestId": tried.request_id or None})


def _answer(webhook: Webhook, status: int = 200) -> Response:
    """Under both keys: the clients differ in which they read."""
    shown = _shown(webhook)
    return Response({"ok": True, "webhook": shown, "integration": shown}, status=status)


def _shown(webhook: Webhook) -> Json:
    """With the secret: whoever may read this may set it, and Terraform compares it."""
    secret = unseal(webhook.secret)
    shown = webhook.facts() | {
        "id": f"webhook_{webhook.pk}",
        "security": webhook.security | ({"secret": secret} if secret else {}),
        "webhookKey": webhook.key,
        "url": url_of(f"/v1/ingest/{webhook.key}"),
        "createdAt": iso(webhook.created_at),
        "createdBy": webhook.created_by,
        "updatedAt": iso(webhook.updated_at),
        "updatedBy": webhook.updated_by,
    }
    return {name: value for name, value in shown.items() if value is not None}


def _bounded(rows: QuerySet[Received]) -> Iterator[Json]:
    """Read a few at a time: two hundred bodies of a megabyte are more than a server can hold."""
    left = MOST_BYTES
    for each in rows.iterator(chunk_size=5):
        yield _came(each)
        left -= len(orjson.dumps(each.body))
        if left <= 0:
            return


def _came(received: Received) -> Json:
    return {
        "id": str(received.public_id),
        "at": iso(received.at),
        "state": received.state,
        "requestId": received.request_id or None,
        "headers": masked(received.headers),
        "queryParams": masked(received.query),
        "body": masked(received.body),
        "reason": received.reason or None,
        "counts": received.counts,
        "outcomes": received.outcomes,
        "repeats": received.repeats,
        "replays": received.replays,
        "replayedBy": received.replayed_by or None,
    }
