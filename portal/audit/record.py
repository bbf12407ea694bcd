from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.db.models import Model

from portal.audit import subscribers
from portal.audit.models import Delivery, Event
from portal.audit.nouns import Noun
from portal.audit.wake import wake
from portal.kit import rows
from portal.kit.by import By
from portal.kit.rows import Statement

Facts = dict[str, Any]


@dataclass(frozen=True)
class Entry:
    """`before` and `after` are the noun's facts, None where it was not there; `payload` is what
    subscribers need beside them. `by`: where it was another one than whoever records them all.
    """

    name: str
    noun: Noun
    before: Facts | None = None
    after: Facts | None = None
    payload: Facts | None = None
    by: By | None = None


def record(
    name: str,
    noun: Noun,
    *,
    by: By,
    before: Facts | None = None,
    after: Facts | None = None,
    payload: Facts | None = None,
) -> Event:
    """Writes the event and what it owes to its subscribers, in the caller's transaction."""
    return record_many([Entry(name, noun, before, after, payload)], by=by)[0]


def record_many(
    entries: Sequence[Entry], *, by: By, beside: Sequence[Sequence[Model]] = (), along: Sequence[Statement] = ()
) -> list[Event]:
    """The same for many changes of one writer, in their order and in two statements. Publishing is left to the workers.

    `beside`: new rows of other models, which the statement of the events inserts before them; `along`: what is to be
    sent with it.
    """
    if not connection.in_atomic_block:
        names = ", ".join(sorted({each.name for each in entries}))
        raise RuntimeError(f"record({names}) outside a transaction: the event could outlive its change, or be lost.")
    events = [_event(each, each.by or by) for each in entries]
    inserted = [rows.inserting(*beside, events)] if events or any(beside) else []
    rows.send(*inserted, *along)
    owed = [
        Delivery(event=event, subscriber=each.name, stream=each.stream(event))
        for event in events
        for each in subscribers.of(event)
        if not (by.quiet and each.tells)
    ]
    if owed:
        rows.insert(owed)
        transaction.on_commit(wake, robust=True)
    return events


def _event(entry: Entry, by: By) -> Event:
    noun = entry.noun
    event = rows.new(
        Event,
        name=entry.name,
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
        before=entry.before,
        after=entry.after,
        payload=({"runId": by.run} if by.run else {}) | (entry.payload or {}),
    )
    event.is_watched = noun.is_watched
    return event
