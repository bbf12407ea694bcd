from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from catalog.integrations.models import Integration, Kind, LogLine, Sync
from portal.accounts.policy import require
from portal.kit.by import By
from portal.kit.errors import Missing

Json = dict[str, Any]


def integrations(by: By) -> QuerySet[Integration]:
    require(by, "integration.read")
    return Integration.objects.order_by("identifier")


def integration(identifier: str, *, held: bool = False) -> Integration:
    """By its identifier, or by the id that its addresses for logs and metrics carry."""
    rows = Integration.objects.select_for_update() if held else Integration.objects
    found = rows.filter(identifier=identifier).first() or rows.filter(**_by_id(identifier)).first()
    if found is None:
        raise Missing(f'Integration with identifier "{identifier}" was not found')
    return found


def readable_integration(by: By, identifier: str) -> Integration:
    require(by, "integration.read")
    return integration(identifier)


def kinds(integration: Integration) -> QuerySet[Kind]:
    return integration.kinds.order_by("name")


def syncs(integration: Integration, *, event: str = "") -> QuerySet[Sync]:
    """The newest first."""
    found = integration.syncs.order_by("-id")
    return found.filter(event_id=event) if event else found


def log(
    integration: Integration,
    *,
    levels: list[str],
    event: str,
    at: datetime | None,
    beyond: int | None,
    older: bool,
    most: int,
) -> list[LogLine]:
    """The newest first: the lines before the instant `at` (and the line `beyond` of that instant), or after it."""
    found = integration.log.all()
    if levels:
        found = found.filter(level__in=levels)
    if event:
        found = found.filter(event_id=event)
    if at is not None:
        side = "lt" if older else "gt"
        edge = Q(**{f"at__{side}": at})
        if beyond is not None:
            edge |= Q(at=at, **{f"id__{side}": beyond})
        found = found.filter(edge)
    if older:
        return list(found.order_by("-at", "-id")[:most])
    return list(found.order_by("at", "id")[:most])[::-1]


def _by_id(text: str) -> Json:
    prefix, _, rest = text.partition("integration_")
    if prefix or not rest.isascii() or len(rest) != 32:
        return {"pk": None}
    try:
        int(rest, 16)
    except ValueError:
        return {"pk": None}
    return {"public_id": rest}
