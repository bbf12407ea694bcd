"""The kinds `_scorecard`, `_rule` and `_rule_result`: scorecards as entities, which anybody may extend."""

from dataclasses import replace
from typing import Any

from django.db import transaction

from catalog import hooks, kinds
from catalog.commands import entity_store
from catalog.models import Blueprint, Entity
from catalog.scorecards.commands.rows import (
    relation_drop,
    results_forget,
    results_lay,
    rows_forget,
    rows_keep,
    teams_follow,
)
from catalog.scorecards.models import Scorecard
from catalog.scorecards.queries import rows
from catalog.scorecards.queries.rows import NAMES, RESULT, relation_of
from catalog.search.standings import RULE_COLOURS
from catalog.wishes import Wish
from portal.kit.by import By, system
from portal.kit.errors import Conflict, Invalid, Missing

Json = dict[str, Any]


def _text(title: str, **more: Any) -> Json:
    return {"type": "string", "title": title, **more}


SCORECARD: Json = {
    "identifier": "_scorecard",
    "title": "Scorecard",
    "icon": "Scorecard",
    "description": "Each scorecard, kept by the portal. Properties and relations of your own may be added.",
    "schema": {
        "properties": {
            "blueprint": _text("Blueprint", format="blueprints"),
            "levels": {"type": "array", "title": "Levels", "items": {"type": "object"}},
            "filter": {"type": "object", "title": "Filter"},
        },
        "required": [],
    },
    "relations": {},
}
RULE: Json = {
    "identifier": "_rule",
    "title": "Rule",
    "icon": "Scorecard",
    "description": "Each rule of a scorecard, kept by the portal.",
    "schema": {
        "properties": {
            "level": _text("Level"),
            "description": _text("Description"),
            "query": {"type": "object", "title": "Conditions"},
        },
        "required": [],
    },
    "relations": {"scorecard": {"title": "Scorecard", "target": "_scorecard", "required": True, "many": False}},
}
RULE_RESULT: Json = {
    "identifier": RESULT,
    "title": "Rule result",
    "icon": "Scorecard",
    "description": "How each entity stands by each rule, at the instant of reading.",
    "schema": {
        "properties": {
            "result": _text("Result", enum=list(RULE_COLOURS), enumColors=RULE_COLOURS),
            "level": _text("Level"),
            "entity": _text("Entity"),
            "blueprint": _text("Blueprint", format="blueprints"),
            "scorecard": _text("Scorecard"),
            "result_last_change": _text("Last change", format="date-time"),
        },
        "required": [],
    },
    "relations": {"rule": {"title": "Rule", "target": "_rule", "required": True, "many": False}},
    "ownership": {"type": "Direct"},
}
OWN = {each["identifier"]: frozenset(each["schema"]["properties"]) for each in (SCORECARD, RULE, RULE_RESULT)}


def register() -> None:
    kinds.register(kinds.Kind(SCORECARD, told=OWN["_scorecard"], write=write))
    kinds.register(kinds.Kind(RULE, told=OWN["_rule"], write=write, going=rows.rule_is_going))
    result = kinds.Kind(RULE_RESULT, told=OWN[RESULT], write=write, seen=rows.seen, settle=_settle, grown=grown)
    kinds.register(replace(result, going=rows.result_is_going))
    told = frozenset(NAMES)
    kinds.register_live(kinds.Live(RESULT, told, rows.load, live_write, expression=rows.expression))
    hooks.after_change(changed)
    hooks.before_deletion(deleting)
    hooks.before_blueprint_deletion(going)


def _settle() -> None:
    results_lay()


def grown() -> Json:
    """The relations of results to what is judged."""
    found = Blueprint.objects.get(identifier=RESULT).relations
    return {
        relation_of(each): found[relation_of(each)]
        for each in Blueprint.objects.filter(scorecards__isnull=False).distinct()
        if relation_of(each) in found
    }


@transaction.atomic
def install(**_: Any) -> None:
    """The entities of scorecards that were here before their blueprints were."""
    for judge in Scorecard.objects.filter(entity=None).select_related("blueprint"):
        rows_keep(judge, by=system("setup"))


def write(wish: Wish, by: By) -> Entity | None:
    """What people added to the kind is theirs to write; what the portal keeps stays as it is."""
    found = Entity.objects.filter(blueprint__identifier=wish.blueprint, identifier=wish.identifier).first()
    if found is None:
        if wish.mode in ("replace", "patch"):
            raise Missing(f'Entity with identifier "{wish.identifier}" was not found', nearest=[])
        raise Conflict(f"Entities of {wish.blueprint} are made by the portal, from scorecards.", code="protected")
    if wish.mode == "create":
        raise Conflict(f'Entity with identifier "{wish.identifier}" already exists', code="identifier_taken")
    if wish.rename:
        raise Invalid.at("identifier", "the portal keeps it: it cannot be changed")
    kept = OWN[wish.blueprint]
    blueprint = Blueprint.objects.get(identifier=wish.blueprint)
    base = {"rule", "scorecard", *grown()} & blueprint.relations.keys()
    properties = {name: value for name, value in wish.properties.items() if name not in kept}
    if not wish.merges:
        properties = {name: None for name in found.properties if name not in kept} | properties
    relations = {name: targets for name, targets in wish.relations.items() if name not in base}
    given = wish.given & {"icon", "properties", "relations"}
    return _own(
        replace(wish, mode="patch", properties=properties, relations=relations, given=given, title="", team=()), by
    )


def _own(wish: Wish, by: By) -> Entity:
    return entity_store(wish, by=by)


def live_write(entity: Entity, wished: Json, by: By) -> None:
    """Never asked: what is judged is taken out of a wish before."""


def changed(entity: Entity, before: Json, by: By) -> None:
    if list(entity.team) != before["team"]:
        teams_follow(entity)


def going(blueprint: Blueprint, by: By) -> None:
    for judge in Scorecard.objects.filter(blueprint=blueprint).select_related("blueprint"):
        rows_forget(judge, by)
    relation_drop(blueprint, by)


def deleting(entities: Any, by: By) -> None:
    kept = [each for each in entities if each.blueprint.identifier in OWN]
    if kept:
        alone = f"“{kept[0].identifier}” goes with its scorecard or with the entity it tells of, not by itself."
        several = "They go with their scorecards or with the entities they tell of, not by themselves."
        raise hooks.Holds(
            alone if len(kept) == 1 else several,
            [each.pk for each in kept],
            code="protected",
        )
    results_forget(entities)
