"""Routes, what they would say, and the log, as the pages show them."""

import json
from collections.abc import Sequence
from datetime import timedelta
from functools import cache
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import mark_safe

from portal.accounts.models import User
from portal.audit.models import Delivery, Event
from portal.audit.subjects import subject_url
from portal.embedded.mock_slack import mrkdwn
from portal.kit.by import By
from portal.kit.clock import in_words
from portal.kit.masks import host_only
from portal.kit.templatetags.kit import until_words
from portal.notifications import mail, media
from portal.notifications.models import Route
from portal.notifications.notice import TESTED, kind_of, kinds, notice_of
from portal.notifications.plain import as_json, clean
from portal.notifications.queries import Matched, label_of
from portal.notifications.routing import hears
from portal.notifications.targets import EMAIL, NOWHERE, SLACK, is_possible

Row = dict[str, Any]
State = Delivery.State
To = Route.To

MOST_SAMPLES = 20
LATE = timedelta(minutes=1)  # sooner is how long a worker takes
MEDIA = {SLACK: ("Slack", "link"), EMAIL: ("E-mail", "mail"), "webhook": ("Webhook", "webhook")}
PLACES = {
    To.PLACE: (
        "Slack",
        "the service’s or environment’s channel",
        "The service’s, else the environment’s, else the portal’s",
    ),
    To.SERVICE: ("Slack", "the service’s channel", ""),
    To.ENVIRONMENT: ("Slack", "the environment’s channel", ""),
    To.PERSON: ("Person", "who holds, owns or asked for it", ""),
}
LOOKS = {
    State.PENDING: ("waiting", "yellow", "hourglass"),
    State.SENDING: ("sending", "blue", "loader"),
    State.DONE: ("told", "green", "check"),
    State.PARKED: ("given up", "red", "x"),
}


def route_row(route: Route, by: By) -> Row:
    """Whoever may not change it sees neither the address nor which services it names: those may be hidden from him."""
    whole = by.actor.is_admin
    medium, where, note = _place(route, whole)
    return {
        "id": str(route.public_id),
        "name": route.name,
        "url": route.get_absolute_url() if whole else "",
        "events": event_words(route),
        "medium": medium,
        "where": where,
        "note": note,
        "filters": _filters(route, whole),
        "quiet": f"{route.quiet_from:%H:%M} to {route.quiet_until:%H:%M} {route.quiet_zone}"
        if route.quiet_from and route.quiet_until
        else "",
        "enabled": route.enabled,
        "dry": route.dry,
        "possible": is_possible(route.to),
    }


def _place(route: Route, whole: bool) -> tuple[str, str, str]:
    if route.to in PLACES:
        return PLACES[To(route.to)]
    medium = {To.CHANNEL: "Slack", To.EMAIL: "E-mail", To.WEBHOOK: "Webhook"}[To(route.to)]
    if not whole and route.to != To.CHANNEL:
        return medium, "an address of the administrators’", ""
    where = f"#{route.address}" if route.to == To.CHANNEL else route.shown_address
    return medium, where, "signed" if route.sealed_secret else ""


def event_words(route: Route) -> list[str]:
    """What a person calls them: all of a noun as one."""
    return [_words(pattern) for pattern in route.events]


@cache
def _words(pattern: str) -> str:
    kind = kind_of(pattern)
    noun, _, rest = pattern.partition(".")
    if kind:
        return kind.label.lower()
    if rest == "*":
        return f"everything about {noun.replace('_', ' ')}s"
    route = Route(events=[pattern])
    return ", ".join(each.label.lower() for each in kinds() if hears(route, each.name))


def _filters(route: Route, whole: bool) -> list[str]:
    found = ["only what went wrong"] if route.only_bad else []
    found += [f"{tier}" for tier in route.tiers]
    found += [f"team {team}" for team in route.teams]
    if route.services:
        found += route.services if whole else [f"{len(route.services)} service{'s' * (len(route.services) != 1)}"]
    return found


def matched_words(found: Matched) -> str:
    count = len(found.events)
    times = f"{count:,} event{'s' * (count != 1)}"
    if found.is_cut:
        return f"It would have told {times} of the newest 1,000 that it listens to."
    return (
        f"It would have told {times} in the last 7 days." if count else "It would have told nothing in the last 7 days."
    )


def sample_rows(events: Sequence[Event]) -> list[Row]:
    return [
        {"id": str(each.public_id), "at": each.at, "what": clean(f"{label_of(each)}: {each.title}", 90)}
        for each in events[:MOST_SAMPLES]
    ]


def preview(event: Event) -> Row:
    """The event as each medium would show it."""
    notice = notice_of(event)
    lines, pressed = slack_words(media.form_of(SLACK, notice))
    return {
        "at": event.at,
        "slack": [mark_safe(mrkdwn(line)) for line in lines],
        "buttons": pressed,
        "subject": mail.subject(notice),
        "text": mail.body(notice),
        "json": json.dumps(as_json(notice, event), indent=2, ensure_ascii=False),
    }


def slack_words(said: Row) -> tuple[list[str], list[str]]:
    """The texts of a message's blocks in their order, as mark-up, and the words on its buttons."""
    lines, pressed = [], []
    for block in said.get("blocks", []):
        parts = [block.get("text"), *block.get("elements", [])]
        lines += [each["text"] for each in parts if each and isinstance(each.get("text"), str)]
        pressed += [each["text"]["text"] for each in parts if each and each.get("type") == "button"]
    return lines, pressed


def told_rows(deliveries: Sequence[Delivery]) -> list[Row]:
    names, routes = _people(deliveries), _routes(deliveries)
    return [_told_row(each, names, routes) for each in deliveries]


def _people(deliveries: Sequence[Delivery]) -> dict[str, str]:
    keys = {each.target.removeprefix("user:") for each in deliveries if each.target.startswith("user:")}
    return {
        f"user:{each.pk}": str(each) for each in User.objects.filter(pk__in=[key for key in keys if key.isdecimal()])
    }


def _routes(deliveries: Sequence[Delivery]) -> dict[str, Route]:
    keys = [each.target for each in deliveries if each.subscriber == "webhook"]
    return {str(each.public_id): each for each in Route.objects.filter(public_id__in=keys)} if keys else {}


def _told_row(delivery: Delivery, names: dict[str, str], routes: dict[str, Route]) -> Row:
    event, result = delivery.event, delivery.result
    word, colour, icon = LOOKS[State(delivery.state)]
    if "dry" in result:
        word, colour, icon = "would be told", "lightGray", "eye"
    elif "skipped" in result or "folded" in result:
        word, colour, icon = "not told", "lightGray", "minus"
    medium, medium_icon = MEDIA.get(delivery.subscriber, (delivery.subscriber, "link"))
    is_test = event.name == TESTED
    return {
        "id": str(delivery.public_id),
        "at": event.at,
        "what": "A test" if is_test else label_of(event),
        "turned": _turned(event),
        "title": event.title,
        "url": subject_url(event),
        "medium": medium,
        "medium_icon": medium_icon,
        "to": _to(delivery, names, routes),
        "word": word,
        "colour": colour,
        "icon": icon,
        "attempts": delivery.attempts,
        "next": _next(delivery),
        "why": result.get("skipped")
        or result.get("folded")
        or (f"by “{result['dry']}”" if "dry" in result else "")
        or delivery.last_error
        or _answer(result),
        "done_at": delivery.done_at if word == "told" else None,
        "later": _later(delivery),
        "retry_url": reverse("notifications:retry", args=[delivery.public_id])
        if delivery.state == State.PARKED
        else "",
    }


def _turned(event: Event) -> str:
    """To what, where the event's kind alone does not say it."""
    if event.name == "probe.flipped":
        return str((event.after or {}).get("state") or "")
    return str(event.payload.get("verdict") or "")


def _later(delivery: Delivery) -> str:
    passed = delivery.done_at - delivery.event.at if delivery.done_at else timedelta(0)
    return f"{in_words(passed)} later" if passed >= LATE else "at once"


def _to(delivery: Delivery, names: dict[str, str], routes: dict[str, Route]) -> str:
    target = delivery.target
    if delivery.subscriber == "webhook":
        route = routes.get(target)
        return f"{route.name} ({host_only(route.address)})" if route else "a route that is gone"
    if target.startswith("user:"):
        return names.get(target, "somebody who is gone")
    return target if delivery.subscriber == EMAIL or target == NOWHERE else f"#{target}"


def _next(delivery: Delivery) -> str:
    if delivery.state != State.PENDING:
        return ""
    left = delivery.due_at - timezone.now()
    return f"next in {until_words(left, 'short')}" if left > timedelta(seconds=2) else "goes next"


def _answer(result: Row) -> str:
    if "status" in result:
        return f"{result['status']} in {result['ms']} ms"
    return "found in Slack" if result.get("found") else ""
