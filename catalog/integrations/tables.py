"""Integrations as rows, chips and sentences."""

import difflib
from datetime import datetime
from typing import Any

from django.conf import settings
from django.urls import reverse

from catalog.integrations.agents import ends_of
from catalog.integrations.models import Fault, Integration, Kind, LogLine, Removal, Sync
from catalog.integrations.overview import BROKEN, FILTERED, FOUND, LOADED, LOST, Resync, count_of
from catalog.integrations.shapes import pretty
from catalog.integrations.standing import Standing, standing
from catalog.models import Blueprint
from portal.audit.models import Event
from portal.kit.clock import in_words

Row = dict[str, Any]

LOOKS = {
    "silent": ("yellow", "alert-triangle"),
    "running": ("blue", "loader"),
    "syncing": ("blue", "loader"),
    "completed": ("green", "check"),
    "failed": ("red", "x"),
    "aborted": ("orange", "x"),
    "pending": ("lightGray", "hourglass"),
    "never synced": ("lightGray", "minus"),
}
LEVELS = {"ERROR": "red", "FATAL": "red", "WARNING": "yellow", "INFO": "blue", "DEBUG": "lightGray"}
REMOVALS = {
    Removal.State.GOING: ("lightGray", "trash"),
    Removal.State.HELD: ("red", "hourglass"),
    Removal.State.APPROVED: ("blue", "loader"),
    Removal.State.DONE: ("lightGray", "trash"),
    Removal.State.REFUSED: ("green", "shield"),
}
# What docs/integrations.md explains.
OCEAN = """OCEAN__PORT__BASE_URL={url}
OCEAN__PORT__CLIENT_ID=<the credential's id>
OCEAN__PORT__CLIENT_SECRET=<its secret>
OCEAN__INTEGRATION__IDENTIFIER=<a name of its own>
OCEAN__EVENT_LISTENER='{{"type":"POLLING"}}'
OCEAN__INITIALIZE_PORT_RESOURCES=true
OCEAN__SEND_RAW_DATA_EXAMPLES=true"""
COUNTS = ("created", "updated", "same", "deleted", "failed")


def settings_of_ocean() -> str:
    return OCEAN.format(url=settings.BASE_URL)


def integration_row(integration: Integration, *, now: datetime, held: int = 0) -> Row:
    stands = standing(integration, now=now)
    return {
        "url": integration.get_absolute_url(),
        "title": str(integration),
        "identifier": integration.identifier,
        "type": integration.app_type,
        "version": integration.version,
        "held": held,
        **_stands(stands),
    }


def _stands(stands: Standing) -> Row:
    colour, icon = LOOKS[stands.word]
    took = stands.ended_at - stands.began_at if stands.began_at and stands.ended_at else None
    return {
        "state": stands.word,
        "colour": colour,
        "icon": icon,
        "began_at": stands.began_at,
        "ended_at": stands.ended_at,
        "next_at": stands.next_at,
        "took": in_words(took) if took and took.total_seconds() >= 0 else "",
        "heard_at": stands.heard_at,
        "silent_for": in_words(stands.silent_for) if stands.silent_for else "",
    }


def resync_row(resync: Resync) -> Row:
    state = resync.state
    colour, icon = LOOKS.get(state, ("lightGray", "circle"))
    return {
        "name": resync.name,
        "at": resync.at,
        "state": state,
        "colour": colour,
        "icon": icon,
        "found": _sum([count_of(each, FOUND) for each in resync.syncs]),
        "kinds": [kind_row(each) for each in resync.syncs],
        "blueprints": [
            {"blueprint": each.blueprint} | {name: getattr(each, name) for name in COUNTS} for each in resync.tallies
        ],
        "any": bool(resync.tallies),
        **{name: sum(getattr(each, name) for each in resync.tallies) for name in COUNTS},
    }


def _sum(numbers: list[int | None]) -> int | None:
    told = [each for each in numbers if each is not None]
    return sum(told) if told else None


def kind_row(sync: Sync) -> Row:
    colour, icon = LOOKS.get(sync.state, ("lightGray", "circle"))
    return {
        "kind": sync.metrics.get("kind") or sync.kind,
        "state": sync.state or "unknown",
        "colour": colour,
        "icon": icon,
        "found": count_of(sync, FOUND),
        "filtered": count_of(sync, FILTERED),
        "broken": _sum([count_of(sync, BROKEN), count_of(sync, LOST)]),
        "loaded": count_of(sync, LOADED),
    }


def example_row(kind: Kind) -> Row:
    return {
        "name": kind.name,
        "at": kind.updated_at,
        "count": len(kind.examples),
        "examples": [pretty(each) for each in kind.examples[:5]],
    }


def fault_row(fault: Fault) -> Row:
    return {
        "id": fault.pk,
        "at": fault.at,
        "resync": fault.resync,
        "blueprint": fault.blueprint,
        "identifier": fault.identifier,
        "status": fault.status,
        "message": fault.message,
        "payload": pretty(fault.payload) if fault.payload is not None else "",
    }


def line_row(line: LogLine) -> Row:
    return {
        "id": line.pk,
        "at": line.at,
        "level": line.level,
        "colour": LEVELS[line.level],
        "message": line.message,
        "extra": pretty(line.extra) if line.extra else "",
        "resync": line.event_id,
    }


def removal_row(removal: Removal, held: int, shown: list[str], problems: list[str]) -> Row:
    colour, icon = REMOVALS[Removal.State(removal.state)]
    integration, key = removal.integration, removal.public_id
    return {
        "id": key,
        "began_at": removal.began_at,
        "state": removal.get_state_display(),
        "colour": colour,
        "icon": icon,
        "owned": removal.owned,
        "gone": removal.gone,
        "held": held,
        "names": shown,
        "more": held - len(shown),
        "problems": problems,
        "waits": removal.state == Removal.State.HELD,
        "decided_by": removal.decided_by,
        "decided_at": removal.decided_at,
        "approval_url": reverse("integrations:approval", args=[integration.public_id, key]),
        "refusal_url": reverse("integrations:refusal", args=[integration.public_id, key]),
        "undo_url": reverse("integrations:undo", args=[integration.public_id, key])
        if removal.gone and removal.undone_to is None and removal.state != Removal.State.APPROVED
        else "",
        "going_on": removal.state == Removal.State.APPROVED or bool(removal.undone_by and not removal.undone_at),
        "undone_by": removal.undone_by,
        "undone_at": removal.undone_at,
        "restored": removal.restored,
        "unrestored": removal.unrestored,
    }


def owned_row(integration: Integration, blueprint: Blueprint, count: int) -> Row:
    """With the address of a table of just these."""
    prefix, suffix = ends_of(integration)
    lines = [("property", "$datasource"), ("operator", "beginsWith"), ("value", prefix)]
    lines += [("property", "$datasource"), ("operator", "endsWith"), ("value", suffix)]
    chosen = {name: [value for key, value in lines if key == name] for name in ("property", "operator", "value")}
    return {
        "title": blueprint.title,
        "count": count,
        "url": reverse("catalog:entity_list", args=[blueprint.identifier], query=chosen),
    }


def change_row(event: Event) -> Row:
    before, after = ((facts or {}).get("config") for facts in (event.before, event.after))
    lines = difflib.unified_diff(pretty(before).splitlines(), pretty(after).splitlines(), lineterm="", n=2)
    return {"at": event.at, "by": event.actor_name, "is_new": event.before is None, "diff": "\n".join([*lines][2:])}
