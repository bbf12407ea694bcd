"""Rows of what changed: commits, places, deployments."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from catalog.queries import tier_of
from deployments.models import Commit, Deployment
from deployments.queries import Change, Count, Diff, Drift
from deployments.sources import web
from deployments.tables.commits import feature_url
from deployments.tables.forge import Forge, forge_of
from deployments.tables.places import deployment_row, service_row
from portal.kit.clock import in_words
from portal.kit.templatetags.kit import shortened

Row = dict[str, Any]


def diff_row(diff: Diff) -> Row:
    """What lies between, and where to read it on the forge."""
    forge, old, new = forge_of(diff.service), diff.old, diff.new
    found = diff.commits
    return {
        "old": short_row(old) if old else None,
        "new": short_row(new),
        "known": found is not None,
        "complete": bool(found and found.complete),
        "added": [commit_row(each, forge) for each in diff.added],
        "removed": [commit_row(each, forge) for each in diff.removed],
        "added_count": found.added_count if found else 0,
        "removed_count": found.removed_count if found else 0,
        "tickets": _tickets(key.key for each in diff.added for key in each.tickets.all()),
        "authors": list(dict.fromkeys(each.author for each in diff.added if each.author)),
        "told": [told_row(each, forge) for each in new.changes] if not found else [],
        "settings": [deployment_row(each, diff.service) for each in diff.settings],
        "forge_url": forge.compare(old.commit, new.commit) if forge and old else "",
    }


def commit_row(commit: Commit, forge: Forge | None) -> Row:
    request = commit.pull_request
    return {
        "sha": commit.sha,
        "url": web(commit.url) or (forge.commit(commit.sha) if forge else ""),
        "title": commit.title,
        "author": commit.author,
        "at": commit.committed_at,
        "request": request,
        "request_url": forge.pull_request(request) if forge and request else "",
        "tickets": [
            key for key in _tickets(each.key for each in commit.tickets.all()) if key["key"] not in commit.title
        ],
    }


def _tickets(keys: Iterable[str]) -> list[Row]:
    return [{"key": key, "url": feature_url(key)} for key in sorted(set(keys))]


def told_row(change: Row, forge: Forge | None) -> Row:
    """A change as the report told it, of which no commit is kept."""
    sha, request = str(change.get("sha") or ""), str(change.get("pr") or "").lstrip("#")
    return {
        "sha": sha,
        "url": web(change.get("url")) or (forge.commit(sha) if forge else ""),
        "title": str(change.get("message") or "").partition("\n")[0],
        "author": str(change.get("author") or ""),
        "at": None,
        "request": request,
        "request_url": forge.pull_request(request) if forge and request else "",
        "tickets": [],
    }


def short_row(deployment: Deployment) -> Row:
    """One deployment in a line."""
    return {
        "id": str(deployment.public_id),
        "url": deployment.get_absolute_url(),
        "version": deployment.version,
        "commit": deployment.commit,
        "environment": deployment.environment_identifier,
        "status": deployment.status,
        "at": deployment.happened_at,
        "deployed_by": deployment.actor,
    }


def choice_row(deployment: Deployment) -> Row:
    """To choose it by, in as few words as tell it from the others."""
    at = timezone.localtime(deployment.happened_at)
    year = "" if at.year == timezone.localdate().year else f" {at.year}"
    what = shortened(deployment.version or deployment.commit, 16)
    where = shortened(deployment.environment_identifier, 16)
    return short_row(deployment) | {"said": f"{what} in {where}, {at.day} {at:%b}{year}, {at:%H:%M %Z}"}


def change_rows(changes: Iterable[Change]) -> list[Row]:
    return [change_row(each) for each in changes]


def change_row(change: Change) -> Row:
    old, new = change.old, change.new
    return {
        "service": service_row(change.service),
        "environment": str(change.environment),
        "tier": tier_of(change.environment),
        "old": short_row(old) if old else None,
        "new": short_row(new) if new else None,
        "count": count_words(change.count) if old and new else "",
        "rolled_back": change.rolled_back,
        "passed": len(change.passed),
        "url": compare_url(old, new),
    }


def compare_url(old: Deployment | None, new: Deployment | None) -> str:
    if not (old and new):
        return ""
    return reverse("deployments:compare") + "?" + urlencode({"from": str(old.public_id), "to": str(new.public_id)})


def count_words(count: Count) -> str:
    """`+5 commits`, `+2 −1 commits`, `about +5 commits`; "" where nobody has told."""
    if not (count.added or count.removed):
        return "the same commit" if count.known else ""
    signed = [f"+{count.added}"] if count.added else []
    signed += [f"−{count.removed}"] if count.removed else []
    one = count.added + count.removed == 1
    return f"{'' if count.known else 'about '}{' '.join(signed)} commit{'' if one else 's'}"


STATES = {
    "behind": ("production is behind", "yellow", "clock"),
    "ahead": ("production is ahead", "red", "alert-triangle"),
    "apart": ("each has its own", "red", "alert-triangle"),
    "unclear": ("differs", "lightGray", "help"),
}


def drift_rows(drifts: Sequence[Drift], first: int, size: int) -> list[Row]:
    """A page of them. Where a service has several pairs, each says which."""
    pairs = Counter(each.service.pk for each in drifts)
    rows = []
    for each in drifts[first : first + size]:
        row = drift_row(each)
        several = pairs[each.service.pk] > 1
        rows.append(row | {f"{tier}_told": row[tier] if several else "" for tier in ("staging", "production")})
    return rows


def drift_row(drift: Drift) -> Row:
    words, colour, icon = STATES[drift.state]
    return {
        "service": service_row(drift.service),
        "staging": drift.staging.identifier,
        "production": drift.production.identifier,
        "staged": short_row(drift.staged),
        "live": short_row(drift.live),
        "state": drift.state,
        "words": words,
        "colour": colour,
        "icon": icon,
        "warns": drift.warns,
        "about": "" if drift.count.known else "about ",
        "lacks": drift.count.added,
        "extra": drift.count.removed,
        "since": drift.since,
        "waits": in_words(drift.waits) if drift.waits else "",
        "url": compare_url(drift.live, drift.staged),
    }
