"""What was sent of a blueprint's changes, as its page shows it."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from catalog.changelog import TESTED
from portal.audit.models import Delivery
from portal.kit.templatetags.kit import until_words

Row = dict[str, Any]
State = Delivery.State

LOOKS = {
    State.PENDING: ("waiting", "yellow", "hourglass"),
    State.SENDING: ("sending", "blue", "loader"),
    State.DONE: ("sent", "green", "check"),
    State.PARKED: ("given up", "red", "x"),
}


def delivery_row(delivery: Delivery) -> Row:
    event = delivery.event
    word, colour, icon = LOOKS[State(delivery.state)]
    skipped = delivery.result.get("skipped", "") if delivery.state == State.DONE else ""
    return {
        "id": str(delivery.public_id),
        "at": event.at,
        "what": "a test" if event.name == TESTED else event.name.replace(".", " ").replace("_", " "),
        "title": event.title,
        "word": "not sent" if skipped else word,
        "colour": "lightGray" if skipped else colour,
        "icon": "minus" if skipped else icon,
        "attempts": delivery.attempts,
        "next": _again(delivery) if delivery.state == State.PENDING and delivery.attempts else "",
        "told": skipped or delivery.last_error or _answered(delivery.result),
    }


def _again(delivery: Delivery) -> str:
    left = delivery.due_at - timezone.now()
    return f"next in {until_words(left, 'short')}" if left > timedelta(seconds=1) else "goes next"


def _answered(result: Row) -> str:
    return f"{result['status']} in {result['ms']} ms" if "status" in result else ""
