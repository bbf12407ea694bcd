from django.db.models import QuerySet

from catalog import queries as catalog
from catalog.queries import Place
from locks.models import BreakGlassCode, BreakGlassUse, Override, of_pair
from portal.accounts.policy import require
from portal.kit.by import By


def overrides(by: By, *, place: Place | None = None) -> QuerySet[Override]:
    """Newest first."""
    require(by, "lock.read")
    found = Override.objects.order_by("-id").prefetch_related("uses")
    return found.filter(of_pair(place)) if place else found


def codes(by: By, *, environment: str = "") -> QuerySet[BreakGlassCode]:
    """Newest first, without their text: that is kept nowhere."""
    require(by, "lock.read")
    found = BreakGlassCode.objects.order_by("-id").prefetch_related("uses")
    return found.filter(environment=catalog.environment_named(environment)) if environment else found


def break_glass_uses(by: By) -> QuerySet[BreakGlassUse]:
    """Newest first; a verdict other than sound wants somebody's eyes."""
    require(by, "lock.read")
    return BreakGlassUse.objects.order_by("-id").select_related("code")
