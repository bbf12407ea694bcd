from portal.api.audit import AT_FIRST, MOST
from portal.api.schema.answers import ok
from portal.api.schema.operation import Group, Operation
from portal.api.schema.parameters import query
from portal.api.schema.shapes import choice, free, instant, listed, null, shown, text, whole
from portal.audit.shown import ACTIONS, ORIGINS, PARTS

_STATE = null(free({"title": "Checkout"}))
ENTRY = shown(
    {
        "action": choice(sorted(ACTIONS), example="UPDATE"),
        "context": shown(
            {
                "blueprint": null(text("service")),
                "entity": null(text("checkout")),
                "runId": null(text("r_1")),
                "webhookId": text("deploys", "Where it came by a webhook: which."),
                "webhookEventId": text("019a2b3c-4d5e-7f80-91a2-b3c4d5e6f708", "And by which of its deliveries."),
            },
            optional="webhookId webhookEventId",
        ),
        "diff": shown({"before": _STATE, "after": _STATE.like({"title": "Check-out"})}),
        "identifier": text("event_019a2b3c4d5e7f8091a2b3c4d5e6f708"),
        "resourceType": text("entity", "What changed: entity, blueprint, lock, deployment, …."),
        "status": choice(["SUCCESS", "FAILURE"]),
        "trigger": shown(
            {
                "by": shown({"userId": text("user:7"), "user": shown({"name": text("Dana"), "kind": text("user")})}),
                "origin": text("UI", f"The door: {', '.join(dict.fromkeys(ORIGINS.values()))}."),
                "at": instant(),
            }
        ),
        "additionalData": free(
            {"event": "entity.updated", "trace": "019a2b3c-4d5e-7f80-91a2-b3c4d5e6f708"},
            "The event's own name, the trace of its request, and what the event carries.",
        ),
        "message": null(text("", "Why it failed.")).like(None),
    },
    optional=" ".join(PARTS),
    name="AuditEntry",
    about="Which parts are there is chosen with `includes`.",
)

GROUP = Group(
    "Audit",
    "Every change: who, when, through which door, before and after.",
    [
        Operation(
            "audit_log",
            "GET",
            "/audit-log",
            "Read the audit log",
            about="The newest first. All filters are true together.",
            needs="audit.read",
            parameters=[
                query("identifier", text("event_019a2b3c4d5e7f8091a2b3c4d5e6f708", "One entry.")),
                query("entity", text("checkout", "An entity's identifier.")),
                query("blueprint", text("service", "A blueprint's identifier.")),
                query("run_id", text("r_1", "A run of an action.")),
                query("webhookId", text("deploys", "What a webhook did, and what was done to it.")),
                query("webhookEventId", text("019a2b3c-4d5e-7f80-91a2-b3c4d5e6f708", "What came of one delivery.")),
                query("origin", listed(choice(dict.fromkeys(ORIGINS.values())), "Doors.")),
                query("resources", listed(text("entity"), "Kinds of what changed.")),
                query("action", choice(sorted(ACTIONS))),
                query("from", text("2026-02-01", "From this day, or this instant with its offset.")),
                query("to", text("2026-02-03T15:40:00Z", "To this day's begin, or this instant.")),
                query(
                    "status", choice(["SUCCESS", "FAILURE"], "FAILURE: what webhooks brought and could not be written.")
                ),
                query("includes", listed(choice(PARTS), "Only these parts.")),
                query("limit", whole(AT_FIRST, minimum=1, maximum=MOST, default=AT_FIRST)),
            ],
            answers={200: ok("The entries.", audits=listed(ENTRY))},
        )
    ],
)
