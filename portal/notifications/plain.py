"""A notice as plain text and as JSON. Instants are in UTC: who reads them may be anywhere."""

import re
from datetime import UTC, datetime
from typing import Any

from portal.audit.models import Event
from portal.kit.clock import iso
from portal.kit.masks import masked
from portal.notifications.notice import Fact, Link, Notice, Person, Value, When

Json = dict[str, Any]

LONGEST = 500  # characters of what a person wrote
LONGEST_SUMMARY = 300
# Characters that turn the order of those around them, or end a line where there should be none.
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")


def clean(text: str, most: int = LONGEST) -> str:
    """One line, without what would make it look like something else, and not endless."""
    line = " ".join(_UNSEEN.sub("", text).split())
    return line if len(line) <= most else line[: most - 1] + "…"


def is_address(url: str) -> bool:
    return url.startswith(("http://", "https://")) and not re.search(r"[\s<>\"\x00-\x1f]", url)


def spoken(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def words(value: Value) -> str:
    if isinstance(value, When):
        return spoken(value.at) if value.at else value.otherwise
    if isinstance(value, Person):
        return clean(value.name)
    if isinstance(value, Link):
        text = clean(value.text)
        return f"{text}: {value.url}" if text and is_address(value.url) else text or clean(value.url, 2000)
    return clean(value)


def as_text(notice: Notice) -> str:
    """The body of an e-mail for who reads no HTML."""
    lines = [clean(notice.summary, LONGEST_SUMMARY), ""]
    lines += [f"{fact.label}: {words(fact.value)}" for fact in notice.facts]
    for items in notice.items:
        lines += ["", items.title]
        lines += [f"- {words(line.link)} {clean(line.text)}".rstrip() for line in items.lines]
        lines += [f"- and {words(items.more)}"] if items.more else []
    links = [link for link in (*notice.more, notice.link) if link]
    lines += ["", *(words(link) for link in links)] if links else []
    return "\n".join(lines).strip() + "\n"


def as_json(notice: Notice, event: Event) -> Json:
    """What a webhook is sent: the event, for programs, and what people are told of it."""
    return {
        "event": {
            "id": str(event.public_id),
            "name": event.name,
            "at": iso(event.at),
            "noun": event.noun,
            "nounId": event.noun_id,
            "title": event.title,
            "service": event.service or None,
            "environment": event.environment or None,
            "by": {"kind": event.actor_kind, "name": event.actor_name},
            "payload": masked(event.payload),
        },
        "summary": clean(notice.summary, LONGEST_SUMMARY),
        "tone": notice.tone,
        "facts": [_fact(fact) for fact in notice.facts],
        "link": _link(notice.link) if notice.link else None,
        "items": [
            {"title": items.title, "lines": [_link(line.link) | {"note": clean(line.text)} for line in items.lines]}
            for items in notice.items
        ],
        "thread": notice.thread or None,
    }


def _fact(fact: Fact) -> Json:
    if isinstance(fact.value, When):
        return {"label": fact.label, "value": words(fact.value), "at": iso(fact.value.at)}
    if isinstance(fact.value, Link):
        return {"label": fact.label, **_link(fact.value)}
    return {"label": fact.label, "value": words(fact.value)}


def _link(link: Link) -> Json:
    return {"value": clean(link.text or link.url), "url": link.url if is_address(link.url) else None}
