"""What a webhook may be."""

from collections.abc import Iterator
from typing import Any

from catalog.schema.validate import check_shape
from portal.kit import jq
from portal.kit.errors import Invalid

Json = dict[str, Any]

MOST_MAPPINGS = 50
LONGEST_TITLE = 30

_TEXT = {"type": ["string", "null"], "maxLength": 250}
_QUERY = {
    "type": "object",
    "properties": {"combinator": {"type": "string"}, "rules": {"type": "array"}},
    "required": ["combinator", "rules"],
    "additionalProperties": False,
}
_NAME = {"anyOf": [{"type": "string", "minLength": 1}, _QUERY]}
_OPERATION = {
    "anyOf": [
        {"enum": ["create", "delete"]},
        {
            "type": "object",
            "properties": {"type": {"enum": ["create", "delete"]}, "deleteDependents": {"type": "boolean"}},
            "required": ["type"],
            "additionalProperties": False,
        },
    ]
}
_MAPPING = {
    "type": "object",
    "properties": {
        "blueprint": {"type": "string", "minLength": 1},
        "operation": _OPERATION,
        "filter": {"type": "string"},
        "itemsToParse": {"type": "string"},
        "entity": {
            "type": "object",
            "properties": {
                "identifier": _NAME,
                "title": {"type": "string"},
                "icon": {"type": "string"},
                "team": _NAME,
                "properties": {"type": "object"},
                "relations": {"type": "object"},
            },
            "required": ["identifier"],
            "additionalProperties": False,
        },
    },
    "required": ["blueprint", "entity"],
}
SECURITY = {
    "type": "object",
    "properties": {
        "secret": {"type": ["string", "null"], "maxLength": 1000},
        "signatureHeaderName": _TEXT,
        "signatureAlgorithm": {"enum": ["sha1", "sha256", "plain", None]},
        "signaturePrefix": _TEXT,
        "requestIdentifierPath": {"type": ["string", "null"], "maxLength": 1000},
    },
    "additionalProperties": False,
}
WEBHOOK = {
    "type": "object",
    "properties": {
        "identifier": {"type": "string", "minLength": 1, "maxLength": LONGEST_TITLE},
        "title": {"type": "string", "minLength": 1, "maxLength": LONGEST_TITLE},
        "description": {"type": ["string", "null"], "maxLength": 200},
        "icon": {"type": ["string", "null"], "maxLength": 100},
        "enabled": {"type": "boolean"},
        "mappings": {"type": "array", "items": _MAPPING, "maxItems": MOST_MAPPINGS},
        "security": SECURITY,
        "integrationType": {"enum": ["custom", "template"]},
    },
}


def check(definition: Json) -> None:
    """Refuses with the place of every fault of its shape, or of every program that does not compile."""
    check_shape(WEBHOOK, definition)
    name = definition.get("identifier", "")
    if "/" in name or name in ("metadata", ".", "..") or name.startswith("!"):
        raise Invalid.at(
            "identifier",
            "may not hold a slash, begin with “!”, nor be “metadata”, “.” or “..”: these are addresses of their own",
        )
    security = definition.get("security") or {}
    if security.get("secret") and not security.get("signatureHeaderName"):
        raise Invalid.at("security.signatureHeaderName", "say in which header senders put what the secret proves")
    if security.get("secret") and not security.get("signatureAlgorithm"):
        raise Invalid.at("security.signatureAlgorithm", "must be sha1, sha256 or plain")
    places = [*_programs(definition)]
    for path, program in places:
        fault = jq.check(program)
        if fault:
            raise Invalid.at(path, f"is not a jq program: {fault}")


def _programs(definition: Json) -> Iterator[tuple[str, str]]:
    path = (definition.get("security") or {}).get("requestIdentifierPath")
    if path:
        yield "security.requestIdentifierPath", path
    for n, mapping in enumerate(definition.get("mappings") or []):
        for name in ("filter", "itemsToParse"):
            if name in mapping:
                yield f"mappings.{n}.{name}", mapping[name]
        yield from leaves(mapping["entity"], f"mappings.{n}.entity")


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text in it, with its place: each is a program."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for n, inner in enumerate(value):
            yield from leaves(inner, f"{path}.{n}")
