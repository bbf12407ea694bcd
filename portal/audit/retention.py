"""What the outbox forgets. Events are kept for ever; of what they owed, what is settled, for some time."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q

from portal.audit.models import Delivery
from portal.kit.clock import database_now
from portal.kit.ids import uuid7_from

AT_ONCE = 5_000


def kept_since(now: datetime | None = None) -> datetime:
    return (now or database_now()) - timedelta(days=settings.DELIVERY_DAYS)


def deliveries_forget(now: datetime | None = None) -> int:
    """Deletes those that were done, or given up, longer ago than the operator keeps them; answers how many went.

    What is due, waits or is on its way stays, however old it is.
    """
    before = kept_since(now)
    # Their names are in the order in which they were made, and have an index.
    old = Delivery.objects.filter(public_id__lt=uuid7_from(before)).exclude(state__in=Delivery.UNFINISHED)
    old = old.filter(Q(done_at__lt=before) | Q(done_at=None, due_at__lt=before))
    gone = 0
    while batch := list(old.order_by("public_id").values_list("pk", flat=True)[:AT_ONCE]):
        # One that an administrator sends again meanwhile is due.
        settled = Delivery.objects.filter(pk__in=batch).exclude(state__in=Delivery.UNFINISHED)
        gone += settled.delete()[0]
    return gone
