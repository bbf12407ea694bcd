"""What a call brings, read as Slack reads it."""

import json
import re
from typing import Any
from urllib.parse import parse_qsl

from portal.embedded.mock_slack.shapes import Refusal

JSON_FIELDS = ("blocks", "attachments", "metadata", "view", "unfurls")


def stamps(message: dict[str, Any]) -> list[str]:
    return [message["ts"], message.get("edited", {}).get("ts", message["ts"])]


def public(message: dict[str, Any], with_metadata: bool = True) -> dict[str, Any]:
    hidden = {"channel", "channel_name"} | (set() if with_metadata else {"metadata"})
    return {name: value for name, value in message.items() if name not in hidden}


def truth(value: Any) -> bool:
    return str(value).lower() in ("1", "true")


def cursor_start(cursor: Any) -> int:
    match = re.fullmatch(r"start:(\d{1,9})", str(cursor or "start:0"))
    if not match:
        raise Refusal("invalid_cursor")
    return int(match[1])


def read_fields(content_type: str, raw: bytes, query: str) -> dict[str, Any]:
    """The arguments of one call, from its query and its form or JSON body; a form carries its JSON parts as strings."""
    fields: dict[str, Any] = dict(parse_qsl(query))
    if content_type == "application/json":
        try:
            body = json.loads(raw or b"{}")
        except ValueError:
            raise Refusal("invalid_json") from None
        if not isinstance(body, dict):
            raise Refusal("json_not_object")
        fields.update(body)
    elif content_type == "application/x-www-form-urlencoded":
        fields.update(parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True))
    elif raw:
        raise Refusal("invalid_post_type")
    for name in JSON_FIELDS:
        if isinstance(fields.get(name), str) and fields[name]:
            fields[name] = parse_part(name, fields[name])
    return fields


def parse_part(name: str, text: str) -> Any:
    codes = {
        "blocks": "invalid_blocks_format",
        "attachments": "invalid_attachments",
        "metadata": "invalid_metadata_format",
    }
    try:
        return json.loads(text)
    except ValueError:
        raise Refusal(codes.get(name, "invalid_arguments")) from None
