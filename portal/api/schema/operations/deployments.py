from deployments import instances
from deployments.models import Deployment, Gate, InboxItem, LogSource, Status
from deployments.reports import MOST_CHANGES, MOST_PARENTS
from portal.api.deployments import LONGEST_KEY
from portal.api.schema.answers import fault, missing, ok
from portal.api.schema.operation import Group, Operation
from portal.api.schema.operations.locks import ENVIRONMENT, SERVICE
from portal.api.schema.parameters import header, query
from portal.api.schema.shapes import (
    choice,
    either,
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

WHO = text("dana@example.org", "A person.", maxLength=254)
CHANGE = sent(
    {
        "sha": text("4f2a9c1"),
        "message": null(text("Retry the payment")),
        "author": null(text("Dana")),
        "pr": null(text("1207")),
        "url": null(text("https://git.example/pr/1207")),
        "parents": null(
            listed(
                text("9b1e77a0", maxLength=100),
                "Shas, as git knows them; the first is the one that was merged into. Where no change tells its parents, "
                "each stands on the next one of the list, and the last on `previous_commit`.",
                maxItems=MOST_PARENTS,
            )
        ),
        "committed_at": null(instant(example="2026-02-03T14:02:00Z")),
        "patch_id": null(
            text(
                "e3b0c44298fc1c149afbf4c8996fb92427ae41e4",
                "Of `git patch-id --stable`: copies of a commit have the same one.",
                maxLength=64,
            )
        ),
    },
    needed="sha",
    name="Change",
)
# A whole number is taken for the text that it stands for, as CI systems name versions and runs.
_WORDS = {
    "version": ("1.4.2", 300, "A version, a commit, or both."),
    "commit": ("4f2a9c1d", 100, ""),
    "previous_commit": ("9b1e77a0", 100, "What was live before, as the sender knows it."),
    "ref": ("main", 300, ""),
    "message": ("Retry the payment", 20000, ""),
    "author": ("Dana", 254, "Who wrote the change."),
    "actor": ("dana@example.org", 254, "Who deployed it."),
    "artifact": ("registry.example/checkout:1.4.2", 500, ""),
    "decision": ("", 2000, "The gate's `receipt`: shows that a check let it through."),
    "claim": (
        "019a2b3c-4d5e-7f80-91a2-b3c4d5e6f711",
        100,
        "The claim's id. The claim of the same run is found without.",
    ),
}
_CI = sent(
    {
        "provider": null(text("github", maxLength=40)),
        "run": either(
            text("42", "With the provider and the attempt: which deployment it is.", maxLength=500), whole(42)
        ),
        "attempt": null(whole(1, minimum=0)),
        "url": null(text("https://ci.example/runs/42", maxLength=2000)),
    }
)
INSTANCE = {
    "name": null(text("eu-1", maxLength=instances.LONGEST_NAME)),
    "region": null(text("eu-west-1", maxLength=instances.LONGEST_NAME)),
    "status": null(choice(Status.values, "That of the deployment when it is not said.", "success")),
    "version": null(text("1.4.2", "That of the deployment when it is not said.", maxLength=300)),
    "commit": null(text("4f2a9c1d", maxLength=100)),
}
REPORT = sent(
    {
        "service": SERVICE,
        "environment": ENVIRONMENT,
        "status": choice(Status.values, "success when it is not said.", "success"),
        "kind": choice(Deployment.Kind.values),
        **{
            name: null(either(text(example, about, maxLength=most), whole(7)))
            for name, (example, most, about) in _WORDS.items()
        },
        "started_at": null(instant(example="2026-02-03T15:38:00Z")),
        "finished_at": null(instant(example="2026-02-03T15:40:00Z")),
        "ci": null(_CI),
        "fence": null(whole(7, "Of two that finished at once the greater is live.", minimum=0, maximum=2**31 - 1)),
        "changes": null(listed(CHANGE, "What is in it.", maxItems=MOST_CHANGES)),
        "history": null(
            listed(
                CHANGE,
                "Older commits, which are no changes: with the first report of a place, so that what it contains is known.",
                maxItems=MOST_CHANGES,
            )
        ),
        "boundary": null(
            listed(
                text("77c0de00", maxLength=100),
                "Parents of changes that are no changes themselves, being in `previous_commit` already: where branches "
                "began. Only when the list of changes is whole.",
                maxItems=MOST_CHANGES,
            )
        ),
        "instances": null(
            listed(
                sent(INSTANCE, name="InstanceReport", about="By a name, or by a region."),
                "What it reaches one after the other; a later report of the run may name those alone that have come further.",
                maxItems=instances.MOST,
            )
        ),
        "extra": null(free({"region": "eu-west-1"}, "Kept as it is.")),
    },
    needed="service environment",
    name="Report",
    about="What one CI run did to one service in one environment. At least a version or a commit.",
)
WARNINGS = listed(
    shown(
        {
            "path": text("enviroment"),
            "message": text("“enviroment” is not known and was left out. Did you mean “environment”?"),
            "nearest": null(text("environment")),
        },
        name="ReportWarning",
    ),
    "Fields that are not known: the report is taken in without them. Twenty at most.",
)
DEPLOYMENT_FIELDS = {
    "id": text("019a2b3c-4d5e-7f80-91a2-b3c4d5e6f708", format="uuid"),
    "identifier": null(text("checkout-production-github-42-1", "Of its entity in the catalog.")),
    "service": text("checkout"),
    "environment": text("production"),
    "kind": choice(Deployment.Kind.values),
    "status": choice(Status.values, example="success"),
    "gate": choice(Gate.values, "How it passed the gate. Ungated: nothing good was handed in.", "receipt"),
    **{
        name: null(text(_WORDS[name][0]))
        for name in ("version", "commit", "previous_commit", "ref", "message", "author", "actor")
    },
    "started_at": null(instant()),
    "finished_at": null(instant()),
    "run_url": null(text("https://ci.example/runs/42")),
    "artifact": null(text("registry.example/checkout:1.4.2")),
    "instances": listed(shown(INSTANCE, name="Instance"), "What it reaches one after the other, by name."),
    "fence": null(whole(7)),
    "changes": listed(CHANGE),
    "url": text("https://portal.example.org/catalog/deployment/entities/checkout-production-github-42-1"),
}
DEPLOYMENT = shown(DEPLOYMENT_FIELDS, name="Deployment")
KEPT = shown(
    {
        "id": text("019a2b3c-4d5e-7f80-91a2-b3c4d5e6f708", format="uuid"),
        "state": choice(InboxItem.State.values),
        "service": text("chekout"),
        "environment": text("production"),
        "problem": text("There is no service called “chekout”. Did you mean checkout?"),
        "nearest": listed(text("checkout")),
        "url": text("https://portal.example.org/deployments/inbox"),
    },
    name="InboxItem",
)
CELL = shown(
    {
        "service": text("checkout"),
        "environment": text("production"),
        "tier": text("production"),
        "version": null(text("1.4.2")),
        "commit": null(text("4f2a9c1d")),
        "ref": null(text("main")),
        "author": null(text("Dana")),
        "deployed_at": null(instant()),
        "deployed_by": null(text("dana@example.org")),
        "status": null(choice(Status.values, "Of the latest deployment, which may not be the live one.", "success")),
        "attempt_failed": flag(False, "The latest deployment failed; what is live is an older one."),
        "rollout": null(
            shown(
                {"done": whole(2), "total": whole(5), "version": text("1.4.2")},
                about="As long as not all instances run what is being deployed, or what is live.",
            )
        ),
        "locked": flag(True),
        "locked_reason": null(text("debugging the payment retries")),
        "locked_by": null(text("Dana")),
        "locked_until": null(instant()),
        "url": null(text("https://portal.example.org/catalog/deploymentConfig/entities/checkout-production")),
    },
    name="DeploymentConfig",
    about="What is live in one place, and whether it may be deployed to.",
)
COVERAGE = shown(
    {
        "since": instant(example="2026-01-04T15:40:00.000Z"),
        "until": instant(),
        "total": whole(40),
        "by_claim": whole(20, "The place was held by a claim."),
        "by_receipt": whole(16, "A check let it through, and its receipt came back with the report."),
        "ungated": whole(4, "Reported without a decision."),
        "percent": null(whole(90, "Of the total, passed the gate, rounded down; null when there were none.")),
        "uncovered": listed(
            shown(
                {
                    "service": text("checkout"),
                    "environment": text("production"),
                    "repository": null(text("https://github.com/example/checkout")),
                    "total": whole(6),
                    "ungated": whole(4),
                    "mended": flag(False, "A later deployment has passed the gate."),
                    "last": DEPLOYMENT.about("The newest without the gate."),
                }
            ),
            "Who deployed without the gate, the most of it first, those that are mended last.",
        ),
    },
    name="Coverage",
)

KIND = choice(LogSource.Kind.values, example="application")
SOURCES = shown(
    {
        "service": text("checkout"),
        "environment": text("production"),
        "since": instant(example="2026-02-03T15:28:00.000Z"),
        "until": instant(),
        "links": listed(
            shown({"name": text("Sentry"), "kind": KIND, "url": text("https://sentry.io/organizations/larder/issues/")})
        ),
        "lacking": listed(
            shown(
                {
                    "kind": KIND,
                    "needs": listed(
                        shown(
                            {
                                "source": text("CloudWatch Logs Insights"),
                                "missing": listed(text("logGroup"), "Properties; of those in one text any will do."),
                            }
                        )
                    ),
                }
            ),
            "The kinds without a link here, and what each of their sources waits for.",
        ),
    },
    name="LogSources",
    about="Where the logs, errors, sessions and traces of one place are.",
)

GROUP = Group(
    "Deployments",
    "What CI deployed, and what is live where.",
    [
        Operation(
            "deployment_report",
            "POST",
            "/deployments",
            "Report a deployment",
            about="Reports of one run are one deployment, in whatever order they come. The same again changes nothing. "
            "Fields that are not known are ignored.",
            needs="deployment.report",
            parameters=[
                header(
                    "Idempotency-Key",
                    text("run-42", "The same request again gets the same answer.", maxLength=LONGEST_KEY),
                )
            ],
            body=REPORT,
            answers={
                200: ok("Known already, or advanced.", deployment=DEPLOYMENT, created=flag(False), warnings=WARNINGS),
                201: ok("Taken in.", deployment=DEPLOYMENT, created=flag(True), warnings=WARNINGS),
                202: ok(
                    "A name is unknown: kept in the inbox until somebody places it.", inbox=KEPT, warnings=WARNINGS
                ),
                409: fault(
                    "deployment_conflict",
                    "idempotency_conflict",
                    about="The run has said otherwise before, or the key came with another body.",
                    message="This run was reported with another version.",
                    details={"differs_in": ["version"]},
                ),
            },
        ),
        Operation(
            "deployments_current",
            "GET",
            "/deployments/current",
            "What is live, or was",
            about="With `at`: what was live then, and who had it locked, over everything that is known now. "
            "A report that came late counts from when it happened.",
            needs="catalog.read",
            parameters=[
                query("service", SERVICE),
                query("environment", ENVIRONMENT),
                query("at", instant("An instant of the past.", example="2026-02-03T15:40:00Z")),
            ],
            answers={
                200: ok("By service and environment.", deployment_configs=listed(CELL)),
                404: missing("service or environment", "There is no service called “chekout”.", nearest=True),
            },
        ),
        Operation(
            "deployments_sources",
            "GET",
            "/deployments/sources",
            "Where logs, errors and traces are",
            about="Links open since what is live was deployed, unless a time is given. `lacking` keeps the places that have no link of that kind.",
            needs="catalog.read",
            parameters=[
                query("service", SERVICE),
                query("environment", ENVIRONMENT),
                query("since", instant(example="2026-02-03T15:28:00Z")),
                query("until", instant(example="2026-02-03T15:50:00Z")),
                query("lacking", KIND),
            ],
            answers={
                200: ok("By service and environment.", places=listed(SOURCES)),
                404: missing("service or environment", "There is no service called “chekout”.", nearest=True),
            },
        ),
        Operation(
            "deployments_coverage",
            "GET",
            "/deployments/coverage",
            "Who deploys past the gate",
            about="The deployments and rollbacks to environments of production that were begun in the last 30 days.",
            needs="catalog.read",
            answers={200: ok("How many passed the gate, and who deploys without it.", coverage=COVERAGE)},
        ),
    ],
)
