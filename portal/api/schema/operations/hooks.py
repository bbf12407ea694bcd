from deployments.payloads import proof
from portal.api.schema.answers import fault, missing, ok
from portal.api.schema.operation import Group, Operation
from portal.api.schema.parameters import in_path
from portal.api.schema.shapes import always, anything, null, text, whole

EVENT = {
    "context": {
        "version": "0.4.1",
        "id": "271069a8-fc18-44f1-b38f-9d70a1695819",
        "source": "/larder/deployer",
        "type": "dev.cdevents.service.deployed.0.2.0",
        "timestamp": "2026-02-03T15:40:00Z",
    },
    "subject": {
        "id": "checkout",
        "type": "service",
        "content": {"environment": {"id": "production"}, "artifactId": "pkg:oci/checkout@sha256%3A0b31?tag=1.4.2"},
    },
}

GROUP = Group(
    "Hooks",
    "Addresses that GitHub, GitLab, CDEvents and others send their deployments to, in their own words.",
    [
        Operation(
            "payload_keep",
            "POST",
            "/hooks/{key}",
            "Send what a forge or a tool tells of a deployment",
            about="Kept, answered, and then read by a worker: the ingest log tells what became of it. GitHub's `deployment`, "
            "`deployment_status` and `workflow_run` (X-Hub-Signature-256), GitLab's deployment events (X-Gitlab-Token), CDEvents of "
            "services as CloudEvents, structured or binary (Authorization: Bearer), and reports as POST /deployments takes them, "
            f"signed: {proof.SIGNATURE} is `sha256=` and the HMAC-SHA256 of {proof.TIMESTAMP}, a dot and the body. The same "
            "delivery is taken once.",
            needs=None,
            parameters=[in_path("key", text("AbcDefGhJkMnPqRsTuVwXyZ234567890", "The hook's own key.", minLength=1))],
            body=anything(EVENT),
            answers={
                200: ok("It came before.", id=null(whole(4711)).like(None), repeated=always(True)),
                202: ok("It is kept, under this id in the ingest log.", id=whole(4711), repeated=always(False)),
                403: fault(
                    "bad_signature",
                    about="The sender did not prove itself, or its timestamp is more than 5 minutes off.",
                    message="X-Hub-Signature-256 is not what the hook's secret makes of this body.",
                ),
                404: missing("hook", "There is no hook at this address, or it is switched off."),
                409: fault(
                    "sealed",
                    about="The hook's secret was encrypted under another secret key.",
                    message="A secret was encrypted under another secret key. Set it again, or give the old key as a fallback.",
                ),
            },
        ),
    ],
)
