"""A notice in Slack's blocks."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from portal.notifications.notice import Fact, Items, Link, Notice, Person, When
from portal.notifications.plain import LONGEST, LONGEST_SUMMARY, clean, is_address, spoken, words
from portal.slackbot import buttons
from portal.slackbot.blocks import MOST_TEXT, escape

Json = dict[str, Any]
LONGEST_LINK = 200  # in a list
SHORTER = (LONGEST, 200, 80, 30, 10)  # characters of each fact, until all of them go in


def message(notice: Notice, people: Mapping[str, str] | None = None, *, standing: bool = False, note: str = "") -> Json:
    """`{"text", "blocks"}`. `people`: Slack's id for the key of an account. `standing`: how things are, not what
    happened, with a `note` below it."""
    said = notice.standing if standing and notice.standing else notice.summary
    text = f":{notice.emoji}: {escape(clean(said, LONGEST_SUMMARY))}"
    blocks = [_section(_body(notice, text, people or {}))]
    if not standing:
        blocks += [_section(_list(items)) for items in notice.items]
    elements = [getattr(buttons, each.deed)(each.about) for each in notice.buttons] if is_interactive() else []
    blocks += [{"type": "actions", "elements": elements}] if elements else []
    blocks += [{"type": "context", "elements": [_text(note)]}] if note else []
    return {"text": text, "blocks": blocks}


def is_interactive() -> bool:
    """Whether what is pressed in Slack comes here: a button that does nothing is worse than none."""
    return bool(settings.SLACK_SIGNING_SECRET or settings.SLACK_APP_TOKEN)


def _section(text: str) -> Json:
    return {"type": "section", "text": _text(text)}


def _text(text: str) -> Json:
    # Verbatim: an address or a name with a # or @ before it, in what people wrote, stays words.
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _body(notice: Notice, text: str, people: Mapping[str, str]) -> str:
    """Cut by its facts until Slack takes it; what it links to stays whole."""
    body = ""
    for most in SHORTER:
        facts = [f"*{escape(fact.label)}*  {_value(fact, most, people)}" for fact in notice.facts]
        body = "\n".join([f"*{text}*", *facts, *_links(notice)])
        if len(body) <= MOST_TEXT:
            break
    return body if len(body) <= MOST_TEXT else f"*{text}*"


def _value(fact: Fact, most: int, people: Mapping[str, str]) -> str:
    value = fact.value
    if isinstance(value, When):
        return _moment(value)
    if isinstance(value, Person):
        known = people.get(value.key)
        return f"<@{known}>" if known else escape(clean(value.name, most))
    if isinstance(value, Link):
        return _link(value, most * 4)
    return escape(clean(value, most))


def _links(notice: Notice) -> list[str]:
    links = [_link(each, MOST_TEXT) for each in (*notice.more, notice.link) if each]
    return ["  ·  ".join(links)] if links else []


def _link(link: Link, most: int) -> str:
    """One that is too long, or none, is its words alone."""
    shown = escape(clean(link.text))
    if not is_address(link.url) or len(link.url) > most:
        return shown or escape(clean(link.url, most))
    target = escape(link.url).replace("|", "%7C")
    return f"<{target}|{shown}>" if shown else f"<{target}>"


def _moment(when: When) -> str:
    """Slack shows it in each reader's own zone; the fallback is UTC."""
    if when.at is None:
        return escape(when.otherwise)
    return f"<!date^{int(when.at.timestamp())}^{{date_short_pretty}} {{time}}|{spoken(when.at)}>"


def _list(items: Items) -> str:
    lines = [f"*{escape(items.title)}*"]
    lines += [f"• {_link(each.link, LONGEST_LINK)} {escape(clean(each.text))}".rstrip() for each in items.lines]
    if items.more:
        lines.append(f"… and {_link(items.more, MOST_TEXT)}")
    text = "\n".join(lines)
    return (
        text
        if len(text) <= MOST_TEXT
        else "\n".join(lines[:1] + [escape(words(each.link))[:400] for each in items.lines])
    )


def preview(notice: Notice) -> Json:
    return message(notice)
