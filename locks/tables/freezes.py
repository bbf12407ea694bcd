"""Freezes as the rows that templates/locks shows."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.urls import reverse
from django.utils import timezone

from locks import repeats
from locks.models import Effect, Freeze, Window
from locks.queries import Simulation
from locks.tables.locks import capital
from portal.accounts.policy import allows
from portal.audit.models import Event
from portal.kit.by import By
from portal.kit.clock import in_words

Json = dict[str, Any]

SHOWN = 4
# How an effect looks: word, colour and icon, so that it is never the colour alone.
LOOKS: dict[str, Json] = {
    Effect.BLOCK: {"name": "block", "word": "stops everybody", "colour": "blue", "icon": "snowflake"},
    Effect.BLOCK_AUTOMATION: {"name": "automation", "word": "stops automation", "colour": "orange", "icon": "bot"},
    Effect.WARN: {"name": "warn", "word": "only warns", "colour": "yellow", "icon": "alert-triangle"},
}
PASSES = {"rollback": "rollbacks", "holder": "its holder, in person"}
TOLD = {
    "freeze.created": ("Made", "snowflake"),
    "freeze.changed": ("Changed", "pencil"),
    "freeze.withdrawn": ("Withdrawn", "circle-x"),
    "freeze.began": ("Began", "lock"),
    "freeze.ended": ("Ended", "lock-open"),
}


def may_freeze(by: By) -> bool:
    """Whether there is any scope at all that this person may freeze."""
    return allows(by.actor, "freeze.write", teams=by.actor.teams)


def freeze_row(freeze: Freeze, window: Window | None, by: By, now: datetime) -> Json:
    """`window` is the one that is on or comes next."""
    may_change = allows(by.actor, "freeze.write", holder=freeze.holder_key, teams=freeze.owner_teams())
    return {
        "id": str(freeze.public_id),
        "url": freeze.get_absolute_url(),
        "title": freeze.title,
        "reason": freeze.reason,
        "link": freeze.link,
        "covers": freeze.covers,
        "covers_title": capital(freeze.covers),
        "look": LOOKS[freeze.effect],
        "allows": [PASSES[each] for each in freeze.allows],
        "when": capitalised(repeats.words(freeze.schedule)),
        "zone": freeze.timezone.replace("_", " "),
        "holder": freeze.holder_name,
        "robot": freeze.holder_kind != "user",
        "created_at": freeze.created_at,
        "withdrawn_at": freeze.withdrawn_at,
        "withdrawn_by": freeze.withdrawn_by,
        "window": window_row(window, now) if window else None,
        "may_change": may_change and not freeze.withdrawn_at,
        "edit_url": reverse("locks:freeze_edit", args=[freeze.public_id]),
        "withdraw_url": reverse("locks:freeze_withdrawal", args=[freeze.public_id]),
    }


def window_row(window: Window, now: datetime) -> Json:
    """With its times on the wall of its freeze where that is another than the viewer's."""
    zone = window.freeze.timezone
    there = span_words(window.starts_at, window.ends_at, ZoneInfo(zone))
    here = span_words(window.starts_at, window.ends_at)
    return {
        "on": window.starts_at <= now < window.ends_at,
        "starts_at": window.starts_at,
        "ends_at": window.ends_at,
        "when": here,
        "there": f"{there} in {zone.replace('_', ' ')}" if there != here else "",
        "lasts": in_words(window.ends_at - window.starts_at),
    }


def span_words(starts: datetime, ends: datetime, zone: ZoneInfo | None = None) -> str:
    """`Fri 4 Dec, 17:00 to Mon 7 Dec, 08:00`, in the viewer's zone unless it is given; years where they are not this one."""
    first, last = (timezone.localtime(each, zone) for each in (starts, ends))
    until = f"{last:%H:%M}" if first.date() == last.date() else f"{_day(last)}, {last:%H:%M}"
    return f"{_day(first)}, {first:%H:%M} to {until}"


def _day(moment: datetime) -> str:
    year = "" if moment.year == timezone.localdate().year else f" {moment.year}"
    return f"{moment:%a} {moment.day} {moment:%b}{year}"


def exception_words(freeze: Freeze) -> list[str]:
    return [repeats.excepted(each) for each in freeze.exceptions]


def capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]


def holiday_rows(freeze: Freeze) -> list[Json]:
    return [
        {
            "name": each.name,
            "day": repeats.dated(each.starts),
            "yearly": each.rrule == "FREQ=YEARLY",
            "repeats": bool(each.rrule),
        }
        for each in freeze.schedule.holidays
    ]


def freeze_event_row(event: Event) -> Json:
    text, icon = TOLD.get(event.name, (event.name, "activity"))
    return {"text": text, "icon": icon, "actor": event.actor_name, "at": event.at}


def ahead_rows(met: Simulation) -> Json:
    """What the freeze of a form would stop."""
    return {
        "met": True,
        "count": met.reach.count,
        "places": [{"service": service, "environment": environment} for service, environment in met.reach.places],
        "running": met.running[:SHOWN],
        "running_count": len(met.running),
    }
