"""What an importer found, before it is written, and what became of it."""

from dataclasses import dataclass, field
from typing import Any, Literal

Json = dict[str, Any]
Key = tuple[str, str]  # a blueprint's identifier, an entity's


@dataclass(frozen=True)
class Thing:
    """An entity as a source describes it. What is empty here is not spoken of, and stays as it is.

    `source` says where it stands, `notes` what was read otherwise than it was written, or left out.
    """

    blueprint: str
    identifier: str
    source: str
    title: str = ""
    team: tuple[str, ...] = ()
    properties: Json = field(default_factory=dict)
    relations: dict[str, tuple[str, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def key(self) -> Key:
        return self.blueprint, self.identifier


@dataclass(frozen=True)
class Fate:
    """`before` and `after` are its facts, None where it was not. `why` says why it was left."""

    thing: Thing
    word: Literal["created", "updated", "same", "left"]
    before: Json | None = None
    after: Json | None = None
    why: str = ""


def left(source: str, name: str, why: str) -> Fate:
    """For what is no thing at all."""
    return Fate(Thing("", name, source), "left", why=why)
