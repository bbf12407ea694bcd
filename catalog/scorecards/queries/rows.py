"""What an entity of `_rule_result` tells, as SQL for lists and as values for those that are shown. Nothing of it is stored."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import (
    Case,
    Exists,
    F,
    Func,
    JSONField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    TextField,
    Value,
    When,
)
from django.db.models.functions import Coalesce

from catalog import permissions
from catalog.models import Blueprint, Entity
from catalog.scorecards.models import Answer, RuleRow, Scorecard, Standing
from catalog.scorecards.queries.judging import filter_condition, judged, rule_condition
from catalog.search.standings import WORDS
from portal.kit.by import By
from portal.kit.clock import iso

Json = dict[str, Any]

RESULT = "_rule_result"
# A long transaction commits entities whose keys are lower than those of others, already laid. Beyond so many keys only
# a worker finds them, when it looks at all.
BEHIND = 10_000
PASSED, FAILED = WORDS["SUCCESS"], WORDS["FAILURE"]
NAMES = ("result", "level", "entity", "blueprint", "scorecard", "result_last_change")


def expression(name: str) -> Any:
    """A property of `_rule_result` as JSON, of an entity's row."""
    own = Answer.objects.filter(row=OuterRef("pk"))
    if name == "result":
        return _json(_result())
    if name == "level":
        return _json(Subquery(own.annotate(said=_levels()).values("said")[:1]))
    if name == "result_last_change":
        return Subquery(own.annotate(said=_last_change()).values("said")[:1], output_field=JSONField())
    path = {
        "entity": "target__identifier",
        "blueprint": "target__blueprint__identifier",
        "scorecard": "rule__scorecard__identifier",
    }[name]
    return _json(Subquery(own.values(path)[:1]))


def load(entities: Sequence[Entity]) -> dict[int, Json]:
    """The same as values, for these."""
    rows = Answer.objects.filter(row__in=[each.pk for each in entities], rule__scorecard__isnull=False)
    answers = list(rows.select_related("rule__scorecard__blueprint", "target__blueprint"))
    judges = {judge.pk: judge for each in answers if (judge := each.rule.scorecard)}
    found = {key: _answers(judge, [a for a in answers if a.rule.scorecard_id == key]) for key, judge in judges.items()}
    said: dict[int, Json] = {}
    for values in found.values():
        said |= values
    return said


def _answers(judge: Scorecard, answers: Sequence[Answer]) -> dict[int, Json]:
    targets = {each.target_id: each.target for each in answers}
    results = judged([judge], list(targets.values()))
    stood = {each.entity_id: each for each in Standing.objects.filter(scorecard=judge, entity__in=targets)}
    rules = {rule["identifier"]: (n, rule) for n, rule in enumerate(judge.rules)}
    said = {}
    for each in answers:
        place, rule = rules[each.rule.identifier]
        result = next(iter(results.get(each.target_id, [])), None)
        standing = stood.get(each.target_id)
        values = {
            "result": (PASSED if result.passed[place] else FAILED) if result else None,
            "level": rule["level"],
            "entity": each.target.identifier,
            "blueprint": each.target.blueprint.identifier,
            "scorecard": judge.identifier,
            "result_last_change": standing.flipped.get(each.rule.identifier, iso(standing.since)) if standing else None,
        }
        said[each.row_id] = {name: value for name, value in values.items() if value is not None}
    return said


def seen(by: By) -> Q | None:
    """Results of entities that the viewer may see."""
    others = [each for each in permissions.restricted() if each.identifier != RESULT]
    bound = [(each, bounds) for each in others if (bounds := permissions.bounds(by, each)) is not None]
    if not bound:
        return None
    hidden = Answer.objects.filter(row=OuterRef("pk"))
    kept = Q()
    for blueprint, bounds in bound:
        known = Entity.objects.filter(bounds, blueprint=blueprint).values("pk")
        kept |= Q(target__blueprint=blueprint) & ~Q(target__in=known)
    return ~Q(Exists(hidden.filter(kept)))


def leaving() -> QuerySet[Answer]:
    """Results of rules that are gone, as far as the workers have not taken them away yet."""
    return Answer.objects.filter(rule__scorecard=None)


def rule_is_going() -> Q:
    return Q(Exists(RuleRow.objects.filter(entity=OuterRef("pk"), scorecard=None)))


def result_is_going() -> Q:
    """Asked of each only while there is a rule that is gone."""
    return Q(Exists(RuleRow.objects.filter(scorecard=None))) & Q(Exists(leaving().filter(row=OuterRef("pk"))))


def after(rule: RuleRow) -> int:
    """The key behind which answers of the rule may be missing."""
    return max(rule.laid_to - BEHIND, 0)


def lacking(rules: Iterable[RuleRow]) -> list[RuleRow]:
    """Those of the rules that have no answer of some entity yet. One query for all that are laid equally far."""
    alike: dict[tuple[int, int], list[RuleRow]] = defaultdict(list)
    for each in rules:
        if each.scorecard:
            alike[each.scorecard.blueprint_id, after(each)].append(each)
    return [rule for (judged, behind), own in alike.items() for rule in _lacking(own, judged, behind)]


def _lacking(rules: Sequence[RuleRow], judged: int, behind: int) -> list[RuleRow]:
    there = Answer.objects.filter(rule=OuterRef(OuterRef("pk")), target=OuterRef("pk"))
    without = Entity.objects.filter(blueprint=judged, pk__gt=behind).exclude(Exists(there))
    found = set(
        RuleRow.objects.filter(Exists(without), pk__in=[each.pk for each in rules]).values_list("pk", flat=True)
    )
    return [each for each in rules if each.pk in found]


def _rows() -> list[tuple[RuleRow, Json]]:
    """Every rule with what it asks."""
    rows = RuleRow.objects.exclude(scorecard=None).select_related("scorecard__blueprint").order_by("pk")
    found = []
    for row in rows:
        assert row.scorecard
        rule = next((each for each in row.scorecard.rules if each["identifier"] == row.identifier), None)
        if rule:
            found.append((row, rule))
    return found


def _result() -> "Subquery[Any]":
    """Judged on the target, in one look for each row: which rule it is says which condition is asked."""
    whens = []
    for row, rule in _rows():
        judge = row.scorecard
        assert judge
        if judge.filter:
            whens.append(When(Q(which=row.pk) & ~filter_condition(judge), then=Value(None)))
        whens.append(When(Q(which=row.pk) & rule_condition(judge, rule), then=Value(PASSED)))
    targets = Entity.objects.filter(answers__row=OuterRef("pk")).annotate(which=F("answers__rule"))
    said = Case(*whens, default=Value(FAILED), output_field=TextField())
    return Subquery(targets.annotate(said=said).values("said")[:1])


def _levels() -> Case:
    whens = [When(rule=row.pk, then=Value(rule["level"])) for row, rule in _rows()]
    return Case(*whens, default=Value(None), output_field=TextField())


def _last_change() -> "Subquery[Any]":
    own = Standing.objects.filter(entity=OuterRef("target"), scorecard=OuterRef("rule__scorecard"))
    flipped = Func(
        F("flipped"),
        OuterRef("rule__identifier"),
        template="(%(expressions)s)",
        arg_joiner=" -> ",
        output_field=JSONField(),
    )
    since = Func(F("since"), function="to_jsonb", output_field=JSONField())
    return Subquery(own.annotate(said=Coalesce(flipped, since)).values("said")[:1], output_field=JSONField())


def _json(text: Any) -> Func:
    return Func(text, function="to_jsonb", output_field=JSONField())


def relation_of(blueprint: Blueprint) -> str:
    """What a result's relation to an entity of the blueprint is called: as the blueprint, where that can be a name."""
    name = "".join(
        each if each.isascii() and (each.isalnum() or each in "@_=-") else "_" for each in blueprint.identifier
    )
    return name if name not in ("rule", "_") else f"{name}_{blueprint.pk}"
