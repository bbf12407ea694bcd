"""What became of each entity of a bulk edit, a bulk deletion or an undo, or would become."""

from collections.abc import Sequence
from typing import Any

from catalog.commands import Outcome
from catalog.models import Blueprint
from catalog.tables.addresses import entity_url
from portal.audit.diff import diff

Json = dict[str, Any]

WORDS = {"edit": "changed", "delete": "deleted", "undo": "put back"}
MOST_NAMED = 20


def outcome_rows(told: Sequence[Outcome], blueprint: Blueprint) -> list[Json]:
    """The refused first, then those that change, then those that stay as they are."""
    rows = [_row(outcome, _titles(blueprint)) for outcome in told]
    return sorted(rows, key=lambda row: (not row["refused"], not row["changes"]))


def _row(outcome: Outcome, titles: dict[str, str]) -> Json:
    lines = diff(outcome.before or {}, outcome.after or {}) if outcome.before and outcome.after else []
    return {
        "title": outcome.title,
        "identifier": outcome.identifier,
        "url": entity_url(outcome.blueprint, outcome.identifier),
        "refused": outcome.refused,
        "changes": outcome.is_change,
        "word": _word(outcome),
        "lines": [line | {"name": titles.get(line["name"], line["name"])} for line in lines],
        "taken": _named(outcome.taken),
        "needed_by": _named(outcome.needed_by),
    }


def _word(outcome: Outcome) -> str:
    if outcome.after is None:
        return "goes"
    return "comes back" if outcome.before is None else "changes" if outcome.is_change else "stays as it is"


def _named(names: Sequence[tuple[str, str, str]]) -> list[Json]:
    few = [
        {"title": title, "url": entity_url(kind, identifier) if identifier else None}
        for kind, identifier, title in names[:MOST_NAMED]
    ]
    more = len(names) - len(few)
    return [*few, *([{"title": f"{more} more", "url": None}] if more else [])]


def _titles(blueprint: Blueprint) -> dict[str, str]:
    """What a person calls the facts."""
    own = {f"properties.{name}": each.get("title") or name for name, each in blueprint.declared.items()}
    arrows = {f"relations.{name}": each.get("title") or name for name, each in blueprint.relations.items()}
    return own | arrows | {"team": "Team", "title": "Title", "identifier": "Identifier", "icon": "Icon"}


def summary(told: Sequence[Outcome], verb: str, *, is_done: bool) -> str:
    """`12 entities would be changed, 2 stay as they are, 1 would be refused.`"""
    refused = sum(1 for each in told if each.refused)
    change = sum(1 for each in told if each.is_change)
    same = len(told) - refused - change
    also = sum(len(each.taken) for each in told)
    are, were = ("are", "were") if is_done else ("would be", "would be")
    parts = [f"{_count(change)} {_are(change, are)} {WORDS[verb]}"]
    if also:
        parts.append(f"{also} more that {'needs' if also == 1 else 'need'} them with them")
    if same:
        parts.append(f"{same} {'stays' if same == 1 else 'stay'} as {'it is' if same == 1 else 'they are'}")
    if refused:
        parts.append(f"{refused} {'was' if were == 'were' and refused == 1 else were} refused")
    return ", ".join(parts) + "."


def _count(number: int) -> str:
    return f"{number:,} {'entity' if number == 1 else 'entities'}"


def _are(number: int, word: str) -> str:
    return "is" if word == "are" and number == 1 else word
