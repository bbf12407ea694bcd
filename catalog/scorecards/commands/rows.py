"""Scorecards, rules and results as entities: `_scorecard` and `_rule` are kept with the scorecard, results are laid."""

import time
from collections.abc import Collection, Sequence
from functools import partial
from typing import Any

from django.db import connection, transaction

from catalog import compute
from catalog.commands import entity_store
from catalog.commands.blueprints.write import held, stamp
from catalog.models import Blueprint, Entity
from catalog.scorecards.models import LEVELS, Answer, RuleRow, Scorecard
from catalog.scorecards.queries.rows import BEHIND, NAMES, RESULT, after, lacking, relation_of
from catalog.wishes import Wish
from portal.audit.wake import wake
from portal.kit.by import By, trusted
from portal.kit.locking import advisory_lock, retried

Json = dict[str, Any]

BATCH = 2000
AT_ONCE = 500  # results of rules that are gone, in a transaction
# A reader lays so many rows before it answers; what is more the workers lay.
AT_READING = 2000


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
        answers = Answer.objects.filter(rule__in=gone)
        if answers[: BATCH + 1].count() > BATCH:
            RuleRow.objects.filter(pk__in=[each.pk for each in gone]).update(scorecard=None)
            transaction.on_commit(partial(wake, "scorecards.compare"), robust=True)
            return
        _delete_results(answers)
        _delete(Entity.objects.filter(rule_row__in=gone))


def results_sweep(seconds: float = 2.0) -> bool:
    """Takes results of rules that are gone away, for about so long; answers whether there are more. Any number of workers
    may: each batch is one transaction, so that one that dies has done whole batches."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if not _sweep():
            return False
    return True


@retried
@transaction.atomic
def _sweep() -> bool:
    gone = RuleRow.objects.filter(scorecard=None).order_by("pk")
    row = gone.select_for_update(skip_locked=True, of=("self",)).first()
    if row is None:
        return False
    advisory_lock("results", str(row.pk))  # so that nobody lays more of them
    answers = Answer.objects.filter(rule=row).order_by("target_id")
    if keys := list(answers.values_list("row_id", flat=True)[:AT_ONCE]):
        _delete_rows(keys)
    else:
        _delete(Entity.objects.filter(pk=row.entity_id))
    return True


def results_forget(entities: Sequence[Entity]) -> None:
    """With an entity go the results that tell of it."""
    _delete_results(Answer.objects.filter(target__in=entities))


def _delete(found: Any) -> None:
    keys = list(found.values_list("pk", flat=True))
    if keys:
        compute.going(keys)
        Entity.objects.filter(pk__in=keys).delete()


# What may hold a result: all that is deleted with it. Of a large blueprint they are a million.
_FORGET = (
    "delete from catalog_relation where source_id = any(%(keys)s)",
    "delete from catalog_relation where target_id = any(%(keys)s)",
    "delete from catalog_sight where entity_id = any(%(keys)s)",
    "delete from scorecards_standing where entity_id = any(%(keys)s)",
    "delete from scorecards_answer where row_id = any(%(keys)s)",
    "delete from catalog_entity where id = any(%(keys)s)",
)


def _delete_results(answers: Any) -> None:
    keys = list(answers.order_by("row_id").values_list("row_id", flat=True))
    for first in range(0, len(keys), BATCH):
        _delete_rows(keys[first : first + BATCH])


def _delete_rows(keys: Sequence[int]) -> None:
    compute.going(keys)
    with connection.cursor() as cursor:
        for each in _FORGET:
            cursor.execute(each, {"keys": list(keys)})


def teams_follow(entity: Entity) -> None:
    """A result is owned by who owns what it tells of."""
    Entity.objects.filter(answer__target=entity).update(team=entity.team)


def results_lay(*, most: int = AT_READING, seconds: float = 5.0, anew: Collection[int] = ()) -> int:
    """Makes the results that are missing, of new entities and new rules; answers how many.

    `anew`: of these scorecards all entities are looked at, also those that had their results once.
    """
    made, until = 0, time.monotonic() + seconds
    for rule in lacking(_rules(anew)):
        while made < most and time.monotonic() < until and (laid := _laid(rule, anew)):
            made += laid
    return made


def results_laid(*, anew: Collection[int] = ()) -> None:
    """Notes of which rules nothing is missing, so that nobody looks at the older entities again."""
    top = Entity.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    behind = [each for each in _rules(anew) if each.laid_to < top - BEHIND // 2]
    if behind:
        short = {each.pk for each in lacking(behind)}
        rows = RuleRow.objects.filter(pk__in=[each.pk for each in behind if each.pk not in short])
        rows.filter(laid_to__lt=top).update(laid_to=top)


def _rules(anew: Collection[int]) -> list[RuleRow]:
    # One that judges results is of an older version: its results would have results, without end.
    rows = RuleRow.objects.exclude(scorecard=None).exclude(scorecard__blueprint__identifier=RESULT)
    found = list(rows.select_related("scorecard__blueprint", "entity").order_by("pk"))
    for each in found:
        each.laid_to = 0 if each.scorecard_id in anew else each.laid_to
    return found


# What an entity's row has beside these is by default. The rows of arrows and answers follow from those that were made.
_LAY = """
with wanted as (
    select e.id, e.team, %(prefix)s || ':' || e.id as identifier from catalog_entity e
    where e.blueprint_id = %(judged)s and e.id > %(after)s
        and not exists (select from scorecards_answer a where a.rule_id = %(rule)s and a.target_id = e.id)
    order by e.id limit %(most)s for key share
), made as (
    insert into catalog_entity
        (blueprint_id, identifier, title, icon, team, properties, computed, datasource, created_by, updated_by)
    select %(kind)s, identifier, %(title)s, '', team, '{}', '{}', '', 'scorecards', 'scorecards' from wanted
    returning id, identifier
), pairs as (
    select made.id as row, wanted.id as target from made join wanted using (identifier)
), answers as (
    insert into scorecards_answer (row_id, rule_id, target_id) select row, %(rule)s, target from pairs
), arrows as (
    insert into catalog_relation (source_id, name, target_id, position)
    select row, 'rule', %(of)s, 0 from pairs union all select row, %(relation)s, target, 0 from pairs
)
select row, target from pairs
"""


@transaction.atomic
def _laid(rule: RuleRow, anew: Collection[int]) -> int:
    """Some that are missing, those of the oldest entities first. One at a time for each rule; nobody lays twice."""
    advisory_lock("results", str(rule.pk))
    found = RuleRow.objects.select_related("scorecard__blueprint", "entity").filter(pk=rule.pk).first()
    if found is None or found.scorecard is None:
        return 0
    values: Json = {
        "prefix": found.entity.identifier,
        "judged": found.scorecard.blueprint_id,
        "after": 0 if found.scorecard_id in anew else after(found),
        "rule": found.pk,
        "most": BATCH,
        "kind": Blueprint.objects.get(identifier=RESULT).pk,
        "title": found.entity.title,
        "of": found.entity_id,
        "relation": relation_of(found.scorecard.blueprint),
    }
    with connection.cursor() as cursor:
        cursor.execute(_LAY, values)
        made = cursor.fetchall()
    compute.altered([row for row, _ in made], NAMES)
    if made:
        last = max(target for _, target in made)
        RuleRow.objects.filter(pk=found.pk, laid_to__lt=last).update(laid_to=last)
    return len(made)


def altered(targets: Sequence[int]) -> None:
    """What is computed of the results of these entities is computed again."""
    if targets:
        compute.altered(list(Answer.objects.filter(target__in=targets).values_list("row_id", flat=True)), NAMES)
