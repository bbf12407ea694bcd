"""JSON in and out of /v1."""

from collections.abc import Mapping
from typing import Any

import orjson
from django.conf import settings
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from portal.api.envelope import TooLarge
from portal.kit.errors import Invalid


class JSONRenderer(BaseRenderer):
    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        return orjson.dumps(data, default=str)


class JSONParser(BaseParser):
    """Reads any content type as JSON: several clients send none. NUL is refused, since PostgreSQL cannot keep it."""

    media_type = "*/*"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        body = stream.read(settings.MAX_BODY_BYTES + 1)
        if len(body) > settings.MAX_BODY_BYTES:
            raise TooLarge()
        if not body.strip():
            return {}
        try:
            data = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise Invalid.at("body", f"is not JSON: {error}") from error
        if b"\\u0000" in body and _holds_nul(data):
            raise Invalid.at("body", "holds the character U+0000, which cannot be stored")
        return data


def object_of(request: Request) -> dict[str, Any]:
    """The body, which must be an object."""
    if not isinstance(request.data, dict):
        raise Invalid.at("body", "must be an object")
    return request.data


def _holds_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(_holds_nul(each) for pair in value.items() for each in pair)
    return isinstance(value, list) and any(_holds_nul(each) for each in value)
