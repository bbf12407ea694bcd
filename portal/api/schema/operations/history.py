from catalog.builtin import TIERS
from deployments.models import Deployment, Gate, Status
from deployments.spans import MOST_DAYS
from portal.api.history import MOST
from portal.api.schema.answers import missing, ok
from portal.api.schema.operation import Group, Operation
from portal.api.schema.parameters import query
from portal.api.schema.shapes import choice, instant, listed, null, shown, text, whole

_NEXT = "019a2b3c-4d5e-7f80-91a2-b3c4d5e6f708"
_TEXTS = {
    "version": "1.4.2",
    "commit": "4f2a9c1d",
    "previous_commit": "9b1e77a0",
    "ref": "main",
    "message": "Retry the payment",
    "author": "Dana",
    "actor": "dana@example.org",
}
SCOPE = [
    query("service", text("checkout", "Only this service.")),
    query("team", text("payments", "Only services of this team.")),
    query("environment", text("production", "Only this environment, whatever its tier.")),
]
SPAN = [
    query("days", whole(30, "The last so many days, today included.", minimum=1, maximum=MOST_DAYS)),
    query("from", text("2026-01-01", "Without `days`: the first day, in UTC.", format="date")),
    query("to", text("2026-01-31", "The last day, included; today when it is left out.", format="date")),
]
LISTED = shown(
    {
        "service": text("checkout"),
        "environment": text("production"),
        "kind": choice(Deployment.Kind.values),
        "status": choice(Status.values, example="success"),
        **{name: null(text(example)) for name, example in _TEXTS.items()},
        "started_at": null(instant()),
        "finished_at": null(instant()),
        "gate": choice(Gate.values, example="receipt"),
        "provider": null(text("github")),
        "run": null(text("42")),
        "attempt": whole(1),
        "run_url": null(text("https://ci.example/runs/42")),
        "artifact": null(text("registry.example/checkout:1.4.2")),
        "reported_at": instant(),
        "reported_by": null(text("CI")),
        "id": text(_NEXT, format="uuid"),
    },
    name="ListedDeployment",
    about="As the files of the pages have it.",
)

GROUP = Group(
    "History",
    "Deployments by time.",
    [
        Operation(
            "deployments",
            "GET",
            "/deployments",
            "List deployments by time",
            about="The newest first, by their end, or by their beginning where they have none. Of all time, unless a time is "
            "named.",
            needs="catalog.read",
            parameters=[
                *SCOPE,
                query("tier", choice([*TIERS, "all"], "all when it is not said.", "all")),
                query("status", choice(Status.values, example="failure")),
                *SPAN,
                query("after", text(_NEXT, "The `next` of the page before.")),
                query("limit", whole(100, minimum=1, maximum=MOST)),
            ],
            answers={
                200: ok("A page of them.", deployments=listed(LISTED), next=null(text(_NEXT))),
                404: missing("service or environment", "There is no service called “chekout”.", nearest=True),
            },
        )
    ],
)
