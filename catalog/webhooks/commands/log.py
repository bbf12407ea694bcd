"""Commands on what has come."""

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F

from catalog.webhooks import queries
from catalog.webhooks.models import Received, Webhook
from portal.accounts.policy import require
from portal.audit.record import record
from portal.kit.by import By
from portal.kit.clock import database_now
from portal.kit.errors import Conflict

State = Received.State

BATCH = 500


@transaction.atomic
def received_replay(received: Received, *, by: By) -> Received:
    """Maps it again, with the mappings of today, in the worker's own order. One that waits anyway is left as it is."""
    require(by, "webhook.write")
    received = queries.received(received.webhook, str(received.public_id), held=True)
    if received.state == State.REFUSED:
        raise Conflict("It was refused at the door, and its body was not kept: only its sender can send it again.")
    if received.state != State.WAITING:
        _wait_again(received, by)
    return received


def failed_replay(webhook: Webhook, *, by: By) -> int:
    """Maps all that failed again, the oldest first. Answers how many."""
    require(by, "webhook.write")
    keys = list(webhook.received.filter(state=State.FAILED).order_by("id").values_list("id", flat=True))
    return sum(_replayed(key, by) for key in keys)


def received_forget() -> int:
    """Deletes what came longer ago than the ingest log is kept, in batches. Answers how many went."""
    before, gone = database_now() - timedelta(days=settings.INGEST_DAYS), 0
    while True:
        old = Received.objects.filter(at__lt=before).exclude(state=State.WAITING).order_by("at")
        deleted, _ = Received.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:BATCH])).delete()
        gone += deleted
        if deleted < BATCH:
            return gone


@transaction.atomic
def _replayed(key: int, by: By) -> int:
    rows = Received.objects.select_related("webhook").select_for_update(of=("self",))
    received = rows.filter(pk=key, state=State.FAILED).first()
    if received is None:
        return 0
    _wait_again(received, by)
    return 1


def _wait_again(received: Received, by: By) -> None:
    Received.objects.filter(pk=received.pk).update(
        state=State.WAITING,
        outcomes=[],
        counts={},
        reason="",
        settled_at=None,
        replays=F("replays") + 1,
        replayed_at=database_now(),
        replayed_by=by.actor.name,
    )
    received.refresh_from_db(from_queryset=Received.objects.select_related("webhook"))
    told = {"received": str(received.public_id), "replayed": True}
    record("webhook.received", received.webhook.noun(), by=by, payload=told)
