"""What Slack takes: the shapes and sizes of messages, forms and what is in them."""

from collections.abc import Callable
from typing import Any

Json = dict[str, Any]
MOST_BLOCKS, MOST_OF_VIEW = 50, 100
OTHERS = {"divider", "image", "rich_text", "video", "markdown"}
MENUS = {"static_select", "external_select"}


class Refusal(Exception):
    """An answer of Slack's with ok: false and this error code."""


def check_list(value: Any, code: str) -> list[Json]:
    if value in (None, ""):
        return []
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise Refusal(code)
    return value


def check_blocks(value: Any, *, most: int = MOST_BLOCKS, code: str = "invalid_blocks") -> list[Json]:
    blocks = check_list(value, "invalid_blocks_format")
    names = [one["block_id"] for one in blocks if "block_id" in one]
    if len(blocks) > most or len(set(map(str, names))) < len(names) or not all(is_block(one) for one in blocks):
        raise Refusal(code)
    return blocks


def check_view(value: Any) -> Json:
    """A form or a Home page."""
    if not isinstance(value, dict) or value.get("type") not in ("modal", "home"):
        raise Refusal("invalid_arguments")
    blocks = check_blocks(value.get("blocks"), most=MOST_OF_VIEW, code="invalid_arguments")
    sound = len(str(value.get("private_metadata", ""))) <= 3000 and len(str(value.get("callback_id", ""))) <= 255
    if value["type"] == "modal":
        sound = sound and is_plain(value.get("title"), 24)
        sound = sound and all(is_plain(value[name], 24) for name in ("submit", "close") if name in value)
        sound = sound and ("submit" in value or not any(one["type"] == "input" for one in blocks))
    if not sound:
        raise Refusal("invalid_arguments")
    return value


def check_metadata(value: Any) -> Json | None:
    if value in (None, ""):
        return None
    if (
        not isinstance(value, dict)
        or not isinstance(value.get("event_type"), str)
        or not isinstance(value.get("event_payload"), dict)
    ):
        raise Refusal("invalid_metadata_format")
    return value


def is_block(block: Json) -> bool:
    kind = block.get("type")
    if len(str(block.get("block_id", ""))) > 255:
        return False
    check = BLOCKS.get(str(kind))
    return check(block) if check else kind in OTHERS


def is_section(block: Json) -> bool:
    fields = block.get("fields")
    has_fields = isinstance(fields, list) and 1 <= len(fields) <= 10 and all(is_text(one, 2000) for one in fields)
    words = is_text(block["text"], 3000) if "text" in block else has_fields
    return bool(words) and ("accessory" not in block or is_element(block["accessory"]))


def is_context(block: Json) -> bool:
    elements = block.get("elements")
    if not isinstance(elements, list) or not 1 <= len(elements) <= 10:
        return False
    return all(isinstance(one, dict) and (one.get("type") == "image" or is_text(one, 3000)) for one in elements)


def is_actions(block: Json) -> bool:
    elements = block.get("elements")
    if not isinstance(elements, list) or not 1 <= len(elements) <= 25 or not all(map(is_element, elements)):
        return False
    names = [one.get("action_id") for one in elements if "action_id" in one]
    return len(set(names)) == len(names)


def is_input(block: Json) -> bool:
    hint = "hint" not in block or is_plain(block["hint"], 2000)
    return is_plain(block.get("label"), 2000) and hint and is_element(block.get("element"))


BLOCKS: dict[str, Callable[[Json], bool]] = {
    "section": is_section,
    "header": lambda block: is_plain(block.get("text"), 150),
    "context": is_context,
    "actions": is_actions,
    "input": is_input,
}


def is_element(element: Any) -> bool:
    if not isinstance(element, dict) or not 0 < len(str(element.get("action_id", "-"))) <= 255:
        return False
    kind = element.get("type")
    if kind == "button":
        return is_button(element)
    if kind in MENUS or kind in ("checkboxes", "radio_buttons"):
        return is_menu(element)
    if kind == "plain_text_input":
        most = element.get("max_length", 3000)
        return bool(1 <= most <= 3000 and len(element.get("initial_value", "")) <= most)
    return kind in ("datetimepicker", "number_input", "overflow", "image", "datepicker")


def is_button(element: Json) -> bool:
    ask = element.get("confirm")
    sizes = {"title": 100, "text": 300, "confirm": 30, "deny": 30}
    asks = ask is None or all(is_text(ask.get(name), most) for name, most in sizes.items())
    link = 0 < len(element.get("url", "-")) <= 3000
    styled = element.get("style", "primary") in ("primary", "danger")
    return is_plain(element.get("text"), 75) and len(element.get("value", "")) <= 2000 and asks and link and styled


def is_menu(element: Json) -> bool:
    if element["type"] == "external_select":
        return "initial_option" not in element or is_option(element["initial_option"])
    options = element.get("options")
    most = 100 if element["type"] in MENUS else 10
    if not isinstance(options, list) or not 1 <= len(options) <= most or not all(map(is_option, options)):
        return False
    first = [element["initial_option"]] if "initial_option" in element else element.get("initial_options", [])
    return all(one in options for one in first)


def is_option(value: Any) -> bool:
    return isinstance(value, dict) and is_text(value.get("text"), 75) and 0 < len(str(value.get("value", ""))) <= 150


def is_plain(value: Any, most: int) -> bool:
    return is_text(value, most) and value["type"] == "plain_text"


def is_text(value: Any, most: int) -> bool:
    return (
        isinstance(value, dict)
        and value.get("type") in ("mrkdwn", "plain_text")
        and isinstance(value.get("text"), str)
        and 1 <= len(value["text"]) <= most
    )
