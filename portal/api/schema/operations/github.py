from locks.models import PendingDeployment
from portal.api.github import STATES
from portal.api.schema.answers import fault, missing, ok
from portal.api.schema.operation import Group, Operation
from portal.api.schema.parameters import query
from portal.api.schema.shapes import anything, choice, instant, listed, null, shown, text, whole

PENDING = shown(
    {
        "id": text("019a2b3c-4d5e-7f80-91a2-b3c4d5e6f712"),
        "repository": text("larder/checkout"),
        "environment_name": text("production", "As GitHub calls it."),
        "service": null(text("checkout", "Null where the catalog does not know the repository or the environment.")),
        "environment": null(text("production")),
        "run": whole(4711, "GitHub's number of the workflow run."),
        "run_url": text("https://github.com/larder/checkout/actions/runs/4711"),
        "commit": null(text("4f2a9c1d")),
        "ref": null(text("main")),
        "asked_by": null(text("dana", "Who set the run off, by the name on GitHub.")),
        "state": choice(PendingDeployment.State.values, example="waiting"),
        "message": text("checkout in production is locked by Dana until 15:40 UTC: debugging checkout"),
        "asked_at": instant(),
        "answered_at": null(instant()).like(None),
    },
    name="PendingDeployment",
    about="A job of GitHub Actions whose environment has the portal as a deployment protection rule.",
)
PAYLOAD = {
    "action": "requested",
    "environment": "production",
    "event": "push",
    "deployment": {"sha": "4f2a9c1d", "ref": "main"},
    "deployment_callback_url": "https://api.github.com/repos/larder/checkout/actions/runs/4711/deployment_protection_rule",
    "repository": {"full_name": "larder/checkout", "html_url": "https://github.com/larder/checkout"},
    "installation": {"id": 99},
    "sender": {"login": "dana"},
}
GROUP = Group(
    "GitHub",
    "Deployment protection rules: jobs of GitHub Actions that wait at the gate, without a change of their workflow.",
    [
        Operation(
            "pending_deployment_take",
            "POST",
            "/github/webhook",
            "Where the GitHub App sends its events",
            about="`deployment_protection_rule` with the action `requested` is decided by the gate and answered to GitHub "
            "by a worker: at once where it is open, else when it opens. Other events are taken and left alone. "
            "Signed with the App's webhook secret in `X-Hub-Signature-256`; the same `X-GitHub-Delivery` is taken once.",
            needs=None,
            body=anything(PAYLOAD),
            answers={
                202: ok(
                    "It is taken; `pending_deployment` is null for an event that the portal has no use for.",
                    pending_deployment=null(PENDING),
                ),
                403: fault(
                    "bad_signature",
                    about="The signature is not that of this body.",
                    message="The signature in X-Hub-Signature-256 is not that of this body.",
                ),
                404: missing(
                    "connection",
                    "This portal is not connected to GitHub: set PORTCULLIS_GITHUB_WEBHOOK_SECRET (docs/github.md).",
                ),
            },
        ),
        Operation(
            "pending_deployments",
            "GET",
            "/github/pending-deployments",
            "List the jobs that wait at the gate",
            needs="lock.read",
            parameters=[query("state", choice(STATES, "waiting unless it is given."))],
            answers={200: ok("Up to 1,000, newest first.", pending_deployments=listed(PENDING))},
        ),
    ],
)
