"""What happens in a place at a time, from whichever app knows of it, as one list by time.

An app that has more to tell registers a Source in its `ready()`: what it registers shows in the timeline and its filter.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from heapq import nlargest
from typing import Any

from django.db.models import Q, QuerySet

from catalog.models import Entity
from portal.kit.by import By


@dataclass(frozen=True)
class Look:
    """Of a kind of happening: its word, a chip's colour, an icon."""

    word: str
    colour: str
    icon: str


@dataclass(frozen=True)
class Edge:
    """The last happening of the page above."""

    at: datetime
    source: str
    key: int


@dataclass(frozen=True)
class Asked:
    """Half-open. `kinds` empty is all. What holds a wider scope than the service or the environment is told of too."""

    since: datetime
    until: datetime
    service: Entity | None = None
    environment: Entity | None = None
    kinds: frozenset[str] = frozenset()
    before: Edge | None = None

    def wants(self, kind: str) -> bool:
        return not self.kinds or kind in self.kinds


@dataclass(frozen=True)
class Happening:
    """`key` tells those of one source and instant apart, the greater happened later. `environment` empty is everywhere.

    `place` says where in words, `detail` what there is to say beside, `url` leads to it.
    """

    at: datetime
    source: str
    key: int
    kind: str
    title: str
    place: str
    service: str = ""
    environment: str = ""
    who: str = ""
    detail: str = ""
    url: str = ""
    # Where it is something else than its kind says.
    word: str = ""
    colour: str = ""

    @property
    def edge(self) -> Edge:
        return Edge(self.at, self.source, self.key)


@dataclass(frozen=True)
class Stretch:
    """What was on for a while, such as a lock; without an end it still is. `environment` empty is everywhere."""

    since: datetime
    until: datetime | None
    kind: str
    title: str
    environment: str = ""
    url: str = ""


@dataclass(frozen=True)
class Source:
    """`load(by, asked, limit)` answers the newest `limit` within `asked`, see `newest`; only what the viewer may see.

    `stretches(by, asked)` answers what was on at any time within it.
    """

    name: str
    kinds: Mapping[str, Look]
    load: Callable[[By, Asked, int], Sequence[Happening]]
    stretches: Callable[[By, Asked], Sequence[Stretch]] | None = None


@dataclass
class _Registry:
    sources: dict[str, Source] = field(default_factory=dict)


_registry = _Registry()


def register(source: Source) -> None:
    _registry.sources[source.name] = source


def looks() -> dict[str, Look]:
    """Of every kind, in the order in which the sources were registered."""
    return {kind: look for source in _registry.sources.values() for kind, look in source.kinds.items()}


def happenings(by: By, asked: Asked, *, limit: int) -> list[Happening]:
    """The newest `limit` of all sources together."""
    sources = [each for each in _registry.sources.values() if any(map(asked.wants, each.kinds))]
    found = [each for source in sources for each in source.load(by, asked, limit)]
    return nlargest(limit, found, key=lambda each: (each.at, each.source, each.key))


def stretches(by: By, asked: Asked) -> list[Stretch]:
    found: list[Stretch] = []
    for source in _registry.sources.values():
        if source.stretches and any(map(asked.wants, source.kinds)):
            found += source.stretches(by, asked)
    return found


def newest(rows: QuerySet[Any], asked: Asked, source: str, limit: int) -> QuerySet[Any]:
    """Of rows that have an `at`: those of a source within the span and beyond the edge, the newest first."""
    rows = rows.filter(at__gte=asked.since, at__lt=asked.until)
    if asked.before:
        rows = rows.filter(_beyond(asked.before, source))
    return rows.order_by("-at", "-pk")[:limit]


def is_beyond(at: datetime, key: int, asked: Asked, source: str) -> bool:
    """The same of what is no row."""
    edge = asked.before
    within = asked.since <= at < asked.until
    return within and (edge is None or (at, source, key) < (edge.at, edge.source, edge.key))


def _beyond(edge: Edge, source: str) -> Q:
    if source == edge.source:
        return Q(at__lt=edge.at) | Q(at=edge.at, pk__lt=edge.key)
    return Q(at__lte=edge.at) if source < edge.source else Q(at__lt=edge.at)
