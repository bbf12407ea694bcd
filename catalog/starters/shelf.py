"""The starters that come with the portal: one JSON file each, in files/."""

import json
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from portal.kit.errors import Missing

Json = dict[str, Any]

FILES = Path(__file__).parent / "files"


@dataclass(frozen=True)
class Starter:
    """`blueprints` are whole definitions; `extends` are parts for blueprints that are here already or come with another.

    `scorecards`, `views` and `examples` name their blueprint. Examples stand in the order in which they are made.
    """

    identifier: str
    title: str
    description: str
    icon: str = "box"
    order: int = 100
    blueprints: list[Json] = field(default_factory=list)
    extends: list[Json] = field(default_factory=list)
    scorecards: list[Json] = field(default_factory=list)
    views: list[Json] = field(default_factory=list)
    examples: list[Json] = field(default_factory=list)

    @property
    def named(self) -> set[str]:
        """Identifiers of the blueprints that it makes or adds to."""
        return {each["identifier"] for each in (*self.blueprints, *self.extends)}


@lru_cache(maxsize=1)
def starters() -> dict[str, Starter]:
    """By identifier, in the order in which they are shown."""
    found = [Starter(**json.loads(path.read_text(encoding="utf-8"))) for path in FILES.glob("*.json")]
    return {each.identifier: each for each in sorted(found, key=lambda each: (each.order, each.identifier))}


def starter(identifier: str) -> Starter:
    found = starters().get(identifier)
    if found is None:
        raise Missing(f"There is no starter called “{identifier}”; there are {', '.join(starters())}.")
    return found
