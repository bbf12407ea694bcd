from catalog.webhooks import shapes
from catalog.webhooks.mapping import STATUSES
from catalog.webhooks.models import Received
from portal.api.schema.answers import fault, missing, ok
from portal.api.schema.operation import Group, Operation
from portal.api.schema.parameters import in_path, query
from portal.api.schema.shapes import (
    Shape,
    anything,
    choice,
    flag,
    free,
    instant,
    listed,
    null,
    opened,
    sent,
    shown,
    text,
    whole,
)

_MAPPING = {
    "blueprint": "deployment",
    "filter": ".headers.'x-event' == 'deploy'",
    "entity": {"identifier": ".body.id", "properties": {"version": ".body.version"}},
}
_SECURITY = {
    "secret": "s3cret",
    "signatureHeaderName": "x-hub-signature-256",
    "signatureAlgorithm": "sha256",
    "signaturePrefix": "sha256=",
}
_SAID = {
    "identifier": "deploys",
    "title": "Deploys",
    "enabled": True,
    "mappings": [_MAPPING],
    "security": _SECURITY,
}
DEFINITION = Shape({**shapes.WEBHOOK, "required": ["title"]}, _SAID, "WebhookDefinition")
PART = Shape(shapes.WEBHOOK, {"enabled": False})
WEBHOOK = opened(
    shown(
        {
            "id": text("webhook_7"),
            "identifier": text("deploys"),
            "title": text("Deploys"),
            "enabled": flag(True),
            "mappings": listed(free(_MAPPING, "What makes entities of a payload: programs in jq.")),
            "security": free(_SECURITY, "How senders prove themselves."),
            "webhookKey": text("AbcDefGhJkMnPqRsTuVwXyZ234567890"),
            "url": text("https://portal.example.org/v1/ingest/AbcDefGhJkMnPqRsTuVwXyZ234567890", "Where they send to."),
            "createdAt": instant(),
            "createdBy": text("Terraform"),
            "updatedAt": instant(),
            "updatedBy": text("Terraform"),
        },
        name="Webhook",
        about="An address that others send payloads to, and how each becomes entities.",
    )
)
OUTCOME = shown(
    {
        "mapping": whole(0, "Which mapping, from 0."),
        "item": whole(0, "Which item, from 0."),
        "blueprint": text("deployment"),
        "operation": choice(["create", "delete"], example="create"),
        "identifier": text("checkout-41"),
        "status": choice(list(STATUSES), "`absent`: there was nothing to delete.", example="created"),
        "error": text("", "Why it was refused."),
        "errors": listed(
            free({"path": "mappings.0.entity.properties.version", "message": "must be a text"}),
            "The same, with places in the definition.",
        ),
        "problems": listed(text("properties.version: null and string cannot be added"), "Parts that came to nothing."),
    },
    name="WebhookOutcome",
)
TRIED = shown(
    {
        "mapping": whole(0),
        "item": whole(0),
        "blueprint": text("deployment"),
        "operation": choice(["create", "delete"], example="create"),
        "identifier": text("checkout-41"),
        "status": choice(list(STATUSES), example="created"),
        "error": text(""),
        "errors": listed(free({})).like([]),
        "problems": listed(text("")).like([]),
        "entity": null(free({"identifier": "checkout-41"}, "As it would be.")),
    },
    name="WebhookTrialOutcome",
)
RECEIVED = shown(
    {
        "id": text("019a2b3c-4d5e-7f80-91a2-b3c4d5e6f708"),
        "at": instant(),
        "state": choice(Received.State.values, example="done"),
        "requestId": null(text("72d3162e")),
        "reason": null(text("", "Why it was refused at the door.")).like(None),
        "counts": free({"created": 1}, "How many items came to what."),
        "repeats": whole(0, "How often the same delivery came again."),
        "replays": whole(0, "How often it was mapped again."),
        "replayedBy": null(text("Dana")).like(None),
        "headers": free({"x-event": "deploy"}),
        "queryParams": free({}),
        "body": anything({"id": "checkout-41", "version": "1.4.2"}),
        "outcomes": listed(OUTCOME),
    },
    name="WebhookReceived",
)
IDENTIFIER = in_path("identifier", text("deploys", "A webhook's identifier.", minLength=1))
KEY = in_path("key", text("AbcDefGhJkMnPqRsTuVwXyZ234567890", "The webhook's own key.", minLength=1))
RECEIVED_ID = in_path("public_id", text("019a2b3c-4d5e-7f80-91a2-b3c4d5e6f708", "What was received.", minLength=1))
NO_WEBHOOK = missing("webhook", 'Webhook with identifier "deploys" was not found')
BOTH = {"webhook": WEBHOOK, "integration": WEBHOOK}
ONE = "/webhooks/{identifier}"


def _change(name: str, method: str, summary: str, body: Shape) -> Operation:
    answers = {200: ok("As it is now.", **BOTH), 404: NO_WEBHOOK}
    return Operation(name, method, ONE, summary, answers, "webhook.write", [IDENTIFIER], body)


GROUP = Group(
    "Webhooks",
    "Addresses that others send payloads to, and how each becomes entities.",
    [
        Operation(
            "payload_take",
            "POST",
            "/ingest/{key}",
            "Send a payload",
            about="It is kept, then answered, then mapped. Anything that is JSON is taken; a signature is checked where one is set.",
            needs=None,
            parameters=[KEY],
            body=anything({"id": "checkout-41", "version": "1.4.2"}),
            answers={
                202: ok("It is kept.", id=text("019a2b3c-4d5e-7f80-91a2-b3c4d5e6f708")),
                403: fault(
                    "bad_signature",
                    about="The signature is not that of this body.",
                    message="The signature in the header x-hub-signature-256 is not that of this body.",
                ),
                404: missing("webhook", "There is no webhook at this address, or it is switched off."),
                409: fault(
                    "sealed",
                    about="The webhook's secret was encrypted under another secret key.",
                    message="A secret was encrypted under another secret key. Set it again, or give the old key as a fallback.",
                ),
            },
        ),
        Operation(
            "webhooks",
            "GET",
            "/webhooks",
            "List webhooks",
            needs="webhook.write",
            answers={200: ok("By title.", webhooks=listed(WEBHOOK), integrations=listed(WEBHOOK))},
        ),
        Operation(
            "webhook_create",
            "POST",
            "/webhooks",
            "Make a webhook",
            needs="webhook.write",
            body=DEFINITION,
            answers={
                201: ok("The webhook, with its address.", **BOTH),
                409: fault(
                    "identifier_taken",
                    about="The identifier is taken.",
                    message='Webhook with identifier "deploys" already exists',
                ),
            },
        ),
        Operation(
            "webhooks_metadata",
            "GET",
            "/webhooks/metadata",
            "Names of the webhooks",
            needs="catalog.read",
            answers={
                200: ok(
                    "Without addresses and mappings.",
                    webhooks=listed(
                        shown({"identifier": text("deploys"), "title": text("Deploys"), "icon": null(text("Github"))})
                    ),
                )
            },
        ),
        Operation(
            "webhook",
            "GET",
            ONE,
            "One webhook",
            about="With its secret: whoever may read it may set it.",
            needs="webhook.write",
            parameters=[IDENTIFIER],
            answers={200: ok("Its definition.", **BOTH), 404: NO_WEBHOOK},
        ),
        _change("webhook_replace", "PUT", "Set a webhook's whole definition", DEFINITION),
        _change("webhook_update", "PATCH", "Change the top-level keys that are given", PART),
        Operation(
            "webhook_delete",
            "DELETE",
            ONE,
            "Delete a webhook",
            about="What it received goes with it; the entities stay.",
            needs="webhook.write",
            parameters=[IDENTIFIER],
            answers={200: ok("It is gone."), 404: NO_WEBHOOK},
        ),
        Operation(
            "webhook_received",
            "GET",
            ONE + "/received",
            "What came, and what became of it",
            needs="webhook.write",
            about="Values of headers and keys whose names say that they are secrets are hidden.",
            parameters=[
                IDENTIFIER,
                query("state", choice(Received.State.values, example="failed")),
                query("status", choice(list(STATUSES), "At least one item came to this.", example="refused")),
            ],
            answers={
                200: ok(
                    "The newest first: 200 at most, and no more than their bodies come to 8 MiB.",
                    received=listed(RECEIVED),
                ),
                404: NO_WEBHOOK,
            },
        ),
        Operation(
            "received_replay",
            "POST",
            ONE + "/received/{public_id}/replay",
            "Map a payload again",
            about="With the mappings of today.",
            needs="webhook.write",
            parameters=[IDENTIFIER, RECEIVED_ID],
            answers={202: ok("It waits for a worker.", received=RECEIVED), 404: NO_WEBHOOK},
        ),
        Operation(
            "failed_replay",
            "POST",
            ONE + "/received/replay",
            "Map all that failed again",
            about="With the mappings of today, the oldest first.",
            needs="webhook.write",
            parameters=[IDENTIFIER],
            answers={202: ok("They wait for a worker.", count=whole(3)), 404: NO_WEBHOOK},
        ),
        Operation(
            "payload_try",
            "POST",
            ONE + "/trial",
            "Try a payload",
            about="Says what would become of it. Nothing is written.",
            needs="webhook.write",
            parameters=[IDENTIFIER],
            body=sent(
                {
                    "body": anything({"id": "checkout-41", "version": "1.4.2"}),
                    "headers": free({"x-event": "deploy"}),
                    "queryParams": free({}),
                },
                needed="body",
            ),
            answers={
                200: ok("What it would do.", outcomes=listed(TRIED), requestId=null(text("72d3162e"))),
                404: NO_WEBHOOK,
            },
        ),
    ],
)
