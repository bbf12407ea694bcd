import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from catalog.webhooks import mapping, queries, shapes
from catalog.webhooks.models import Received, Webhook
from portal.accounts.policy import require
from portal.audit.record import record
from portal.kit import jq
from portal.kit.by import By
from portal.kit.errors import Conflict, Invalid, Refused
from portal.kit.ids import random_text
from portal.kit.seal import seal, unseal

Json = dict[str, Any]

KEPT = 1_000
# What the portal adds to answers: a client that reads, changes and writes sends it back.
STAMPS = {"id", "url", "webhookKey", "createdAt", "createdBy", "updatedAt", "updatedBy"}
COLUMNS = {"identifier", "title", "description", "icon", "enabled", "mappings", "security"}
# Kept from what comes: headers that carry a sender's own credentials are nobody's business here.
UNKEPT = {"authorization", "cookie", "proxy-authorization"}
LONGEST_HEADER = 2_000


@transaction.atomic
def webhook_create(definition: Json, *, by: By) -> Webhook:
    require(by, "webhook.write")
    shapes.check(_required(definition))
    identifier = definition.get("identifier") or f"webhook_{random_text(10)}"
    webhook = Webhook(identifier=identifier, created_by=by.actor.name, updated_by=by.actor.name)
    _fill(webhook, definition)
    try:
        with transaction.atomic():
            webhook.save()
    except IntegrityError as taken:
        raise Conflict(f'Webhook with identifier "{identifier}" already exists', code="identifier_taken") from taken
    record("webhook.created", webhook.noun(), by=by, after=webhook.facts())
    return webhook


@transaction.atomic
def webhook_update(webhook: Webhook, definition: Json, *, partial: bool = False, by: By) -> Webhook:
    """Sets the whole definition, or its top-level keys that are given when `partial`.

    The secret that is there stays unless another, or null, is given. Its address stays always.
    """
    require(by, "webhook.write")
    webhook = queries.webhook(webhook.identifier, held=True)
    before, sealed = webhook.facts(), webhook.secret
    wished = _plain(webhook) | definition if partial else _required(definition)
    shapes.check(wished)
    if wished.get("identifier", webhook.identifier) != webhook.identifier:
        raise Invalid.at("identifier", "a webhook keeps its identifier")
    _fill(webhook, wished)
    after = webhook.facts()
    if after != before or unseal(webhook.secret) != unseal(sealed):
        webhook.updated_at, webhook.updated_by = timezone.now(), by.actor.name
        webhook.save()
        record("webhook.updated", webhook.noun(), by=by, before=before, after=after)
    return webhook


@transaction.atomic
def webhook_delete(webhook: Webhook, *, by: By) -> None:
    """What it received goes with it; the entities stay."""
    require(by, "webhook.write")
    webhook = queries.webhook(webhook.identifier, held=True)
    record("webhook.deleted", webhook.noun(), by=by, before=webhook.facts())
    webhook.delete()


@transaction.atomic
def payload_take(webhook: Webhook, raw: bytes, body: Any, headers: Mapping[str, str], query: Json) -> Received:
    """Keeps what came; a worker maps it. The same delivery again is the one that is there.

    Refused when the signature is not right.
    """
    named = {name.lower(): value[:LONGEST_HEADER] for name, value in headers.items()}
    _check_signature(webhook, raw, named)
    kept = {name: value for name, value in named.items() if name not in UNKEPT and not _is_proof(webhook, name)}
    received = Received(webhook=webhook, headers=kept, query=query, body=body)
    received.request_id = _request_id(webhook, received.context)
    if received.request_id:
        there = Received.objects.filter(webhook=webhook, request_id=received.request_id).first()
        if there:
            return there
    try:
        with transaction.atomic():
            received.save()
    except IntegrityError:  # the same at the same moment
        return Received.objects.get(webhook=webhook, request_id=received.request_id)
    record("webhook.received", webhook.noun(), by=webhook.by(), payload={"received": str(received.public_id)})
    _keep_newest(webhook)
    return received


def received_map(public_id: str) -> None:
    """Writes what the payload says, once: a worker that dies half-way leaves it for the next.

    Raises RetryLater, with nothing written, when too many write the same entities at once.
    """
    received = queries.received_waiting(public_id)
    while received is not None:
        mappings = received.webhook.mappings
        if _map(public_id, mappings, mapping.read(mappings, received.context)):
            return
        received = queries.received_waiting(public_id)


@transaction.atomic
def _map(public_id: str, mappings: list[Json], steps: Sequence[mapping.Step]) -> bool:
    """False when the mappings have changed since the payload was read by them."""
    received = queries.received_waiting(public_id, held=True)
    if received is None:
        return True
    if received.webhook.mappings != mappings:
        return False
    _settle(received, mapping.write(steps, by=received.webhook.by()))
    return True


@transaction.atomic
def received_replay(received: Received, *, by: By) -> Received:
    """Maps it again, with the mappings of today, in the worker's own order."""
    require(by, "webhook.write")
    received = queries.received(received.webhook, str(received.public_id), held=True)
    received.state, received.outcomes = Received.State.WAITING, []
    received.save(update_fields=["state", "outcomes"])
    record(
        "webhook.received",
        received.webhook.noun(),
        by=by,
        payload={"received": str(received.public_id), "replayed": True},
    )
    return received


def payload_try(webhook: Webhook, context: Json, *, by: By) -> list[mapping.Outcome]:
    """What would become of it. Nothing is written."""
    require(by, "webhook.write")
    headers = {name.lower(): value for name, value in context.get("headers", {}).items()}
    whole = {"body": context["body"], "headers": headers, "queryParams": context.get("queryParams", {})}
    return mapping.apply(webhook.mappings, whole, by=webhook.by(), dry=True)


def _settle(received: Received, outcomes: list[mapping.Outcome]) -> None:
    failed = any(each.status == "failed" for each in outcomes)
    received.state = Received.State.FAILED if failed else Received.State.DONE if outcomes else Received.State.IGNORED
    received.outcomes = [asdict(each) for each in outcomes]
    received.save(update_fields=["state", "outcomes"])


def _required(definition: Json) -> Json:
    if not isinstance(definition.get("title"), str):
        raise Invalid.at("title", "is required, and is a text")
    return definition


def _plain(webhook: Webhook) -> Json:
    facts = webhook.facts()
    return facts | {"security": webhook.security}


def _fill(webhook: Webhook, definition: Json) -> None:
    security = dict(definition.get("security") or {})
    if "secret" in security:
        webhook.secret = seal(security.pop("secret") or "")
    webhook.title = definition["title"]
    webhook.description = definition.get("description") or ""
    webhook.icon = definition.get("icon") or ""
    webhook.enabled = definition.get("enabled", True)
    webhook.mappings = definition.get("mappings") or []
    webhook.security = security
    webhook.extra = {name: value for name, value in definition.items() if name not in COLUMNS | STAMPS}


def _check_signature(webhook: Webhook, raw: bytes, headers: Mapping[str, str]) -> None:
    secret = unseal(webhook.secret)
    if not secret:
        return
    name = webhook.security.get("signatureHeaderName") or ""
    given = headers.get(name.lower(), "").removeprefix(webhook.security.get("signaturePrefix") or "")
    algorithm = webhook.security.get("signatureAlgorithm")
    if algorithm == "plain":
        right = secret
    else:
        digest = hashlib.sha1 if algorithm == "sha1" else hashlib.sha256
        right = hmac.new(secret.encode(), raw, digest).hexdigest()
    if not hmac.compare_digest(given.encode(), right.encode()):
        raise Refused(f"The signature in the header {name} is not that of this body.", code="bad_signature")


def _is_proof(webhook: Webhook, header: str) -> bool:
    plain = webhook.security.get("signatureAlgorithm") == "plain"
    return plain and header == (webhook.security.get("signatureHeaderName") or "").lower()


def _request_id(webhook: Webhook, context: Json) -> str:
    program = webhook.security.get("requestIdentifierPath")
    if not program:
        return ""
    [[outcome]] = jq.evaluate([program], [context])
    return str(outcome.value)[:250] if isinstance(outcome.value, str | int) else ""


def _keep_newest(webhook: Webhook) -> None:
    oldest = webhook.received.order_by("-id").values_list("id", flat=True)[KEPT - 1 : KEPT].first()
    if oldest is not None:
        webhook.received.filter(id__lt=oldest).exclude(state=Received.State.WAITING).delete()
