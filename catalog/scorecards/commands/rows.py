"""Scorecards, rules and results as entities: `_scorecard` and `_rule` are kept with the scorecard, results are laid."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction

from catalog import compute
from catalog.commands import entity_store
from catalog.commands.blueprints.write import held, stamp
from catalog.models import Blueprint, Entity, Relation
from catalog.scorecards.models import LEVELS, Answer, RuleRow, Scorecard
from catalog.scorecards.queries.rows import NAMES, RESULT, missing, relation_of
from catalog.wishes import Wish
from portal.kit import rows
from portal.kit.by import By, trusted
from portal.kit.locking import advisory_lock

Json = dict[str, Any]

BATCH = 1000
# A reader lays so many rows before it answers; what is more the workers lay.
AT_READING = 5000


def rows_keep(judge: Scorecard, *, by: By) -> None:
    """Within the scorecard's write: the entities of it and of its rules are as it says."""
    own = judge.blueprint.identifier
    properties = {"blueprint": own, "levels": judge.levels or LEVELS, "filter": judge.filter}
    entity = _stored("_scorecard", judge.entity, f"{own}:{judge.identifier}", judge.title, properties, {}, by)
    if judge.entity_id != entity.pk:
        judge.entity = entity
        judge.save(update_fields=["entity"])
    _relate(judge.blueprint, by)
    known = {each.identifier: each for each in judge.rows.select_related("entity")}
    for rule in judge.rules:
        _rule(judge, known.pop(rule["identifier"], None), rule, entity, by)
    _forget(list(known.values()))


def _rule(judge: Scorecard, row: RuleRow | None, rule: Json, scorecard: Entity, by: By) -> None:
    properties = {"level": rule["level"], "description": rule.get("description") or None, "query": rule["query"]}
    identifier = f"{scorecard.identifier}:{rule['identifier']}"
    told = {"scorecard": (scorecard.identifier,)}
    was = row.entity.title if row else ""
    entity = _stored("_rule", row.entity if row else None, identifier, rule["title"], properties, told, by)
    if row is None:
        RuleRow.objects.create(scorecard=judge, identifier=rule["identifier"], entity=entity)
    elif was != rule["title"]:
        Entity.objects.filter(answer__rule=row).update(title=rule["title"])


def _stored(
    kind: str, entity: Entity | None, identifier: str, title: str, properties: Json, relations: Json, by: By
) -> Entity:
    """Identifiers stay as they were made."""
    name = entity.identifier if entity else _free(kind, identifier)
    given = frozenset({"title", "properties", "relations"})
    wish = Wish(kind, name, "merge", title=title, properties=properties, relations=relations, given=given)
    return entity_store(wish, by=trusted(by), event=False, checked=False)


def _free(kind: str, identifier: str) -> str:
    """Names with colons of their own may come to the same."""
    number, found = 1, identifier
    while Entity.objects.filter(blueprint__identifier=kind, identifier=found).exists():
        number += 1
        found = f"{identifier}:{number}"
    return found


def _relate(blueprint: Blueprint, by: By) -> None:
    """Results point at entities of this blueprint from now on."""
    name = relation_of(blueprint)
    if name in Blueprint.objects.get(identifier=RESULT).relations:
        return
    kind = held(RESULT)
    relation = {"title": blueprint.title, "target": blueprint.identifier, "required": False, "many": False}
    _set_relations(kind, kind.relations | {name: relation}, by)


def relation_drop(blueprint: Blueprint, by: By) -> None:
    """The blueprint goes, or the last of its scorecards."""
    kind = Blueprint.objects.get(identifier=RESULT)
    name = relation_of(blueprint)
    if kind.relations.get(name, {}).get("target") == blueprint.identifier:
        kind = held(RESULT)
        _set_relations(kind, {key: each for key, each in kind.relations.items() if key != name}, by)


def _set_relations(kind: Blueprint, relations: Json, by: By) -> None:
    """The event of the scorecard tells of it."""
    kind.relations = relations
    stamp(kind, by)
    compute.derive(kind)


def rows_forget(judge: Scorecard, by: By) -> None:
    """The scorecard goes."""
    _forget(list(judge.rows.all()))
    if judge.entity_id:
        _delete(Entity.objects.filter(pk=judge.entity_id))
    if not Scorecard.objects.filter(blueprint=judge.blueprint_id).exclude(pk=judge.pk).exists():
        relation_drop(judge.blueprint, by)


def _forget(gone: Sequence[RuleRow]) -> None:
    if gone:
        _delete(Entity.objects.filter(answer__rule__in=gone))
        _delete(Entity.objects.filter(rule_row__in=gone))


def results_forget(entities: Sequence[Entity]) -> None:
    """With an entity go the results that tell of it."""
    _delete(Entity.objects.filter(answer__target__in=entities))


def _delete(found: Any) -> None:
    keys = list(found.values_list("pk", flat=True))
    if keys:
        compute.going(keys)
        Entity.objects.filter(pk__in=keys).delete()


def teams_follow(entity: Entity) -> None:
    """A result is owned by who owns what it tells of."""
    Entity.objects.filter(answer__target=entity).update(team=entity.team)


def results_lay(*, most: int = AT_READING) -> int:
    """Makes the results that are missing, of new entities and new rules; answers how many."""
    made = 0
    for rule in RuleRow.objects.select_related("scorecard__blueprint", "entity").order_by("pk"):
        while made < most and (targets := missing(rule, BATCH)):
            made += _laid(rule.pk, targets)
    return made


@transaction.atomic
def _laid(key: int, targets: Sequence[Entity]) -> int:
    """One at a time for each rule; nobody lays twice."""
    advisory_lock("results", str(key))
    rule = RuleRow.objects.select_related("scorecard__blueprint", "entity").filter(pk=key).first()
    if rule is None:
        return 0
    wanted = [each.pk for each in targets]
    there = set(Answer.objects.filter(rule=rule, target__in=wanted).values_list("target_id", flat=True))
    held = Entity.objects.select_for_update(of=("self",), no_key=True).filter(pk__in=set(wanted) - there).order_by("pk")
    targets = list(held)
    kind = Blueprint.objects.get(identifier=RESULT)
    made = [
        Entity(
            blueprint=kind,
            identifier=f"{rule.entity.identifier}:{each.pk}",
            title=rule.entity.title,
            team=each.team,
            created_by="scorecards",
            updated_by="scorecards",
        )
        for each in targets
    ]
    rows.insert(made)
    pairs = list(zip(made, targets, strict=True))
    rows.insert([Answer(row=row, rule=rule, target=target) for row, target in pairs])
    relation = relation_of(rule.scorecard.blueprint)
    arrows = [Relation(source=row, name="rule", target=rule.entity) for row in made]
    rows.insert([*arrows, *(Relation(source=row, name=relation, target=target) for row, target in pairs)])
    compute.altered([each.pk for each in made], NAMES)
    return len(made)


def altered(targets: Sequence[int]) -> None:
    """What is computed of the results of these entities is computed again."""
    if targets:
        compute.altered(list(Answer.objects.filter(target__in=targets).values_list("row_id", flat=True)), NAMES)
