"""Delivers what events owe. Any number of workers may run this at once."""

import logging
import random
from datetime import timedelta
from time import monotonic

from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from portal.audit import leases, subscribers
from portal.audit.models import Delivery, Pause
from portal.audit.nouns import Noun
from portal.audit.record import record
from portal.audit.subscribers import Hopeless, Owes, RetryLater
from portal.kit.by import By
from portal.kit.errors import Refused
from portal.kit.ids import uuid7

logger = logging.getLogger(__name__)

GIVE_UP_AFTER = timedelta(days=3)
LONGEST_WAIT = 300.0  # seconds
LONGEST_PAUSE = 900.0


def deliver_due(limit: int = 500) -> int:
    """Delivers until nothing is due or `limit` is reached; returns how many were tried."""
    tried = 0
    while tried < limit and (delivery := claim()):
        deliver(delivery)
        tried += 1
    return tried


# Waiting and due, or claimed by a worker whose lease has run out; never past an earlier one of its stream, which is asked
# for each by itself: as a join it would be asked of all. Streams of which one is under way or put off are passed over
# without asking, as far as they are few.
_NEXT = """
select d.id from audit_delivery d
where d.state in ('pending', 'sending') and d.due_at <= statement_timestamp()
    and (d.state = 'pending' or d.lease_until < statement_timestamp())
    and d.subscriber <> all (array(select subscriber from audit_pause where until > statement_timestamp())::text[])
    and (d.subscriber, d.stream) not in (
        (select subscriber, stream from audit_delivery
            where state = 'sending' and lease_until >= statement_timestamp() limit 1000)
        union all
        (select subscriber, stream from audit_delivery
            where state in ('pending', 'sending') and due_at > statement_timestamp() order by due_at limit 1000))
    and d.id = (select min(e.id) from audit_delivery e
        where e.subscriber = d.subscriber and e.stream = d.stream and e.state in ('pending', 'sending'))
order by d.due_at, d.id limit 1 for update of d skip locked
"""


@transaction.atomic
def claim() -> Delivery | None:
    """Takes the next due delivery under a lease. Others skip it; if we die, it is due again when the lease ends,
    which is a few seconds after it could last be renewed."""
    with connection.cursor() as cursor:
        # In the order of the index, up to the first that may go. Whoever sorted would look at all that wait.
        cursor.execute("select set_config('enable_sort', 'off', true), set_config('jit', 'off', true)")
        cursor.execute(_NEXT)
        found = cursor.fetchone()
    if found is None:
        return None
    lease, asked = uuid7(), monotonic()
    rows = Delivery.objects.filter(pk=found[0])
    rows.update(
        state=Delivery.State.SENDING, lease=lease, lease_until=Now() + Delivery.LEASE, attempts=F("attempts") + 1
    )
    delivery: Delivery = rows.select_related("event").get()
    leases.begun(delivery, asked)
    return delivery


def deliver(delivery: Delivery) -> None:
    """Calls the subscriber outside any transaction and notes what became of it."""
    subscriber = subscribers.named(delivery.subscriber)
    try:
        if subscriber is None:
            # While a new version comes in, workers of the old one are still there, and do not know it yet.
            raise RetryLater(f"Nobody is called {delivery.subscriber!r} here.", after=30, untaken=True)
        with leases.kept(delivery):
            result = subscriber.handle(delivery)
    except Hopeless as reason:
        _settle(delivery, state=Delivery.State.PARKED, last_error=str(reason))
    except RetryLater as reason:
        _pause(delivery.subscriber, reason.pause)
        _postpone(delivery, str(reason), reason.after, untaken=reason.untaken)
    except Exception as error:
        logger.exception("Delivery %s failed", delivery.public_id)
        _postpone(delivery, f"{type(error).__name__}: {error}", None)
    else:
        _done(delivery, result if isinstance(result, Owes) else Owes([], result or {}))


@transaction.atomic
def _done(delivery: Delivery, owes: Owes) -> None:
    """What it owes to others is owed by whoever settles it, and by nobody else."""
    now = timezone.now()
    if _settle(delivery, state=Delivery.State.DONE, done_at=now, last_error="", result=owes.result) and owes.deliveries:
        Delivery.objects.bulk_create(owes.deliveries, ignore_conflicts=True)


def _settle(delivery: Delivery, **changes: object) -> bool:
    # Only while the lease is still ours: a worker that was paused past it must not undo another's work.
    ours = Delivery.objects.filter(pk=delivery.pk, lease=delivery.lease)
    return bool(ours.update(lease=None, lease_until=None, **changes))


def _pause(subscriber: str, seconds: float) -> None:
    if seconds <= 0:
        return
    until = timezone.now() + timedelta(seconds=min(seconds, LONGEST_PAUSE))
    Pause.objects.bulk_create([Pause(subscriber=subscriber, until=until)], ignore_conflicts=True)
    # Of two that ask to wait the longer one is heard.
    Pause.objects.filter(subscriber=subscriber, until__lt=until).update(until=until)


def _postpone(delivery: Delivery, error: str, after: float | None, *, untaken: bool = False) -> None:
    now = timezone.now()
    if now - delivery.event.at > GIVE_UP_AFTER:
        _settle(delivery, state=Delivery.State.PARKED, last_error=error)
        return
    backoff = min(2.0 ** min(delivery.attempts, 10), LONGEST_WAIT) * random.uniform(0.8, 1.2)
    # What a receiver asks for is its word, not ours: a date that no column holds would stop the worker.
    wait = backoff if after is None else min(after, GIVE_UP_AFTER.total_seconds())
    attempts = delivery.attempts - untaken
    due_at = now + timedelta(seconds=wait)
    _settle(delivery, state=Delivery.State.PENDING, due_at=due_at, last_error=error, attempts=attempts)


@transaction.atomic
def delivery_retry(delivery: Delivery, *, by: By) -> None:
    """An administrator sends a parked delivery round again."""
    if not by.actor.is_admin:
        raise Refused(f"{by.actor.name} may not send a delivery again: administrators may.")
    changed = Delivery.objects.filter(pk=delivery.pk, state=Delivery.State.PARKED).update(
        state=Delivery.State.PENDING, due_at=Now(), last_error=""
    )
    if changed:
        record("delivery.retried", Noun("delivery", str(delivery.public_id), str(delivery)), by=by)
