"""What comes is kept and answered at once; a worker maps it."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.db.models.functions import Now

from catalog.webhooks import mapping, proof, queries
from catalog.webhooks.models import Received, Webhook
from portal.audit.record import Entry, record, record_many
from portal.kit import jq
from portal.kit.clock import database_now
from portal.kit.errors import PortalError, Refused

Json = dict[str, Any]
State = Received.State

KEPT = 1_000
MOST_REFUSED = 100
MOST_OUTCOMES = 1_000
# Failures of one payload that the audit log tells one by one.
MOST_TOLD = 20
LONGEST = 1_000
# Whoever knows the address could fill the audit log with refusals.
TOLD_ONCE = timedelta(minutes=1)


def payload_take(webhook: Webhook, raw: bytes, body: Any, headers: Mapping[str, str], query: Json) -> Received:
    """Keeps what came. The same delivery again is the one that is there, and is counted.

    Refused when the signature is not right, which the log tells without the body.
    """
    named = proof.lowered(headers)
    try:
        proof.check(webhook, raw, named)
    except Refused as refusal:
        payload_refuse(webhook, headers, query, refusal)
        raise
    received = Received(webhook=webhook, headers=proof.kept(webhook, named), query=query, body=body)
    received.request_id = request_id(webhook, received.context)
    return _again(received) or _kept(received)


@transaction.atomic
def payload_refuse(webhook: Webhook, headers: Mapping[str, str], query: Json, why: PortalError) -> None:
    """Of what was refused at the door the log keeps when it came, its headers and the reason."""
    named = proof.kept(webhook, proof.lowered(headers))
    told = webhook.received.filter(state=State.REFUSED, at__gt=database_now() - TOLD_ONCE).exists()
    Received.objects.create(
        webhook=webhook, headers=named, query=query, state=State.REFUSED, reason=why.message[:LONGEST]
    )
    if not told:
        record("webhook.refused", webhook.noun(), by=webhook.by(), payload={"message": why.message[:LONGEST]})
    _keep_newest(webhook, MOST_REFUSED, state=State.REFUSED)


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
def received_give_up(public_id: str) -> None:
    """It could not be mapped however often it was tried; it stands among those that failed, to be replayed."""
    received = queries.received_waiting(public_id, held=True)
    if received is not None:
        received.state, received.settled_at = State.FAILED, database_now()
        received.reason = "It could not be mapped. The reason is in the log of the worker."
        received.save(update_fields=["state", "reason", "settled_at"])
        told = {"received": public_id, "message": received.reason}
        by = received.webhook.by(received.public_id)
        record("webhook.failed", received.webhook.noun(), by=by, payload=told)


def request_id(webhook: Webhook, context: Json) -> str:
    program = webhook.security.get("requestIdentifierPath")
    if not program:
        return ""
    [[outcome]] = jq.evaluate([program], [context])
    is_name = isinstance(outcome.value, str | int) and not isinstance(outcome.value, bool)
    return str(outcome.value)[:250] if is_name else ""


@transaction.atomic
def _kept(received: Received) -> Received:
    try:
        with transaction.atomic():
            received.save()
    except IntegrityError:  # the same at the same moment
        there = _again(received)
        if there is None:
            raise
        return there
    webhook = received.webhook
    by = webhook.by(received.public_id)
    record("webhook.received", webhook.noun(), by=by, payload={"received": str(received.public_id)})
    _keep_newest(webhook, KEPT)
    return received


def _again(received: Received) -> Received | None:
    """The delivery that has the sender's name for this one already."""
    if not received.request_id:
        return None
    same = Received.objects.filter(webhook=received.webhook, request_id=received.request_id)
    same.update(repeats=F("repeats") + 1, repeated_at=Now())
    return same.first()


@transaction.atomic
def _map(public_id: str, mappings: list[Json], steps: Sequence[mapping.Step]) -> bool:
    """False when the mappings have changed since the payload was read by them."""
    received = queries.received_waiting(public_id, held=True)
    if received is None:
        return True
    if received.webhook.mappings != mappings:
        return False
    _settle(received, mapping.write(steps, by=received.webhook.by(received.public_id)))
    return True


def _settle(received: Received, outcomes: list[mapping.Outcome]) -> None:
    refused = [each for each in outcomes if each.status == "refused"]
    done = any(each.status in mapping.WELL for each in outcomes)
    received.state = State.FAILED if refused else State.DONE if done else State.IGNORED
    received.outcomes = [asdict(each) for each in bounded(outcomes)]
    received.counts = dict(Counter(each.status for each in outcomes))
    received.settled_at = database_now()
    received.save(update_fields=["state", "outcomes", "counts", "settled_at"])
    if refused:
        record_many(list(_failures(received, refused)), by=received.webhook.by(received.public_id))


def bounded(outcomes: list[mapping.Outcome]) -> list[mapping.Outcome]:
    """As many as people read, and before all others those that were refused."""
    if len(outcomes) <= MOST_OUTCOMES:
        return outcomes
    first = sorted(outcomes, key=lambda each: each.status != "refused")[:MOST_OUTCOMES]
    return sorted(first, key=lambda each: (each.mapping, each.item))


def _failures(received: Received, refused: list[mapping.Outcome]) -> Iterator[Entry]:
    """An entry of the audit log for each item, under the entity that it was for, so that only who may see it reads why."""
    for each in refused[:MOST_TOLD]:
        noun = received.webhook.noun(each.blueprint[:100], each.identifier[:1000] or "?")
        told = {
            "received": str(received.public_id),
            "mapping": each.mapping,
            "item": each.item,
            "message": each.error[:LONGEST],
            "path": each.errors[0]["path"][:LONGEST] if each.errors else None,
            "failed": len(refused),
        }
        yield Entry("webhook.failed", noun, payload=told)


def _keep_newest(webhook: Webhook, most: int, **which: Any) -> None:
    rows = webhook.received.filter(**which) if which else webhook.received.exclude(state=State.REFUSED)
    oldest = rows.order_by("-id").values_list("id", flat=True)[most - 1 : most].first()
    if oldest is not None:
        rows.filter(id__lt=oldest).exclude(state=State.WAITING).delete()
