"""What each of the four keys is, in words, as the page and /v1 tell it. Whoever changes what is counted changes VERSION."""

from dataclasses import dataclass

VERSION = 1


@dataclass(frozen=True)
class Definition:
    """`counted` and `reasons` say what its rows are, the reasons by their names."""

    title: str
    text: str
    counted: str
    reasons: dict[str, str]


_NOT_ENDED = {
    "kind": "changed a setting or a flag, and deployed nothing",
    "unfinished": "has not ended",
    "outside": "ended outside of the span",
    "cancelled": "was cancelled",
}
_ROLLBACK = {"rollback": "a rollback: puts back what ran there before"}
_NO_SUCCESS = {"failed": "failed", "rolled_back": "was rolled back"}

DEFINITIONS = {
    "frequency": Definition(
        "Deployment frequency",
        "Deployments that ended in the span with success, redeploys among them. "
        "A rollback is not counted: it brings nothing new. "
        "As in Four Keys it is daily where the median whole week has three days with a deployment or more, "
        "weekly where it has one, monthly where the median four weeks have one.",
        "successful deployments",
        _NOT_ENDED | _ROLLBACK | _NO_SUCCESS,
    ),
    "lead_time": Definition(
        "Lead time for changes",
        "For each commit, from the commit to the end of the first successful deployment that contains it, on each service "
        "in each environment. The number is the median of them. What a deployment contains follows from the commits that are "
        "known and their parents; a commit that reached the place before, by whatever deployment, is not counted again.",
        "commits, each with the deployment that brought it",
        _NOT_ENDED
        | _ROLLBACK
        | _NO_SUCCESS
        | {
            "first": "the first deployment there: everything is new, so nothing tells how long it waited",
            "redeploy": "a redeploy of what ran already",
            "no_commit": "was reported without a commit",
            "no_change": "contains no commit that was not there before",
            "no_time": "commits of which nobody told when they were made",
            "negative": "commits that are said to be younger than their deployment",
        },
    ),
    "change_failure": Definition(
        "Change failure rate",
        "Of the changes that ended in the span, the share that failed. A change is a deployment that ended with success or "
        "failure, or was rolled back. It failed where it is reported so, and where it succeeded but the next success in "
        "its place is a rollback, however much later.",
        "changes",
        _NOT_ENDED | _ROLLBACK,
    ),
    "restore": Definition(
        "Time to restore",
        "For each failed change that ended in the span, from its end to the next success in its place; for one that was "
        "undone, to the end of the rollback. Of several that failed before it the first one is counted. "
        "The number is the median.",
        "failed changes after which there was a success",
        {
            "part": "failed while an earlier failure was not mended yet: that one is counted",
            "open": "has not been mended yet",
        },
    ),
}
# Of these the lead time leaves out commits, not deployments.
OF_COMMITS = ("no_time", "negative")

HOUR, DAY = 3600, 86400
MONTH = 730 * HOUR


def length_bucket(seconds: float | None) -> str:
    """As Four Keys puts medians of times."""
    if seconds is None:
        return ""
    steps = ((DAY, "a day"), (7 * DAY, "a week"), (MONTH, "a month"), (6 * MONTH, "six months"))
    return next((f"less than {word}" for most, word in steps if seconds < most), "six months or more")


def rate_bucket(rate: float | None) -> str:
    """As Four Keys puts the change failure rate."""
    if rate is None:
        return ""
    return "0–15%" if rate <= 0.15 else "16–45%" if rate < 0.46 else "46–100%"
