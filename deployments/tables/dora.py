"""The four keys as cards, bars and rows for the templates."""

from collections.abc import Callable
from math import ceil
from typing import Any

from django.http import QueryDict
from django.urls import reverse

from deployments.queries.dora import (
    DEFINITIONS,
    KEYS,
    Found,
    Lengths,
    Numbers,
    Row,
    Week,
    length_bucket,
    rate_bucket,
)
from deployments.queries.dora.definitions import DAY, HOUR
from deployments.sources import web
from deployments.tables.places import commit_url
from portal.kit.addresses import address

Json = dict[str, Any]

NONE = "–"
HEIGHT, WIDTH = 56, 100.0
# What of a week a key's bar shows, what it is called, and how it is written.
BARS: dict[str, tuple[str, Callable[[Week], float | None], Callable[[float], str]]] = {
    "frequency": ("deployments", lambda week: float(week.deployed), lambda value: f"{value:.0f}"),
    "lead_time": ("median lead time", lambda week: week.lead_time.median, lambda value: length(value)),
    "change_failure": ("change failure rate", lambda week: week.failure_rate, lambda value: percent(value)),
    "restore": ("median time to restore", lambda week: week.restore.median, lambda value: length(value)),
}


def length(seconds: float | None) -> str:
    """`45 s`, `20 min`, `3 h 20 min`, `2 d 4 h`: the two greatest units."""
    if seconds is None:
        return NONE
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < HOUR:
        return f"{whole // 60} min"
    great, small, units = (DAY, HOUR, ("d", "h")) if whole >= DAY else (HOUR, 60, ("h", "min"))
    parts = [(whole // great, units[0]), (whole % great // small, units[1])]
    return " ".join(f"{number} {unit}" for number, unit in parts if number)


def percent(rate: float | None) -> str:
    return NONE if rate is None else f"{rate * 100:.1f}".removesuffix(".0") + "%"


def pace(per_day: float) -> str:
    """`2.3 a day`, `1.4 a week`: in the unit that makes it a number to read."""
    if not per_day:
        return "none"
    number, unit = (
        (per_day, "day") if per_day >= 1 else (per_day * 7, "week") if per_day * 7 >= 1 else (per_day * 30, "month")
    )
    return f"{number:.1f}".removesuffix(".0") + f" a {unit}"


def cards(found: Numbers, query: QueryDict) -> list[Json]:
    return [_card(key, found, query) for key in KEYS]


def _card(key: str, found: Numbers, query: QueryDict) -> Json:
    definition, left_out = DEFINITIONS[key], found.left_out[key]
    figure, bucket, more = FIGURES[key](found)
    return {
        "key": key,
        "title": definition.title,
        "definition": definition.text,
        "figure": figure,
        "bucket": bucket,
        "more": more,
        "counted": f"{_count(key, found):,}",
        "counted_what": definition.counted,
        "counted_url": rows_url(key, query),
        "failed_url": rows_url(key, query, failed=True) if key == "change_failure" and found.failed else "",
        "left_out": [
            {"text": definition.reasons[reason], "count": f"{left_out[reason]:,}", "url": rows_url(key, query, reason)}
            for reason in definition.reasons
            if reason in left_out
        ],
        "left_out_count": f"{sum(left_out.values()):,}",
        **bars(key, found.weeks),
    }


def _count(key: str, found: Numbers) -> int:
    counts = {"frequency": found.deployed, "lead_time": found.lead_time.count, "change_failure": found.changes}
    return counts.get(key, found.restore.count)


def _frequency(found: Numbers) -> tuple[str, str, str]:
    return pace(found.per_day), found.bucket, f"{found.deployed:,} in {ceil(found.span.days)} days"


def _lengths(lengths: Lengths, what: str) -> tuple[str, str, str]:
    return length(lengths.median), length_bucket(lengths.median), _spread(lengths) or f"no {what}"


def _spread(lengths: Lengths) -> str:
    """Percentiles where there are enough to tell them apart."""
    if not lengths.count:
        return ""
    if lengths.count < 10:
        return f"median of {lengths.count}, the longest {length(lengths.most)}"
    return f"median of {lengths.count:,}; 90% within {length(lengths.p90)}, 95% within {length(lengths.p95)}"


def _failures(found: Numbers) -> tuple[str, str, str]:
    return (
        percent(found.failure_rate),
        rate_bucket(found.failure_rate),
        f"{found.failed:,} of {found.changes:,} changes",
    )


FIGURES: dict[str, Callable[[Numbers], tuple[str, str, str]]] = {
    "frequency": _frequency,
    "lead_time": lambda found: _lengths(found.lead_time, "commit to tell by"),
    "change_failure": _failures,
    "restore": lambda found: _lengths(found.restore, "failure that was mended"),
}


def bars(key: str, weeks: list[Week]) -> Json:
    """A bar a week, as high as its value is to the greatest, and the same as rows of a table."""
    word, of, said = BARS[key]
    values = [of(week) for week in weeks]
    most = max((each for each in values if each), default=0.0)
    step = WIDTH / max(len(weeks), 1)
    shown = []
    for place, (week, value) in enumerate(zip(weeks, values, strict=True)):
        high = round(HEIGHT * value / most, 2) if value and most else 0
        shown.append(
            {
                "x": round(place * step + step * 0.12, 2),
                "width": round(step * 0.76, 2),
                "height": max(high, 1),
                "y": HEIGHT - max(high, 1),
                "starts": week.starts,
                "whole": week.whole,
                "none": not value,
                "said": NONE if value is None else said(value),
            }
        )
    return {"bars": shown, "bars_word": word, "bars_most": said(most) if most else ""}


def rows_url(key: str, query: QueryDict, reason: str = "", *, failed: bool = False) -> str:
    here = reverse("deployments:dora_rows", args=[key])
    return here + address(query, after=None, reason=reason or None, failed="1" if failed else None)


def dora_row(row: Row) -> Json:
    deployment = row.deployment
    service = deployment.config.service if deployment.config else None
    return {
        "url": deployment.get_absolute_url(),
        "service": deployment.service_identifier,
        "environment": deployment.environment_identifier,
        "version": deployment.version,
        "commit": deployment.commit,
        "commit_url": commit_url(deployment, service) if service else "",
        "message": deployment.message,
        "status": deployment.status,
        "kind": deployment.kind,
        "deployed_by": deployment.actor,
        "at": deployment.happened_at,
        "undone": row.judged.failed and deployment.status == "success",
        "failed": row.judged.failed,
        "restored": length(row.judged.mended_after) if row.judged.mended_after is not None else "",
    }


def change_row(row: Row) -> Json:
    """A commit, and the deployment that brought it."""
    change, commit = row.change, row.commit
    assert change
    return dora_row(row) | {
        "sha": change.sha,
        "sha_url": web(commit.url) if commit else "",
        "title": commit.title if commit else "",
        "author": commit.author if commit else "",
        "committed_at": change.committed_at,
        "waited": length(change.seconds) if change.committed_at and not change.reason else "",
    }


def reasons(key: str, found: Found, query: QueryDict, chosen: str) -> list[Json]:
    """The tabs of the rows: those that count, then each reason that leaves some out."""
    counted = {
        "label": "Counted",
        "count": f"{found.counted(key):,}",
        "url": rows_url(key, query),
        "active": not chosen,
    }
    left_out = found.left_out(key)
    return [counted] + [
        {
            "label": WORDS.get(reason, reason),
            "count": f"{left_out.get(reason, 0):,}",
            "url": rows_url(key, query, reason),
            "active": reason == chosen,
        }
        for reason in DEFINITIONS[key].reasons
        if reason in left_out or reason == chosen
    ]


WORDS = {
    "kind": "Settings and flags",
    "unfinished": "Not ended",
    "outside": "Outside of the span",
    "cancelled": "Cancelled",
    "rollback": "Rollbacks",
    "failed": "Failed",
    "rolled_back": "Rolled back",
    "first": "First ones",
    "redeploy": "Redeploys",
    "no_commit": "Without a commit",
    "no_change": "Nothing new",
    "no_time": "Time unknown",
    "negative": "Younger than deployed",
    "part": "Within an outage",
    "open": "Not mended yet",
}
