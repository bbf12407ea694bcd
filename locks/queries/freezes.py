from datetime import datetime, timedelta
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import QuerySet

from catalog.models import Entity
from catalog.queries import Place
from locks.decisions import covers_of
from locks.models import Freeze, Window
from locks.queries.locks import inside, visible
from portal.accounts.policy import require
from portal.kit.by import By
from portal.kit.errors import Missing

FAR = timedelta(days=5 * 366)
FEED = 5000


def freezes(by: By, *, place: Place | None = None, withdrawn: bool = False) -> QuerySet[Freeze]:
    """Newest first; those that cover the place, when one is given."""
    require(by, "lock.read")
    found = visible(Freeze.objects.select_related("service", "environment"), by).order_by("-id")
    if not withdrawn:
        found = found.filter(withdrawn_at=None)
    return found.filter(cover__in=covers_of(place)) if place else found


def freeze(by: By, public_id: str | UUID) -> Freeze:
    require(by, "lock.read")
    try:
        rows = Freeze.objects.select_related("service", "environment")
        found = visible(rows, by).filter(public_id=public_id).first()
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


def windows(freezes: QuerySet[Freeze], since: datetime, until: datetime) -> list[Window]:
    """Those that touch the time between, in order: as they were laid, and reckoned from where the laid ones end."""
    known = {each.pk: each for each in freezes}
    if not known:
        return []
    found = _of(known, Window.objects.filter(starts_at__lt=until, ends_at__gt=since))
    for freeze in known.values():
        if freeze.known_until < until:
            reckoned = freeze.windows(max(since, freeze.known_until), until)
            found += [each for each in reckoned if each.starts_at >= freeze.known_until]
    return sorted(found, key=lambda each: (each.starts_at, each.freeze.pk))


def windows_now(by: By, *, now: datetime) -> list[Window]:
    """That are on, wherever."""
    return windows(freezes(by), now, now + timedelta(microseconds=1))


def feed_windows(by: By, at: datetime) -> list[Window]:
    """For a calendar: from a month ago to a year ahead, and so many that programs still read it."""
    return windows(freezes(by), at - timedelta(days=31), at + timedelta(days=366))[:FEED]


def windows_in(by: By, environment: Entity, *, now: datetime) -> list[Window]:
    """That are on and hold something in the environment; of teams' freezes the same is true as of their locks."""
    return windows(freezes(by).filter(inside(environment)), now, now + timedelta(microseconds=1))


def following(freezes: list[Freeze], at: datetime) -> dict[int, Window]:
    """The window of each that is on or comes next, by the freeze's key; none for what is never on again."""
    laid = Window.objects.filter(ends_at__gt=at).order_by("freeze", "ends_at").distinct("freeze")
    found = {each.freeze_id: each for each in _of({each.pk: each for each in freezes}, laid)}
    for freeze in freezes:
        if freeze.pk not in found and (then := coming([freeze], at, count=1)):
            found[freeze.pk] = then[0]
    return found


def _of(freezes: dict[int, Freeze], laid: QuerySet[Window]) -> list[Window]:
    """Those of the freezes, by key, which are at hand and so are not read again."""
    found = list(laid.filter(freeze__in=list(freezes)))
    for window in found:
        window.freeze = freezes[window.freeze_id]
    return found


def _next(freeze: Freeze, at: datetime, count: int) -> list[Window]:
    """A daily rule is not reckoned five years far for five of its windows."""
    reach = timedelta(days=32)
    while True:
        found = freeze.windows(at, at + reach)
        if len(found) > count or reach > FAR:
            return found[:count]
        reach *= 8
