"""Numbers about entities: over all of them, over time, and of one through time. docs/decisions/0014-measures.md."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import queries, search
from catalog.models import Blueprint
from catalog.scorecards import queries as scorecards
from catalog.search import measures, series, spans
from portal.api.auth import by_of
from portal.api.bodies import object_of
from portal.kit.clock import database_now
from portal.kit.errors import Invalid

Json = dict[str, Any]

MOST_PROPERTIES = 20
OVER_TIME = [*measures.FUNCTIONS, "last"]


@api_view(["POST"])
def aggregate(request: Request) -> Response:
    """`{"func", "query", "property" | "relation" | "scorecard", "averageOf", "measureTimeBy"}`: `result` is a number, or counts by value."""
    body, by = object_of(request), by_of(request)
    rule = search.parse(body.get("query"))
    kind = queries.pinned(rule)
    rows = search.matching(queries.all_entities(by), rule, by=by)
    answer: Json = {"ok": True, "matchingBlueprints": [kind.identifier] if kind else _blueprints(rows), "entities": []}
    if body.get("func") == "countValues":
        return Response(answer | {"result": _shares(rows, body, kind)})
    result = measures.measured(rows, _measure(body, kind), now=database_now(), blueprint=kind)
    return Response(answer | {"result": result})


@api_view(["POST"])
def over_time(request: Request) -> Response:
    """Entities by when something happened to them: how many, or a function of their numbers, for each interval."""
    body, by = object_of(request), by_of(request)
    kind = queries.blueprint(_name(body, "blueprint"))
    span = spans.read(body, database_now())
    rule = search.parse(body.get("query"))
    rows = search.matching(queries.entities(by, kind), rule, by=by, blueprint=kind)
    time = _time(body, kind)
    if _one_of(body, "aggregationType", ["countEntities", "aggregatePropertiesValues"]) == "countEntities":
        average = _one_of(body, "func", ["count", "average"]) == "average"
        line = (
            _property(body.get("breakdownProperty"), "breakdownProperty", kind) if "breakdownProperty" in body else ""
        )
        return _drawn(span, series.of_count(rows, kind, span, time=time, average=average, by=line))
    function = _one_of(body, "func", OVER_TIME)
    names = _numbers(body, "properties", kind)
    return _drawn(span, series.of_properties(rows, kind, span, time=time, function=function, properties=names))


@api_view(["POST"])
def history(request: Request) -> Response:
    """`{"blueprintIdentifier", "entityIdentifier", "propertyNames", "timeInterval", "timeRange"}`."""
    body, by = object_of(request), by_of(request)
    entity = queries.entity(by, _name(body, "blueprintIdentifier"), _name(body, "entityIdentifier"))
    names = _numbers(body, "propertyNames", entity.blueprint)
    span = spans.read(body, database_now())
    return _drawn(span, queries.history(entity, names, span))


def _drawn(span: spans.Span, points: Sequence[series.Point]) -> Response:
    """Instants are milliseconds since 1970."""
    data = [point.values | {"date": _milliseconds(point.begins)} for point in points]
    result = {"minDate": _milliseconds(span.start), "maxDate": _milliseconds(span.end), "data": data}
    return Response({"ok": True, "result": result})


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _measure(body: Json, kind: Blueprint | None) -> measures.Measure:
    function = _one_of(body, "func", ["count", *measures.FUNCTIONS, "countValues"])
    named = _property(body.get("property"), "property", kind) if "property" in body else ""
    if not named and function not in ("count", "average"):
        raise Invalid.at("property", f"is what the {function} is taken of: name a number property")
    if named and function == "count":
        raise Invalid.at("property", "is not for count; use countValues to count by it")
    _check_basis(body, named)
    unit = _one_of(body, "averageOf", [*measures.UNITS, "total"]) if "averageOf" in body else "total"
    averaged = unit if function == "average" and unit != "total" else ""
    return measures.Measure(function, named, averaged, _time(body, kind))


def _check_basis(body: Json, named: str) -> None:
    basis = "property" if named else "entities"
    if body.get("calculationBy", basis) != basis:
        raise Invalid.at("calculationBy", f'must be "{basis}", or be left out')


def _shares(rows: Any, body: Json, kind: Blueprint | None) -> list[Json]:
    if "scorecard" in body:
        if kind is None:
            raise Invalid.at("scorecard", "belongs to one blueprint: name it in a rule on $blueprint")
        rule = _name(body, "scorecardRule") if "scorecardRule" in body else ""
        shares = measures.counted_by_standing(rows, scorecards.standing(kind, _name(body, "scorecard"), rule))
    elif "relation" in body:
        shares = measures.counted_by_relation(rows, _name(body, "relation"))
    else:
        shares = measures.counted(rows, _property(body.get("property"), "property", kind), blueprint=kind)
    return [{"value": each.value, "count": each.count} for each in shares]


def _blueprints(rows: Any) -> list[str]:
    return sorted(rows.order_by().values_list("blueprint__identifier", flat=True).distinct())


def _time(body: Json, kind: Blueprint | None) -> str:
    name = body.get("measureTimeBy", "$createdAt")
    if isinstance(name, str) and name in search.INSTANTS:
        return name
    named = _property(name, "measureTimeBy", kind)
    if kind and named in kind.declared and kind.declared[named].get("format") not in ("date-time", "timer"):
        raise Invalid.at("measureTimeBy", f"“{named}” is not a date")
    return named


def _numbers(body: Json, field: str, kind: Blueprint) -> list[str]:
    names = body.get(field)
    if not isinstance(names, list) or not 0 < len(names) <= MOST_PROPERTIES:
        raise Invalid.at(field, f"must be a list of 1 to {MOST_PROPERTIES} properties")
    named = [_property(name, f"{field}.{place}", kind) for place, name in enumerate(names)]
    for place, name in enumerate(named):
        if kind.declared.get(name, {}).get("type") != "number":
            raise Invalid.at(f"{field}.{place}", f"“{name}” is not a number")
    return named


def _property(name: Any, path: str, kind: Blueprint | None) -> str:
    """The name, which the blueprint declares when it is known."""
    if not isinstance(name, str) or not name:
        raise Invalid.at(path, "must be a property's name")
    if kind and name not in search.META and name not in kind.declared:
        raise Invalid.at(path, f"“{name}” is not a property of {kind.identifier}")
    return name


def _name(body: Json, field: str) -> str:
    value = body.get(field)
    if not isinstance(value, str) or not value:
        raise Invalid.at(field, "must be a text that is not empty")
    return value


def _one_of(body: Json, field: str, allowed: Sequence[str]) -> str:
    value = body.get(field)
    if value not in allowed:
        raise Invalid.at(field, f"must be one of {', '.join(allowed)}")
    return str(value)
