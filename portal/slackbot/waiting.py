"""“I want it next”: a place in the line of the pair, kept for a person who is no process, and a word when the lock ends."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from catalog import queries as catalog
from catalog.queries import Place
from locks.commands import ticket_join, ticket_withdraw
from locks.models import Lock, Ticket
from locks.queries import Line
from locks.runs import Run
from portal.accounts.models import User
from portal.accounts.queries import actor_of_user
from portal.audit.models import Delivery
from portal.audit.nouns import Noun
from portal.audit.record import record
from portal.audit.subscribers import Hopeless
from portal.kit.by import By
from portal.kit.clock import database_now
from portal.kit.errors import Conflict, PortalError
from portal.slackbot import buttons, client
from portal.slackbot.blocks import actions, escape, section
from portal.slackbot.models import Watch

Json = dict[str, Any]
# The clock says every 20 seconds that somebody still waits; his turn is kept for as long as anybody's.
LEASE = Ticket.TURN
ENDINGS = ("lock.released", "lock.expired")


@transaction.atomic
def watch_start(lock: Lock, *, slack_id: str, by: By) -> tuple[Watch, Line | None]:
    """Twice is once. The line is that of the pair; a wider lock has none, and there is only the word at its end."""
    user = User.objects.get(pk=by.actor.key.partition(":")[2])
    now = database_now()
    if not lock.is_active(now):
        raise Conflict("This lock has ended. You can take one now.", code="lock_ended")
    watch, is_new = Watch.objects.get_or_create(lock=lock, user=user, defaults={"slack_id": slack_id})
    line = _join(lock, by)
    if is_new:
        record("wait.begun", noun_of(lock, user), by=by, after=watch.facts())
    return watch, line


@transaction.atomic
def watch_end(lock: Lock, *, by: By) -> None:
    """Leaves the line. Twice is once."""
    watch = Watch.objects.filter(lock=lock, user__pk=by.actor.key.partition(":")[2]).select_related("user").first()
    ticket = Ticket.objects.filter(run=_run(lock, by).key, ended_at=None).first()
    if ticket:
        ticket_withdraw(ticket, by=by)
    if watch:
        before, noun = watch.facts(), noun_of(lock, watch.user)
        watch.delete()
        record("wait.ended", noun, by=by, before=before)


def noun_of(lock: Lock, user: User) -> Noun:
    return Noun(
        "wait",
        f"{lock.public_id}:{user.pk}",
        lock.covers,
        service=lock.service_identifier,
        environment=lock.environment_identifier,
    )


def turn_used(taken: Lock, *, by: By) -> None:
    """Who waited for the end of a lock of the same has what he waited for."""
    for watch in Watch.objects.filter(user__pk=by.actor.key.partition(":")[2], lock__cover=taken.cover):
        if watch.lock_id != taken.pk:
            watch_end(watch.lock, by=by)


def watches_keep() -> int:
    """Says for all who wait that they still do, as long as their lock is on; how many."""
    kept = 0
    for watch in Watch.objects.filter(told_at=None).select_related("lock", "user").order_by("id")[:1000]:
        if watch.lock.is_active(database_now()) and watch.user.is_active:
            try:
                _join(watch.lock, By(actor_of_user(watch.user), "slack"))
                kept += 1
            except PortalError:
                continue  # he may not any more, or the place is gone
    return kept


def _join(lock: Lock, by: By) -> Line | None:
    place = _place(lock)
    return ticket_join(place, _run(lock, by), lease=LEASE, by=by) if place else None


def _run(lock: Lock, by: By) -> Run:
    return Run(f"slack:{by.actor.key}:{lock.public_id}")


def _place(lock: Lock) -> Place | None:
    if lock.service_id is None or lock.environment_id is None:
        return None
    return catalog.place_by_keys(lock.service_id, lock.environment_id)


def somebody_waits(lock_id: str) -> bool:
    return Watch.objects.filter(lock__public_id=lock_id, told_at=None).exists()


def tell(delivery: Delivery) -> Json:
    """A message to each who waited, in order; those who were told before a crash are not told again."""
    lock = Lock.objects.get(public_id=delivery.event.noun_id)
    told = 0
    for number, watch in enumerate(Watch.objects.filter(lock=lock).select_related("user").order_by("id")):
        if watch.told_at is None:
            _tell(watch, lock, number, delivery.event.at)
            told += 1
    return {"told": told}


def _tell(watch: Watch, lock: Lock, before: int, ended: datetime) -> None:
    what = escape(lock.covers)
    text = f":unlock: {what} is free: it is your turn."
    if _place(lock):
        text += f" Others wait for {LEASE // timedelta(minutes=1)} minutes; then the line goes on without you."
    if before:
        text = f":unlock: {what} is free. {before} who asked earlier {'is' if before == 1 else 'are'} before you."
    held = actions(buttons.lock_mine(lock.public_id), buttons.watch_end(lock.public_id))
    try:
        message = {"channel": watch.slack_id, "text": text, "blocks": [section(text), held]}
        client.send("chat.postMessage", message)
    except Hopeless:
        pass  # he has left, or takes no messages: the others are told all the same
    Watch.objects.filter(pk=watch.pk).update(told_at=database_now())
