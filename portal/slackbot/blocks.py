"""Pieces of messages, within the sizes that Slack takes. What people wrote is escaped before it comes here."""

from datetime import datetime
from typing import Any

Json = dict[str, Any]
MOST_TEXT, MOST_BLOCKS, MOST_HOME = 3000, 50, 100
MOST_PLAIN = 75  # of a button's or an option's words


def escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def section(text: str, accessory: Json | None = None) -> Json:
    block: Json = {"type": "section", "text": {"type": "mrkdwn", "text": cut(text, MOST_TEXT)}}
    return block | ({"accessory": accessory} if accessory else {})


def context(text: str) -> Json:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": cut(text, 2000)}]}


def header(text: str) -> Json:
    return {"type": "header", "text": plain(text, 150)}


def divider() -> Json:
    return {"type": "divider"}


def actions(*elements: Json) -> Json:
    return {"type": "actions", "elements": list(elements)}


def plain(text: str, most: int = MOST_PLAIN) -> Json:
    """Slack shows no mark-up in it; an empty one it would refuse."""
    return {"type": "plain_text", "text": cut(text, most) or "–", "emoji": False}


def option(value: str, words: str = "") -> Json:
    return {"text": plain(words or value), "value": value}


def cut(text: str, most: int) -> str:
    """Not within an escaped character or a link: Slack would show its pieces."""
    if len(text) <= most:
        return text
    short = text[: most - 1]
    for opens, closes in (("<", ">"), ("&", ";")):
        start = short.rfind(opens)
        if start > short.rfind(closes) and (opens == "<" or most - start < 7):
            short = short[:start]
    return f"{short}…"


def link(url: str, words: str) -> str:
    return f"<{escape(url)}|{escape(words)}>"


def moment(at: datetime | None) -> str:
    """Slack shows it in each reader's own zone; the fallback is UTC."""
    if at is None:
        return "it is released"
    return f"<!date^{int(at.timestamp())}^{{date_short_pretty}} {{time}}|{at:%Y-%m-%d %H:%M} UTC>"


def is_sound(text: str) -> bool:
    """Whether the database can hold it: no U+0000, and no half of a character."""
    try:
        return b"\0" not in text.encode()
    except UnicodeEncodeError:
        return False
