from django.db.models import Max, QuerySet

from catalog import queries as catalog
from catalog.queries import Place
from locks.models import BreakGlassCode, BreakGlassUse, Override, OverrideUse, of_pair
from locks.queries.claims import seen_by
from portal.accounts.policy import require
from portal.audit import queries as audit
from portal.kit.by import By
from portal.kit.clock import database_now


def overrides(by: By, *, place: Place | None = None) -> QuerySet[Override]:
    """Newest first."""
    require(by, "lock.read")
    found = Override.objects.order_by("-id").prefetch_related("uses")
    return found.filter(of_pair(place)) if place else found


def visible_overrides(by: By) -> QuerySet[Override]:
    """Those of places that the viewer may see, newest first, with all that it takes to say who may approve them."""
    return overrides(by).filter(seen_by(by)).select_related("service", "environment")


def override_beat() -> str:
    """Changes with every event, every use, and when one runs out by the clock alone."""
    ended = Override.objects.filter(expires_at__lte=database_now()).aggregate(last=Max("expires_at"))["last"]
    used = OverrideUse.objects.aggregate(last=Max("pk"))["last"]
    return f"{audit.beat()}|{ended}|{used}"


def codes(by: By, *, environment: str = "") -> QuerySet[BreakGlassCode]:
    """Newest first, without their text: that is kept nowhere."""
    require(by, "lock.read")
    found = BreakGlassCode.objects.order_by("-id").prefetch_related("uses")
    return found.filter(environment=catalog.environment_named(environment)) if environment else found


def break_glass_uses(by: By) -> QuerySet[BreakGlassUse]:
    """Newest first; a verdict other than sound wants somebody's eyes."""
    require(by, "lock.read")
    return BreakGlassUse.objects.order_by("-id").select_related("code")
