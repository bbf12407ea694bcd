"""What people are told of an event, before anybody has said where: Slack, e-mail and webhooks are made from this.

    @says("lock.taken", "A lock is taken", group="Locks")
    def taken(event: Event) -> Notice: ...

All texts are plain: whoever shows them escapes them in its own way.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from portal.audit.models import Event

TESTED = "route.tested"

Tone = Literal["good", "bad", "waiting", "plain"]


@dataclass(frozen=True)
class Link:
    """`url` is absolute. One that is not http or https is shown as text."""

    url: str
    text: str = ""


@dataclass(frozen=True)
class When:
    """An instant, which each reader sees in his own zone where the medium knows it; `otherwise` when there is none."""

    at: datetime | None
    otherwise: str = ""


@dataclass(frozen=True)
class Person:
    """By the key of an account (`user:7`), who is called by his name in Slack; else his name alone."""

    key: str
    name: str


Value = str | Link | When | Person


@dataclass(frozen=True)
class Fact:
    label: str
    value: Value


@dataclass(frozen=True)
class Button:
    """A deed of the portal that Slack offers under the message, by the name of a function of `portal.slackbot.buttons`."""

    deed: str
    about: str  # the public id of the lock, run or environment


@dataclass(frozen=True)
class Line:
    """Of a list: `link` and, behind it, plain words."""

    link: Link
    text: str = ""


@dataclass(frozen=True)
class Items:
    title: str
    lines: tuple[Line, ...]
    more: Link | None = None


@dataclass(frozen=True)
class Notice:
    """`summary`: one sentence. `emoji`: Slack's name of one, without colons.

    `thread` names what it is about ("lock:<id>"): its first message is the head of a thread, and says `standing`, how
    things stand, ever after; "" where that did not change. `closes`: nothing more comes. `folds`: of many within
    minutes only the head need tell.
    """

    summary: str
    facts: tuple[Fact, ...] = ()
    link: Link | None = None
    tone: Tone = "plain"
    emoji: str = "bell"
    buttons: tuple[Button, ...] = ()
    more: tuple[Link, ...] = ()
    items: tuple[Items, ...] = ()
    thread: str = ""
    standing: str = ""
    closes: bool = False
    folds: bool = False

    def as_test(self) -> "Notice":
        """The same, marked as one, and pressing nothing."""
        return replace(
            self,
            summary=f"Test: {self.summary}",
            standing=f"Test: {self.summary}",
            buttons=(),
            thread="",
            emoji="test_tube",
        )


def _always(event: Event) -> bool:
    return True


def _never(event: Event) -> bool:
    return False


@dataclass(frozen=True)
class Kind:
    """A kind of event that people can be told of.

    `matters` and `is_bad` ask nothing but the event: they are asked in the transaction that records it.
    `person`: the key of the account whom it concerns, or "".
    """

    name: str
    label: str
    group: str
    render: Callable[[Event], Notice]
    matters: Callable[[Event], bool] = _always
    is_bad: Callable[[Event], bool] = _never
    person: Callable[[Event], str] = lambda event: ""
    is_stale: Callable[[Event], bool] = _never


_kinds: dict[str, Kind] = {}


def says(
    name: str,
    label: str,
    *,
    group: str,
    matters: Callable[[Event], bool] = _always,
    is_bad: Callable[[Event], bool] = _never,
    person: Callable[[Event], str] = lambda event: "",
    is_stale: Callable[[Event], bool] = _never,
) -> Callable[[Callable[[Event], Notice]], Callable[[Event], Notice]]:
    """Registers how an event of this name is said. `is_stale`: it became untrue while it waited (may ask the database)."""

    def register(render: Callable[[Event], Notice]) -> Callable[[Event], Notice]:
        _kinds[name] = Kind(name, label, group, render, matters, is_bad, person, is_stale)
        return render

    return register


def kind_of(name: str) -> Kind | None:
    return _kinds.get(name)


def kinds() -> list[Kind]:
    """In the order in which they were registered."""
    return list(_kinds.values())


def notice_of(event: Event) -> Notice:
    """Of an event whose noun is gone too. KeyError for a kind that nobody says."""
    return _kinds[event.name].render(event)
