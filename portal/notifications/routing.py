"""From an event to the deliveries that it owes: one for each target of each route that wants it."""

from collections.abc import Iterator
from datetime import datetime
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

from django.utils import timezone

from portal.audit.models import Delivery, Event
from portal.audit.subscribers import Owes, subscribe
from portal.notifications.about import About, about, concerns
from portal.notifications.known import known
from portal.notifications.models import Route
from portal.notifications.notice import kind_of, kinds
from portal.notifications.quiet import quiet_until
from portal.notifications.targets import WEBHOOK, Target, is_possible, targets

Json = dict[str, Any]
SUBSCRIBER = "routing"
STALE = "It is no longer true, or no news."


def register() -> None:
    subscribe(SUBSCRIBER, *(kind.name for kind in kinds()), handle=fan_out, wants=wanted)


@cache
def _among(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def wanted(event: Event) -> bool:
    """Asked in the transaction that records the event: of the event alone, and of what this process knows."""
    kind = kind_of(event.name)
    if kind is None or not kind.matters(event):
        return False
    return any(
        _among(event.name, each.events) and (not each.only_bad or kind.is_bad(event)) and is_possible(each.to)
        for each in known()
    )


def hears(route: Route, name: str) -> bool:
    return _among(name, tuple(route.events))


def listens(route: Route, event: Event) -> bool:
    """Whether the route is about such events, wherever they happen."""
    kind = kind_of(event.name)
    if kind is None or not hears(route, event.name) or not kind.matters(event):
        return False
    return not route.only_bad or kind.is_bad(event)


def fan_out(delivery: Delivery) -> Owes:
    event = delivery.event
    kind = kind_of(event.name)
    if kind is None or kind.is_stale(event):
        return Owes([], {"skipped": STALE})
    where = about(event)
    routes = [each for each in Route.objects.filter(enabled=True).order_by("dry", "id") if listens(each, event)]
    owed = list(_owed(event, where, [each for each in routes if concerns(each, where)], timezone.now()))
    return Owes(owed, {"targets": len(owed)})


def _owed(event: Event, where: About, routes: list[Route], now: datetime) -> Iterator[Delivery]:
    """One for a target, however many routes lead to it: at the earliest of their times, and dry only if all are."""
    found: dict[Target, list[tuple[Route, datetime]]] = {}
    for route in routes:
        due = quiet_until(now, route.quiet_from, route.quiet_until, route.quiet_zone) or now
        for target in targets(route, event, where):
            found.setdefault(target, []).append((route, due))
    for target, by in found.items():
        real = [due for route, due in by if not route.dry]
        yield owed(event, target, due=min(real), now=now) if real else _dry(event, target, by[0][0], now)


def owed(event: Event, target: Target, *, due: datetime, now: datetime) -> Delivery:
    subscriber, name = target
    delivery = Delivery(event=event, subscriber=subscriber, target=name, stream=stream_of(event, target))
    if due > now:
        delivery.due_at = due
    return delivery


def stream_of(event: Event, target: Target) -> str:
    """In order for each thing in each place. A webhook has one: a receiver that hangs holds one worker."""
    subscriber, name = target
    return f"webhook {name}" if subscriber == WEBHOOK else f"{name} {_thing(event)}"


def _thing(event: Event) -> str:
    """A verdict is said of its deployment, in the same thread."""
    deployment = (event.payload or {}).get("deployment")
    return f"deployment:{deployment}" if event.noun == "watch" and deployment else event.stream


def _dry(event: Event, target: Target, route: Route, now: datetime) -> Delivery:
    delivery = owed(event, target, due=now, now=now)
    delivery.state, delivery.done_at, delivery.result = Delivery.State.DONE, now, {"dry": route.name}
    return delivery
