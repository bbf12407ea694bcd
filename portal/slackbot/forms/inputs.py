"""The parts of a form, and what was put into them."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from django import forms

from portal.slackbot.blocks import Json, cut, option, plain

MOST_OPTIONS, LONGEST_VALUE = 100, 150
LONGEST_FAULT = 2000


def view(name: str, title: str, submit: str, blocks: list[Json], meta: Json | None = None) -> Json:
    return {
        "type": "modal",
        "callback_id": name,
        "title": plain(title, 24),
        "submit": plain(submit, 24),
        "close": plain("Cancel", 24),
        "private_metadata": json.dumps(meta or {}),
        "blocks": blocks,
    }


def field(name: str, label: str, element: Json, *, optional: bool = False, hint: str = "") -> Json:
    made = {"type": "input", "block_id": name, "label": plain(label, 2000), "optional": optional}
    made["element"] = element | {"action_id": name}
    return made | ({"hint": plain(hint, 2000)} if hint else {})


def text(value: str = "", *, lines: bool = False, most: int = 2000, placeholder: str = "") -> Json:
    made: Json = {"type": "plain_text_input", "multiline": lines, "max_length": most}
    made |= {"initial_value": value[:most]} if value else {}
    return made | ({"placeholder": plain(placeholder, 150)} if placeholder else {})


def choice(options: Iterable[tuple[str, str]], chosen: str = "") -> Json:
    known = [option(str(value), str(words)) for value, words in options][:MOST_OPTIONS]
    first = [each for each in known if each["value"] == chosen]
    return {"type": "static_select", "options": known} | ({"initial_option": first[0]} if first else {})


def asked_for(chosen: str = "", placeholder: str = "Type a part of its name") -> Json:
    """The portal is asked for names while somebody types."""
    made: Json = {"type": "external_select", "min_query_length": 0, "placeholder": plain(placeholder, 150)}
    return made | ({"initial_option": option(chosen)} if chosen and len(chosen) <= LONGEST_VALUE else {})


def boxes(options: Iterable[tuple[str, str]], chosen: Iterable[str] = ()) -> Json:
    known = [option(value, words) for value, words in options][:10]
    first = [each for each in known if each["value"] in set(chosen)]
    return {"type": "checkboxes", "options": known} | ({"initial_options": first} if first else {})


def values_of(payload: Json) -> dict[str, Any]:
    """What stands in the fields, by name: texts, the value that was chosen, lists of them, instants as a page has them."""
    found = {}
    for block, elements in (payload.get("view") or {}).get("state", {}).get("values", {}).items():
        for element in elements.values():
            found[block] = _value(element)
    return found


def _value(element: Json) -> Any:
    if element.get("type") == "checkboxes":
        return [each["value"] for each in element.get("selected_options") or []]
    if element.get("type") == "datetimepicker":
        at = element.get("selected_date_time")
        try:
            return datetime.fromtimestamp(int(at), UTC).strftime("%Y-%m-%dT%H:%M") if at else ""
        except (TypeError, ValueError, OverflowError, OSError):
            return "no instant"
    if "selected_option" in element:
        return (element["selected_option"] or {}).get("value", "")
    return element.get("value") or ""


def meta_of(payload: Json) -> Json:
    try:
        meta = json.loads((payload.get("view") or {}).get("private_metadata") or "{}")
    except ValueError:
        return {}
    return meta if isinstance(meta, dict) else {}


def faults_of(form: forms.Form, names: Iterable[str]) -> dict[str, str]:
    """By field; what belongs to none that is shown stands at the first."""
    known = list(names)
    found: dict[str, str] = {}
    for name, errors in form.errors.items():
        at = name if name in known else known[0]
        said = " ".join(str(each) for each in errors)
        found[at] = cut(f"{found[at]} {said}" if at in found else said, LONGEST_FAULT)
    return found


def inputs_in(payload: Mapping[str, Any]) -> list[str]:
    blocks = (payload.get("view") or {}).get("blocks") or []
    return [each["block_id"] for each in blocks if each.get("type") == "input"]
