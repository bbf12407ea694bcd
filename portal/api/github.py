import hashlib
import hmac
from typing import Any

from django.conf import settings
from rest_framework.decorators import api_view, authentication_classes, permission_classes
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.environments.commands import closed_in, pull_request_closed
from locks import protection, queries
from locks.commands import pending_deployment_take
from locks.models import PendingDeployment
from portal.api.auth import by_of
from portal.api.bodies import json_of, raw_of
from portal.api.present import pending_json
from portal.kit.by import system
from portal.kit.errors import Invalid, Missing, Refused

Json = dict[str, Any]
MOST = 1000
STATES = (*PendingDeployment.State.values, "all")


@api_view(["POST"])
@authentication_classes([])
@permission_classes([])
def webhook(request: Request) -> Response:
    """Where the GitHub App sends its events: signed, and answered before GitHub loses patience.

    Of an event that the portal has no use for it only says so.
    """
    if not settings.GITHUB_WEBHOOK_SECRET:
        raise Missing("This portal is not connected to GitHub: set PORTCULLIS_GITHUB_WEBHOOK_SECRET (docs/github.md).")
    raw = raw_of(request)
    _check_signature(raw, request.headers.get("X-Hub-Signature-256", ""))
    body = json_of(raw)
    event = request.headers.get("X-GitHub-Event", "")
    if not isinstance(body, dict):
        raise Invalid.at("body", "must be an object")
    closed = closed_in({"x-github-event": event}, body)
    if closed:
        pull_request_closed(closed, by=system("github"))
    if (event, body.get("action")) != ("deployment_protection_rule", "requested"):
        return Response({"ok": True, "pending_deployment": None}, status=202)
    delivery = request.headers.get("X-GitHub-Delivery", "")
    pending = pending_deployment_take(protection.parse(body, delivery=delivery, api=settings.GITHUB_API_URL))
    return Response({"ok": True, "pending_deployment": pending_json(pending)}, status=202)


@api_view(["GET"])
def pending_deployments(request: Request) -> Response:
    state = request.query_params.get("state") or PendingDeployment.State.WAITING
    if state not in STATES:
        raise Invalid.at("state", f"must be one of {', '.join(STATES)}")
    found = queries.pending_deployments(by_of(request), state=state)
    return Response({"ok": True, "pending_deployments": [pending_json(each) for each in found[:MOST]]})


def _check_signature(raw: bytes, given: str) -> None:
    right = "sha256=" + hmac.new(settings.GITHUB_WEBHOOK_SECRET.encode(), raw, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(given.encode(), right.encode()):
        raise Refused("The signature in X-Hub-Signature-256 is not that of this body.", code="bad_signature")
