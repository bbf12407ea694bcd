from datetime import datetime

from django.db import transaction

from locks import reminders
from locks.models import Lock
from portal.audit.record import record
from portal.kit.by import system
from portal.kit.clock import database_now


@transaction.atomic
def lock_remind(lock_id: int, *, now: datetime) -> bool:
    """Writes the event of the reminder that is due, and when the next one will be. Whoever is second finds it written.

    A lock that has ended meanwhile, or that was extended, has none due.
    """
    due = Lock.objects.active(now).filter(pk=lock_id, remind_at__lte=now)
    lock = due.select_for_update(skip_locked=True, of=("self",)).first()
    if lock is None:
        return False
    lock.remind_at = reminders.next_at(lock.starts_at, lock.expires_at, now=now)
    lock.save(update_fields=["remind_at"])
    before = reminders.warning(lock.expires_at, now=now)
    if before:
        payload = {"minutes": int(before.total_seconds() // 60)}
        record("lock.expiry_warned", lock.noun(), by=system("clock"), after=lock.facts(), payload=payload)
    elif now - lock.starts_at >= reminders.DAILY:
        record("lock.holder_reminded", lock.noun(), by=system("clock"), after=lock.facts())
    return True


def locks_remind() -> int:
    """Reminds the holders of all locks where that is due; how many."""
    now = database_now()
    due = Lock.objects.active(now).filter(remind_at__lte=now).order_by("remind_at").values_list("pk", flat=True)
    return sum(lock_remind(pk, now=now) for pk in list(due[:1000]))
