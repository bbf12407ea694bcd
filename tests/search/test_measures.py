"""Numbers over entities against plain Python over the same random ones."""

import math
import random
import statistics
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from catalog import queries
from catalog.models import Blueprint, Entity, Relation
from catalog.search import measures, series
from catalog.search.instants import PRESETS, span_of
from catalog.search.measures import Measure
from catalog.search.spans import INTERVALS, Span
from portal.audit.models import Event
from portal.kit.ids import uuid7

NOW = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
# The clock goes back on 1 November in New York and by half an hour on Lord Howe in April; Kathmandu is 5:45 off.
ZONES = ["UTC", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Europe/Berlin", "Pacific/Apia"]
SIZES = [None, 0, 1, -3, 2.5, 1000, "many", True]
STAGES = [None, "alpha", "beta", "date", "null", "others", 7, True, ["a", "b"]]


@pytest.fixture
def world(db):
    """A few hundred things, made at any time of the last three years and mostly of late, with gaps in all they have."""
    draw = random.Random(11)
    thing = Blueprint.objects.create(
        identifier="thing",
        title="Thing",
        schema={
            "properties": {
                "size": {"type": "number"},
                "stage": {"type": "string"},
                "at": {"type": "string", "format": "date-time"},
            }
        },
        created_by="x",
        updated_by="x",
    )
    made = []
    for place in range(300):
        back = timedelta(seconds=draw.choice([3600 * 30, 86400 * 40, 86400 * 1090]) * draw.random())
        said = {
            "size": draw.choice(SIZES),
            "stage": draw.choice(STAGES),
            "at": draw.choice([None, "soon", _iso(NOW - back)]),
        }
        made.append(
            Entity(
                blueprint=thing,
                identifier=f"t{place}",
                properties={name: value for name, value in said.items() if value is not None},
                created_at=NOW - timedelta(seconds=86400 * 400 * draw.random() ** 3),
                created_by="x",
                updated_by="x",
            )
        )
    Entity.objects.bulk_create(made)
    return thing


def _iso(moment):
    return moment.isoformat()


def number(entity):
    value = entity.properties.get("size")
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def moment(entity, name):
    if name == "$createdAt":
        return entity.created_at
    try:
        return datetime.fromisoformat(entity.properties.get("at", ""))
    except ValueError:
        return None


PLAIN = {
    "sum": sum,
    "average": lambda found: statistics.fmean(found) if found else None,
    "min": lambda found: min(found, default=None),
    "max": lambda found: max(found, default=None),
    "median": lambda found: statistics.median(found) if found else None,
}


@pytest.mark.parametrize("function", PLAIN)
def test_functions_of_a_property_pass_over_what_is_no_number(world, function):
    for rows in (
        Entity.objects.filter(blueprint=world),
        Entity.objects.filter(blueprint=world, identifier__startswith="t9"),
    ):
        expected = PLAIN[function]([number(each) for each in rows if number(each) is not None])
        for kind in (world, None):
            assert measures.measured(rows, Measure(function, "size"), now=NOW, blueprint=kind) == pytest.approx(
                expected
            )


def test_of_nothing_the_sum_is_nought_and_there_is_no_average(world):
    none = Entity.objects.none()
    said = {each: measures.measured(none, Measure(each, "size"), now=NOW) for each in PLAIN}
    assert said == {"sum": 0, "average": None, "min": None, "max": None, "median": None}
    assert measures.measured(none, Measure("count"), now=NOW) == 0
    assert measures.measured(none, Measure("average", unit="day"), now=NOW) is None


@pytest.mark.parametrize("time", ["$createdAt", "at"])
def test_an_average_over_time_counts_a_unit_that_has_begun_as_a_whole_one(world, time):
    for unit in measures.UNITS:
        check_average(world, unit, time)


def check_average(world, unit, time):
    rows = Entity.objects.filter(blueprint=world)
    timed = [each for each in rows if moment(each, time)]
    units = math.ceil((NOW - min(moment(each, time) for each in timed)) / measures.UNITS[unit])
    counted = measures.measured(rows, Measure("average", unit=unit, time=time), now=NOW, blueprint=world)
    summed = measures.measured(rows, Measure("average", "size", unit, time), now=NOW, blueprint=world)
    assert counted == pytest.approx(len(timed) / units)
    assert summed == pytest.approx(sum(number(each) or 0 for each in timed) / units)


def test_two_hours_and_twenty_minutes_are_three_hours(world):
    Entity.objects.all().delete()
    for minutes in (140, 20, 5, 5, 5, 5):
        Entity.objects.create(
            blueprint=world,
            identifier=str(uuid7()),
            created_at=NOW - timedelta(minutes=minutes),
            created_by="x",
            updated_by="x",
        )
    assert measures.measured(Entity.objects.filter(blueprint=world), Measure("average", unit="hour"), now=NOW) == 2


def test_values_are_counted_the_commonest_first_and_the_unset_too(world):
    found = measures.counted(Entity.objects.filter(blueprint=world), "stage", blueprint=world)
    expected = {}
    for each in Entity.objects.filter(blueprint=world):
        key = repr(each.properties.get("stage"))
        expected[key] = expected.get(key, 0) + 1
    assert {repr(each.value): each.count for each in found} == expected
    assert [each.count for each in found] == sorted((each.count for each in found), reverse=True)


def test_targets_are_counted_and_what_points_nowhere(world):
    a, b, c, *rest = Entity.objects.filter(blueprint=world).order_by("id")[:10]
    for source, target in [(a, b), (a, c), (b, c), (rest[0], c)]:
        Relation.objects.create(source=source, name="on", target=target)
    Relation.objects.create(source=c, name="other", target=a)
    rows = Entity.objects.filter(pk__in=[each.pk for each in (a, b, c, *rest)])
    found = {each.value: each.count for each in measures.counted_by_relation(rows, "on")}
    assert found == {c.identifier: 3, b.identifier: 1, None: 7}


def beginning(at, interval, zone):
    """Of the interval, in plain Python: of the day and longer by the zone's calendar, of the hour by its offset then."""
    local = at.astimezone(ZoneInfo(zone))
    if interval == "hour":
        offset = local.utcoffset()
        return ((at + offset).replace(minute=0, second=0, microsecond=0) - offset).astimezone(UTC)
    day = local.date()
    if interval == "isoWeek":
        day -= timedelta(days=day.weekday())
    if interval in ("month", "quarter"):
        day = day.replace(day=1, month=day.month if interval == "month" else (day.month - 1) // 3 * 3 + 1)
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def all_beginnings(span):
    ends = [at.astimezone(ZoneInfo(span.zone)) for at in (span.start, span.end)]
    if span.interval == "hour":
        quarters = (span.end - span.start) // timedelta(minutes=15)
        moments = [span.start + place * timedelta(minutes=15) for place in range(quarters + 1)] + [span.end]
    else:
        days = [ends[0].date() + timedelta(days=each) for each in range((ends[1].date() - ends[0].date()).days + 1)]
        moments = [datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(span.zone)) for day in days]
    return sorted({beginning(moment.astimezone(UTC), span.interval, span.zone) for moment in moments})


@pytest.mark.django_db
@pytest.mark.parametrize("preset", ["today", "yesterday", "lastWeek", "last12Months", "last3Years"])
def test_intervals_are_those_of_the_zones_calendar(preset):
    for zone in ZONES:
        for interval in INTERVALS:
            if interval == "hour" and preset.endswith(("Months", "Years")):
                continue
            span = Span(*span_of(preset, NOW, ZoneInfo(zone)), interval, zone)
            assert span.beginnings() == all_beginnings(span), span


def test_a_day_in_a_zone_is_as_long_as_its_clock_makes_it():
    start, end = span_of("yesterday", NOW, ZoneInfo("America/New_York"))
    assert end - start == timedelta(hours=25, microseconds=-1)
    assert set(PRESETS) >= {"today", "yesterday"}


@pytest.mark.parametrize("interval", INTERVALS)
def test_counts_over_time_by_value_are_those_of_the_model(world, interval):
    for zone in ZONES:
        for time in ("$createdAt", "at"):
            check_counts(world, interval, zone, time)


def check_counts(world, interval, zone, time):
    span = Span(*span_of("last3Years" if interval == "quarter" else "lastMonth", NOW), interval, zone)
    rows = Entity.objects.filter(blueprint=world)
    inside = [each for each in rows if (at := moment(each, time)) and span.start <= at <= span.end]
    expected = {}
    for each in inside:
        key = beginning(moment(each, time), interval, zone), line(each.properties.get("stage"))
        expected[key] = expected.get(key, 0) + 1
    points = series.of_count(rows, world, span, time=time, by="stage")
    assert {(p.begins, name): n for p in points for name, n in p.values.items() if n} == expected
    assert all(set(point.values) == set(points[0].values) for point in points)
    whole = series.of_count(rows, world, span, time=time)
    assert sum(point.values["count"] for point in whole) == len(inside)
    hourly = series.of_count(rows, world, span, time=time, average=True)
    parts = [p.values["count"] * series.PARTS[interval] for p in hourly]
    assert parts == pytest.approx([p.values["count"] for p in whole])


def line(value):
    if value is None:
        return "null"
    if value in ("date", "null", "others"):
        return f'"{value}"'
    return (
        value
        if isinstance(value, str)
        else {True: "true", 7: "7"}[value]
        if not isinstance(value, list)
        else '["a", "b"]'
    )


@pytest.mark.parametrize("function", [*PLAIN, "last"])
def test_numbers_over_time_are_those_of_the_model(world, function):
    for interval, zone in (("hour", "Australia/Lord_Howe"), ("day", "America/New_York"), ("isoWeek", "UTC")):
        span = Span(*span_of("last2Weeks", NOW), interval, zone)
        rows = Entity.objects.filter(blueprint=world)
        points = series.of_properties(rows, world, span, time="at", function=function, properties=["size"])
        for point in points:
            here = [
                each
                for each in rows
                if (at := moment(each, "at"))
                and span.start <= at <= span.end
                and beginning(at, interval, zone) == point.begins
                and number(each) is not None
            ]
            latest = sorted(here, key=lambda each: (moment(each, "at"), each.pk))[-1:]
            plain = {**PLAIN, "last": lambda _, latest=latest: number(latest[0]) if latest else None}
            assert point.values.get("size") == pytest.approx(plain[function]([number(each) for each in here]))


def test_only_fifty_lines_are_drawn_and_one_for_the_others(world):
    for place in range(60):
        Entity.objects.create(
            blueprint=world,
            identifier=f"s{place}",
            properties={"stage": f"s{place}"},
            created_at=NOW,
            created_by="x",
            updated_by="x",
        )
    span = Span(*span_of("lastDay", NOW), "day")
    rows = Entity.objects.filter(blueprint=world, identifier__startswith="s")
    (*_, today) = series.of_count(rows, world, span, time="$createdAt", by="stage")
    assert len(today.values) == 51 and today.values["others"] == 10


def happened(entity, at, before, after):
    return Event.objects.create(
        at=at, name="entity.updated", noun="entity", noun_id=entity.identifier, blueprint="thing", entity=entity.identifier,
        actor_kind="user", actor_key="user:1", actor_name="Dana", door="page", trace=uuid7(),
        before=before and {"properties": before}, after=after and {"properties": after},
    )  # fmt: skip


@pytest.mark.parametrize("interval", ["hour", "day", "isoWeek", "month"])
def test_the_history_of_a_property_is_what_stood_at_each_intervals_end(world, interval):
    for seed in range(8):
        Event.objects.all().delete()
        check_history(world, seed, interval)


def check_history(world, seed, interval):
    draw = random.Random(seed)
    zone, entity = draw.choice(ZONES), Entity.objects.filter(blueprint=world).first()
    span = Span(*span_of("lastMonth" if interval != "hour" else "lastDay", NOW), interval, zone)
    length, state, told = span.end - span.start, {"size": draw.choice(SIZES), "cost": 1}, []
    first = dict(state)
    for at in sorted(span.start + length * draw.uniform(-0.3, 1.1) for _ in range(draw.randrange(1, 12))):
        before = dict(state)
        state[draw.choice(["size", "cost"])] = draw.choice(SIZES)
        gone = draw.random() < 0.2
        happened(entity, at, before, None if gone else state)
        told.append((at, {} if gone else dict(state)))
    points = queries.history(entity, ["size", "cost"], span)
    assert [point.begins for point in points] == all_beginnings(span)
    ends = [*(point.begins for point in points[1:]), span.end + timedelta(microseconds=1)]
    for point, end in zip(points, ends, strict=True):
        stood = [state for at, state in told if at < end]
        now = stood[-1] if stood else first
        expected = {k: v for k, v in now.items() if isinstance(v, int | float) and not isinstance(v, bool)}
        assert point.values == expected, (point, told)


def test_what_never_changed_has_stood_since_the_entity_was_made(world):
    entity = Entity.objects.create(
        blueprint=world,
        identifier="quiet",
        properties={"size": 4},
        created_at=NOW - timedelta(days=2),
        created_by="x",
        updated_by="x",
    )
    points = queries.history(entity, ["size"], Span(*span_of("lastWeek", NOW), "day"))
    assert [point.values.get("size") for point in points] == [None] * 5 + [4, 4, 4]
