from uuid import UUID

from django.db.models import QuerySet

from portal.accounts.policy import require
from portal.kit.by import By
from portal.kit.errors import Missing
from portal.notifications.models import Route


def routes(by: By) -> QuerySet[Route]:
    """By name; everybody may know who is told of what."""
    require(by, "route.read")
    return Route.objects.order_by("name", "id")


def route(by: By, public_id: UUID) -> Route:
    """For those who may change it."""
    require(by, "route.write")
    return route_kept(public_id)


def route_kept(public_id: UUID | str, *, held: bool = False) -> Route:
    rows = Route.objects.select_for_update() if held else Route.objects
    found = rows.filter(public_id=public_id).first()
    if found is None:
        raise Missing("There is no such route; it may have been deleted.")
    return found
