"""How entities stand by scorecards. The app that judges them says how; here it is only asked."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from django.db.models import Case, CharField, Expression, Value, When
from django.db.models.lookups import Exact

from catalog.models import Blueprint, Entity
from portal.kit.errors import Missing

PREFIX = "scorecard:"
# What a search says of a rule, and what people read.
WORDS = {"SUCCESS": "Passed", "FAILURE": "Not passed"}
RULE_COLOURS = {"Passed": "green", "Not passed": "red"}


@dataclass(frozen=True)
class Judge:
    """A scorecard: the colour of each level, from the worst, and (title, description) of each rule by its identifier."""

    identifier: str
    title: str
    levels: dict[str, str] = field(default_factory=dict)
    rules: dict[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Told:
    """`standing(blueprint, scorecard, rule)` is a text in SQL: a level, or SUCCESS or FAILURE where a rule is named; null out of
    its filter. It raises Missing for a scorecard or a rule that there is not.

    `said(entities)` answers `{entity key: {(scorecard, rule or ""): the same text}}`, without those that are not judged.
    """

    standing: Callable[[Blueprint, str, str], Expression]
    judges: Callable[[Blueprint], list[Judge]]
    said: Callable[[Sequence[Entity]], dict[int, dict[tuple[str, str], str]]]


_told: list[Told] = []


def tell(told: Told) -> None:
    _told[:] = [told]


def of(blueprint: Blueprint, scorecard: str, rule: str) -> Expression:
    return _told[0].standing(blueprint, scorecard, rule)


def judges(blueprint: Blueprint) -> list[Judge]:
    return _told[0].judges(blueprint) if _told else []


def said(entities: Sequence[Entity]) -> dict[int, dict[str, str]]:
    """What each column that `named` names says of each entity, in people's words."""
    found = _told[0].said(entities) if entities else {}
    return {
        key: {named(*place): WORDS.get(text, text) if place[1] else text for place, text in own.items()}
        for key, own in found.items()
    }


def named(scorecard: str, rule: str = "") -> str:
    """As a column: no identifier of a scorecard or a rule holds `#`."""
    return f"{PREFIX}{scorecard}#{rule}" if rule else PREFIX + scorecard


def parts(name: str) -> tuple[str, str]:
    scorecard, _, rule = name.removeprefix(PREFIX).partition("#")
    return scorecard, rule


def share_key(blueprint: Blueprint, name: str) -> Expression:
    """What rows are counted by: the level, or in people's words whether the rule is passed."""
    scorecard, rule = parts(name)
    standing = of(blueprint, scorecard, rule)
    if not rule:
        return standing
    return Case(
        *[When(_is(standing, said), then=Value(word)) for said, word in WORDS.items()], output_field=CharField()
    )


def sort_key(blueprint: Blueprint, name: str) -> Expression:
    """From the worst: the level's place, or what is not passed before what is."""
    scorecard, rule = parts(name)
    levels = ["FAILURE", "SUCCESS"] if rule else _levels(blueprint, scorecard)
    standing = of(blueprint, scorecard, rule)
    return Case(*[When(_is(standing, level), then=Value(place)) for place, level in enumerate(levels)])


def _levels(blueprint: Blueprint, scorecard: str) -> list[str]:
    found = next((each for each in judges(blueprint) if each.identifier == scorecard), None)
    if found is None:
        raise Missing(f'Scorecard with identifier "{scorecard}" was not found')
    return list(found.levels)


def _is(standing: Expression, text: str) -> Expression:
    return Exact(standing, Value(text))
