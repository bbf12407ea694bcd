"""What a button was part of when somebody pressed it."""

from datetime import UTC, datetime
from typing import Any

from portal.kit.clock import instant
from portal.kit.errors import Invalid
from portal.slackbot.forms.inputs import meta_of
from portal.slackbot.inbound import Asked


def shown_at(asked: Asked) -> datetime:
    """When what he pressed was written, so that two presses of one button mean the same end."""
    message = asked.payload.get("message") or {}
    container = asked.payload.get("container") or {}
    stamp: Any = (message.get("edited") or {}).get("ts") or message.get("ts") or container.get("message_ts")
    try:
        if asked.is_at_home:
            return instant(meta_of(asked.payload).get("at"), "at")
        return datetime.fromtimestamp(float(stamp), UTC)
    except (TypeError, ValueError, OverflowError, OSError, Invalid):
        return asked.came_at
