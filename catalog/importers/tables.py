"""What an import did, or would do, as the pages and commands show it."""

from collections.abc import Iterable, Sequence
from typing import Any

from catalog.importers.things import Fate
from catalog.tables import entity_url
from portal.audit.diff import diff

Json = dict[str, Any]

LOOKS = {
    "left": ("left", "orange", "minus"),
    "created": ("new", "green", "plus"),
    "updated": ("changes", "blue", "pencil"),
    "same": ("as it is", "lightGray", "check"),
}
MOST_SHOWN = 300


def fate_rows(fates: Iterable[Fate], titles: dict[str, str], *, is_done: bool) -> list[Json]:
    """What was left first, then what is new, what changes, what stays. At most 300; `summary` counts all."""
    order = list(LOOKS)
    return [_row(each, titles, is_done) for each in sorted(fates, key=lambda each: order.index(each.word))[:MOST_SHOWN]]


def _row(fate: Fate, titles: dict[str, str], is_done: bool) -> Json:
    thing = fate.thing
    is_there = bool(thing.blueprint) and (fate.before is not None or is_done and fate.word != "left")
    return {
        "kind": titles.get(thing.blueprint, thing.blueprint),
        "title": thing.title or thing.identifier or "something without a name",
        "identifier": thing.identifier if thing.title else "",
        "url": entity_url(thing.blueprint, thing.identifier) if is_there else None,
        "source": thing.source,
        "look": LOOKS[fate.word],
        "why": fate.why,
        "notes": thing.notes,
        "is_new": fate.word == "created",
        "lines": _lines(fate) if fate.word in ("created", "updated") else [],
    }


def _lines(fate: Fate) -> list[Json]:
    """By the names of properties and relations alone; the identifier stands above."""
    found = diff(fate.before or {}, fate.after or {})
    kept = [line for line in found if line["name"] != "identifier"]
    return [line | {"name": line["name"].removeprefix("properties.").removeprefix("relations.")} for line in kept]


def summary(fates: Sequence[Fate], *, is_done: bool) -> str:
    """`3 would be new, 1 would change, 2 are as they are, 1 would be left.`"""
    count = {word: sum(1 for each in fates if each.word == word) for word in LOOKS}
    if is_done:
        words = {"created": "made", "updated": "changed", "same": "as they were", "left": "left"}
    else:
        words = {
            "created": "would be new",
            "updated": "would change",
            "same": "are as they are",
            "left": "would be left",
        }
    return (
        ", ".join(f"{count[word]:,} {words[word]}" for word in words if count[word]) + "."
        if fates
        else "Nothing was found."
    )


def lines(fates: Iterable[Fate]) -> list[str]:
    """For a terminal."""
    told = []
    for each in fates:
        thing = each.thing
        why = f": {each.why}" if each.why else ""
        told.append(
            f"{LOOKS[each.word][0]:9} {thing.blueprint or '-':10} {thing.identifier or '-'}  ({thing.source}){why}"
        )
        told += [f"{'':9} {note}" for note in thing.notes]
    return told
