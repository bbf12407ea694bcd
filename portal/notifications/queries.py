from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet

from portal.accounts.policy import require
from portal.audit.models import Delivery, Event
from portal.kit.by import By
from portal.kit.errors import Missing
from portal.notifications.about import abouts, concerns
from portal.notifications.models import Route
from portal.notifications.notice import kind_of, kinds
from portal.notifications.routing import hears, listens

LOOK_BACK = timedelta(days=7)
MOST_LOOKED_AT = 1000  # events
State = Delivery.State
DRY, SPARED = Q(result__has_key="dry"), Q(result__has_any_keys=["skipped", "folded"])
# What the log can be narrowed to.
STATES = {
    "told": Q(state=State.DONE) & ~DRY & ~SPARED,
    "waiting": Q(state__in=Delivery.UNFINISHED),
    "given up": Q(state=State.PARKED),
    "not told": Q(state=State.DONE) & SPARED,
    "would be told": DRY,
}


def routes(by: By) -> QuerySet[Route]:
    """By name; everybody may know who is told of what."""
    require(by, "route.read")
    return Route.objects.order_by("name", "id")


def route(by: By, public_id: UUID | str) -> Route:
    """For those who may change it."""
    require(by, "route.write")
    return route_kept(public_id)


def route_read(by: By, public_id: UUID | str) -> Route:
    """For everybody who may read which there are."""
    require(by, "route.read")
    return route_kept(public_id)


def route_kept(public_id: UUID | str, *, held: bool = False) -> Route:
    rows = Route.objects.select_for_update() if held else Route.objects
    try:
        found = rows.filter(public_id=public_id).first()
    except ValidationError:  # no id at all
        found = None
    if found is None:
        raise Missing("There is no such route; it may have been deleted.")
    return found


@dataclass(frozen=True)
class Matched:
    """What a route would have told, the newest first. `is_cut`: only the newest thousand events were looked at."""

    events: list[Event]
    is_cut: bool


def matched(by: By, route: Route, *, now: datetime) -> Matched:
    """Of the last seven days. The route need not be saved."""
    require(by, "route.write")
    names = [kind.name for kind in kinds() if hears(route, kind.name)]
    since = now - LOOK_BACK
    rows = list(Event.objects.filter(name__in=names, at__gt=since).order_by("-id")[: MOST_LOOKED_AT + 1])
    heard = [event for event in rows[:MOST_LOOKED_AT] if listens(route, event)]
    found = [event for event, where in zip(heard, abouts(heard), strict=True) if concerns(route, where)]
    return Matched(found, len(rows) > MOST_LOOKED_AT)


def chosen(found: Matched, of: str) -> Event | None:
    """The one with the id `of` among them, else the newest. Missing for an id that none of them has."""
    one = next((each for each in found.events if str(each.public_id) == of), None) if of else None
    if of and one is None:
        raise Missing("There is no such event among those that it would have told.")
    return one or next(iter(found.events), None)


def told(by: By, *, state: str = "", medium: str = "") -> QuerySet[Delivery]:
    """The log: what was told, is on its way or was given up, the newest first. It names addresses and their answers."""
    require(by, "route.write")
    found = Delivery.objects.exclude(target="").select_related("event").order_by("-id")
    if medium:
        found = found.filter(subscriber=medium)
    return found.filter(STATES[state]) if state in STATES else found


def told_one(by: By, public_id: UUID) -> Delivery:
    found = told(by).filter(public_id=public_id).first()
    if found is None:
        raise Missing("There is no such notification; it may be too old.")
    return found


def parked_count(by: By) -> int:
    return told(by).filter(state=State.PARKED)[:100].count()


def label_of(event: Event) -> str:
    kind = kind_of(event.name)
    return kind.label if kind else event.name
