from uuid import UUID

from django.db.models import Max, Q, QuerySet

from catalog import permissions
from catalog import queries as catalog
from catalog.builtin import TIERS
from catalog.models import Entity
from catalog.queries import Place
from locks.models import BreakGlassCode, BreakGlassUse, Override, OverrideUse, of_pair
from locks.queries.claims import by_id, known_to, seen_by, seen_by_names
from portal.accounts.policy import allows, require
from portal.audit import queries as audit
from portal.kit.by import By
from portal.kit.clock import database_now


def overrides(by: By, *, place: Place | None = None) -> QuerySet[Override]:
    """Those of places that the viewer may see, newest first, with all that it takes to say who may approve them."""
    require(by, "lock.read")
    found = Override.objects.filter(seen_by(by)).order_by("-id")
    found = found.select_related("service", "environment").prefetch_related("uses")
    return found.filter(of_pair(place)) if place else found


def override(by: By, public_id: str | UUID) -> Override:
    return by_id(by, Override.objects.filter(known_to(by)), public_id, "override")


def override_to_use(by: By, public_id: str | UUID) -> Override:
    """At the gate, which looks itself whether it is for the place."""
    return by_id(by, Override.objects.all(), public_id, "override")


def override_beat() -> str:
    """Changes with every event, every use, and when one runs out by the clock alone."""
    ended = Override.objects.filter(expires_at__lte=database_now()).aggregate(last=Max("expires_at"))["last"]
    used = OverrideUse.objects.aggregate(last=Max("pk"))["last"]
    return f"{audit.beat()}|{ended}|{used}"


def codes(by: By, *, environment: str = "") -> QuerySet[BreakGlassCode]:
    """Those of environments that the viewer may see, newest first, without their text: that is kept nowhere."""
    require(by, "lock.read")
    found = BreakGlassCode.objects.filter(_environment_seen(by)).order_by("-id")
    found = found.select_related("environment").prefetch_related("uses")
    return found.filter(environment=catalog.environment_named(environment)) if environment else found


def environments_for_codes(by: By) -> list[str]:
    """Names of the environments that codes may be issued for by this one, production first."""
    tiers = list(TIERS)
    found = Entity.objects.filter(blueprint__identifier="environment")
    mine = [each for each in found if allows(by.actor, "code.issue", teams=each.team)]
    mine.sort(key=lambda each: (tiers.index(catalog.tier_of(each)), each.identifier))
    return [each.identifier for each in mine]


def code_beat() -> str:
    """Changes with every event, and when a code runs out by the clock alone."""
    ended = BreakGlassCode.objects.filter(expires_at__lte=database_now()).aggregate(last=Max("expires_at"))["last"]
    return f"{audit.beat()}|{ended}"


def code(by: By, public_id: str | UUID) -> BreakGlassCode:
    return by_id(by, codes(by), public_id, "code")


def _environment_seen(by: By) -> Q:
    bounds = permissions.bounds(by)
    return Q() if bounds is None else Q(environment__in=Entity.objects.filter(bounds).values("pk"))


def break_glass_uses(by: By) -> QuerySet[BreakGlassUse]:
    """Those at places that the viewer may see, newest first; a verdict other than sound wants somebody's eyes."""
    require(by, "lock.read")
    return BreakGlassUse.objects.filter(seen_by_names(by)).order_by("-id").select_related("code")
