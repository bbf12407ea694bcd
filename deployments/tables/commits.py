"""Rows for the pages that say where commits are and how far a ticket has come."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.urls import reverse

from catalog.builtin import TIERS
from catalog.models import Entity
from deployments.messages import same_commit
from deployments.models import Commit, Deployment, DeploymentConfig
from deployments.queries.features import Feature, Reach, ServiceReach
from deployments.queries.presence import Presence, State
from deployments.sources import web
from deployments.tables.forge import forge_of
from deployments.tables.places import service_row, service_url

Row = dict[str, Any]

# state: word, colour, icon
STATES = {
    State.IN: ("In", "green", "check"),
    State.COPIED: ("In", "green", "copy"),
    State.REVERTED: ("Reverted", "orange", "undo"),
    State.OUT: ("Not in", "lightGray", "minus"),
    State.UNKNOWN: ("Unknown", "yellow", "help"),
}
REACHES = {
    "all": ("green", "check"),
    "some": ("yellow", "hourglass"),
    "none": ("lightGray", "minus"),
    "reverted": ("orange", "undo"),
    "unknown": ("yellow", "help"),
}

SORTS = {
    "revert": "It takes another commit back",
    "cherry-pick": "A copy of a commit of another branch",
    "merge": "It joins branches",
    "squash": "The whole of its pull request in one commit",
}

# Sorts that change where a commit counts as being; the others are how most teams merge.
TELLING = ("revert", "cherry-pick")


def commit_row(commit: Commit) -> Row:
    forge = forge_of(commit.service)
    return {
        "sha": commit.sha,
        "title": commit.title,
        "author": commit.author,
        "at": commit.committed_at,
        "url": (forge.commit(commit.sha) if forge else "") or web(commit.url),
        "pull_request": commit.pull_request,
        "pull_request_url": search_url(f"#{commit.pull_request}"),
        "tickets": [{"key": each.key, "url": feature_url(each.key)} for each in commit.tickets.all()]
        if commit.pk > 0
        else [],
        "sort": commit.sort,
        "sort_about": SORTS.get(commit.sort, ""),
        "sort_says": commit.sort in TELLING,
        "search_url": search_url(commit.sha),
    }


def search_url(text: str) -> str:
    return reverse("deployments:commits", query={"q": text})


def feature_url(key: str) -> str:
    return reverse("deployments:feature", args=[key])


def presence_row(one: Presence, commit: Commit) -> Row:
    word, colour, icon = STATES[one.state]
    return _since(one.since) | {
        "environment": str(one.config.environment),
        "url": one.config.get_absolute_url(),
        "state": str(one.state),
        "word": word,
        "colour": colour,
        "icon": icon,
        "told": _told(one, commit),
        "through": _through(one.through),
        "assumed": one.assumed,
    }


def _told(one: Presence, commit: Commit) -> str:
    """How it came or went, before the sha of what did it."""
    if one.state == State.COPIED and one.through:
        return _copied(commit, one.through)
    if one.state == State.REVERTED:
        return "by"
    if one.was_there:
        return "was in; an older commit was deployed"
    return "no report says what came before" if one.state == State.UNKNOWN else ""


def _copied(commit: Commit, copy: Commit) -> str:
    if commit.picked_from and same_commit(commit.picked_from, copy.sha):
        return "as its origin"
    is_pick = copy.picked_from or (copy.patch_id and copy.patch_id == commit.patch_id)
    return "squashed in" if copy.is_squash and not is_pick else "by cherry-pick"


def _through(commit: Commit | None) -> Row | None:
    return {"sha": commit.sha, "title": commit.title, "url": search_url(commit.sha)} if commit else None


def _since(made: Deployment | None) -> Row:
    if made is None:
        return {"since": None, "by": "", "deployment_url": "", "version": ""}
    return {
        "since": made.finished_at or made.reported_at,
        "by": made.actor,
        "deployment_url": made.get_absolute_url(),
        "version": made.version or made.commit[:10],
    }


def commit_groups(commits: Sequence[Commit], found: dict[int, list[Presence]]) -> list[Row]:
    """A table for each service: commits down, the environments that it was deployed to across."""
    services = {each.service_id: each.service for each in commits}
    ordered = sorted(services.values(), key=lambda each: each.identifier)
    return [_group(each, [one for one in commits if one.service_id == each.pk], found) for each in ordered]


def _group(service: Entity, commits: Sequence[Commit], found: dict[int, list[Presence]]) -> Row:
    places = found[commits[0].pk]
    return {
        "service": service_row(service),
        "environments": [_environment(one.config, one.tier) for one in places],
        "rows": [
            {"commit": commit_row(each), "cells": [presence_row(one, each) for one in found[each.pk]]}
            for each in commits
        ],
    }


def _environment(config: DeploymentConfig, tier: str) -> Row:
    name = str(config.environment)
    return {"name": name, "tier": tier if tier.lower() != name.lower() else "", "url": config.get_absolute_url()}


def feature_rows(found: Feature) -> Row:
    columns = {one.config.environment_id: (one.config, one.tier) for each in found.services for one in each.places}
    order = _in_order(one for each in found.services for one in each.places)
    return {
        "environments": [_environment(*columns[each]) for each in order],
        "rows": [_service_row(each, order) for each in found.services],
        "groups": [_changes(each) for each in found.services],
    }


def _in_order(places: Iterable[Reach]) -> list[int]:
    """Environments from development to production; each service has its own in that order already."""
    order = list(reversed(TIERS))
    known = {one.config.environment_id: (order.index(one.tier), one.config.environment.identifier) for one in places}
    return sorted(known, key=lambda each: known[each])


def _service_row(each: ServiceReach, order: list[int]) -> Row:
    here = {one.config.environment_id: one for one in each.places}
    return {"service": service_row(each.service), "cells": [_reach_row(here.get(column)) for column in order]}


def _reach_row(one: Reach | None) -> Row | None:
    if one is None:
        return None
    colour, icon = REACHES[one.state]
    wanted = one.total - one.reverted
    words = {"all": "All", "reverted": "Reverted", "unknown": "Unknown", "none": "None"}
    count = f"{one.there} of {wanted}" if one.state in ("some", "all", "none") else ""
    return _since(one.since) | {
        "environment": str(one.config.environment),
        "url": one.config.get_absolute_url(),
        "word": count or words[one.state],
        "colour": colour,
        "icon": icon,
        "reverted": one.reverted if one.state != "reverted" else 0,
        "assumed": one.assumed,
    }


def _changes(each: ServiceReach) -> Row:
    commits = [one.commit for one in each.changes]
    found = {one.commit.pk: one.places for one in each.changes}
    group = _group(each.service, commits, found)
    for row, change in zip(group["rows"], each.changes, strict=True):
        row["nowhere"] = change.is_nowhere
        row["others"] = [_through(other) for other in change.others]
    return group | {"reverts": [commit_row(one) for one in each.reverts]}


def verdict(found: Feature) -> Row:
    """The answer to "has it reached production everywhere?" in one line."""
    if not found.services:
        text = f"No commit of {found.key} is known here."
        return {"text": text, "colour": "yellow", "icon": "help"}
    if found.is_done:
        count = len(found.services)
        where = (
            f"everywhere: all its changes in all {count} services"
            if count > 1
            else f"with all its changes in {found.services[0].service}"
        )
        return {"text": f"{found.key} is in production {where}.", "colour": "green", "icon": "circle-check"}
    lacking = [each for each in found.services if not each.is_done]
    done = len(found.services) - len(lacking)
    share = f"It is there in {done} of {len(found.services)} services. " if len(found.services) > 1 else ""
    said = "; ".join(_lacks(each) for each in lacking[:5]) + ("; and others" if len(lacking) > 5 else "")
    sure = not any(one.state == "unknown" for each in lacking for one in each.in_production)
    text = (
        f"{found.key} has not reached production everywhere. "
        if sure
        else f"Whether {found.key} is in production everywhere cannot be told. "
    )
    return {"text": f"{text}{share}Still out: {said}.", "colour": "yellow", "icon": "hourglass"}


def _lacks(each: ServiceReach) -> str:
    """What a service still lacks, and how far it has come."""
    name, places = str(each.service), [one for one in each.in_production if one.state != "all"]
    furthest = [one for one in each.places if one.state == "all" and one.tier != "production"][-1:]
    reached = f", all in {furthest[0].config.environment}" if furthest else ""
    back = [str(one.config.environment) for one in each.places if one.reverted and one.tier != "production"]
    reached += f", reverted in {' and '.join(back)}" if back else ""
    if not each.in_production:
        return f"{name} (never deployed to production{reached})"
    return f"{name} ({', '.join(_short(one, len(places) > 1) for one in places)}{reached})"


def _short(one: Reach, named: bool) -> str:
    where = f" in {one.config.environment}" if named else ""
    if one.state == "reverted":
        return f"reverted{where}"
    if one.state == "unknown":
        return f"unknown{where}"
    wanted = one.total - one.reverted
    return f"{one.there} of {wanted} change{'s' if wanted > 1 else ''}{where}"


def brought_rows(found: Iterable[tuple[Deployment, Sequence[Commit]]]) -> list[Row]:
    """One for what went through several environments alike: the same version and commits, by the same person."""
    rows: dict[tuple[Any, ...], Row] = {}
    for made, commits in found:
        keys = tuple(each.pk for each in commits)
        key = (made.service_identifier, made.version, made.commit, made.actor, keys)
        row = rows.setdefault(key, _brought(made, commits))
        row["places"].append({"environment": made.environment_identifier, "url": made.get_absolute_url()})
    return list(rows.values())


def _brought(made: Deployment, commits: Sequence[Commit]) -> Row:
    return _since(made) | {
        "service": made.service_identifier,
        "service_url": service_url(commits[0].service),
        "commits": [_through(each) for each in commits],
        "places": [],
    }
