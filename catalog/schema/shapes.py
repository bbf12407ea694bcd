"""What a blueprint's definition looks like, in JSON Schema: which keys, of which type, how long."""

from typing import Any

from catalog.schema.types import COLOURS

Json = dict[str, Any]

TYPES = ["string", "number", "boolean", "object", "array"]
TEXT_FORMATS = "date-time url email idn-email ipv4 ipv6 markdown yaml user blueprints team timer proto".split()
FORMATS = [*TEXT_FORMATS, "labeled-url"]
# The types that each goes with.
SPECS = {"open-api": ["string", "object"], "async-api": ["string", "object"], "embedded-url": ["string"]}
# What an aggregation may do by entities and by a property, and what else each needs.
MEASURES: dict[str, dict[str, list[str]]] = {
    "entities": {"count": [], "average": ["averageOf"]},
    "property": {
        **{function: ["property"] for function in ("sum", "min", "max", "median")},
        "average": ["property", "averageOf"],
    },
}


def formats_of(kind: str) -> list[str]:
    return {"string": TEXT_FORMATS, "object": ["labeled-url"]}.get(kind, [])


def _exactly(properties: Json, *required: str) -> Json:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


def _by_name(one: Json) -> Json:
    return {"type": "object", "additionalProperties": one}


_TEXT = {"type": "string"}
_MAYBE = {"type": ["string", "null"]}
_TITLE = {"type": ["string", "null"], "maxLength": 100}
_URL = {"type": "string", "format": "url"}
_PALETTE = {"type": ["object", "null"], "additionalProperties": {"enum": COLOURS}}
_NAMED = {"title": _TITLE, "description": _MAYBE, "icon": _MAYBE}
_AUTHENTICATION = _exactly(
    {
        "clientId": _TEXT,
        "authorizationUrl": _URL,
        "tokenUrl": _URL,
        "authorizationScope": {"type": "array", "items": _TEXT},
    },
    "clientId",
    "authorizationUrl",
    "tokenUrl",
)
_KIND = {"format": {"enum": FORMATS}, "spec": {"enum": list(SPECS)}, "specAuthentication": _AUTHENTICATION}
PROPERTY = {
    "type": "object",
    "properties": {
        **_NAMED,
        **_KIND,
        "type": {"enum": TYPES},
        "enum": {"type": "array", "minItems": 1, "uniqueItems": True, "items": {"type": ["string", "number"]}},
        "enumColors": _PALETTE,
        "items": {"type": "object"},
    },
    "required": ["type"],
}
# `identifier`, `dateFormat` and `default` stand in no description of the contract, and clients send them.
_CALCULATION = _exactly(
    {
        **_NAMED,
        **_KIND,
        "identifier": _TEXT,
        "dateFormat": _MAYBE,
        "default": {},
        "type": {"enum": TYPES},
        "format": {"enum": [each for each in FORMATS if each not in ("timer", "blueprints")]},
        "calculation": {"type": "string", "minLength": 1},
        "colorized": {"type": ["boolean", "null"]},
        "colors": _PALETTE,
        "items": {
            "type": ["object", "null"],
            "properties": {
                "type": {"enum": TYPES},
                "format": {"enum": [each for each in FORMATS if each != "blueprints"]},
            },
        },
    },
    "calculation",
    "type",
)
_MIRROR = _exactly(
    {"title": _TITLE, "identifier": _TEXT, "path": {"type": "string", "pattern": r"^([A-Za-z0-9@_=\\$-]+\.)+[^.]+$"}},
    "path",
)
_AGGREGATION = _exactly(
    {
        **_NAMED,
        "title": {"type": "string", "maxLength": 100},
        "type": {"enum": ["number"]},
        "target": {"type": "string", "minLength": 1},
        "calculationSpec": {
            "type": "object",
            "properties": {
                "calculationBy": {"enum": list(MEASURES)},
                "func": _TEXT,
                "property": _TEXT,
                "measureTimeBy": _TEXT,
                "averageOf": {"enum": ["hour", "day", "week", "month", "total"]},
            },
            "required": ["calculationBy", "func"],
        },
        "query": {"type": ["object", "null"]},
        "pathFilter": {
            "type": ["array", "null"],
            "maxItems": 1,
            "items": _exactly(
                {"path": {"type": "array", "minItems": 1, "items": _TEXT}, "fromBlueprint": _TEXT}, "path"
            ),
        },
    },
    "title",
    "target",
    "calculationSpec",
)
_RELATION = _exactly(
    {
        **_NAMED,
        "identifier": _TEXT,
        "target": {"type": "string", "minLength": 1},
        "required": {"type": "boolean"},
        "many": {"type": "boolean"},
        "type": _MAYBE,
    },
    "target",
)
_OWNERSHIP = _exactly(
    {
        "type": {"enum": ["Direct", "Inherited"]},
        "path": _MAYBE,
        "title": _TITLE,
        "union": {"type": ["boolean", "null"]},
    },
    "type",
) | {
    "type": ["object", "null"],
    "if": {"properties": {"type": {"const": "Inherited"}}, "required": ["type"]},
    "then": {"properties": {"path": {"type": "string", "minLength": 1}}, "required": ["path"]},
}
_DESTINATION = _exactly(
    {"type": {"enum": ["WEBHOOK", "KAFKA"]}, "url": _URL, "agent": {"type": ["boolean", "null"]}}, "type"
) | {
    "type": ["object", "null"],
    "if": {"properties": {"type": {"const": "WEBHOOK"}}, "required": ["type"]},
    "then": {"required": ["url"]},
}
BLUEPRINT: Json = {
    "type": "object",
    "properties": {
        "identifier": {"type": "string"},
        "title": {"type": "string", "minLength": 1, "maxLength": 100},
        "description": {"type": ["string", "null"], "maxLength": 200},
        "icon": {"type": ["string", "null"], "maxLength": 100},
        "schema": _exactly(
            {"properties": _by_name(PROPERTY), "required": {"type": "array", "items": _TEXT}}, "properties"
        ),
        "calculationProperties": _by_name(_CALCULATION),
        "mirrorProperties": _by_name(_MIRROR),
        "aggregationProperties": _by_name(_AGGREGATION),
        "relations": _by_name(_RELATION),
        "ownership": _OWNERSHIP,
        "teamInheritance": {"type": ["object", "null"], "properties": {"path": _TEXT}},
        "changelogDestination": _DESTINATION,
    },
    "required": ["identifier", "title", "schema"],
}
