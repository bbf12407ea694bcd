"""Numbers over /v1: what a client sends, what it gets, and each refusal. tests/search/test_measures.py checks the figures."""

from datetime import timedelta

import pytest

from catalog.models import Entity
from locks import scopes
from locks.commands import lock_take
from portal.kit.clock import database_now
from tests.conftest import write

DAY = 86_400_000


def query(*rules, blueprint="thing"):
    named = [{"property": "$blueprint", "operator": "=", "value": blueprint}] if blueprint else []
    return {"combinator": "and", "rules": [*named, *rules]}


@pytest.fixture
def things(shop, terraform):
    properties = {
        "size": {"type": "number"},
        "stage": {"type": "string"},
        "at": {"type": "string", "format": "date-time"},
    }
    relations = {"service": {"target": "service", "title": "Service", "required": False, "many": False}}
    body = {"identifier": "thing", "title": "Thing", "schema": {"properties": properties}, "relations": relations}
    assert terraform.post("blueprints", body).status == 201
    for place, stage in enumerate(["new", "new", "old", None]):
        said = {"size": place, "stage": stage} if stage else {"size": place}
        write("thing", f"t{place}", properties=said, relations={"service": ("checkout",)} if place < 2 else {})
    return terraform


def test_entities_are_counted_and_their_numbers_summed(things):
    for body, result in [
        ({"func": "count"}, 4),
        ({"func": "sum", "property": "size"}, 6),
        ({"func": "average", "property": "size", "averageOf": "total", "calculationBy": "property"}, 1.5),
        ({"func": "median", "property": "size"}, 1.5),
        ({"func": "max", "property": "size"}, 3),
        ({"func": "average", "averageOf": "day", "calculationBy": "entities", "measureTimeBy": "$createdAt"}, 4),
    ]:
        answer = things.post("entities/aggregate", body | {"query": query()})
        assert (answer.status, answer.json["result"]) == (200, result), body
        assert answer.json["matchingBlueprints"] == ["thing"]


def test_a_query_over_all_blueprints_is_counted_too(things):
    rule = {"property": "$identifier", "operator": "in", "value": ["t1", "checkout", "staging"]}
    answer = things.post("entities/aggregate", {"func": "count", "query": query(rule, blueprint="")})
    assert (answer.json["result"], answer.json["matchingBlueprints"]) == (3, ["environment", "service", "thing"])


def test_values_and_targets_are_counted(things):
    for by, result in [
        (
            {"property": "stage"},
            [{"value": "new", "count": 2}, {"value": None, "count": 1}, {"value": "old", "count": 1}],
        ),
        ({"relation": "service"}, [{"value": "checkout", "count": 2}, {"value": None, "count": 2}]),
    ]:
        answer = things.post("entities/aggregate", {"func": "countValues", "query": query()} | by)
        assert sorted(answer.json["result"], key=str) == sorted(result, key=str)


def test_things_over_time_have_a_point_for_every_day(things):
    Entity.objects.filter(identifier="t0").update(created_at=database_now() - timedelta(days=3))
    body = {
        "blueprint": "thing",
        "timeRange": {"preset": "lastWeek", "timeZone": "Asia/Kathmandu"},
        "timeInterval": "day",
        "query": query(),
        "measureTimeBy": "$createdAt",
        "aggregationType": "countEntities",
        "func": "count",
    }
    result = things.post("entities/aggregate-over-time", body).json["result"]
    dates = [point["date"] for point in result["data"]]
    assert len(dates) == 8 and {after - before for before, after in zip(dates, dates[1:], strict=False)} == {DAY}
    assert result["maxDate"] - result["minDate"] == 7 * DAY
    assert [point["count"] for point in result["data"]] == [0, 0, 0, 0, 1, 0, 0, 3]
    lines = things.post("entities/aggregate-over-time", body | {"breakdownProperty": "stage"}).json["result"]["data"]
    assert {name: count for name, count in lines[-1].items() if name != "date"} == {"new": 1, "old": 1, "null": 1}
    numbers = {"aggregationType": "aggregatePropertiesValues", "func": "sum", "properties": ["size"]}
    sizes = things.post("entities/aggregate-over-time", body | numbers).json["result"]["data"]
    assert [point["size"] for point in sizes] == [0, 0, 0, 0, 0, 0, 0, 6]


def test_the_history_of_a_number_follows_its_writes(things):
    things.send("patch", "blueprints/thing/entities/t1", {"properties": {"size": 7}})
    body = {
        "blueprintIdentifier": "thing",
        "entityIdentifier": "t1",
        "propertyNames": ["size"],
        "timeInterval": "day",
        "timeRange": {"preset": "lastWeek"},
    }
    result = things.post("entities/properties-history", body).json["result"]
    assert [point.get("size") for point in result["data"]] == [None] * 7 + [7]
    missing = things.post("entities/properties-history", body | {"entityIdentifier": "nowhere"})
    assert missing.status == 404


OVER_TIME = {
    "blueprint": "thing",
    "timeRange": {"preset": "lastWeek"},
    "timeInterval": "day",
    "query": {"combinator": "and", "rules": []},
    "measureTimeBy": "at",
    "aggregationType": "countEntities",
    "func": "count",
}
HISTORY = {
    "blueprintIdentifier": "thing",
    "entityIdentifier": "t1",
    "propertyNames": ["size"],
    "timeInterval": "day",
    "timeRange": {"preset": "today"},
}


@pytest.mark.parametrize(
    ("route", "change", "path"),
    [
        ("aggregate", {"func": "mode"}, "func"),
        ("aggregate", {"func": "sum"}, "property"),
        ("aggregate", {"func": "sum", "property": "nothing"}, "property"),
        ("aggregate", {"func": "count", "property": "size"}, "property"),
        ("aggregate", {"func": "count", "query": None}, "query"),
        ("aggregate", {"func": "average", "averageOf": "year"}, "averageOf"),
        ("aggregate", {"func": "average", "measureTimeBy": "stage"}, "measureTimeBy"),
        ("aggregate", {"func": "sum", "property": "size", "calculationBy": "entities"}, "calculationBy"),
        ("aggregate", {"func": "countValues"}, "property"),
        ("aggregate", {"func": "countValues", "scorecard": 7}, "scorecard"),
        ("aggregate-over-time", {"timeRange": {"preset": "nextWeek"}}, "timeRange.preset"),
        ("aggregate-over-time", {"timeRange": {"preset": "lastWeek", "timeZone": "Mars/Base"}}, "timeRange.timeZone"),
        ("aggregate-over-time", {"timeRange": {"preset": "lastWeek", "timeZone": "../etc"}}, "timeRange.timeZone"),
        ("aggregate-over-time", {"timeRange": {"preset": "last3Years"}}, "timeInterval"),
        ("aggregate-over-time", {"timeInterval": "week"}, "timeInterval"),
        ("aggregate-over-time", {"measureTimeBy": "size"}, "measureTimeBy"),
        ("aggregate-over-time", {"aggregationType": "other"}, "aggregationType"),
        ("aggregate-over-time", {"func": "sum"}, "func"),
        ("aggregate-over-time", {"breakdownProperty": "nothing"}, "breakdownProperty"),
        (
            "aggregate-over-time",
            {"aggregationType": "aggregatePropertiesValues", "func": "sum", "properties": ["size", "stage"]},
            "properties.1",
        ),
        ("properties-history", {"propertyNames": []}, "propertyNames"),
        ("properties-history", {"propertyNames": ["stage"]}, "propertyNames.0"),
        ("properties-history", {"timeRange": "lastWeek"}, "timeRange"),
        ("properties-history", {"entityIdentifier": 7}, "entityIdentifier"),
    ],
)
def test_what_cannot_be_measured_is_refused_with_its_path(things, route, change, path):
    base = {"aggregate": {"query": query()}, "aggregate-over-time": OVER_TIME, "properties-history": HISTORY}[route]
    answer = things.post(f"entities/{route}", base | change)
    assert answer.status == 422, answer.json
    assert answer.json["details"]["errors"][0]["path"] == path


@pytest.mark.parametrize("route", ["aggregate", "aggregate-over-time", "properties-history"])
def test_nobody_measures_without_a_token(things, nobody, route):
    assert nobody.post(f"entities/{route}", {}).status == 401


def test_what_is_live_is_counted_as_it_is_read(things, page, alice):
    ends = {"service": ("checkout",), "environment": ("production",)}
    write("deploymentConfig", "checkout-production", relations=ends)
    write("deploymentConfig", "search-staging", relations={"service": ("search",), "environment": ("staging",)})
    lock_take(scopes.named("service", service="checkout"), reason="debugging", by=page(alice))
    locked = {"property": "locked", "operator": "=", "value": True}
    found = things.post("entities/search", query(locked, blueprint="")).json["entities"]
    assert [each["identifier"] for each in found] == ["checkout-production"]
    found = things.post("entities/search", query(locked, blueprint="deploymentConfig")).json["entities"]
    assert [each["identifier"] for each in found] == ["checkout-production"]
    body = {"func": "countValues", "property": "locked", "query": query(blueprint="deploymentConfig")}
    result = things.post("entities/aggregate", body).json["result"]
    assert sorted((each["value"], each["count"]) for each in result) == [(False, 1), (True, 1)]
