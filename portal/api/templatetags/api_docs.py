"""What the pages of the description need: methods and statuses in colour, and the few marks that texts there have."""

import re

from django import template
from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from portal.kit.templatetags.kit import chip

register = template.Library()

METHODS = {"GET": "blue", "POST": "green", "PUT": "yellow", "PATCH": "orange", "DELETE": "red"}
STATUSES = {2: "green", 4: "yellow", 5: "red"}


@register.simple_tag
def method(name: str) -> SafeString:
    return chip(name, METHODS.get(name, "silver"))


@register.simple_tag
def status(code: int) -> SafeString:
    return chip(code, STATUSES.get(code // 100, "silver"))


@register.filter
def ticks(text: str) -> SafeString:
    """`code` and **strong** as the description writes them."""
    marked = re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))
    return mark_safe(re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", marked))


@register.filter
def prose(text: str) -> SafeString:
    """Paragraphs, and lists whose items begin with a dash."""
    return format_html_join("", "{}", ((_block(each),) for each in text.split("\n\n") if each))


def _block(text: str) -> SafeString:
    if not text.startswith("- "):
        return format_html("<p>{}</p>", ticks(text))
    items = format_html_join("", "<li>{}</li>", ((ticks(each),) for each in text[2:].split("\n- ")))
    return format_html("<ul>{}</ul>", items)
