from uuid import UUID

from django.db.models import Count, Max, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from catalog.webhooks.models import Received, Webhook
from portal.accounts.policy import require
from portal.kit.by import By
from portal.kit.errors import Missing


def webhooks(by: By) -> QuerySet[Webhook]:
    require(by, "webhook.write")
    return Webhook.objects.order_by("title", "id")


def names(by: By) -> QuerySet[Webhook]:
    """For those who may only know that they are there: without addresses and mappings."""
    require(by, "catalog.read")
    return Webhook.objects.only("identifier", "title", "icon", "enabled").order_by("title", "id")


def readable_webhook(by: By, identifier: str) -> Webhook:
    require(by, "webhook.write")
    return webhook(identifier)


def webhook(identifier: str, *, held: bool = False) -> Webhook:
    rows = Webhook.objects.select_for_update() if held else Webhook.objects
    found = rows.filter(identifier=identifier).first()
    if found is None:
        raise Missing(f'Webhook with identifier "{identifier}" was not found')
    return found


def webhook_at(key: str) -> Webhook:
    """The one with this address. One that is switched off is not there."""
    found = Webhook.objects.filter(key=key, enabled=True).first()
    if found is None:
        raise Missing("There is no webhook at this address, or it is switched off.")
    return found


def received_of(webhook: Webhook, *, state: str = "", status: str = "") -> QuerySet[Received]:
    """The newest first. `status`: those of which at least one item came to that."""
    found = webhook.received.order_by("-id")
    found = found.filter(state=state) if state else found
    return found.filter(counts__has_key=status) if status else found


def webhooks_shown(by: By) -> QuerySet[Webhook]:
    """By title, with `last_at` and `failed_count`, what came and failed of late."""
    came = Received.objects.filter(webhook=OuterRef("pk"))
    last = came.order_by("-id").values("at")[:1]
    failed = came.filter(state=Received.State.FAILED).order_by().values("webhook").annotate(n=Count("pk")).values("n")
    return webhooks(by).annotate(last_at=Subquery(last), failed_count=Coalesce(Subquery(failed), 0))


def failed_count(webhook: Webhook) -> int:
    return webhook.received.filter(state=Received.State.FAILED).count()


def has_come(webhook: Webhook, request_id: str) -> bool:
    return webhook.received.filter(request_id=request_id).exists()


def beat(webhook: Webhook) -> str:
    """Changes whenever something came, became something, or came again."""
    told = webhook.received.aggregate(
        last=Max("id"), rows=Count("id"), settled=Max("settled_at"), repeats=Sum("repeats"), replays=Sum("replays")
    )
    return f"{webhook.updated_at.isoformat()} {told}"


def received(webhook: Webhook, public_id: str, *, held: bool = False) -> Received:
    rows = Received.objects.select_related("webhook").filter(webhook=webhook)
    rows = rows.select_for_update(of=("self",)) if held else rows
    found = rows.filter(_by_id(public_id)).first()
    if found is None:
        raise Missing(f'"{public_id}" was not received, or is forgotten')
    return found


def received_waiting(public_id: str, *, held: bool = False) -> Received | None:
    """For the one who maps it; None when that is done."""
    rows = Received.objects.select_related("webhook")
    rows = rows.select_for_update(of=("self",)) if held else rows
    return rows.filter(_by_id(public_id), state=Received.State.WAITING).first()


def _by_id(text: str) -> Q:
    try:
        return Q(public_id=UUID(text))
    except ValueError:
        return Q(pk__in=[])
