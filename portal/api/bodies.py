"""JSON in and out of /v1."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from django.conf import settings
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from portal.api.envelope import TooLarge
from portal.kit.errors import Invalid
from portal.kit.jsontext import checked


class AlwaysJSON(BaseContentNegotiation):
    """/v1 speaks JSON, whatever a client says that it would like."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser:
        return next(iter(parsers))

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        return next(iter(renderers)), JSONRenderer.media_type


class JSONRenderer(BaseRenderer):
    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        try:
            return orjson.dumps(data, default=str)
        except orjson.JSONEncodeError:
            # Slower, and takes what orjson does not: one odd row must not cost the whole list.
            return json.dumps(data, default=str, ensure_ascii=False).encode()


class JSONParser(BaseParser):
    """Reads any content type as JSON: several clients send none. What could not be stored and read back is refused."""

    media_type = "*/*"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        body = stream.read(settings.MAX_BODY_BYTES + 1)
        if len(body) > settings.MAX_BODY_BYTES:
            raise TooLarge()
        if not body.strip():
            raise Invalid.at("body", "is empty; send a JSON object")
        try:
            data = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            form = "; it came as a form" if (media_type or "").startswith("application/x-www-form-urlencoded") else ""
            raise Invalid.at("body", f"is not JSON: {error}{form}") from error
        checked(data)
        return data


def raw_of(request: Request) -> bytes:
    """The body as it came, for a signature."""
    raw = request._request.read(settings.MAX_BODY_BYTES + 1)
    if len(raw) > settings.MAX_BODY_BYTES:
        raise TooLarge()
    return raw


def json_of(raw: bytes) -> Any:
    """What it says; None for an empty one."""
    try:
        body = orjson.loads(raw) if raw.strip() else None
    except orjson.JSONDecodeError as error:
        raise Invalid.at("body", f"is not JSON: {error}") from error
    checked(body)
    return body


def object_of(request: Request) -> dict[str, Any]:
    """The body, which must be an object."""
    if request.stream is None:
        raise Invalid.at("body", "is empty; send a JSON object")
    if not isinstance(request.data, dict):
        raise Invalid.at("body", "must be an object")
    return request.data


def objects_of(request: Request) -> list[dict[str, Any]]:
    """The body, which must be a list of objects."""
    if request.stream is None or not isinstance(request.data, list):
        raise Invalid.at("body", "must be a list of objects")
    for n, each in enumerate(request.data):
        if not isinstance(each, dict):
            raise Invalid.at(str(n), "must be an object")
    return request.data
