from catalog.search.measures import FUNCTIONS, UNITS
from catalog.search.series import OTHERS, UNSET
from catalog.search.spans import INTERVALS, PAST
from portal.api.measures import MOST_PROPERTIES, OVER_TIME
from portal.api.schema.answers import missing, ok
from portal.api.schema.operation import Group, Operation
from portal.api.schema.operations.entities import NO_BLUEPRINT
from portal.api.schema.operations.search import QUERY
from portal.api.schema.shapes import (
    Shape,
    anything,
    by_key,
    choice,
    either,
    listed,
    null,
    number,
    sent,
    shown,
    text,
    whole,
)

_RANGE = sent(
    {"preset": choice(PAST, example="lastWeek"), "timeZone": null(text("Europe/Berlin", "UTC when it is left out."))},
    needed="preset",
)
_INTERVAL = choice(INTERVALS, "Two and three years are shown by quarters only.", example="day")
_PROPERTY = text("coverage", minLength=1)


def _result(line: str) -> Shape:
    return shown(
        {
            "minDate": whole(1770000000000, "Milliseconds since 1970."),
            "maxDate": whole(1770604800000),
            "data": listed(by_key(number(3), line, "An interval: when it begins, as `date`, and its numbers.")).like(
                [{line: 3, "date": 1770000000000}]
            ),
        }
    )


GROUP = Group(
    "Numbers",
    "Counts, sums and averages over entities; over time; and of one entity through time.",
    [
        Operation(
            "aggregate",
            "POST",
            "/entities/aggregate",
            "Measure what a query finds",
            about="One number; or, with `countValues`, how many have each value of a property or point at each target.",
            needs="catalog.read",
            body=sent(
                {
                    "func": choice(["count", *FUNCTIONS, "countValues"], example="average"),
                    "query": QUERY,
                    "property": text("coverage", "What a sum, average, … is taken of, or values are counted of."),
                    "calculationBy": choice(["entities", "property"], example="property"),
                    "averageOf": choice([*UNITS, "total"], "What time an average is taken over.", example="total"),
                    "measureTimeBy": text("$createdAt", "A date property, `$createdAt` or `$updatedAt`."),
                },
                needed="func query",
            ),
            answers={
                200: ok(
                    "The number, null where there is none; or the counts, the commonest first.",
                    matchingBlueprints=listed(text("service")),
                    entities=listed(anything({})).like([]),
                    result=either(null(number(81.5)), listed(shown({"value": anything("gold"), "count": whole(7)}))),
                )
            },
        ),
        Operation(
            "aggregate_over_time",
            "POST",
            "/entities/aggregate-over-time",
            "Measure what a query finds, over time",
            about=f"Every interval has a point. A breakdown draws the commonest values and `{OTHERS}`; `{UNSET}` is what is unset.",
            needs="catalog.read",
            body=sent(
                {
                    "blueprint": text("service", minLength=1),
                    "timeRange": _RANGE,
                    "timeInterval": _INTERVAL,
                    "query": QUERY,
                    "measureTimeBy": text("$createdAt", "A date property, `$createdAt` or `$updatedAt`."),
                    "aggregationType": choice(["countEntities", "aggregatePropertiesValues"]),
                    "func": choice(
                        dict.fromkeys(["count", *OVER_TIME]), "`count` and `average` are for countEntities."
                    ),
                    "breakdownProperty": text("tier", "For countEntities: a line for each of its values."),
                    "properties": listed(_PROPERTY, "For aggregatePropertiesValues.", maxItems=MOST_PROPERTIES),
                },
                needed="blueprint timeRange timeInterval query aggregationType func",
            ),
            answers={200: ok("The points.", result=_result("gold")), 404: NO_BLUEPRINT},
        ),
        Operation(
            "properties_history",
            "POST",
            "/entities/properties-history",
            "Read what an entity's numbers were",
            about="What stood at the end of each interval, as far back as events are kept.",
            needs="catalog.read",
            body=sent(
                {
                    "blueprintIdentifier": text("service", minLength=1),
                    "entityIdentifier": text("checkout", minLength=1),
                    "propertyNames": listed(_PROPERTY, minItems=1, maxItems=MOST_PROPERTIES),
                    "timeRange": _RANGE,
                    "timeInterval": _INTERVAL,
                },
                needed="blueprintIdentifier entityIdentifier propertyNames timeRange timeInterval",
            ),
            answers={200: ok("The points.", result=_result("coverage")), 404: missing("blueprint or entity")},
        ),
    ],
)
