"""Many changes of one thing within minutes."""

from datetime import timedelta

from portal.audit.models import Delivery

WITHIN = timedelta(minutes=10)
MOST = 5  # within that time; what comes after is folded


def folded(delivery: Delivery) -> bool:
    """Whether as many of this stream as people want to read happened within the ten minutes before it, and were told."""
    since = delivery.event.at - WITHIN
    told = Delivery.objects.filter(
        subscriber=delivery.subscriber,
        target=delivery.target,
        stream=delivery.stream,
        state=Delivery.State.DONE,
        event__at__gt=since,
        pk__lt=delivery.pk,
    ).exclude(result__has_any_keys=["skipped", "folded", "dry"])
    return told[:MOST].count() >= MOST
