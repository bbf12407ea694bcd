"""Where commits are, and how far tickets have come."""

from catalog.builtin import TIERS
from deployments.queries import State
from portal.api.schema.answers import ok
from portal.api.schema.operation import Group, Operation
from portal.api.schema.parameters import in_path, query
from portal.api.schema.shapes import choice, flag, instant, listed, null, shown, text, whole

_SHA = "9b1e77a0c2d34f5a6b7c8d9e0f1a2b3c4d5e6f70"
_TIER = choice(list(TIERS), example="production")
_SINCE = null(instant("When that deployment ended."))
_ASSUMED = flag(
    False, "Told by the order of deployments alone: no report says how the commits descend from each other."
)
_MADE = null(
    shown(
        {
            "id": text("019a2b3c-4d5e-7f80-91a2-b3c4d5e6f708", format="uuid"),
            "version": null(text("1.4.2")),
            "commit": null(text(_SHA)),
            "actor": null(text("dana@example.org")),
            "url": null(text("https://portal.example.org/catalog/deployment/entities/checkout-production-9b1e77a")),
        }
    )
)
PRESENCE = shown(
    {
        "environment": text("production"),
        "tier": _TIER,
        "state": choice(
            [str(each) for each in State],
            "`copied`: by a cherry-pick, or squashed with others. `unknown`: no report tells; that is not `out`.",
        ),
        "assumed": _ASSUMED,
        "through": null(text(_SHA, "The copy that came for it, or what takes it back.")),
        "since": _SINCE,
        "deployment": _MADE,
    },
    name="Presence",
    about="How a commit stands in one environment, and the deployment that brought that about.",
)
_COMMIT = {
    "service": text("checkout"),
    "sha": text(_SHA),
    "message": null(text("PAY-12: Retry the payment (#1207)")),
    "author": null(text("Dana")),
    "committed_at": null(instant()),
    "pull_request": null(text("1207")),
    "tickets": listed(text("PAY-12")),
    "kind": choice(["commit", "merge", "squash", "cherry-pick", "revert"]),
    "places": listed(PRESENCE, "From development to production, where its service has been deployed."),
}
_REACH = shown(
    {
        "environment": text("production"),
        "tier": _TIER,
        "state": choice(["all", "some", "none", "reverted", "unknown"], example="some"),
        "there": whole(1),
        "reverted": whole(0, "Not counted among those that should be there."),
        "unknown": whole(0),
        "total": whole(2),
        "assumed": _ASSUMED,
        "since": _SINCE,
        "deployment": _MADE,
    }
)
FEATURE = shown(
    {
        "key": text("PAY-12"),
        "in_production": flag(False, "All its changes in all of production, in every service that it has commits in."),
        "more": flag(False, "It has more commits than are looked at."),
        "services": listed(
            shown(
                {
                    "service": text("checkout"),
                    "in_production": flag(False),
                    "environments": listed(_REACH, "How many of its changes each has."),
                    "changes": listed(
                        shown(
                            _COMMIT
                            | {
                                "also": listed(text(_SHA), "Other shas of the same change."),
                                "nowhere": flag(False, "No environment has it yet."),
                            }
                        )
                    ),
                    "reverts": listed(text(_SHA), "Commits of the ticket that take others back."),
                }
            )
        ),
    },
    name="Feature",
)

GROUP = Group(
    "Commits",
    "Where commits are, and how far tickets have come.",
    [
        Operation(
            "deployments_commits",
            "GET",
            "/deployments/commits",
            "Where is my commit?",
            about="By sha, pull request, ticket, version or person: the first reading of `q` that finds any commit. An empty "
            "list says that no such commit is known here, not that it is nowhere.",
            needs="catalog.read",
            parameters=[
                query(
                    "q",
                    text("PAY-12", "A sha of seven digits or more, #123, ABC-123, a version or a person."),
                    needed=True,
                ),
                query("at", instant("As of this instant.")),
            ],
            answers={
                200: ok(
                    "The newest of them, and where each one is.",
                    kind=null(choice(["sha", "pull_request", "ticket", "version", "person"], example="ticket")),
                    more=flag(False, "There are more."),
                    commits=listed(shown(_COMMIT, name="Commit")),
                )
            },
        ),
        Operation(
            "deployments_feature",
            "GET",
            "/deployments/features/{key}",
            "How far a ticket has come",
            about="Copies of a change are one change, reverts are none. A ticket that no commit names has no services.",
            needs="catalog.read",
            parameters=[in_path("key", text("PAY-12"))],
            answers={200: ok("Service by service.", feature=FEATURE)},
        ),
    ],
)
