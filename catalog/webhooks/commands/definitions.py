"""Commands that make, change and delete a webhook."""

from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from catalog.webhooks import queries, shapes
from catalog.webhooks.models import Webhook, new_key
from portal.accounts.policy import require
from portal.audit.record import record
from portal.kit.by import By
from portal.kit.errors import Conflict, Invalid
from portal.kit.ids import random_text
from portal.kit.seal import seal, unseal

Json = dict[str, Any]

# What the portal adds to answers: a client that reads, changes and writes sends it back.
STAMPS = {"id", "url", "webhookKey", "createdAt", "createdBy", "updatedAt", "updatedBy"}
COLUMNS = {"identifier", "title", "description", "icon", "enabled", "mappings", "security"}


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
def webhook_rekey(webhook: Webhook, *, by: By) -> Webhook:
    """Gives it another address; the one that senders know is gone at once."""
    require(by, "webhook.write")
    webhook = queries.webhook(webhook.identifier, held=True)
    webhook.key, webhook.updated_at, webhook.updated_by = new_key(), timezone.now(), by.actor.name
    webhook.save(update_fields=["key", "updated_at", "updated_by"])
    record("webhook.rekeyed", webhook.noun(), by=by, payload={"address": "changed"})
    return webhook


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
