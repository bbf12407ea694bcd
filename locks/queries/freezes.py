from datetime import datetime, timedelta
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import QuerySet

from catalog.queries import Place
from locks.decisions import covers_of
from locks.models import Freeze, Window
from portal.accounts.policy import require
from portal.kit.by import By
from portal.kit.errors import Missing

FAR = timedelta(days=5 * 366)


def freezes(by: By, *, place: Place | None = None, withdrawn: bool = False) -> QuerySet[Freeze]:
    """Newest first; those that cover the place, when one is given."""
    require(by, "lock.read")
    found = Freeze.objects.select_related("service", "environment").order_by("-id")
    if not withdrawn:
        found = found.filter(withdrawn_at=None)
    return found.filter(cover__in=covers_of(place)) if place else found


def freeze(by: By, public_id: str | UUID) -> Freeze:
    require(by, "lock.read")
    try:
        found = Freeze.objects.select_related("service", "environment").filter(public_id=public_id).first()
    except (ValidationError, ValueError):
        found = None
    if found is None:
        raise Missing(f"There is no freeze with the id {public_id}.")
    return found


def coming(freezes: list[Freeze], at: datetime, *, count: int = 5) -> list[Window]:
    """The next windows of all of them together, the one that is on included; none later than five years."""
    found: list[Window] = []
    for freeze in freezes:
        if not freeze.withdrawn_at:
            found += _next(freeze, at, count)
    return sorted(found, key=lambda each: each.starts_at)[:count]


def _next(freeze: Freeze, at: datetime, count: int) -> list[Window]:
    """A daily rule is not reckoned five years far for five of its windows."""
    reach = timedelta(days=32)
    while True:
        found = freeze.windows(at, at + reach)
        if len(found) > count or reach > FAR:
            return found[:count]
        reach *= 8
