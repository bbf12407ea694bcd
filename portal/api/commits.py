"""Where commits are, and how far tickets have come, as /v1 tells it."""

from typing import Any

from django.urls import reverse
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from deployments import queries
from deployments.models import Commit, Deployment
from deployments.moments import happened
from deployments.queries import Feature, Found, Presence, Reach, ServiceReach
from deployments.queries.features import Change
from portal.accounts.policy import require
from portal.api.auth import by_of
from portal.api.present import url_of
from portal.kit.clock import instant, iso
from portal.kit.errors import Invalid

Json = dict[str, Any]


@api_view(["GET"])
def commits(request: Request) -> Response:
    """Where a commit is. Nothing found says that no such commit is known, not that it is nowhere."""
    by, text = by_of(request), request.query_params.get("q", "").strip()
    require(by, "catalog.read")
    if not text:
        raise Invalid.at("q", "give a sha, a pull request (#123), a ticket (ABC-123), a version or a person")
    at = request.query_params.get("at")
    found = queries.find(by, text)
    places = queries.presences(by, found.commits, at=happened(instant(at, "at"), "at") if at else None)
    return Response({"ok": True, **_found(found, places)})


@api_view(["GET"])
def feature(request: Request, key: str) -> Response:
    """How far a ticket has come, service by service. One that no commit names has no services."""
    by = by_of(request)
    require(by, "catalog.read")
    if not queries.is_ticket(key):
        raise Invalid.at("key", "must be the key of a ticket, such as ABC-123")
    return Response({"ok": True, "feature": feature_json(queries.feature(by, key))})


def _found(found: Found, places: dict[int, list[Presence]]) -> Json:
    return {
        "kind": found.kind or None,
        "more": found.more,
        "commits": [
            commit_json(each) | {"places": [presence_json(one) for one in places[each.pk]]} for each in found.commits
        ],
    }


def commit_json(commit: Commit) -> Json:
    return {
        "service": commit.service.identifier,
        "sha": commit.sha,
        "message": commit.message or None,
        "author": commit.author or None,
        "committed_at": iso(commit.committed_at),
        "pull_request": commit.pull_request or None,
        "tickets": sorted(each.key for each in commit.tickets.all()) if commit.pk > 0 else [],
        "kind": commit.sort or "commit",
    }


def presence_json(one: Presence) -> Json:
    return {
        "environment": one.config.environment.identifier,
        "tier": one.tier,
        "state": str(one.state),
        "assumed": one.assumed,
        "through": one.through.sha if one.through else None,
        "since": iso(one.since.finished_at) if one.since else None,
        "deployment": _deployment(one.since),
    }


def _deployment(made: Deployment | None) -> Json | None:
    if made is None:
        return None
    page = reverse("catalog:entity_detail", args=["deployment", made.entity.identifier]) if made.entity else ""
    return {
        "id": str(made.public_id),
        "version": made.version or None,
        "commit": made.commit or None,
        "actor": made.actor or None,
        "url": url_of(page) if page else None,
    }


def feature_json(found: Feature) -> Json:
    return {
        "key": found.key,
        "in_production": found.is_done,
        "more": found.more,
        "services": [_service(each) for each in found.services],
    }


def _service(each: ServiceReach) -> Json:
    return {
        "service": each.service.identifier,
        "in_production": each.is_done,
        "environments": [_reach(one) for one in each.places],
        "changes": [_change(one) for one in each.changes],
        "reverts": [one.sha for one in each.reverts],
    }


def _reach(one: Reach) -> Json:
    return {
        "environment": one.config.environment.identifier,
        "tier": one.tier,
        "state": one.state,
        "there": one.there,
        "reverted": one.reverted,
        "unknown": one.unknown,
        "total": one.total,
        "assumed": one.assumed,
        "since": iso(one.since.finished_at) if one.since else None,
        "deployment": _deployment(one.since),
    }


def _change(each: Change) -> Json:
    also = [one.sha for one in each.others]
    places = [presence_json(one) for one in each.places]
    return commit_json(each.commit) | {"also": also, "nowhere": each.is_nowhere, "places": places}
