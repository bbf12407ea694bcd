from portal.api.schema.answers import Answer, missing, ok
from portal.api.schema.operation import Group, Operation
from portal.api.schema.operations.entities import ENTITY, NO_BLUEPRINT
from portal.api.schema.parameters import SHOWN
from portal.api.schema.shapes import always, choice, flag, free, instant, listed, null, sent, shown, text, whole
from portal.api.search import MOST, MOST_AT_ONCE, PAGE

_EXAMPLE = {
    "combinator": "and",
    "rules": [
        {"property": "$blueprint", "operator": "=", "value": "service"},
        {"property": "tier", "operator": "in", "value": ["gold", "silver"]},
    ],
}
QUERY = sent(
    {"combinator": choice(["and", "or"]), "rules": listed(free({"property": "$title", "operator": "isNotEmpty"}))},
    needed="combinator rules",
    name="Query",
    about="""\
Rules that are true together, or one of which is. A rule is a query itself, or one of

- `{"property", "operator", "value"}`, the property a name of the blueprint's, `$identifier`, `$title`, `$blueprint`,
  `$team`, `$createdAt`, … Operators: `=`, `!=`, `>`, `>=`, `<`, `<=`, `in`, `notIn`, `contains`, `doesNotContains`,
  `beginsWith`, `endsWith`, `containsAny`, `between`, `notBetween`, `isEmpty`, `isNotEmpty`, `isExpired`;
- `{"propertySchema": {"type", "format"}, "operator", "value"}`: any property declared so;
- `{"relation", "operator", "value"}`: what it points at;
- `{"operator": "relatedTo", "blueprint", "value", "direction", "required"}`: anything along the way;
- `{"operator": "matchAny", "property": {"path": […]}, "value"}`: along these relations.

A value may be `{"context": "user" | "userTeams", "property"}`: of the one who asks.\
""",
).like(_EXAMPLE)
_FILTER = {
    "query": null(QUERY).like({"combinator": "and", "rules": []}),
    "search": null(text("check", "Words of the identifier, the title and the text properties.")),
}

GROUP = Group(
    "Search",
    "Entities by rules, by words, or by who wrote them.",
    [
        Operation(
            "search",
            "POST",
            "/entities/search",
            "Search all blueprints",
            about=f"The body is the query. At most {MOST_AT_ONCE:,} are answered; then `truncated` says so.",
            needs="catalog.read",
            parameters=SHOWN,
            body=QUERY,
            answers={
                200: Answer(
                    "All that match.",
                    shown(
                        {
                            "ok": always(True),
                            "matchingBlueprints": listed(text("service")),
                            "entities": listed(ENTITY),
                            "truncated": flag(True, "There are more."),
                        },
                        optional="truncated",
                    ),
                ),
                404: missing("blueprint"),
            },
        ),
        Operation(
            "search_blueprint",
            "POST",
            "/blueprints/{blueprint}/entities/search",
            "Search a blueprint, in pages",
            needs="catalog.read",
            parameters=SHOWN,
            body=sent(
                _FILTER
                | {
                    "include": null(listed(text("properties.tier"), "Only these parts.")).like([]),
                    "exclude": null(listed(text("relations"), "All but these parts.")).like([]),
                    "limit": null(whole(50, minimum=1, maximum=MOST, default=PAGE)),
                    "from": null(text("", "The `next` of the page before.")).like(None),
                    "sort": null(
                        listed(
                            sent(
                                {"property": text("$title", minLength=1), "order": choice(["asc", "desc"])},
                                needed="property",
                            )
                        )
                    ),
                }
            ),
            answers={
                200: Answer(
                    "A page.",
                    shown(
                        {
                            "ok": always(True),
                            "entities": listed(ENTITY),
                            "next": text("WyJDaGVja291dCIsNDFd", "Where the next page begins; absent on the last."),
                        },
                        optional="next",
                    ),
                ),
                404: NO_BLUEPRINT,
            },
        ),
        Operation(
            "search_count",
            "POST",
            "/blueprints/{blueprint}/entities/search/count",
            "Count what a search finds",
            needs="catalog.read",
            body=sent(_FILTER),
            answers={200: ok("How many.", count=whole(7)), 404: NO_BLUEPRINT},
        ),
        Operation(
            "datasource_entities",
            "POST",
            "/blueprints/entities/datasource-entities",
            "What an integration has written",
            about="The datasource is the writer's User-Agent. Without `limit` all are answered at once.",
            needs="catalog.read",
            body=sent(
                {
                    "datasource_prefix": text("port-ocean/github/", "What the datasource begins with.", minLength=1),
                    "datasource_suffix": null(text("/my-integration/exporter", "What it ends with.")),
                    "before": null(instant("Only what was not written since.")),
                    "limit": whole(5000, minimum=1, maximum=5000),
                    "from": null(text("41", "The `next` of the page before.")),
                },
                needed="datasource_prefix",
            ),
            answers={
                200: ok(
                    "Their names.",
                    entities=listed(shown({"identifier": text("checkout"), "blueprint": text("service")})),
                    next=null(text("41")),
                )
            },
        ),
    ],
)
