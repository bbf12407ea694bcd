"""How an upper app shows the entities of its own kind, wherever they stand in a table."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.safestring import SafeString

from catalog.models import Entity
from catalog.tables.columns import Column
from catalog.tables.state import Filter
from portal.kit.by import By


@dataclass(frozen=True)
class Quick:
    """A line of the filter that one press sets."""

    label: str
    icon: str
    line: Filter


@dataclass(frozen=True)
class Look:
    """`shown` are the columns until somebody chooses; `more` stand beside those of the blueprint.

    `load(by, entities)` answers what the cells need, by entity key, in a fixed number of queries; `cells` make a
    cell of that, by column. An entity that was not loaded has the usual cells. With `beat`, which changes whenever
    the rows may have, the table keeps itself up to date.
    """

    blueprint: str = ""
    title: str = ""
    shown: tuple[str, ...] = ()
    more: tuple[Column, ...] = ()
    quick: tuple[Quick, ...] = ()
    load: Callable[[By, Sequence[Entity]], Mapping[int, Any]] | None = None
    cells: Mapping[str, Callable[[Any], SafeString]] = field(default_factory=dict)
    beat: Callable[[], str] | None = None


PLAIN = Look()
_looks: dict[str, Look] = {}


def register(look: Look) -> None:
    _looks[look.blueprint] = look


def of(blueprint: str) -> Look:
    return _looks.get(blueprint, PLAIN)
