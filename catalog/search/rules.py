"""The search language as a tree: rules about an entity, and how they are combined. Nothing here knows the database."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Json = dict[str, Any]

Direction = Literal["upstream", "downstream", ""]


@dataclass(frozen=True)
class Contextual:
    """A value of the one who asks: of his own entity, or of those of his teams."""

    context: Literal["user", "userTeams"]
    property: str


@dataclass(frozen=True)
class PropertySchema:
    """Any property that is declared so."""

    type: str
    format: str = ""
    items: str = ""


Field = str | Contextual | PropertySchema


@dataclass(frozen=True)
class Compare:
    """`operator` is always a positive one; `negated` turns it round exactly."""

    field: Field
    operator: str
    value: Any = None
    negated: bool = False


@dataclass(frozen=True)
class RelationRule:
    name: str
    target: Literal["$identifier", "$title"]
    operator: str
    value: Any = None
    negated: bool = False


@dataclass(frozen=True)
class RelatedTo:
    """`required` limits the arrows that are followed to required, or to optional, relations."""

    blueprint: str
    identifiers: tuple[str, ...]
    direction: Direction = ""
    required: bool | None = None


@dataclass(frozen=True)
class Step:
    relation: str
    hops: int = 0  # 0: exactly one; else one to that many, and all on the way count


@dataclass(frozen=True)
class MatchAny:
    path: tuple[Step, ...]
    identifiers: tuple[str, ...]
    start: str = ""  # the blueprint that the path begins at; empty: at the one that is searched


@dataclass(frozen=True)
class Every:
    rules: tuple["Rule", ...]


@dataclass(frozen=True)
class Any_:
    rules: tuple["Rule", ...]


@dataclass(frozen=True)
class ScorecardRule:
    """The level that an entity has by a scorecard; or, of one of its rules, SUCCESS or FAILURE."""

    scorecard: str
    rule: str
    operator: str
    value: Any = None
    negated: bool = False


Rule = Compare | RelationRule | ScorecardRule | RelatedTo | MatchAny | Every | Any_


def blueprint_in(rules: Sequence[Rule]) -> str:
    """The one blueprint that rules which are all true leave over; empty where they leave several."""
    named = [
        each.value
        for each in rules
        if isinstance(each, Compare) and (each.field, each.operator, each.negated) == ("$blueprint", "=", False)
    ]
    return str(named[0]) if named and isinstance(named[0], str) else ""


def leaves(rule: Rule) -> Iterator[Rule]:
    """The rules without those that only combine others."""
    if isinstance(rule, Every | Any_):
        for each in rule.rules:
            yield from leaves(each)
    else:
        yield rule


def asks_for_viewer(rule: Rule) -> bool:
    """Whether what it is true of depends on who asks."""
    said = [(getattr(each, "field", None), getattr(each, "value", None)) for each in leaves(rule)]
    return any(isinstance(each, Contextual) for pair in said for each in pair)


def every(rules: Sequence[Rule]) -> Rule:
    return rules[0] if len(rules) == 1 else Every(tuple(rules))
