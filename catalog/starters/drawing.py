"""A small drawing of the blueprints of a starter and the relations between them: what points stands above what it points at."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from catalog.starters.shelf import Starter

Json = dict[str, Any]

WIDE, HIGH, BESIDE, BELOW, EDGE = 112, 28, 12, 26, 4


@dataclass(frozen=True)
class Box:
    """`own`: the starter makes it; others are here already."""

    name: str
    title: str
    own: bool
    x: int
    y: int
    width: int = WIDE
    height: int = HIGH

    @property
    def middle(self) -> tuple[int, int]:
        return self.x + WIDE // 2, self.y + HIGH // 2


@dataclass(frozen=True)
class Arrow:
    path: str
    says: str


@dataclass(frozen=True)
class Drawing:
    width: int
    height: int
    boxes: list[Box]
    arrows: list[Arrow]

    @property
    def says(self) -> str:
        return "; ".join(each.says for each in self.arrows) or ", ".join(each.title for each in self.boxes)


def drawn(starter: Starter, titles: Mapping[str, str]) -> Drawing:
    """`titles` of blueprints that the starter does not make, by identifier."""
    definitions = {each["identifier"]: each for each in (*starter.blueprints, *starter.extends)}
    own = {each["identifier"]: each["title"] for each in starter.blueprints}
    aims = {name: _targets(each) for name, each in definitions.items()}
    for target in [target for each in list(aims.values()) for target in each]:
        aims.setdefault(target, {})
    rows = _rows(aims)
    widest = max(map(len, rows), default=0)
    boxes: dict[str, Box] = {}
    for place, names in enumerate(rows):
        left = EDGE + (widest - len(names)) * (WIDE + BESIDE) // 2
        for column, name in enumerate(names):
            title = own.get(name) or titles.get(name, name)
            at = left + column * (WIDE + BESIDE), EDGE + place * (HIGH + BELOW)
            boxes[name] = Box(name, _short(title), name in own, *at)
    arrows = [
        Arrow(_path(boxes[name], boxes[target]), f"{boxes[name].title}: {title} → {boxes[target].title}")
        for name, each in aims.items()
        for target, title in each.items()
    ]
    width = 2 * EDGE + widest * (WIDE + BESIDE) - BESIDE
    return Drawing(max(width, WIDE), 2 * EDGE + len(rows) * (HIGH + BELOW) - BELOW, list(boxes.values()), arrows)


def _targets(definition: Json) -> dict[str, str]:
    """The titles of the relations to each other blueprint."""
    found: dict[str, list[str]] = {}
    for name, each in (definition.get("relations") or {}).items():
        if each["target"] != definition["identifier"]:
            found.setdefault(each["target"], []).append(each.get("title") or name)
    return {target: ", ".join(titles) for target, titles in found.items()}


def _rows(aims: Mapping[str, Mapping[str, str]]) -> list[list[str]]:
    depth = {name: _depth(name, aims, frozenset()) for name in aims}
    deepest = max(depth.values(), default=0)
    return [[name for name in aims if depth[name] == deepest - place] for place in range(deepest + 1)]


def _depth(name: str, aims: Mapping[str, Mapping[str, str]], above: frozenset[str]) -> int:
    """The longest way from it to one that points at nothing."""
    further = [each for each in aims[name] if each not in above and each != name]
    return max((1 + _depth(each, aims, above | {name}) for each in further), default=0)


def _path(start: Box, end: Box) -> str:
    """Into the head of the arrow, which takes the last few pixels. One that leads back up goes round on the right."""
    across, to = start.middle[0], end.middle[0]
    if start.y < end.y:
        top, bottom = start.y + HIGH, end.y - 5
        half = (top + bottom) // 2
        return f"M{across} {top}C{across} {half} {to} {half} {to} {bottom}"
    right, left = start.x + WIDE, end.x + WIDE + 5
    out = max(right, left) + 30
    return f"M{right} {start.middle[1]}C{out} {start.middle[1]} {out} {end.middle[1]} {left} {end.middle[1]}"


def _short(title: str) -> str:
    return title if len(title) <= 17 else f"{title[:16]}…"
