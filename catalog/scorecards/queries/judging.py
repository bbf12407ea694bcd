from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise
from operator import and_
from typing import Any

from django.db.models import BooleanField, Case, Q, QuerySet, TextField, Value, When

from catalog.compute import refresh
from catalog.models import Blueprint, Entity
from catalog.scorecards.models import Scorecard
from catalog.scorecards.shapes import read
from catalog.search.compiler import condition
from catalog.search.standings import Judge
from portal.accounts.policy import require
from portal.kit.by import By, system
from portal.kit.errors import Missing

Json = dict[str, Any]


@dataclass(frozen=True)
class Result:
    """How an entity stands. `passed` has a truth for each rule of the scorecard, in its order."""

    scorecard: Scorecard
    level: str
    passed: tuple[bool, ...]

    def facts(self) -> Json:
        rules = zip(self.scorecard.rules, self.passed, strict=True)
        return {
            "level": self.level,
            "rules": [
                {"identifier": rule["identifier"], "status": "SUCCESS" if passed else "FAILURE", "level": rule["level"]}
                for rule, passed in rules
            ],
        }


def scorecards(by: By, blueprint: Blueprint | None = None) -> QuerySet[Scorecard]:
    require(by, "catalog.read")
    found = Scorecard.objects.select_related("blueprint").order_by("blueprint_id", "id")
    return found.filter(blueprint=blueprint) if blueprint else found


def scorecard(blueprint: Blueprint, identifier: str, *, held: bool = False) -> Scorecard:
    rows = Scorecard.objects.select_related("blueprint").filter(blueprint=blueprint, identifier=identifier)
    found = (rows.select_for_update(of=("self",)) if held else rows).first()
    if found is None:
        raise Missing(f'Scorecard with identifier "{identifier}" was not found')
    return found


def scorecard_by_key(by: By, key: int) -> Scorecard:
    require(by, "catalog.read")
    found = Scorecard.objects.select_related("blueprint").filter(pk=key).first()
    if found is None:
        raise Missing("This scorecard is gone, or has never been.")
    return found


def results(entities: Sequence[Entity]) -> dict[int, list[Result]]:
    """How each stands at this instant, by key: a query for the scorecards, and one for each blueprint that has any.

    An entity that a scorecard's filter leaves out has no result of it.
    """
    by_blueprint: dict[int, list[Scorecard]] = defaultdict(list)
    kinds = {each.blueprint_id for each in entities}
    for each in Scorecard.objects.filter(blueprint__in=kinds).select_related("blueprint").order_by("id"):
        by_blueprint[each.blueprint_id].append(each)
    found: dict[int, list[Result]] = {}
    for blueprint, own in by_blueprint.items():
        found |= judged(own, [each for each in entities if each.blueprint_id == blueprint])
    return found


def judged(scorecards: Sequence[Scorecard], entities: Sequence[Entity]) -> dict[int, list[Result]]:
    """The same by these scorecards, which are the entities' blueprint's: one query."""
    computing = [each for each in entities if "plan" in each.blueprint.derived]
    if computing:
        refresh(computing)  # rules may ask for what is computed of them
    keys = [each.pk for each in entities]
    questions: dict[str, Case] = {}
    for n, each in enumerate(scorecards):
        questions[f"asked_{n}"] = _is_true(each.filter, each.blueprint)
        for m, rule in enumerate(each.rules):
            questions[f"rule_{n}_{m}"] = _is_true(rule["query"], each.blueprint)
    rows = Entity.objects.filter(pk__in=keys).annotate(**questions).values("pk", *questions)
    return {
        row["pk"]: [_result(each, n, row) for n, each in enumerate(scorecards) if row[f"asked_{n}"]] for row in rows
    }


def _result(scorecard: Scorecard, n: int, row: Json) -> Result:
    passed = tuple(row[f"rule_{n}_{m}"] for m in range(len(scorecard.rules)))
    return Result(scorecard, level_of(scorecard, passed), passed)


def level_of(scorecard: Scorecard, passed: Sequence[bool]) -> str:
    """The highest level of which, and of every level below, all rules pass."""
    failed = {rule["level"] for rule, ok in zip(scorecard.rules, passed, strict=True) if not ok}
    reached = scorecard.ladder[0]
    for level in scorecard.ladder[1:]:
        if level in failed:
            break
        reached = level
    return reached


def standing(blueprint: Blueprint, identifier: str, rule: str = "") -> Case:
    """The level of an entity, or SUCCESS or FAILURE by a rule, as a text in SQL; null where it is not judged."""
    judge = scorecard(blueprint, identifier)
    if not rule:
        return level_sql(judge)
    passes = When(rule_condition(judge, _rule_of(judge, rule)), then=Value("SUCCESS"))
    return Case(*_outside(judge), passes, default=Value("FAILURE"), output_field=TextField())


def level_sql(judge: Scorecard) -> Case:
    """The level of an entity by a scorecard that need not be saved; null where it is not judged."""
    steps = [When(failed, then=Value(level)) for level, failed in _stops(judge)]
    return Case(*_outside(judge), *steps, default=Value(judge.ladder[-1]), output_field=TextField())


def rule_condition(judge: Scorecard, rule: Json) -> Q:
    return _condition(rule["query"], judge.blueprint)


def filter_condition(judge: Scorecard) -> Q:
    return _condition(judge.filter or {}, judge.blueprint)


def _outside(judge: Scorecard) -> list[When]:
    return [When(~filter_condition(judge), then=Value(None))] if judge.filter else []


def judges(blueprint: Blueprint) -> list[Judge]:
    """The blueprint's scorecards as tables show them."""
    return [
        Judge(
            each.identifier,
            each.title,
            {level: each.colour(level) or "lightGray" for level in each.ladder},
            {rule["identifier"]: (rule["title"], rule.get("description") or "") for rule in each.rules},
        )
        for each in Scorecard.objects.filter(blueprint=blueprint).order_by("id")
    ]


def said(entities: Sequence[Entity]) -> dict[int, dict[tuple[str, str], str]]:
    """For tables: the level by each scorecard, and SUCCESS or FAILURE by each of its rules."""
    return {key: dict(_spoken(found)) for key, found in results(entities).items()}


def _spoken(found: list[Result]) -> Iterator[tuple[tuple[str, str], str]]:
    for each in found:
        name = each.scorecard.identifier
        yield (name, ""), each.level
        for rule, passed in zip(each.scorecard.rules, each.passed, strict=True):
            yield (name, rule["identifier"]), "SUCCESS" if passed else "FAILURE"


def _stops(judge: Scorecard) -> list[tuple[str, Q]]:
    """The levels from the worst, each with what keeps an entity from the next."""
    steps = []
    for reached, above in pairwise(judge.ladder):
        rules = [_condition(each["query"], judge.blueprint) for each in judge.rules if each["level"] == above]
        if rules:
            steps.append((reached, ~reduce(and_, rules)))
    return steps


def _rule_of(judge: Scorecard, identifier: str) -> Json:
    for each in judge.rules:
        if each["identifier"] == identifier:
            found: Json = each
            return found
    raise Missing(f'Rule with identifier "{identifier}" was not found in the scorecard "{judge.identifier}"')


def _condition(conditions: Json, blueprint: Blueprint) -> Q:
    return condition(read(conditions), by=system("scorecards"), blueprint=blueprint)


def _is_true(conditions: Json | None, blueprint: Blueprint) -> Case:
    if not conditions:
        return Case(default=Value(True), output_field=BooleanField())
    return Case(
        When(_condition(conditions, blueprint), then=Value(True)), default=Value(False), output_field=BooleanField()
    )
