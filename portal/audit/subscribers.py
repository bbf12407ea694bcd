"""Who wants to hear of which events. Apps subscribe in `ready()`; `record()` asks here."""

from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from portal.audit.models import Delivery, Event


class RetryLater(Exception):
    """The receiver cannot take it now. `after` in seconds overrules the usual back-off.

    `pause`: for so many seconds nothing else goes to this subscriber either. `untaken`: it is certain that the
    receiver has not got it, so that this counts as no attempt.
    """

    def __init__(self, reason: str, after: float | None = None, *, pause: float = 0.0, untaken: bool = False) -> None:
        super().__init__(reason)
        self.after, self.pause, self.untaken = after, pause, untaken


class Hopeless(Exception):
    """Sending it again would fail again: park it where an administrator sees it."""


@dataclass(frozen=True)
class Owes:
    """What a handler returns whose work is to owe others: written in the transaction that settles its own delivery.

    One that is there already (same event, subscriber and target) is left as it is.
    """

    deliveries: "list[Delivery]"
    result: dict[str, Any]


@dataclass(frozen=True)
class Subscriber:
    """`handle(delivery)` may be called again after a crash, so it must be idempotent by `delivery.public_id`.

    What it returns (a JSON object, or `Owes`) is kept on the delivery. `tells`: it brings the event to somebody, and is spared
    what is loaded as history. `stream`: deliveries of one stream go one after the other.
    """

    name: str
    patterns: tuple[str, ...]
    handle: "Callable[[Delivery], dict[str, Any] | Owes | None]"
    wants: "Callable[[Event], bool]"
    tells: bool = True
    stream: "Callable[[Event], str]" = lambda event: event.stream

    def hears(self, event: "Event") -> bool:
        return _is_among(event.name, self.patterns) and self.wants(event)


@cache
def _is_among(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


_subscribers: dict[str, Subscriber] = {}


def subscribe(
    name: str,
    *patterns: str,
    handle: "Callable[[Delivery], dict[str, Any] | Owes | None]",
    wants: "Callable[[Event], bool]" = lambda event: True,
    tells: bool = True,
    stream: "Callable[[Event], str]" = lambda event: event.stream,
) -> None:
    _subscribers[name] = Subscriber(name, patterns, handle, wants, tells, stream)


def named(name: str) -> Subscriber | None:
    return _subscribers.get(name)


def of(event: "Event") -> list[Subscriber]:
    return [subscriber for subscriber in _subscribers.values() if subscriber.hears(event)]
