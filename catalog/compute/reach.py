"""Which blueprints a definition tells of: those whose entities its values follow from, by itself and by no other property."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from catalog import search
from catalog.compute.graph import steps_of
from catalog.compute.ways import known, ways
from catalog.models import Blueprint, Json
from catalog.search.rules import MatchAny, RelatedTo, RelationRule, leaves
from portal.kit.errors import Invalid

Known = Mapping[str, Blueprint]


@dataclass(frozen=True, order=True)
class Tells:
    """The computed property `name` of `owner`, defined as `said`, tells of entities of `of`."""

    owner: str
    name: str
    of: str
    said: str


def reach() -> set[Tells]:
    """Of all blueprints as they are now. One query."""
    among = known()
    return {
        Tells(owner.identifier, name, each, json.dumps(declared, sort_keys=True))
        for owner in among.values()
        for name, declared in owner.computed_properties.items()
        for each in _reached(owner, name, among)
    }


def _reached(owner: Blueprint, name: str, among: Known) -> set[str]:
    if name in owner.mirror_properties:
        return {step.blueprint for step in steps_of(owner, name, among)}
    if name in owner.calculation_properties:
        return set()  # it reads the entity alone, whose arrows are its own
    declared = owner.aggregation_properties[name]
    counted = {step.blueprint for way in ways(owner, name, among) for step in way}
    return counted | asked_of(_parsed(declared.get("query")), declared["target"], among)


def asked_of(rules: search.Rule | None, blueprint: str, among: Known | None = None) -> set[str]:
    """Other blueprints whose entities a query over those of `blueprint` asks about."""
    among = known() if among is None else among
    return {each for rule in (leaves(rules) if rules else ()) for each in _asked(rule, blueprint, among)}


def _asked(rule: Any, blueprint: str, among: Known) -> Iterator[str]:
    if isinstance(rule, RelatedTo):
        yield rule.blueprint
    elif isinstance(rule, RelationRule) and rule.target != "$identifier":
        yield from _along(blueprint, [rule.name], among)
    elif isinstance(rule, MatchAny):
        yield rule.start or blueprint
        yield from _along(rule.start or blueprint, [step.relation for step in rule.path], among)


def _along(here: str, relations: list[str], among: Known) -> Iterator[str]:
    for relation in relations:
        declared = among[here].relations.get(relation) if here in among else None
        if declared is None:
            return
        here = declared["target"]
        yield here


def _parsed(query: Json | None) -> search.Rule | None:
    try:
        return search.parse(query) if query else None
    except Invalid:  # it came past the check, long ago
        return None
