from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.permissions import visible_events
from portal.accounts.policy import require
from portal.api.auth import by_of
from portal.api.selection import listed
from portal.audit import queries
from portal.audit.models import Event
from portal.audit.shown import ACTIONS, CREATED, DELETED, ORIGINS, PARTS, PREFIX, shown
from portal.kit.clock import instant
from portal.kit.errors import Invalid

AT_FIRST, MOST = 100, 1000


@api_view(["GET"])
def audit_log(request: Request) -> Response:
    """The newest first. All filters are true together; those of the compatible API that are not ours yet find nothing."""
    by = by_of(request)
    require(by, "audit.read")
    found = visible_events(by, _filtered(request))
    parts = listed(request, "includes") or PARTS
    for each in parts:
        _one_of(each, PARTS, "includes")
    events = found[: _limit(request)]
    return Response({"ok": True, "audits": [shown(event, parts) for event in events]})


def _filtered(request: Request) -> QuerySet[Event]:
    params = request.query_params
    found = queries.events()
    if identifier := params.get("identifier"):
        found = found.filter(public_id__in=_ids(identifier))
    for name in ("entity", "blueprint"):
        if params.get(name):
            found = found.filter(**{name: params[name]})
    if run := params.get("run_id"):
        found = queries.of_run(found, run)
    if origins := listed(request, "origin"):
        found = found.filter(door__in=[door for door, origin in ORIGINS.items() if origin in origins])
    if resources := listed(request, "resources"):
        found = found.filter(noun__in=resources)
    if action := params.get("action"):
        _one_of(action, sorted(ACTIONS), "action")
        found = queries.of_verbs(found, CREATED, DELETED, action)
    for name, lookup in (("from", "at__gte"), ("to", "at__lte")):
        if params.get(name):
            found = found.filter(**{lookup: _instant(params[name], name)})
    if webhook := params.get("webhookId"):
        found = queries.of_webhook(found, webhook)
    if delivery := params.get("webhookEventId"):
        found = found.filter(trace__in=_uuids(delivery))
    if status := params.get("status"):
        _one_of(status, ["SUCCESS", "FAILURE"], "status")
        found = queries.of_status(found, failed=status == "FAILURE")
    return found


def _uuids(text: str) -> list[UUID]:
    try:
        return [UUID(text)]
    except ValueError:
        return []


def _ids(identifier: str) -> list[str]:
    digits = identifier.removeprefix(PREFIX)
    return [digits] if len(digits) == 32 and all(c in "0123456789abcdef" for c in digits) else []


def _instant(text: str, name: str) -> datetime:
    """A day is its midnight in UTC."""
    return instant(f"{text}T00:00:00Z" if len(text) == 10 else text, name)


def _limit(request: Request) -> int:
    text = request.query_params.get("limit", str(AT_FIRST))
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= MOST):
        raise Invalid.at("limit", f"must be a whole number from 1 to {MOST}")
    return int(text)


def _one_of(word: str, words: list[str], name: str) -> None:
    if word not in words:
        raise Invalid.at(name, f"{word!r} is not one of {', '.join(words)}")
