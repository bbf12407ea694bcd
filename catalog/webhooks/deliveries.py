"""What a worker does with a payload that waits."""

from catalog.webhooks.commands import received_give_up, received_map
from portal.audit.models import Delivery
from portal.audit.subscribers import Hopeless

# Later payloads of the webhook wait behind this one: after some minutes it is set aside, to be replayed on demand.
MOST_TRIES = 8


def deliver(delivery: Delivery) -> None:
    public_id = delivery.event.payload["received"]
    try:
        received_map(public_id)
    except Exception as fault:
        if delivery.attempts < MOST_TRIES:
            raise
        received_give_up(public_id)
        raise Hopeless(f"{type(fault).__name__}: {fault}") from fault
