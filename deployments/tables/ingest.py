"""How the ingest log stands in a table, and one of its rows on a page of its own. Secrets in a body are never shown."""

import json
from datetime import timedelta
from typing import Any
from zlib import crc32

from django.urls import reverse

from deployments.leftovers import leftovers
from deployments.models import ReportRequest
from deployments.queries import Group, Silent
from portal.accounts.policy import allows
from portal.kit.by import By
from portal.kit.clock import in_words
from portal.kit.masks import masked

Row = dict[str, Any]
Outcome = ReportRequest.Outcome

# Colour and icon of the chip of each outcome.
LOOKS = {
    Outcome.WAITING: ("blue", "hourglass"),
    Outcome.CREATED: ("green", "check"),
    Outcome.ADVANCED: ("green", "arrow-right"),
    Outcome.REPEATED: ("lightGray", "copy"),
    Outcome.LATE: ("yellow", "clock"),
    Outcome.CONFLICTING: ("red", "zap"),
    Outcome.REFUSED: ("red", "x"),
    Outcome.INBOX: ("orange", "mail"),
    Outcome.IGNORED: ("lightGray", "minus"),
}


def arrival_row(request: ReportRequest) -> Row:
    colour, icon = look_of(request.outcome)
    return {
        "id": request.pk,
        "url": request.get_absolute_url(),
        "at": request.at,
        "sender": request.sender or request.actor_key,
        "door": request.door,
        "backfill": request.is_backfill,
        "service": request.service,
        "environment": request.environment,
        "outcome": request.outcome or "unknown",
        "colour": colour,
        "icon": icon,
        "what": what(request),
        "deployment": str(request.deployment) if request.deployment else "",
        "deployment_url": request.deployment.get_absolute_url() if request.deployment else "",
    }


def look_of(outcome: str) -> tuple[str, str]:
    return LOOKS[Outcome(outcome)] if outcome else ("lightGray", "help")


def what(request: ReportRequest) -> str:
    """One sentence on what became of it."""
    if request.answer:
        return str(request.answer.get("message", ""))
    if request.outcome == Outcome.LATE and request.late_by is None:
        return "A lower status after a higher one: noted, and nothing changed."
    if request.late_by is not None:
        return f"Arrived {in_words(timedelta(seconds=request.late_by))} after it happened."
    if request.inbox_item and not request.deployment:
        return f"{request.inbox_item.problem} It is {request.inbox_item.state} in the inbox."
    if request.inbox_item:
        return "Placed from the inbox."
    return ""


def arrival_page(request: ReportRequest, by: By) -> Row:
    """The row, and what opens with it."""
    settled = request.answer or {}
    waits = request.inbox_item and not request.deployment
    return arrival_row(request) | {
        "key": request.key or "",
        "headers": request.headers.items(),
        "body": pretty(request.body) if request.body is not None else "",
        "status": settled.get("status"),
        "faults": _faults(settled),
        "warnings": warnings(request),
        "answer": pretty(settled) if settled.get("status") else "",
        "replayed_at": request.replayed_at,
        "replayed_by": request.replayed_by,
        "inbox_url": reverse("deployments:inbox") if waits else "",
        "replay_url": reverse("deployments:replay", args=[request.pk])
        if request.body is not None and allows(by.actor, "ingest.replay")
        else "",
    }


def warnings(request: ReportRequest) -> list[Row]:
    """What it says that nothing reads; hooks and entities have words of their own."""
    reads = request.door in (ReportRequest.Door.REPORT, ReportRequest.Door.BATCH)
    return leftovers(request.body) if reads else []


def _faults(answer: Row) -> list[Row]:
    """What was wrong, each with where."""
    details = answer.get("details") or {}
    differing = [{"path": name, "message": "differs from what came before"} for name in details.get("differs_in", [])]
    return [*details.get("errors", []), *differing]


def silent_row(silent: Silent) -> Row:
    return {
        "service": silent.service,
        "url": reverse("catalog:entity_detail", args=["service", silent.service]),
        "last": silent.last,
        "days": silent.days,
    }


def group_row(group: Group, form: Any) -> Row:
    """Reports that wait for one name; `rows_url` leads to them in the log."""
    return {
        "id": f"{group.kind}-{crc32(group.name.encode()):x}",
        "kind": group.kind,
        "name": group.name,
        "count": group.count,
        "oldest": group.oldest,
        "newest": group.newest,
        "form": form,
        "rows_url": reverse("deployments:ingest", query={"outcome": "inbox", group.kind: group.name}),
    }


def pretty(value: Any) -> str:
    return json.dumps(masked(value), indent=2, ensure_ascii=False)
