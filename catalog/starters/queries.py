from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from catalog import kinds
from catalog.models import Blueprint, Entity, View
from catalog.scorecards.models import Scorecard
from catalog.starters import shelf
from catalog.starters.changes import Catalog, Change, changes
from catalog.starters.models import Brought
from catalog.starters.shelf import Starter
from portal.accounts.policy import require
from portal.kit.by import By

Json = dict[str, Any]


@dataclass(frozen=True)
class Standing:
    """A starter and what it would change here. `brought`: what it brought when it was imported."""

    starter: Starter
    changes: list[Change]
    brought: Brought | None

    @property
    def is_whole(self) -> bool:
        return not any(each.word == "new" for each in self.changes)


def standings(by: By) -> list[Standing]:
    """Of all starters, in a fixed number of queries; examples aside."""
    require(by, "catalog.read")
    shown = list(shelf.starters().values())
    there, brought = catalog_of(shown), {each.starter: each for each in Brought.objects.all()}
    return [Standing(each, changes(each, there, examples=False), brought.get(each.identifier)) for each in shown]


def standing(by: By, identifier: str) -> Standing:
    """Of one starter, its examples too."""
    require(by, "catalog.read")
    found = shelf.starter(identifier)
    there = catalog_of([found], examples=True)
    return Standing(found, changes(found, there, examples=True), Brought.objects.filter(starter=identifier).first())


def catalog_of(starters: Sequence[Starter], *, examples: bool = False) -> Catalog:
    named = {name for each in starters for name in each.named}
    blueprints = Blueprint.objects.filter(identifier__in=named)
    scorecards = Scorecard.objects.filter(blueprint__identifier__in=named).select_related("blueprint")
    views = View.objects.filter(blueprint__identifier__in=named, owner=None).select_related("blueprint")
    keys = [(each["blueprint"], each["identifier"]) for starter in starters for each in starter.examples if examples]
    entities = Entity.objects.filter(
        blueprint__identifier__in={blueprint for blueprint, _ in keys}, identifier__in=[name for _, name in keys]
    )
    return Catalog(
        {each.identifier: kinds.definition_of(each) for each in blueprints},
        {(each.blueprint.identifier, each.identifier): each.facts() for each in scorecards},
        {(each.blueprint.identifier, each.title): {"query": each.query} for each in views},
        {(each.blueprint.identifier, each.identifier): {} for each in entities.select_related("blueprint")},
    )
