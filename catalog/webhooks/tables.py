"""Webhooks and what came to them, as the pages show them."""

import json
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.urls import reverse

from catalog.tables import entity_url
from catalog.webhooks.commands import Trial
from catalog.webhooks.mapping import STATUSES
from catalog.webhooks.models import Received, Webhook
from portal.kit.masks import masked

Row = dict[str, Any]
State = Received.State

# Colour and icon of the chip of each state, and of each outcome.
STATES = {
    State.WAITING: ("blue", "hourglass"),
    State.DONE: ("green", "check"),
    State.IGNORED: ("lightGray", "minus"),
    State.FAILED: ("red", "x"),
    State.REFUSED: ("orange", "shield"),
}
LOOKS = {
    "created": ("green", "plus"),
    "updated": ("green", "pencil"),
    "unchanged": ("lightGray", "check"),
    "deleted": ("purple", "trash"),
    "absent": ("lightGray", "trash"),
    "refused": ("red", "x"),
    "filtered": ("lightGray", "filter"),
}
VERDICTS = {
    "right": ("green", "shield-check"),
    "wrong": ("red", "shield"),
    "open": ("yellow", "lock-open"),
    "unknown": ("blue", "info"),
}
# What outcomes were called once; what is in the log stays as it was written.
FORMER = {"written": "updated", "failed": "refused"}
MOST_ITEMS = 200
MOST_TEXT = 64 * 1024


def webhook_row(webhook: Webhook) -> Row:
    url = webhook.get_absolute_url()
    return {
        "title": webhook.title,
        "identifier": webhook.identifier,
        "description": webhook.description,
        "url": url,
        "list_url": reverse("webhooks:list"),
        "log_failed_url": f"{url}?state={State.FAILED}",
        "enabled": webhook.enabled,
        "is_open": not webhook.secret,
        "count": len(webhook.mappings),
        "last_at": getattr(webhook, "last_at", None),
        "failed_count": getattr(webhook, "failed_count", 0),
    }


def webhook_page(webhook: Webhook) -> Row:
    """The row, and what its own pages show beside it."""
    named = {
        f"{name}_url": reverse(f"webhooks:{name}", args=[webhook.identifier])
        for name in ("edit", "try", "rekey", "replay", "delete")
    }
    address = address_of(webhook)
    command = f"curl -sS {address} -H 'Content-Type: application/json' -d '{{\"hello\": \"portal\"}}'"
    return webhook_row(webhook) | named | {"address": address, "command": command, "security": _security(webhook)}


def address_of(webhook: Webhook) -> str:
    return f"{settings.BASE_URL}/v1/ingest/{webhook.key}"


def _security(webhook: Webhook) -> str:
    if not webhook.secret:
        return "Whoever knows this address may send: there is no secret."
    header, algorithm = (webhook.security.get(name) for name in ("signatureHeaderName", "signatureAlgorithm"))
    proof = "the secret itself" if algorithm == "plain" else f"an HMAC-{str(algorithm).upper()} of the body"
    return f"Senders prove themselves with {proof} in the header {header}."


def received_row(received: Received) -> Row:
    colour, icon = STATES[State(received.state)]
    return {
        "id": received.pk,
        "url": received.get_absolute_url(),
        "at": received.at,
        "state": received.state,
        "colour": colour,
        "icon": icon,
        "request_id": received.request_id,
        "repeats": received.repeats,
        "replayed_at": received.replayed_at,
        "replayed_by": received.replayed_by,
        "counts": _counts(received.counts),
        "what": what(received),
    }


def _counts(counts: Row) -> list[Row]:
    """What mappings did not want is told where nothing else is to be told."""
    told = [name for name in STATUSES if name in counts and name != "filtered"] or list(counts)
    return [{"status": name, "label": f"{counts[name]:,} {name}", "colour": LOOKS[name][0]} for name in told]


def what(received: Received) -> str:
    """One sentence on what became of it."""
    if received.state == State.FAILED:
        return received.reason or _failure(received.outcomes)
    said = {
        State.WAITING: "A worker will map it in a moment.",
        State.IGNORED: "No mapping wanted it.",
        State.REFUSED: received.reason,
        State.DONE: "",
    }
    return said[State(received.state)]


def _failure(outcomes: Sequence[Row]) -> str:
    failed = [each for each in outcomes if each["status"] in ("refused", "failed")]
    if not failed:
        return "Something of it could not be written."
    errors = failed[0].get("errors")
    said = f"{errors[0]['path']}: {errors[0]['message']}" if errors else str(failed[0]["error"])
    return f"{said} (and {len(failed) - 1} more)" if len(failed) > 1 else said


def received_page(received: Received) -> Row:
    """The row, and what opens with it. Secrets by their names are never shown."""
    body = json.dumps(masked(received.body), indent=2, ensure_ascii=False)
    kept = received.state != State.REFUSED
    names = [received.webhook.identifier, received.public_id]
    return received_row(received) | {
        "repeated_at": received.repeated_at,
        "replays": received.replays,
        "settled_at": received.settled_at,
        "headers": sorted(masked(received.headers).items()),
        "query": sorted(masked(received.query).items()),
        "body": body[:MOST_TEXT],
        "cut": len(body) > MOST_TEXT,
        "was_kept": kept,
        "replay_url": reverse("webhooks:received_replay", args=names) if kept else "",
        "try_url": reverse("webhooks:try", args=names[:1]) + f"?received={received.public_id}",
    }


def item_rows(outcomes: Sequence[Row], entities: dict[int, Row] | None = None) -> list[Row]:
    return [_item(each, (entities or {}).get(n)) for n, each in enumerate(outcomes[:MOST_ITEMS])]


def _item(outcome: Row, entity: Row | None) -> Row:
    status = FORMER.get(outcome["status"]) or outcome["status"]
    colour, icon = LOOKS[status]
    is_there = status in ("created", "updated", "unchanged")
    errors = outcome.get("errors") or ([{"path": "", "message": outcome["error"]}] if outcome["error"] else [])
    return {
        "status": status,
        "colour": colour,
        "icon": icon,
        "blueprint": outcome["blueprint"],
        "identifier": outcome["identifier"],
        "url": entity_url(outcome["blueprint"], outcome["identifier"]) if is_there and entity is None else "",
        "mapping": f"mapping {outcome['mapping']}",
        "number": f"item {outcome['item']}",
        "errors": errors,
        "problems": outcome["problems"],
        "entity": json.dumps(masked(entity), indent=2, ensure_ascii=False) if entity else "",
    }


def trial_row(trial: Trial) -> Row:
    colour, icon = VERDICTS[trial.verdict]
    return {
        "colour": colour,
        "icon": icon,
        "why": trial.why,
        "request_id": trial.request_id,
        "seen_before": trial.seen_before,
    }
