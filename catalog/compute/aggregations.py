"""Numbers over the entities that an entity is related to, of many at once. docs/decisions/0033-aggregations.md says what each means."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from django.core.exceptions import EmptyResultSet
from django.db import connection, models
from django.db.models import Expression, Value
from django.db.models.functions import Coalesce
from django.db.models.sql.datastructures import BaseTable

from catalog import search
from catalog.compute.ways import Known, Step, Way, known, ways
from catalog.models import Blueprint, Entity, Json
from catalog.search import measures, rules, values
from portal.kit.by import system

__all__ = ["Step", "Way", "aggregated", "depends_on_time", "reached", "ways"]

if TYPE_CHECKING:
    from django.db.models import QuerySet

    Targets = QuerySet[Entity, Any]

Number = float | None
# The computed values of targets, by key.
Fresh = Mapping[int, Json]

_HALF = "percentile_disc(0.5) within group (order by t.number{})"
# Of the two in the middle; of an odd number of numbers they are the same one.
_MIDDLE = f"({_HALF.format('')} + {_HALF.format(' desc')}) / 2"
_TOTALS = {
    "count": "count(*)",
    "sum": "coalesce(sum(t.number), 0)",
    "min": "min(t.number)",
    "max": "max(t.number)",
    "median": _MIDDLE,
    "average": "avg(t.number)",
}
_AGE = "extract(epoch from %s::timestamptz - min(t.moment))"


def aggregated(
    blueprint: Blueprint,
    names: Iterable[str],
    pks: Sequence[int],
    *,
    now: datetime,
    fresh: Mapping[str, Fresh] = MappingProxyType({}),
    among: Known | None = None,
) -> dict[int, Json]:
    """By the key of each entity, the number of each of the blueprint's aggregations called `names`, at the instant `now`.

    Counts and sums of nothing are 0; there is no (None) least, greatest, middle or average of nothing. What the targets'
    own computed properties say is read as it is stored, unless `fresh` says it for an aggregation.
    One statement for each name and one for the blueprints, which `among` spares.
    """
    among = among or known()
    found: dict[int, Json] = {pk: {} for pk in pks}
    for name in names:
        declared = blueprint.aggregation_properties[name]
        spec, numbers = declared["calculationSpec"], {}
        if pks and declared["target"] in among:
            rows = _targets(declared, among[declared["target"]], now, fresh.get(name))
            numbers = _numbers(rows, spec, _Pairs(blueprint, ways(blueprint, name, among), pks, among), now)
        nothing = 0 if spec["func"] == "sum" or _only_counts(spec) else None
        for pk in pks:
            found[pk][name] = numbers.get(pk, nothing)
    return found


def depends_on_time(declared: Json) -> bool:
    """Whether an aggregation's number changes while nothing is written."""
    if _unit(declared["calculationSpec"]):
        return True
    leaves = rules.leaves(_rule(declared)) if declared.get("query") else ()
    return any(isinstance(each, rules.Compare) and _is_timed(each) for each in leaves)


def _is_timed(rule: rules.Compare) -> bool:
    return rule.operator == "isExpired" or rule.operator == "between" and isinstance(rule.value, str)


def _rule(declared: Json) -> search.Rule:
    return search.parse(declared["query"])


def _only_counts(spec: Json) -> bool:
    """The average number of entities, over no time, is their number."""
    return bool(spec["calculationBy"] == "entities" and not _unit(spec))


def reached(blueprint: Blueprint, name: str, pks: Sequence[int], among: Known) -> set[int]:
    """The keys of all that an aggregation of these entities may count, whatever its query. One statement."""
    pairs = _Pairs(blueprint, ways(blueprint, name, among), pks, among)
    if not pairs.ways:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(f"select distinct target from ({pairs.sql}) as pairs(owner, target)", pairs.parameters)
        return {pk for (pk,) in cursor.fetchall()}


def _numbers(rows: "Targets", spec: Json, pairs: "_Pairs", now: datetime) -> dict[int, Number]:
    """Of the entities that have a target; the others are left out."""
    try:
        counted, parameters = rows.query.sql_with_params()
    except EmptyResultSet:  # the query is true of nothing
        return {}
    if not pairs.ways:
        return {}
    measure, timed = _measure(spec)
    with connection.cursor() as cursor:
        cursor.execute(
            f"with pairs(owner, target) as ({pairs.sql}), targets(id, number, moment) as ({counted}) "
            f"select p.owner, {measure}, {_AGE} from pairs p join targets t on t.id = p.target {timed} group by p.owner",
            [*pairs.parameters, *parameters, now],
        )
        return {pk: _number(total, age, _unit(spec)) for pk, total, age in cursor.fetchall() if total is not None}


def _unit(spec: Json) -> str:
    """Of the time that an average is taken over; empty: none."""
    return str(spec["averageOf"]) if spec["func"] == "average" and spec["averageOf"] != "total" else ""


def _measure(spec: Json) -> tuple[str, str]:
    """What is counted up, and of which targets."""
    by_entities = spec["calculationBy"] == "entities"
    if _unit(spec):
        return _TOTALS["count" if by_entities else "sum"], "where t.moment is not null"
    return _TOTALS["count" if by_entities else spec["func"]], ""


def _number(total: Any, age: Decimal | None, unit: str) -> Number:
    units = measures.units_begun(float(age), unit) if unit and age is not None else 1
    return measures.plain(Decimal(total) / units)


def _targets(declared: Json, target: Blueprint, now: datetime, fresh: Fresh | None) -> "Targets":
    """What may be counted: key, number and instant of each entity of the target that the query finds."""
    spec = declared["calculationSpec"]
    rows = Entity.objects.all()
    if fresh is not None:
        alias = rows.query.get_initial_alias()
        rows.query.alias_map[alias] = _Told(alias, fresh)
    rows = rows.filter(blueprint=target).order_by()
    if declared.get("query"):
        rows = search.matching(rows, _rule(declared), by=system("compute"), blueprint=target, now=now)
    number = values.number(_said(target, spec["property"])) if spec.get("property") else Value(None)
    by = spec.get("measureTimeBy") or "$createdAt"
    moment = models.F(values.INSTANTS[by]) if by in values.INSTANTS else values.instant(_said(target, by))
    return rows.values_list("pk", models.ExpressionWrapper(number, models.DecimalField()), moment)


class _Told(BaseTable):
    """The entities, some with other computed values than are stored with them."""

    def __init__(self, alias: str, fresh: Fresh) -> None:
        super().__init__(Entity._meta.db_table, alias)
        self.fresh = json.dumps(fresh)

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        columns = [field.column for field in Entity._meta.concrete_fields if field.column != "computed"]
        return (
            f"(select {', '.join(f'e.{each}' for each in columns)}, coalesce(t.value, e.computed) as computed from {self.table_name} e"
            " left join jsonb_each(%s::jsonb) t on t.key::bigint = e.id)"
            f" {compiler.quote_name_unless_alias(self.table_alias)}",
            [self.fresh],
        )


def _said(blueprint: Blueprint, name: str) -> Expression:
    """A property's value also while a worker still moves it to this name."""
    part = "computed" if name in blueprint.computed_properties else "properties"
    olds = [old for old, new in blueprint.moving.get(part, {}).items() if new == name]
    said = [values.json_of(each, blueprint) for each in (name, *olds)]
    return Coalesce(*said) if olds else said[0]


class _Pairs:
    """Each owner with each entity at the end of one of the ways, once: `sql` of two columns."""

    def __init__(self, owner: Blueprint, found: Sequence[Way], pks: Sequence[int], among: Known) -> None:
        self.ways = found
        parts: list[str] = []
        self.parameters: list[Any] = []
        for way in found:
            sql, here = "select id as owner, id from unnest(%s::bigint[]) as id", owner
            self.parameters.append(list(pks))
            for step in way:
                there = among[step.blueprint]
                arrow, added = _arrow(step, here, there)
                sql, here = f"select distinct w.owner, {arrow.format(f'({sql}) w')}", there
                self.parameters += added
            parts.append(sql)
        self.sql = " union ".join(f"({part})" for part in parts)


def _arrow(step: Step, here: Blueprint, there: Blueprint) -> tuple[str, list[Any]]:
    """A relation is known by its name and by the blueprint that declares it: others may have one of that name."""
    if step.forward:
        return "r.target_id as id from {} join catalog_relation r on r.source_id = w.id and r.name = any(%s)", [
            here.names_stored(step.relation)
        ]
    return (
        "r.source_id as id from {} join catalog_relation r on r.target_id = w.id and r.name = any(%s) "
        "join catalog_entity s on s.id = r.source_id and s.blueprint_id = %s",
        [there.names_stored(step.relation), there.pk],
    )
