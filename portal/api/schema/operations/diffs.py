from deployments.models import Watch
from portal.api.history import MOST
from portal.api.schema.answers import fault, missing, ok
from portal.api.schema.operation import Group, Operation
from portal.api.schema.operations.deployments import DEPLOYMENT, DEPLOYMENT_FIELDS
from portal.api.schema.parameters import in_path, query
from portal.api.schema.shapes import Shape, choice, flag, free, instant, listed, null, shown, text, whole

ID = text("019a2b3c-4d5e-7f80-91a2-b3c4d5e6f708", format="uuid")
OTHER = text("019a2b3c-4d5e-7f80-91a2-b3c4d5e6f709", format="uuid")
COMMIT = shown(
    {
        "sha": text("4f2a9c1d"),
        "message": null(text("PAY-7: Retry the payment (#1207)")),
        "author": null(text("Dana")),
        "committed_at": null(instant()),
        "pull_request": null(text("1207")),
        "tickets": listed(text("PAY-7")),
    },
    name="CommitBetween",
)
DIFF = shown(
    {
        "service": text("checkout"),
        "from": null(OTHER),
        "to": ID,
        "commits": null(
            shown(
                {
                    "added": listed(COMMIT, "What the newer has and the older has not, newest first, at most 1,000."),
                    "removed": listed(COMMIT, "The other way round."),
                    "added_count": whole(1),
                    "removed_count": whole(0),
                    "complete": flag(
                        True, "False: nobody has told of every commit between, so there may be more or fewer."
                    ),
                }
            )
        ),
        "settings": listed(DEPLOYMENT, "Changes of settings and flags on the pair meanwhile, newest first."),
        "compare_url": null(text("https://github.com/example/checkout/compare/9b1e77a...4f2a9c1", "On the forge.")),
        "url": null(text("https://portal.example.org/deployments/compare")),
    },
    name="DeploymentDiff",
    about="What lies between two deployments of a service. No commits where one of them has none, or none was before.",
)
WATCH = shown(
    {
        "id": OTHER,
        "deployment": ID,
        "state": choice(["open", *Watch.Verdict.values], "Open until there is a verdict.", "passed"),
        "opened_at": instant("The watch, not the deployment."),
        "until": instant("When there is a verdict at the latest."),
        "closed_at": null(instant()),
        "verdict": null(
            choice(Watch.Verdict.values, "No data is inconclusive, and so is what was no better before.", "passed")
        ),
        "reason": null(text("http answered 90 times, no worse than in the hour before.")),
        "values": free({"http": {"before": "healthy", "results": 90, "failed": 0}}, "What each probe found."),
        "url": text("https://portal.example.org/deployments/019a2b3c-4d5e-7f80-91a2-b3c4d5e6f708"),
    },
    name="Watch",
    about="What a finished deployment did to its place, by the place's probes.",
)
SIGHT = shown(
    {
        **DEPLOYMENT_FIELDS,
        "reported_at": instant("When the first report of it came."),
        "first": flag(False, "The first success of its service in its environment."),
        "redeploy": flag(False, "The same was live already."),
        "rollback": flag(False, "It had been live before, and was brought back."),
        "live": flag(True, "It is what is live now."),
        "previous": null(OTHER),
        "following": null(text("019a2b3c-4d5e-7f80-91a2-b3c4d5e6f710", format="uuid")).like(None),
        "since_previous": null(DIFF),
        "watch": null(WATCH),
    },
    name="DeploymentInOrder",
    about="A deployment, and its place among those of its service in its environment.",
)
LIVE = shown(
    {
        "id": ID,
        "version": null(text("1.4.2")),
        "commit": null(text("4f2a9c1d")),
        "deployed_at": null(instant()),
        "deployed_by": null(text("dana@example.org")),
    },
    name="WhatIsLive",
)
_COUNT: dict[str, Shape] = {
    "added": null(whole(5, "Commits; null where nobody has told.")),
    "removed": null(whole(0)),
    "complete": flag(True, "False: about so many."),
}
CHANGE = shown(
    {
        "service": text("checkout"),
        "environment": text("production"),
        "from": null(LIVE),
        "to": null(LIVE),
        **_COUNT,
        "rollback": flag(False, "Between two instants something that had been live before was brought back."),
    },
    name="PlaceChange",
)
DRIFT = shown(
    {
        "service": text("checkout"),
        "staging": text("staging"),
        "production": text("production"),
        "staged": LIVE,
        "live": LIVE,
        "state": choice(
            ["behind", "ahead", "apart", "unclear"],
            "Of production: it lacks commits, it has some that staging lacks, both, or nobody has told.",
            "behind",
        ),
        "warns": flag(False, "Production has something that staging has not."),
        **_COUNT,
        "since": null(instant("When staging first had what production lacks.")),
    },
    name="Drift",
)
_PAGE = [
    query("after", text("17.4", "The `next` of the page before.")),
    query("limit", whole(100, minimum=1, maximum=MOST)),
]
_NEXT = null(text("17.4", "The `after` of the next page.")).like(None)
_WHICH = (
    "Of two deployments (`from`, `to`), two environments (`environment`, `against`) or two instants (`since`, `until`, which is "
    "now without it). For deployments `diff` is filled, else `changes`."
)

GROUP = Group(
    "Deployments compared",
    "One deployment and what it changed, and what lies between two of them, two environments or two instants.",
    [
        Operation(
            "deployment_read",
            "GET",
            "/deployments/{public_id}",
            "One deployment and what it changed",
            needs="catalog.read",
            parameters=[in_path("public_id", ID)],
            answers={
                200: ok("With what lies between it and what was live before.", deployment=SIGHT),
                404: missing("deployment", "There is no deployment with the id 019a2b3c-4d5e-7f80-91a2-b3c4d5e6f708."),
            },
        ),
        Operation(
            "deployment_watch",
            "GET",
            "/deployments/{public_id}/watch",
            "What a deployment did to its place",
            about="Ask again while its state is open. Null where nobody watches it, and for the second until somebody does.",
            needs="catalog.read",
            parameters=[in_path("public_id", ID)],
            answers={
                200: ok("Whether it is open, or its verdict.", watch=null(WATCH)),
                404: missing("deployment", "There is no deployment with the id 019a2b3c-4d5e-7f80-91a2-b3c4d5e6f708."),
            },
        ),
        Operation(
            "deployments_diff",
            "GET",
            "/deployments/diff",
            "What lies between",
            about=_WHICH,
            needs="catalog.read",
            parameters=[
                query("from", OTHER),
                query("to", ID),
                query("environment", text("staging")),
                query("against", text("production")),
                query("since", instant("What was live then.", example="2026-02-03T15:40:00Z")),
                query("until", instant("And what was live at this instant.", example="2026-02-04T15:40:00Z")),
                query("service", text("checkout", "Between two instants: of this service alone.")),
                *_PAGE,
            ],
            answers={
                200: ok(
                    "The commits between, or the places that differ.",
                    diff=null(DIFF),
                    changes=null(listed(CHANGE)),
                    next=_NEXT,
                ),
                404: missing("deployment or environment", "There is no environment called “prodution”.", nearest=True),
                409: fault(
                    "two_services",
                    about="The deployments are of two services.",
                    message="One is of checkout and one of search; only deployments of one service can be compared.",
                ),
            },
        ),
        Operation(
            "deployments_drift",
            "GET",
            "/deployments/drift",
            "Where staging and production differ",
            about="The most behind first: by commits where they are known, else by how long staging has had it.",
            needs="catalog.read",
            parameters=[query("service", text("checkout", "Of this one alone.")), *_PAGE],
            answers={200: ok("One for each pair of environments that differ.", drift=listed(DRIFT), next=_NEXT)},
        ),
    ],
)
