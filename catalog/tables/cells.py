"""Values as HTML. In Python, since a page of a table has hundreds of them and a template for each would cost most of its time."""

import json
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.utils import timezone
from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.http import urlencode
from django.utils.safestring import SafeString, mark_safe

from catalog.models import Relation
from catalog.schema.types import type_of
from catalog.search.instants import instant_of
from catalog.tables.addresses import entity_url, list_url
from portal.kit.clock import EARLIEST, LATEST
from portal.kit.templatetags.kit import absolute, age, chip, icon, initials, middle, tint, until

Json = dict[str, Any]

NOTHING = mark_safe("")
MOST_CHIPS = 4


@lru_cache(maxsize=4096)
def _chip(word: str, colour: str, icon_name: str = "") -> SafeString:
    return chip(word, colour, icon_name)


def value(definition: Json, value: Any, *, brief: bool = True) -> SafeString:
    """`brief` for a cell; else the whole of it."""
    if definition.get("format") == "user" and isinstance(value, str) and value:
        return person(value)
    return of(shown(definition, value, brief=brief))


def of(shown: Json) -> SafeString:
    """What `shown` describes."""
    kind, value = shown["kind"], shown["value"]
    if value is None or value == "":
        return NOTHING
    if kind == "chip":
        return _chip(str(value), shown["colour"])
    if kind == "chips":
        chips = [(_chip(str(each["value"]), each["colour"]),) for each in value]
        return format_html('<span class="row">{}</span>', format_html_join("", "{}", chips))
    if kind == "boolean":
        return _chip("Yes", "lightGray", "check") if value else _chip("No", "lightGray", "x")
    if kind == "url":
        said = _breakable(value.partition("://")[2].removesuffix("/"), 44)
        return format_html('<a href="{}" rel="noopener">{} {}</a>', value, said, icon("external-link"))
    if kind == "timer":
        return format_html('<span class="chip chip-timer">{}{}</span>', icon("hourglass"), until(value, "timer"))
    if kind == "datetime":
        return mark_safe(age(value))
    if kind == "ahead":
        return format_html("{}", absolute(value))
    if kind == "code":
        return format_html('<div class="code"><pre tabindex="0">{}</pre></div>', value)
    if shown.get("url"):
        return format_html('<a href="{}">{}</a>', shown["url"], value)
    if shown.get("whole"):
        return format_html('<span title="{}">{}</span>', shown["whole"], value)
    return SafeString(conditional_escape(value))


def _breakable(text: str, most: int) -> SafeString:
    """An address breaks between its parts, where it must."""
    if len(text) > most:
        return middle(text, most)  # type: ignore[return-value]
    return mark_safe(conditional_escape(text).replace("/", "/<wbr>").replace("@", "@<wbr>"))


@lru_cache(maxsize=2048)
def person(name: str) -> SafeString:
    avatar = format_html('<span class="avatar chip-{}" aria-hidden="true">{}</span>', tint(name), initials(name))
    return format_html('<span class="person">{} <span>{}</span></span>', avatar, _breakable(name, 30))


def targets(arrows: Sequence[Relation]) -> SafeString:
    """Links to what a relation points at."""
    if not arrows:
        return NOTHING
    few = [(_target(each),) for each in arrows[:MOST_CHIPS]]
    more = f" +{len(arrows) - MOST_CHIPS}" if len(arrows) > MOST_CHIPS else ""
    return format_html("<span>{}{}</span>", format_html_join(", ", "{}", few), more)


def _target(arrow: Relation) -> SafeString:
    """Of what the viewer may not see only the identifier is told, which the arrow itself holds."""
    target = arrow.target
    if getattr(arrow, "hidden", False):
        return format_html("{}", middle(target.identifier, 30))
    address = entity_url(target.blueprint.identifier, target.identifier)
    return format_html('<a href="{}">{}</a>', address, middle(str(target), 30))


def teams(names: Sequence[str], blueprint: str = "") -> SafeString:
    """Each leads to what else of the blueprint the team owns."""
    if not blueprint:
        return middle(", ".join(names), 40) if names else NOTHING  # type: ignore[return-value]
    return format_html_join(", ", '<a href="{}">{}</a>', ((_owned(name, blueprint), name) for name in names))


def _owned(team: str, blueprint: str) -> str:
    return f"{list_url(blueprint)}?{urlencode({'property': '$team', 'operator': '=', 'value': team})}"


def is_web(value: object) -> bool:
    """Only these become links: what else a text may hold is not for clicking."""
    return isinstance(value, str) and value.startswith(("https://", "http://"))


def shown(definition: Json, value: Any, *, brief: bool = False) -> Json:
    """What `of` makes HTML of. A value that does not fit its type is shown as it is."""
    if value is None:
        return {"kind": "none", "value": None}
    kind = type_of(definition).show if definition else ""
    if kind == "enum" and isinstance(value, str | int | float):
        return {
            "kind": "chip",
            "value": value,
            "colour": (definition.get("enumColors") or {}).get(str(value), "lightGray"),
        }
    if isinstance(value, bool):
        return {"kind": "boolean", "value": value}
    if kind == "url" and is_web(value):
        return {"kind": "url", "value": value}
    if kind == "timer" and (moment := instant_of(value)) and EARLIEST <= moment < LATEST:
        return {"kind": "timer", "value": moment}
    if kind == "date_time" and (moment := _moment(value)):
        return {"kind": "ahead" if moment > timezone.now() else "datetime", "value": moment}
    if kind == "email" and isinstance(value, str):
        return {"kind": "text", "value": value, "url": f"mailto:{value}"}
    if isinstance(value, list) and all(isinstance(each, str | int | float) for each in value):
        colours = (definition.get("items") or definition).get("enumColors") or definition.get("colors") or {}
        return {
            "kind": "chips",
            "value": [
                {"value": each, "colour": colours.get(str(each), "lightGray")} for each in value[: 4 if brief else 100]
            ],
        }
    if isinstance(value, dict | list):
        return _nested(value, brief)
    return {"kind": "text", "value": _cut(str(value)), "whole": value} if brief else {"kind": "text", "value": value}


def _nested(value: Any, brief: bool) -> Json:
    if brief:
        text = json.dumps(value, ensure_ascii=False)
        return {"kind": "text", "value": _cut(text), "whole": text}
    return {"kind": "code", "value": json.dumps(value, indent=2, ensure_ascii=False)}


def _cut(text: str) -> str:
    return text if len(text) <= 44 else f"{text[:43].rstrip()}…"


def _moment(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return moment if moment.tzinfo and EARLIEST <= moment < LATEST else None
