from deployments.commands.batch import MOST
from deployments.models import ReportRequest
from portal.api.schema.answers import Answer, fault, missing, ok
from portal.api.schema.operation import Group, Operation
from portal.api.schema.operations.deployments import KEPT, REPORT, WARNINGS
from portal.api.schema.parameters import in_path, query
from portal.api.schema.shapes import (
    Shape,
    always,
    anything,
    choice,
    flag,
    free,
    instant,
    listed,
    null,
    sent,
    shown,
    text,
    whole,
)

OUTCOME = choice(ReportRequest.Outcome.values, "What became of it.", "refused")
DOOR = choice(ReportRequest.Door.values, "Where it came in.", "report")
_FAULTS = {"errors": [{"path": "version", "message": "give a version, a commit, or both"}]}
_MESSAGE = "version: give a version, a commit, or both"
ARRIVAL = shown(
    {
        "id": whole(4711),
        "at": instant("When it came."),
        "sender": text("CI", "Whose token it was, or which source."),
        "door": DOOR,
        "backfill": flag(False, "It came as history: nobody was notified."),
        "outcome": null(OUTCOME),
        "message": null(text(_MESSAGE)),
        "warnings": WARNINGS,
        "late_by": null(whole(2400, "Seconds from what it tells of to its arrival, where these are many.")).like(None),
        "service": null(text("checkout")),
        "environment": null(text("production")),
        "deployment": null(text("019a2b3c-4d5e-7f80-91a2-b3c4d5e6f708", "The id of the deployment.")).like(None),
        "inbox": null(KEPT).like(None),
        "body": anything(
            {"service": "checkout", "environment": "production"},
            "As it came, without secrets; null where it was larger than 64 KiB or could not be read.",
        ),
        "answer": null(
            free(
                {"status": 422, "error": "invalid_request", "message": _MESSAGE, "details": _FAULTS},
                "Of one that was not taken.",
            )
        ),
        "replayed_at": null(instant()).like(None),
        "url": text("https://portal.example.org/deployments/ingest/4711"),
    },
    name="ArrivedReport",
    about="A report as it came to a door of deployments, and what became of it.",
)
REFUSAL = shown(
    {
        "index": whole(1),
        "statusCode": whole(422),
        "error": text("invalid_request"),
        "message": text(_MESSAGE),
        "details": free(_FAULTS),
    },
    name="ReportRefusal",
)
_MADE = shown(
    {
        "index": whole(0),
        "id": text("019a2b3c-4d5e-7f80-91a2-b3c4d5e6f708", format="uuid"),
        "created": flag(True),
        "warnings": WARNINGS,
    }
)


def _batch(about: str, all_well: bool, errors: list[Shape]) -> Answer:
    fields = {
        "ok": always(all_well),
        "deployments": listed(_MADE),
        "inbox": listed(shown({"index": whole(2), "inbox": null(KEPT), "warnings": WARNINGS})),
        "errors": listed(REFUSAL).like([each.example for each in errors]),
    }
    return Answer(about, shown(fields))


PK = in_path("pk", whole(4711, "The report's id in the log."))

GROUP = Group(
    "Ingest log",
    "What came to the doors of deployments, and what became of it: also what was refused.",
    [
        Operation(
            "deployments_report",
            "POST",
            "/deployments/batch",
            "Report many deployments",
            about="Each report has a fate of its own, matched by `index`; their order does not matter. With `backfill` they are "
            "history: nobody is notified, and they use up no claim and no receipt of the gate. The same batch again "
            "changes nothing where the reports name their `ci` or an `idempotency_key`.",
            needs="deployment.report",
            parameters=[query("backfill", flag(True, "As in the body."))],
            body=sent(
                {
                    "deployments": listed(
                        REPORT.about("May have an `idempotency_key` of its own."), minItems=1, maxItems=MOST
                    ),
                    "backfill": flag(True, "Load them as history, without a notice."),
                },
                needed="deployments",
            ),
            answers={
                200: _batch("All were taken in, or are kept in the inbox.", True, []),
                207: _batch("Some were refused; the others were taken in.", False, [REFUSAL]),
            },
        ),
        Operation(
            "ingest_log",
            "GET",
            "/deployments/ingest",
            "What came, and what became of it",
            about="Administrators see all, others what came to a deployment that they may see and what they sent themselves.",
            needs="ingest.read",
            parameters=[
                query("outcome", OUTCOME),
                query("door", DOOR),
                query("service", text("checkout", "By its whole name.")),
                query("environment", text("production")),
                query("sender", text("CI")),
                query("after", text("4711", "The `next` of the page before.")),
                query("before", text("4711", "The newer ones that stand before this id.")),
            ],
            answers={
                200: ok(
                    "Fifty, the newest first. `next` is null on the last page.",
                    reports=listed(ARRIVAL),
                    next=null(text("4661")),
                )
            },
        ),
        Operation(
            "report_replay",
            "POST",
            "/deployments/ingest/{pk}/replay",
            "Replay a report",
            about="Its body goes through the same command again, as of the time it came. Twice is the same as once; what is "
            "refused again is told by `outcome` and `answer`.",
            needs="ingest.replay ingest.read",
            parameters=[PK],
            answers={
                200: ok("As it is now.", report=ARRIVAL),
                404: missing("report", "No such report came, or it is forgotten by now."),
                409: fault(
                    "body_not_kept",
                    about="There is no body to replay.",
                    message="Its body was not kept, so it cannot be replayed.",
                ),
            },
        ),
    ],
)
