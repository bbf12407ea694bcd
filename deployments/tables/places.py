"""Rows for the templates, made from cells and deployments."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.urls import reverse

from catalog.models import Entity
from catalog.queries import tier_of
from deployments import cells, instances
from deployments.models import Deployment, Gate, LogSource, Watch
from deployments.queries import Cell, Step
from deployments.sources import web
from deployments.tables.forge import forge_of
from deployments.tables.sources import live_sources
from locks.models import Lock
from portal.accounts.policy import allows
from portal.kit.by import By

Row = dict[str, Any]


def environment_rows(environments: Sequence[Entity]) -> list[Row]:
    return [{"identifier": e.identifier, "title": e.title, "tier": tier_of(e)} for e in environments]


def names_of(environments: Sequence[Entity]) -> dict[str, str]:
    """Every name of every environment, in lower case, with the identifier it stands for."""
    aliases = {
        alias.strip().casefold(): e.identifier for e in environments for alias in e.properties.get("aliases") or []
    }
    return aliases | {e.identifier.casefold(): e.identifier for e in environments}


def service_row(service: Entity) -> Row:
    return {
        "identifier": service.identifier,
        "title": str(service),
        "url": service_url(service),
        "team": ", ".join(service.team),
    }


def lock_row(cell: Cell) -> Row | None:
    """The lock to talk about first, with its own end: who is named must be who is asked."""
    if not cell.decision.denies:
        return None
    first = cell.decision.denying[0]
    return {
        "since": first.starts_at,
        "holder": first.holder_name,
        "reason": first.reason,
        "expires_at": first.expires_at,
        "url": first.get_absolute_url(),
        "past": cell.past,
    }


def found_locks(locks: Iterable[Lock]) -> list[Row]:
    """Locks that a search has met, whatever they hold."""
    return [
        {
            "covers": lock.covers,
            "holder": lock.holder_name,
            "reason": lock.reason,
            "warns": lock.effect == Lock.Effect.WARN,
            "expires_at": lock.expires_at,
            "url": lock.get_absolute_url(),
        }
        for lock in locks
    ]


def place_row(cell: Cell, sources: Sequence[LogSource] = ()) -> Row:
    """The cell, and all that is known of it; `sources` are `queries.log_sources()`."""
    live = cell.current
    return {
        "state": "live" if live else "none",
        "url": cell.config.get_absolute_url() if cell.config else service_url(cell.service),
        "version": live.version if live else "",
        "commit": live.commit if live else "",
        "deployed_by": live.actor if live else "",
        "deployed_at": live.finished_at if live else None,
        "status": cell.latest.status if cell.latest else "",
        "latest_failed": cell.attempt_failed,
        "rollout": str(cell.rollout or ""),
        "locked": cell.decision.denies,
        "lock": lock_row(cell),
        "service": cell.service.identifier,
        "environment": cell.environment.identifier,
        "tier": cell.tier,
        "commit_url": commit_url(live, cell.service) if live else "",
        "ref": live.ref if live else "",
        "message": live.message if live else "",
        "author": live.author if live else "",
        "gate": gate_row(live) if live else None,
        "deployment_url": live.get_absolute_url() if live else "",
        "lock_url": lock_url(cell.service.identifier, cell.environment.identifier),
        "links": live_sources(cell.config, sources) if cell.config else [],
    }


def live_row(cell: Cell, sources: Sequence[LogSource] = ()) -> Row:
    """A line of what is live in each environment: its cells with their headings."""
    row = place_row(cell, sources)
    return {"environment": row["environment"], "url": row["url"], "cells": [(head, make(row)) for head, make in LIVE]}


LIVE = [
    ("Version", cells.version),
    ("Status", cells.status),
    ("Deployed", cells.deployed),
    ("Lock", cells.lock),
    ("Links", cells.links),
]


def deployment_row(
    deployment: Deployment, service: Entity, step: Step | None = None, watch: Watch | None = None
) -> Row:
    """`step`: its place in the order of its pair, which says what it is marked as."""
    return {
        "watch": watch_row(watch),
        "url": deployment.get_absolute_url(),
        "mark": mark_row(step),
        "environment": deployment.environment_identifier,
        "version": deployment.version,
        "commit": deployment.commit,
        "commit_url": commit_url(deployment, service),
        "message": deployment.message,
        "status": deployment.status,
        "gate": gate_row(deployment),
        "kind": deployment.kind,
        "author": deployment.author,
        "deployed_by": deployment.actor,
        "at": deployment.happened_at,
        "took": took(deployment),
        "links": run_links(deployment),
    }


WATCHES = {
    "": ("watched", "blue", "eye", "Its place's probes are watched"),
    "passed": ("watch passed", "green", "circle-check", "The watch of its place has passed"),
    "failed": ("watch failed", "red", "heart-pulse", "The watch of its place has failed"),
    "inconclusive": ("watch inconclusive", "lightGray", "circle-dashed", "The watch of its place could not tell"),
}


def watch_row(watch: Watch | None) -> Row | None:
    """As a chip, with what was found; `until` while it is open."""
    if watch is None:
        return None
    word, colour, icon, about = WATCHES[watch.verdict]
    return {
        "word": word,
        "colour": colour,
        "icon": icon,
        "about": watch.reason or about,
        "reason": watch.reason,
        "until": None if watch.verdict else watch.until,
        "closed_at": watch.closed_at,
        "probes": [_watched_row(name, told) for name, told in sorted(watch.values.items()) if isinstance(told, dict)],
    }


def _watched_row(name: str, told: Row) -> Row:
    """What one probe found while it was watched: see `deployments.watching.told`."""
    found = told.get("found") or {}
    return {
        "name": name,
        "before": told.get("before") or "",
        "results": told.get("results") or 0,
        "failed": told.get("failed") or 0,
        "found": ", ".join(f"{key} {value}" for key, value in found.items() if key != "at" and value is not None),
    }


def instance_rows(deployment: Deployment) -> list[Row]:
    """{name, region, status, version, commit} of each, by name."""
    return instances.of(deployment)


MARKS = {
    "first": ("first here", "blue", "zap", "The first that succeeded here: there is nothing before it to compare with"),
    "redeploy": ("redeploy", "lightGray", "refresh", "The same version and commit were live already"),
    "rollback": ("rollback", "orange", "undo", "It had been live here before, and was brought back"),
}


def mark_row(step: Step | None) -> Row | None:
    if not step or not step.mark:
        return None
    word, colour, icon, about = MARKS[step.mark]
    return {"word": word, "colour": colour, "icon": icon, "about": about}


GATE = {
    Gate.CLAIM: "passed, with the place held by a claim",
    Gate.RECEIPT: "passed by a check",
    Gate.UNGATED: "ungated: reported without a decision",
}


def gate_row(deployment: Deployment) -> Row | None:
    """How it passed the gate, in words. Nobody asks it about a setting or a flag."""
    if deployment.kind not in Deployment.DEPLOYS:
        return None
    return {"passed": deployment.gate != Gate.UNGATED, "text": GATE[Gate(deployment.gate)]}


def took(deployment: Deployment) -> str:
    if not (deployment.started_at and deployment.finished_at):
        return ""
    seconds = int((deployment.finished_at - deployment.started_at).total_seconds())
    return f"{seconds // 60} min {seconds % 60} s" if seconds >= 60 else f"{seconds} s"


def run_links(deployment: Deployment | None) -> list[Row]:
    url = web(deployment.run_url) if deployment else ""
    return [{"label": "CI run", "url": url, "icon": "terminal"}] if url else []


def commit_url(deployment: Deployment, service: Entity) -> str:
    """Where to read the commit: what the report says, else in the service's repository."""
    commit = deployment.commit
    if not commit:
        return ""
    told = (change.get("url") for change in deployment.changes if str(change.get("sha", "")).startswith(commit))
    forge = forge_of(service)
    return web(next(told, "")) or (forge.commit(commit) if forge else "")


def service_url(service: Entity) -> str:
    return reverse("catalog:entity_detail", args=["service", service.identifier])


def lock_url(service: str = "", environment: str = "") -> str:
    place = {name: value for name, value in (("service", service), ("environment", environment)) if value}
    return reverse("locks:lock_list", query=place, fragment="take")


def release_url(cell: Cell, by: By) -> str:
    """Where to unlock it, for those who may."""
    if not cell.decision.denies:
        return ""
    first = cell.decision.denying[0]
    may = allows(by.actor, "lock.release", holder=first.holder_key, teams=first.owner_teams())
    return first.get_absolute_url() if may else ""
