"""What would become of a payload, found out by doing all of it and taking it back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from django.db import transaction

from catalog.commands.bulk import facts_of
from catalog.models import Entity
from catalog.webhooks import mapping, proof, queries
from catalog.webhooks.commands.payloads import bounded, request_id
from catalog.webhooks.models import Webhook
from portal.accounts.policy import require
from portal.audit.subscribers import RetryLater
from portal.kit.by import By
from portal.kit.errors import Conflict, PortalError

Json = dict[str, Any]
Verdict = Literal["right", "wrong", "open", "unknown"]

MOST_SHOWN = 50


@dataclass
class Trial:
    """`verdict` of the signature and why; `request_id` names the delivery; `entities` stand by their outcome's place."""

    verdict: Verdict
    why: str
    request_id: str
    seen_before: bool
    outcomes: list[mapping.Outcome] = field(default_factory=list)
    entities: dict[int, Json] = field(default_factory=dict)


def payload_try(
    webhook: Webhook, body: Any, headers: Mapping[str, str], query: Json, *, raw: bytes | None, by: By
) -> Trial:
    """Nothing is written. `raw` is the body as it came, for its signature; without it there is no verdict.

    Raises Conflict when the entities are in use by others.
    """
    require(by, "webhook.write")
    named = proof.lowered(headers)
    verdict, why = _verdict(webhook, raw, named)
    context = {"body": body, "headers": proof.kept(webhook, named), "queryParams": query}
    name = request_id(webhook, context)
    trial = Trial(verdict, why, name, bool(name) and queries.has_come(webhook, name))
    steps = mapping.read(webhook.mappings, context)
    try:
        _written_and_taken_back(webhook, steps, trial)
    except RetryLater as busy:
        raise Conflict(f"{busy} Try once more.") from busy
    return trial


@transaction.atomic
def _written_and_taken_back(webhook: Webhook, steps: list[mapping.Step], trial: Trial) -> None:
    trial.outcomes = bounded(mapping.write(steps, by=webhook.by()))
    for place, each in enumerate(trial.outcomes):
        if each.status in ("created", "updated", "unchanged") and len(trial.entities) < MOST_SHOWN:
            rows = Entity.objects.select_related("blueprint")
            found = rows.filter(blueprint__identifier=each.blueprint, identifier=each.identifier).first()
            trial.entities |= {place: facts_of(found)} if found else {}
    transaction.set_rollback(True)


def _verdict(webhook: Webhook, raw: bytes | None, headers: Mapping[str, str]) -> tuple[Verdict, str]:
    if not webhook.secret:
        return "open", "The webhook has no secret: whatever comes to its address is taken."
    if raw is None:
        return "unknown", "A signature is made of the bytes that came, and here is only what they say."
    try:
        proof.check(webhook, raw, headers)
    except PortalError as refusal:
        return "wrong", refusal.message
    return "right", "The signature is that of this body."
