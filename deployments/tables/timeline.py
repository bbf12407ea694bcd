"""Happenings as a list by time, and as lanes of a strip, for the templates."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from django.utils import timezone

from catalog.models import Entity
from deployments.queries.timeline import Asked, Edge, Happening, Stretch, looks

Row = dict[str, Any]

WIDE, HIGH = 1000, 24
HOURLY = timedelta(hours=48)
EVERYWHERE = "everywhere"
# Higher than the others: what one looks for.
INKS = {
    "green": "good",
    "red": "bad",
    "orange": "warn",
    "yellow": "warn",
    "blue": "busy",
    "purple": "busy",
    "turquoise": "busy",
}
TALL = {"failure", "rollback", "break_glass"}


def groups(found: Sequence[Happening], asked: Asked) -> list[Row]:
    """By the hour where the span is short, else by the day; in the viewer's time."""
    hourly = asked.until - asked.since <= HOURLY
    return [
        {"title": _title(starts, hourly), "starts": starts, "rows": [_row(each) for each in some]}
        for starts, some in groupby(found, key=lambda each: _start(each.at, hourly))
    ]


def _start(at: datetime, hourly: bool) -> datetime:
    local = timezone.localtime(at)
    return local.replace(hour=local.hour if hourly else 0, minute=0, second=0, microsecond=0)


def _title(starts: datetime, hourly: bool) -> str:
    day = "Today" if starts.date() == timezone.localdate() else f"{starts:%A}, {starts.day} {starts:%b %Y}"
    return f"{day}, {starts:%H}:00" if hourly else day


def _row(each: Happening) -> Row:
    look = looks()[each.kind]
    return {
        "at": each.at,
        "clock": f"{timezone.localtime(each.at):%H:%M}",
        "word": each.word or look.word,
        "colour": each.colour or look.colour,
        "icon": look.icon,
        "title": each.title,
        "place": each.place,
        "who": each.who,
        "detail": each.detail,
        "url": each.url,
    }


def edge_text(edge: Edge) -> str:
    return f"{edge.at.isoformat()}|{edge.source}|{edge.key}"


def lanes(
    environments: Iterable[Entity], found: Sequence[Happening], over: Sequence[Stretch], asked: Asked, *, most: int
) -> list[Row]:
    """One for each environment in which something happened, production first, and one for what holds everywhere."""
    names = [*(each.identifier for each in environments), ""]
    shown = []
    for name in names:
        marks = [each for each in found if each.environment == name]
        bars = [each for each in over if each.environment == name]
        if marks or bars:
            shown.append(_lane(name, marks, bars, asked))
    return shown[:most]


def standing(over: Iterable[Stretch], asked: Asked) -> list[Row]:
    """What was on before the span began and still was at its end, so that nothing in it tells of it; the longest first."""
    found = [each for each in over if each.since < asked.since and (each.until is None or each.until >= asked.until)]
    return [
        {"title": each.title, "url": each.url, "since": each.since}
        for each in sorted(found, key=lambda each: each.since)
    ]


def _lane(name: str, marks: list[Happening], bars: list[Stretch], asked: Asked) -> Row:
    counts = {kind: sum(each.kind == kind for each in marks) for kind in looks()}
    said = [f"{count} {looks()[kind].word.lower()}" for kind, count in counts.items() if count]
    said += [f"{each.kind}: {each.title}" for each in bars[:3]]
    return {
        "title": name or EVERYWHERE,
        "label": f"{name or EVERYWHERE}: {'; '.join(said)}",
        "marks": [_mark(each, asked) for each in reversed(marks)],
        "bars": [_bar(each, asked) for each in bars],
    }


def _mark(each: Happening, asked: Asked) -> Row:
    high = HIGH - 6 if each.kind in TALL else HIGH - 12
    return {
        "x": max(_x(each.at, asked) - 2, 0),
        "y": HIGH - 5 - high,
        "height": high,
        "colour": INKS.get(each.colour or looks()[each.kind].colour, "idle"),
        "said": f"{timezone.localtime(each.at):%H:%M} {each.word or looks()[each.kind].word} {each.title} {each.place}",
    }


def _bar(each: Stretch, asked: Asked) -> Row:
    left = _x(max(each.since, asked.since), asked)
    right = _x(min(each.until or asked.until, asked.until), asked)
    return {"x": left, "width": max(right - left, 3), "y": HIGH - 4, "kind": each.kind, "said": each.title}


def _x(at: datetime, asked: Asked) -> float:
    return round(WIDE * (at - asked.since) / (asked.until - asked.since), 1)


def ticks(asked: Asked) -> list[str]:
    """The ends of the strip and its middle."""
    length = asked.until - asked.since
    moments = [asked.since, asked.since + length / 2, asked.until]
    form = "%H:%M" if length <= timedelta(hours=12) else "%a %H:%M" if length <= timedelta(days=7) else "%d %b"
    return [timezone.localtime(each).strftime(form) for each in moments]
