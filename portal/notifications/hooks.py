"""Notices to a program: JSON, signed with the secret of the route."""

from django.utils import timezone

from portal.audit import posting
from portal.audit.models import Delivery
from portal.audit.subscribers import Hopeless, RetryLater
from portal.kit import outgoing
from portal.kit.errors import Conflict
from portal.kit.seal import unseal
from portal.notifications.models import Route
from portal.notifications.notice import kind_of
from portal.notifications.plain import Json, as_json


def tell(delivery: Delivery) -> Json:
    """Sends the event to where the route leads by now. Nothing is folded: a program reads as fast as it can."""
    event, kind = delivery.event, kind_of(delivery.event.name)
    if kind is None:
        raise RetryLater(f"Nobody says what {event.name} is here.", after=30, untaken=True)
    if kind.is_stale(event):
        return {"skipped": "It is no longer true."}
    route = Route.objects.filter(public_id=delivery.target, to=Route.To.WEBHOOK).first()
    if route is None:
        return {"skipped": "The route is deleted, or leads to no webhook any more."}
    try:
        secret = unseal(route.sealed_secret)
    except Conflict as sealed:
        raise Hopeless(f"The secret of the route cannot be read: {sealed}") from sealed
    said = {"delivery": str(delivery.public_id), "route": route.name, **as_json(kind.render(event), event)}
    return posting.post(
        delivery, route.address, said, lambda raw: outgoing.signature(secret, raw, timezone.now()) if secret else {}
    )
