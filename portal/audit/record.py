from typing import Any

from django.db import connection, transaction

from portal.audit import subscribers
from portal.audit.models import Delivery, Event
from portal.audit.nouns import Noun
from portal.audit.wake import wake
from portal.kit.by import By

Facts = dict[str, Any]


def record(
    name: str,
    noun: Noun,
    *,
    by: By,
    before: Facts | None = None,
    after: Facts | None = None,
    payload: Facts | None = None,
) -> Event:
    """Writes the event and what it owes to its subscribers, in the caller's transaction.

    `before` and `after` are the noun's facts, None where it was not there; `payload` is what
    subscribers need beside them. Publishing is left to the workers.
    """
    if not connection.in_atomic_block:
        raise RuntimeError(f"record({name!r}) outside a transaction: the event could outlive its change, or be lost.")
    event = Event.objects.create(
        name=name,
        noun=noun.kind,
        noun_id=noun.id,
        title=noun.title,
        blueprint=noun.blueprint,
        entity=noun.entity,
        service=noun.service,
        environment=noun.environment,
        actor_kind=by.actor.kind,
        actor_key=by.actor.key,
        actor_name=by.actor.name,
        door=by.door,
        trace=by.trace,
        before=before,
        after=after,
        payload=({"runId": by.run} if by.run else {}) | (payload or {}),
    )
    owed = [Delivery(event=event, subscriber=each.name, stream=event.stream) for each in subscribers.of(event)]
    if owed:
        Delivery.objects.bulk_create(owed)
        transaction.on_commit(wake, robust=True)
    return event
