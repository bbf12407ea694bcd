"""One deployment, and what lies between deployments, over /v1."""

from typing import Any
from uuid import UUID

from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import queries as catalog
from deployments import queries, tables
from deployments.models import Commit, Deployment
from deployments.moments import happened
from deployments.queries import Change, Changes, Count, Diff, Drift, Sight
from portal.accounts.policy import require
from portal.api.auth import by_of
from portal.api.history import edges_of
from portal.api.present import deployment_json, url_of
from portal.kit.by import By
from portal.kit.clock import database_now, instant, iso
from portal.kit.errors import Invalid

Json = dict[str, Any]


@api_view(["GET"])
def deployment(request: Request, public_id: UUID) -> Response:
    by = by_of(request)
    one = queries.deployment(by, public_id)
    return Response({"ok": True, "deployment": sight_json(queries.sight(by, one)) | {"watch": watch_json(one)}})


@api_view(["GET"])
def watch(request: Request, public_id: UUID) -> Response:
    """What its place's probes say of it: open, or a verdict; null where nobody watches it."""
    return Response({"ok": True, "watch": watch_json(queries.deployment(by_of(request), public_id))})


def watch_json(one: Deployment) -> Json | None:
    found = queries.watch_of(one)
    return {"id": str(found.public_id), **found.facts(), "url": url_of(one.get_absolute_url())} if found else None


@api_view(["GET"])
def diff(request: Request) -> Response:
    """Of two deployments (`from`, `to`), two environments (`environment`, `against`), or two instants (`since`, `until`)."""
    by, params = by_of(request), request.query_params
    require(by, "catalog.read")  # before any name is looked up: an answer may name others that are alike
    if params.get("from") or params.get("to"):
        old, new = (queries.deployment(by, params.get(name, "")) for name in ("from", "to"))
        return Response({"ok": True, "diff": diff_json(queries.diff(by, old, new)), "changes": None, "next": None})
    changes = _environments(by, params) if params.get("environment") or params.get("against") else _instants(by, params)
    page, after = edges_of([each.edge for each in changes.pairs], params)
    return Response({"ok": True, "diff": None, "changes": [change_json(each) for each in changes[page]], "next": after})


def _environments(by: By, params: Any) -> Changes:
    for name in ("environment", "against"):
        if not params.get(name):
            raise Invalid.at(name, "is missing: name two environments")
    one, other = (catalog.environment_named(params[name], by=by) for name in ("environment", "against"))
    return queries.differing(by, other, one)


def _instants(by: By, params: Any) -> Changes:
    if not params.get("since"):
        raise Invalid.at("since", "is missing; or give from and to, or environment and against")
    since = happened(instant(params["since"], "since"), "since")
    until = happened(instant(params["until"], "until"), "until") if params.get("until") else database_now()
    if since > until:
        raise Invalid.at("since", "is later than until")
    return queries.changed(by, since, until, service=params.get("service", ""))


@api_view(["GET"])
def drift(request: Request) -> Response:
    """The services whose staging and production differ, the most behind first."""
    params = request.query_params
    found = queries.drifts(by_of(request), service=params.get("service", ""))
    page, after = edges_of([each.edge for each in found], params)
    return Response({"ok": True, "drift": [drift_json(each) for each in found[page]], "next": after})


def sight_json(sight: Sight) -> Json:
    """The deployment, and its place among those of its pair."""
    step = sight.step
    return deployment_json(sight.deployment) | {
        "reported_at": iso(sight.deployment.reported_at),
        "first": bool(step and step.first),
        "redeploy": bool(step and step.redeploy),
        "rollback": bool(step and step.rollback),
        "live": sight.live == sight.deployment,
        "previous": _id(sight.previous),
        "following": _id(sight.following),
        "since_previous": diff_json(sight.diff) if sight.diff else None,
    }


def diff_json(found: Diff) -> Json:
    """`commits` is null where one of the two has no commit, or there is none before."""
    between = found.commits
    return {
        "service": found.service.identifier,
        "from": _id(found.old),
        "to": _id(found.new),
        "commits": {
            "added": [commit_json(each) for each in between.added],
            "removed": [commit_json(each) for each in between.removed],
            "added_count": between.added_count,
            "removed_count": between.removed_count,
            "complete": between.complete,
        }
        if between
        else None,
        "settings": [deployment_json(each) for each in found.settings],
        "compare_url": tables.diff_row(found)["forge_url"] or None,
        "url": url_of(tables.compare_url(found.old, found.new)) if found.old else None,
    }


def commit_json(commit: Commit) -> Json:
    return {
        "sha": commit.sha,
        "message": commit.message or None,
        "author": commit.author or None,
        "committed_at": iso(commit.committed_at),
        "pull_request": commit.pull_request or None,
        "tickets": [each.key for each in commit.tickets.all()],
    }


def change_json(change: Change) -> Json:
    return {
        "service": change.service.identifier,
        "environment": change.environment.identifier,
        "from": live_json(change.old),
        "to": live_json(change.new),
        **count_json(change.count),
        "rollback": change.rolled_back,
    }


def drift_json(drift: Drift) -> Json:
    return {
        "service": drift.service.identifier,
        "staging": drift.staging.identifier,
        "production": drift.production.identifier,
        "staged": live_json(drift.staged),
        "live": live_json(drift.live),
        "state": drift.state,
        "warns": drift.warns,
        **count_json(drift.count),
        "since": iso(drift.since),
    }


def count_json(count: Count) -> Json:
    """How many commits; null where nobody has told."""
    told = count.known or count.added or count.removed
    return {
        "added": count.added if told else None,
        "removed": count.removed if told else None,
        "complete": count.known,
    }


def live_json(deployment: Deployment | None) -> Json | None:
    if deployment is None:
        return None
    return {
        "id": _id(deployment),
        "version": deployment.version or None,
        "commit": deployment.commit or None,
        "deployed_at": iso(deployment.finished_at),
        "deployed_by": deployment.actor or None,
    }


def _id(deployment: Deployment | None) -> str | None:
    return str(deployment.public_id) if deployment else None
