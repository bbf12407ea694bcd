"""Starters as the pages show them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from django.urls import reverse

from catalog.schema.definition import GROUPS, group_of
from catalog.starters.changes import PARTS, Change
from catalog.starters.drawing import drawn
from catalog.starters.queries import Standing
from catalog.starters.removal import Removed, label_of
from catalog.tables import list_url
from portal.audit.diff import diff

Json = dict[str, Any]

STATES = {
    "whole": ("Imported", "green", "check"),
    "part": ("Imported, more to add", "yellow", "circle-dashed"),
    "here": ("All here already", "blue", "check"),
    "new": ("", "", ""),
}
# In the order in which a preview tells of them: word, its colour, its icon.
WORDS = {
    "new": ("comes", "green", "plus"),
    "differs": ("differs", "yellow", "alert-triangle"),
    "taken": ("means something else here", "orange", "alert-circle"),
    "same": ("is here", "lightGray", "check"),
}


def starter_row(standing: Standing, titles: Mapping[str, str]) -> Json:
    starter = standing.starter
    state = ("whole" if standing.is_whole else "part") if standing.brought else "here" if standing.is_whole else "new"
    return {
        "identifier": starter.identifier,
        "title": starter.title,
        "description": starter.description,
        "icon": starter.icon,
        "url": reverse("starters:starter", args=[starter.identifier]),
        "counts": _counts(standing),
        "drawing": drawn(starter, titles),
        "state": STATES[state],
        "brought": standing.brought,
        "new": sum(1 for each in standing.changes if each.word == "new"),
    }


def _counts(standing: Standing) -> list[str]:
    starter = standing.starter
    definitions = [*starter.blueprints, *starter.extends]
    whole = [{"schema": {"properties": {}}} | each for each in definitions]
    parts = {what: sum(len(group_of(each, what)) for each in whole) for what in PARTS}
    computed = sum(parts[what] for what in GROUPS[1:])
    told = [
        (len(starter.blueprints), "blueprint"),
        (parts["schema.properties"], "property"),
        (parts["relations"], "relation"),
        (computed, "computed property"),
        (len(starter.scorecards), "scorecard"),
        (len(starter.views), "view"),
    ]
    return [_several(number, word) for number, word in told if number]


def _several(number: int, word: str) -> str:
    plural = word.removesuffix("y") + "ies" if word.endswith("y") else f"{word}s"
    return f"{number} {word if number == 1 else plural}"


def change_groups(told: Sequence[Change], titles: Mapping[str, str]) -> list[Json]:
    """By blueprint: what comes, what differs, and what is here."""
    groups: dict[str, list[Change]] = {}
    for each in told:
        groups.setdefault(each.blueprint, []).append(each)
    return [_group(name, own, titles) for name, own in groups.items()]


def _group(name: str, own: Sequence[Change], titles: Mapping[str, str]) -> Json:
    whole = next((each for each in own if each.what == "blueprint"), None)
    rows = [row for each in own for row in (_parts_of(each) if each.what == "blueprint" else [_change(each)])]
    order = list(WORDS)
    return {
        "identifier": name,
        "title": whole.wished["title"] if whole else titles.get(name, name),
        "is_new": whole is not None,
        "url": None if whole or name not in titles else list_url(name),
        "rows": sorted((row for row in rows if row["word"] != "same"), key=lambda row: order.index(row["word"])),
        "same": sum(1 for row in rows if row["word"] == "same"),
    }


def _parts_of(whole: Change) -> list[Json]:
    return [
        _change(Change(what, whole.blueprint, name, "new", each))
        for what in PARTS
        for name, each in group_of(whole.wished, what).items()
    ]


def _change(change: Change) -> Json:
    word, colour, icon = WORDS[change.word]
    return {
        "kind": change.kind,
        "name": change.name,
        "title": change.wished.get("title") or "",
        "detail": _detail(change),
        "word": change.word,
        "says": word,
        "colour": colour,
        "icon": icon,
        "diff": diff(change.now or {}, change.wished) if change.word in ("differs", "taken") else [],
    }


def _detail(change: Change) -> str:
    wished = change.wished
    if change.what == "relations":
        return f"to {'many of ' if wished.get('many') else ''}{wished['target']}"
    if change.what == "mirrorProperties":
        return str(wished["path"])
    if change.what == "aggregationProperties":
        spec = wished["calculationSpec"]
        return " ".join(filter(None, [spec["func"], "of", spec.get("property"), wished["target"]]))
    return str(wished.get("format") or wished.get("type") or "") if change.what in PARTS else ""


def summary(told: Sequence[Change]) -> str:
    """`2 blueprints, 3 properties and 1 scorecard would come; 1 part differs from what is here.`"""
    count = Counter(each.kind for each in told if each.word == "new")
    comes = [_several(number, kind) for kind, number in count.items()]
    parts = [
        f"{_joined(comes)} would come"
        if comes
        else "All of it is here"
        if all(each.word == "same" for each in told)
        else "Nothing would come"
    ]
    if differing := sum(1 for each in told if each.word == "differs"):
        parts.append(f"{_several(differing, 'part')} {'differs' if differing == 1 else 'differ'} from what is here")
    if taken := sum(1 for each in told if each.word == "taken"):
        names = "name means" if taken == 1 else "names mean"
        parts.append(f"{taken} {names} something else here")
    return "; ".join(parts) + "."


def _joined(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else words[0]


def removal_rows(told: Removed) -> Json:
    return {
        "gone": [label_of(each) for each in told.gone],
        "left": [{"label": each.label, "why": each.why} for each in told.left],
    }
