from datetime import datetime

from django.utils.dateparse import parse_datetime

from locks import reminders
from locks.models import Lock
from portal.audit.models import Event
from portal.kit.clock import iso

REMINDERS = ("lock.expiry_warned", "lock.holder_reminded")


def reminder_is_stale(event: Event, *, now: datetime) -> bool:
    """Whether what a reminder says has become untrue, or is said by a later one, since it was written."""
    lock = Lock.objects.active(now).filter(public_id=event.noun_id).first()
    if lock is None:
        return True
    if event.name == "lock.holder_reminded":
        return now - event.at >= reminders.DAILY or reminders.warning(lock.expires_at, now=now) is not None
    due = reminders.warning(lock.expires_at, now=now)
    moved = iso(lock.expires_at) != iso(parse_datetime(str((event.after or {})["expires_at"])))
    return moved or due is None or due.total_seconds() < event.payload["minutes"] * 60
