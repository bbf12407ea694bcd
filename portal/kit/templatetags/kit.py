"""What templates need everywhere: icons, chips, ages, countdowns. A builtin of every template."""

import re
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlencode
from zlib import crc32

from django import template
from django.contrib.staticfiles import finders
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()

COLOURS = frozenset(
    "blue turquoise orange purple pink yellow green red gold silver paleBlue darkGray lightGray bronze lime olive brown".split()
)
# word, colour, icon of a deployment's status
STATUSES = {
    "pending": ("Pending", "yellow", "clock"),
    "in_progress": ("In progress", "blue", "loader"),
    "success": ("Success", "green", "check"),
    "failure": ("Failure", "red", "x"),
    "cancelled": ("Cancelled", "lightGray", "minus"),
    "rolled_back": ("Rolled back", "orange", "undo"),
}
MINUTE, HOUR, DAY, MONTH, YEAR = 60, 3600, 86400, 30 * 86400, 365 * 86400


@lru_cache(maxsize=1)
def known_icons() -> frozenset[str]:
    sprite = finders.find("icons.svg")
    return (
        frozenset(re.findall(r'<symbol id="([\w-]+)"', Path(sprite).read_text(encoding="utf-8")))
        if sprite
        else frozenset()
    )


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """An icon of the sprite. With a label it speaks for itself, without one it is decoration beside a word."""
    address = f"{static('icons.svg')}#{name if name in known_icons() else 'box'}"
    if label:
        return format_html(
            '<svg class="icon" role="img" aria-label="{}"><title>{}</title><use href="{}"></use></svg>',
            label,
            label,
            address,
        )
    return format_html('<svg class="icon" aria-hidden="true"><use href="{}"></use></svg>', address)


@register.simple_tag
def chip(value: object, colour: str = "lightGray", icon_name: str = "", title: str = "") -> SafeString:
    """A word in a colour of the API's `enumColors`; an unknown colour is grey."""
    return format_html(
        '<span class="chip chip-{}"{}>{}<span class="chip-word">{}</span></span>',
        colour if colour in COLOURS else "lightGray",
        format_html(' title="{}"', title) if title else "",
        icon(icon_name) if icon_name else "",
        value,
    )


@register.simple_tag
def status_chip(status: str) -> SafeString:
    word, colour, icon_name = STATUSES.get(
        status, (str(status or "unknown").replace("_", " ").capitalize(), "lightGray", "help")
    )
    return chip(word, colour, icon_name)


@register.filter
def status_word(status: str) -> str:
    return STATUSES[status][0] if status in STATUSES else str(status or "unknown")


@register.filter
def age(moment: datetime | None, style: str = "") -> str:
    """`3 min ago`, ticking in the browser; `age:"short"` is `3 min`."""
    if moment is None:
        return ""
    return format_html(
        '<time datetime="{}" data-age="{}" title="{}">{}</time>',
        moment.isoformat(),
        style,
        absolute(moment),
        age_words(timezone.now() - moment, style),
    )


@register.filter
def until(moment: datetime | None, style: str = "") -> str:
    """`1 h 59 min left`, ticking in the browser; `until:"short"` is `1 h 59 min`. A lock without an end says so."""
    if moment is None:
        return "no end" if style == "short" else "until released"
    return format_html(
        '<time datetime="{}" data-until="{}" title="{}">{}</time>',
        moment.isoformat(),
        style,
        absolute(moment),
        until_words(moment - timezone.now(), style),
    )


@register.filter
def absolute(moment: datetime | None) -> str:
    """`4 Mar 2025, 15:40 UTC`."""
    if moment is None:
        return ""
    moment = timezone.localtime(moment)
    return f"{moment.day} {moment:%b %Y, %H:%M %Z}"


@register.filter
def clock(moment: datetime | None) -> str:
    """`15:40 UTC` when that is today, else with the day."""
    if moment is None:
        return ""
    moment = timezone.localtime(moment)
    day = "" if moment.date() == timezone.localdate() else f"{moment.day} {moment:%b} "
    words = f"{day}{moment:%H:%M %Z}"
    return format_html('<time datetime="{}" title="{}">{}</time>', moment.isoformat(), absolute(moment), words)


def age_words(passed: timedelta, style: str = "") -> str:
    return age_of(passed.total_seconds(), style)


def age_of(seconds: float, style: str = "") -> str:
    """The same words as `ageWords` in portcullis.js."""
    if seconds < MINUTE:
        return "now" if style == "short" else "just now"
    for size, word in ((YEAR, "y"), (MONTH, "mo"), (DAY, "d"), (HOUR, "h"), (MINUTE, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {word}" + ("" if style == "short" else " ago")
    return ""


def until_words(left: timedelta, style: str = "") -> str:
    """The same words as `untilWords` in portcullis.js."""
    seconds = int(left.total_seconds())
    if seconds <= 0:
        return "Expired" if style == "timer" else "ended"
    end = " left" if style == "" else ""
    if seconds < MINUTE:
        return f"{seconds} s{end}"
    seconds = -(-seconds // MINUTE) * MINUTE  # a lock taken for 2 h has 2 h left, not 1 h 59 min
    days, hours, minutes = seconds // DAY, seconds % DAY // HOUR, seconds % HOUR // MINUTE
    parts = [(days, "d"), (hours, "h")] if days else [(hours, "h"), (minutes, "min")]
    return " ".join(f"{number} {word}" for number, word in parts if number) + end


@register.filter
def short_sha(commit: str | None) -> str:
    return str(commit or "")[:7]


@register.filter
def initials(name: str | None) -> str:
    words: list[str] = re.findall(r"\w+", str(name or "").split("@")[0])
    if not words:
        return "?"
    return (words[0][0] + (words[-1][0] if len(words) > 1 else "")).upper()


@register.filter
def tint(name: str | None) -> str:
    """A colour that stays with a name."""
    colours = ("blue", "turquoise", "orange", "purple", "pink", "green", "gold", "olive", "bronze", "paleBlue")
    return colours[crc32(str(name or "").encode()) % len(colours)]


@register.filter
def middle(text: str | None, most: int = 28) -> str:
    """A long name keeps its start and its end; the whole is in the title."""
    text = str(text or "")
    return format_html('<span title="{}">{}</span>', text, shortened(text, most)) if len(text) > most else text


def shortened(text: str, most: int) -> str:
    """The same without a title, for where there can be none."""
    head = (most - 1) * 3 // 5
    return text if len(text) <= most else f"{text[:head]}…{text[len(text) - (most - 1 - head) :]}"


@register.simple_tag(takes_context=True)
def query(context: template.Context, **changes: object) -> str:
    """The page's query string with some keys changed; None or an empty value drops a key."""
    keys: dict[str, list[str]] = dict(context["request"].GET.lists())
    for key, value in changes.items():
        keys[key] = [] if value in (None, "") else [str(value)]
    return "?" + urlencode(keys, doseq=True)
