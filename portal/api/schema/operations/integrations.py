from catalog.integrations import shapes
from portal.api.schema.answers import fault, missing, ok
from portal.api.schema.operation import Group, Operation
from portal.api.schema.parameters import in_path, query
from portal.api.schema.shapes import (
    Shape,
    anything,
    by_key,
    choice,
    free,
    instant,
    listed,
    null,
    opened,
    shown,
    text,
    whole,
)

_CONFIG = {
    "deleteDependentEntities": True,
    "resources": [
        {
            "kind": "repository",
            "selector": {"query": "true"},
            "port": {"entity": {"mappings": {"identifier": ".name", "blueprint": '"service"'}}},
        }
    ],
}
_SAID = {"installationId": "my-github", "installationAppType": "github", "version": "1.2.3", "config": _CONFIG}
SENT = Shape(shapes.INTEGRATION, _SAID, "IntegrationWish")
CREATED = Shape({**shapes.INTEGRATION, "required": ["installationId"]}, _SAID)
INTEGRATION = opened(
    shown(
        {
            "_id": text("integration_019a2b3c4d5e7f8091a2b3c4d5e6f708"),
            "identifier": text("my-github"),
            "installationId": text("my-github"),
            "title": text("GitHub"),
            "installationAppType": text("github"),
            "version": text("1.2.3"),
            "config": free(_CONFIG, "What it maps to which blueprints."),
            "resyncState": free({"status": "completed", "updatedAt": "2026-02-03T15:40:00.000Z"}),
            "logAttributes": free(
                {"ingestId": "integration_019a…", "ingestUrl": "https://portal.example.org/v1/…/logs"}
            ),
            "metricAttributes": free({"ingestId": "integration_019a…", "ingestUrl": "https://portal.example.org/v1/…"}),
            "createdAt": instant(),
            "createdBy": text("Ocean"),
            "updatedAt": instant("Of its settings, not of its resyncs."),
            "updatedBy": text("Ocean"),
        },
        optional="title version",
        name="Integration",
        about="A program that keeps part of the catalog in step with a source. What it said of itself stands beside.",
    )
)
IDENTIFIER = in_path("identifier", text("my-github", "Its installationId, or its `_id`.", minLength=1))
KIND = in_path("kind", text("repository", "A kind of the source.", minLength=1))
NO_INTEGRATION = missing("integration", 'Integration with identifier "my-github" was not found')
SYNC = {"eventId": text("e1"), "syncState": text("completed"), "createdAt": instant(), "updatedAt": instant()}
METRICS = {"eventId": "e1", "kindIdentifier": "repository", "syncState": "completed", "metrics": {"loaded": 12}}
LINE = shown(
    {
        "_id": text("77"),
        "timestamp": instant(),
        "level": choice(shapes.LEVELS, example="INFO"),
        "message": text("Resync started"),
        "eventId": text("e1"),
        "extra": free({"event_id": "e1"}),
    },
    name="IntegrationLogLine",
)
CURSOR_OF = [
    query("kind", text("repository", "Which kind.", minLength=1), needed=True),
    query("index", text("0", "Which of that kind.")),
]
CURSOR = shown({"primary": null(instant())})
NOT_CALLED = fault(
    "not_found", about="No integration is called as the User-Agent says.", message="No integration is called so."
)
READ, WRITE, REPORT = (
    "integration.read",
    "integration.read integration.write",
    "integration.read integration.report",
)


def _of(name: str, method: str, path: str, summary: str, needs: str, **more: object) -> Operation:
    """An operation of one integration, which may not be there."""
    parameters = [IDENTIFIER, *more.pop("parameters", [])]  # type: ignore[misc]
    answers = {404: NO_INTEGRATION} | more.pop("answers")  # type: ignore[operator]
    address = f"/integration/{{identifier}}{path}"
    return Operation(name, method, address, summary, answers, needs, parameters, **more)  # type: ignore[arg-type]


GROUP = Group(
    "Integrations",
    "What programs that sync a source into the catalog say of themselves and of their work.",
    [
        Operation(
            "integrations",
            "GET",
            "/integration",
            "List integrations",
            needs=READ,
            answers={200: ok("All of them.", integrations=listed(INTEGRATION))},
        ),
        Operation(
            "integration_create",
            "POST",
            "/integration",
            "Register an integration",
            about="One that is there already takes what is given, if its type is the same.",
            needs="integration.write",
            body=CREATED,
            answers={
                200: ok("It was there.", integration=INTEGRATION),
                201: ok("It is new.", integration=INTEGRATION),
                409: fault(
                    "identifier_taken",
                    about="Another type of integration has the identifier.",
                    message='The integration "my-github" is there and is of the type gitlab; choose another installationId.',
                ),
            },
        ),
        Operation(
            "integrations_provision_enabled",
            "GET",
            "/integration/provision-enabled",
            "Integrations that the portal sets up by itself",
            about="There are none: each makes its own blueprints.",
            needs=READ,
            answers={200: ok("None.", integrations=listed(text("")).like([]))},
        ),
        Operation(
            "integrations_metadata",
            "GET",
            "/integration/metadata",
            "Names of the integrations",
            needs=READ,
            answers={
                200: ok(
                    "Names and types.",
                    integrations=listed(
                        shown({"installationId": text("my-github"), "installationAppType": text("github")})
                    ),
                )
            },
        ),
        _of(
            "integration", "GET", "", "One integration", READ, answers={200: ok("What it is.", integration=INTEGRATION)}
        ),
        _of(
            "integration_update",
            "PATCH",
            "",
            "Change what is given of an integration",
            WRITE,
            body=SENT,
            answers={200: ok("As it is now.", integration=INTEGRATION)},
        ),
        _of(
            "integration_delete",
            "DELETE",
            "",
            "Delete an integration",
            WRITE,
            about="Its entities stay.",
            answers={200: ok("It is gone.")},
        ),
        _of(
            "integration_config",
            "PATCH",
            "/config",
            "Set its mapping",
            WRITE,
            body=Shape(
                {"type": "object", "properties": {"config": shapes.CONFIG}, "required": ["config"]}, {"config": _CONFIG}
            ),
            answers={200: ok("As it is now.", integration=INTEGRATION)},
        ),
        _of(
            "resync_tell",
            "PATCH",
            "/resync-state",
            "Tell how a resync stands",
            REPORT,
            body=Shape(shapes.RESYNC, {"status": "running", "lastResyncStart": "2026-02-03T15:40:00Z"}),
            answers={200: ok("As it is now.", integration=INTEGRATION)},
        ),
        _of(
            "resync_asked",
            "GET",
            "/resync-request",
            "When a resync was last asked for",
            READ,
            answers={200: ok("Null: never.", request=null(shown({"updatedAt": instant()})))},
        ),
        _of(
            "resync_ask",
            "POST",
            "/resync-request",
            "Ask for a resync",
            WRITE,
            answers={200: ok("It will see this between its rounds.", request=null(shown({"updatedAt": instant()})))},
        ),
        _of(
            "integration_kinds",
            "GET",
            "/kinds",
            "Kinds of the source, with examples",
            REPORT,
            answers={
                200: ok(
                    "By kind.",
                    data=by_key(
                        shown({"examples": listed(shown({"_id": text("0"), "data": anything({"name": "checkout"})}))}),
                        "repository",
                    ),
                )
            },
        ),
        _of(
            "examples_take",
            "POST",
            "/kinds/{kind}/examples",
            "Replace a kind's examples",
            REPORT,
            parameters=[KIND],
            body=Shape(shapes.EXAMPLES, {"examples": [{"name": "checkout"}]}),
            answers={200: ok("They are kept.")},
        ),
        _of(
            "integration_log",
            "GET",
            "/logs",
            "Read its log",
            REPORT,
            parameters=[
                query("level", listed(choice(shapes.LEVELS, example="INFO"))),
                query("eventId", text("e1", "Of this resync.")),
                query("timestamp", instant("From here.", "2026-02-03T15:40:00Z")),
                query("log_id", text("77", "Of two lines of one instant, from this one.", pattern="^[0-9]{0,18}$")),
                query("direction", choice(["up", "down"], "up: newer lines.", "down")),
                query("limit", whole(100, "300 at most.", minimum=0)),
            ],
            answers={200: ok("Lines.", data=listed(LINE))},
        ),
        _of(
            "log_take",
            "POST",
            "/logs",
            "Write to its log",
            REPORT,
            body=Shape(shapes.LOGS, {"logs": [{"message": "Resync started", "level": "INFO"}]}),
            answers={200: ok("The newest lines are kept.")},
        ),
        _of("heartbeat", "POST", "/heartbeat", "A sign of life", REPORT, answers={200: ok("Heard.")}),
        _of(
            "cursor",
            "GET",
            "/cursor",
            "How far an incremental sync has come",
            READ,
            parameters=CURSOR_OF,
            answers={200: ok("Null before the first.", cursor=CURSOR)},
        ),
        *(
            _of(
                f"cursor_keep_{method.lower()}",
                method,
                "/cursor",
                "Keep how far an incremental sync has come",
                REPORT,
                parameters=CURSOR_OF,
                body=Shape(shapes.CURSOR, {"primary": "2026-02-03T15:40:00Z"}),
                answers={200: ok("It is kept.", cursor=CURSOR)},
            )
            for method in ("PUT", "POST")
        ),
        Operation(
            "probe_tell",
            "PATCH",
            "/org/{organization}/integration/probe/{probe}",
            "Tell how a test of a connection went",
            about="Kept in the log of the integration that the User-Agent names.",
            needs="integration.report",
            parameters=[
                in_path("organization", text("org_portcullis", minLength=1)),
                in_path("probe", text("p1", minLength=1)),
            ],
            body=Shape({"type": "object"}, {"status": "completed"}),
            answers={200: ok("It is kept."), 404: NOT_CALLED},
        ),
        Operation(
            "lifecycle_tell",
            "POST",
            "/lifecycle/{event}",
            "Tell how a resync stands whose entities somebody else makes",
            about="The portal makes none; the word is kept in the log of the integration that the User-Agent names.",
            needs="integration.report",
            parameters=[in_path("event", text("e1", "The resync.", minLength=1))],
            body=Shape({"type": "object"}, {"status": "running"}),
            answers={200: ok("It is kept."), 404: NOT_CALLED},
        ),
        Operation(
            "kafka_credentials",
            "GET",
            "/kafka-credentials",
            "Credentials for Kafka",
            about="There is no Kafka: integrations ask by themselves whether anybody wants a resync.",
            needs="integration.read",
            answers={404: fault("no_kafka", about="There is none.", message="There is no Kafka here.")},
        ),
        _of(
            "syncs_metadata",
            "GET",
            "/syncsMetadata",
            "Its resyncs",
            READ,
            answers={200: ok("The newest first.", count=whole(1), data=listed(shown(SYNC)))},
        ),
        _of(
            "sync_metrics",
            "GET",
            "/syncMetrics",
            "Its resyncs by kind",
            READ,
            parameters=[query("resyncId", text("e1"))],
            answers={
                200: ok(
                    "The newest first.",
                    count=whole(1),
                    data=listed(opened(shown({**SYNC, "kindIdentifier": text("repository")}))),
                )
            },
        ),
        _of(
            "metrics_take",
            "POST",
            "/syncMetrics",
            "Tell how kinds of a resync went",
            REPORT,
            body=Shape(shapes.MANY_METRICS, {"syncKindsMetrics": [METRICS]}),
            answers={200: ok("The newest word on each stands.")},
        ),
        _of(
            "kind_metrics_take",
            "PUT",
            "/syncMetrics/resync/{event}/kind/{kind}",
            "Tell how one kind of a resync went",
            REPORT,
            parameters=[in_path("event", text("e1", "The resync.", minLength=1)), KIND],
            body=Shape(shapes.ONE_METRICS, {"syncKindMetrics": METRICS}),
            answers={200: ok("The newest word stands.")},
        ),
    ],
)
