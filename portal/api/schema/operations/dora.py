from catalog.builtin import TIERS
from deployments.queries.dora import DEFINITIONS, KEYS
from portal.api.history import MOST
from portal.api.schema.answers import missing, ok
from portal.api.schema.operation import Group, Operation
from portal.api.schema.operations.deployments import DEPLOYMENT
from portal.api.schema.operations.history import SCOPE, SPAN
from portal.api.schema.parameters import in_path, query
from portal.api.schema.shapes import (
    Shape,
    by_key,
    choice,
    flag,
    instant,
    listed,
    null,
    number,
    shown,
    text,
    whole,
)

REASONS = sorted({reason for each in DEFINITIONS.values() for reason in each.reasons})
TIER = query("tier", choice([*TIERS, "all"], "production when it is not said.", "production"))
_LEFT_OUT = by_key(whole(3), "rollback", "How many are left out, by the reason.")
_SECONDS = {
    "count": whole(40),
    "median": null(number(7200.0, "Seconds.")),
    "p90": null(number(21600.0)),
    "p95": null(number(36000.0)),
}
_LENGTHS = shown(_SECONDS, name="Lengths", about="Of lengths of time, in seconds; null where there is none.")


def _key(**fields: Shape) -> Shape:
    return shown({**fields, "left_out": _LEFT_OUT})


DORA = shown(
    {
        "definitions": shown(
            {
                "version": whole(1, "Another with every change of what is counted."),
                **{key: text(DEFINITIONS[key].text) for key in KEYS},
            }
        ),
        "since": instant(),
        "until": instant(),
        "service": null(text("checkout")),
        "team": null(text("payments")),
        "tier": null(text("production")),
        "environment": null(text("production")),
        "frequency": _key(
            deployments=whole(42),
            per_day=number(1.4),
            bucket=null(choice(["daily", "weekly", "monthly", "yearly"], "As Four Keys puts it.")),
        ),
        "lead_time": _key(**_SECONDS),
        "change_failure": _key(changes=whole(45), failed=whole(3), rate=null(number(0.0667, "From 0 to 1."))),
        "restore": _key(**_SECONDS),
        "rolled_up": whole(0, "Deployments so old that only their numbers are kept; no row stands for them."),
        "weeks": listed(
            shown(
                {
                    "starts": text("2026-01-05", "A Monday, in UTC.", format="date"),
                    "whole": flag(True, "The span holds all of it."),
                    "deployments": whole(9),
                    "days": whole(4, "With a deployment."),
                    "changes": whole(10),
                    "failed": whole(1),
                    "lead_time": _LENGTHS,
                    "restore": _LENGTHS,
                }
            )
        ),
    },
    name="Dora",
)
ROW = shown(
    {
        "deployment": DEPLOYMENT,
        "failed": flag(False, "As a change: reported so, or undone by a rollback."),
        "mended_after": null(number(1800.0, "Seconds from the end of what failed to the next success there.")),
        "commit": null(text("4f2a9c1d", "Where the row is a commit, with the deployment that brought it.")),
        "committed_at": null(instant()),
        "lead_time": null(number(7200.0, "Seconds.")),
    },
    name="DoraRow",
)

GROUP = Group(
    "DORA",
    "The four keys of delivery, and the rows behind each number.",
    [
        Operation(
            "dora",
            "GET",
            "/deployments/dora",
            "The four keys of a time",
            about="Of the last 30 days and of production, when nothing else is said. Days and weeks are those of UTC.",
            needs="catalog.read",
            parameters=[*SCOPE, TIER, *SPAN],
            answers={
                200: ok("The numbers, and how many rows each leaves out for which reason.", dora=DORA),
                404: missing("service or environment", "There is no service called “chekout”.", nearest=True),
            },
        ),
        Operation(
            "dora_rows",
            "GET",
            "/deployments/dora/{key}",
            "The rows behind a number",
            about="Those that it counts; with `reason` those that it leaves out for it. The newest first.",
            needs="catalog.read",
            parameters=[
                in_path("key", choice(KEYS)),
                *SCOPE,
                TIER,
                *SPAN,
                query("reason", choice(REASONS, "Each key has some of them; `left_out` names those that it has here.")),
                query("failed", flag(True, "Of the changes only the failed ones.")),
                query("after", text("019a2b3c-4d5e-7f80-91a2-b3c4d5e6f708.", "The `next` of the page before.")),
                query("limit", whole(100, minimum=1, maximum=MOST)),
            ],
            answers={
                200: ok(
                    "Deployments; of the lead time commits.",
                    rows=listed(ROW),
                    next=null(text("019a2b3c-4d5e-7f80-91a2-b3c4d5e6f708.")),
                ),
                404: missing("service, environment or key", "There is no service called “chekout”.", nearest=True),
            },
        ),
    ],
)
