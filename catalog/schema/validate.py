"""Checks an entity's properties against its blueprint, and a blueprint against the contract."""

from functools import lru_cache
from typing import Any

import jsonschema_rs
import orjson

from catalog.schema.identifiers import check_identifier, check_property_key
from catalog.schema.types import COLOURS, FORMATS, json_schema
from portal.kit.errors import Invalid

Json = dict[str, Any]
Faults = list[dict[str, str]]

REFERENCES = {"$ref", "$dynamicRef", "$recursiveRef"}


def _no_fetching(uri: str) -> Any:
    raise ValueError(f"{uri} is not fetched: a schema may not refer to another document")


@lru_cache(maxsize=1000)
def _validator(schema: bytes) -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for(
        orjson.loads(schema), formats=FORMATS, validate_formats=True, retriever=_no_fetching
    )


def compile_schema(schema: Json) -> jsonschema_rs.Validator:
    """ValueError when the schema itself is wrong."""
    try:
        return _validator(orjson.dumps(schema, option=orjson.OPT_SORT_KEYS))
    except jsonschema_rs.ValidationError as error:
        raise ValueError(error.message) from error


def check_properties(declared: Json, required: list[str], properties: Json, *, path: str = "properties") -> None:
    """Every fault at once, each with its path. Undeclared keys are allowed."""
    schema = {
        "type": "object",
        "properties": {name: json_schema(definition) for name, definition in declared.items()},
        "required": sorted(required),
    }
    faults: Faults = []
    for error in compile_schema(schema).iter_errors(properties):
        where = ".".join([path, *(str(step) for step in error.instance_path)])
        faults.append({"path": where, "message": _sentence(error, schema)})
    if faults:
        raise Invalid.of(faults)


def _sentence(error: jsonschema_rs.ValidationError, schema: Json) -> str:
    if error.schema_path and error.schema_path[-1] == "enum":
        allowed: Any = schema
        for step in error.schema_path:
            allowed = allowed[step]
        return f"{error.instance!r} is not one of {', '.join(str(each) for each in allowed)}"
    return str(error.message)


_PALETTE = {"type": "object", "additionalProperties": {"enum": COLOURS}}
_NAMED = {"title": {"type": ["string", "null"], "maxLength": 100}, "description": {"type": ["string", "null"]}}
_PROPERTY = {
    "type": "object",
    "properties": {
        **_NAMED,
        "type": {"enum": ["string", "number", "boolean", "object", "array"]},
        "format": {
            "enum": (
                "date-time url email idn-email ipv4 ipv6 markdown yaml user blueprints team timer proto labeled-url".split()
            )
        },
        "spec": {"enum": ["open-api", "embedded-url", "async-api"]},
        "enum": {"type": "array", "minItems": 1, "uniqueItems": True, "items": {"type": ["string", "number"]}},
        "enumColors": _PALETTE,
        "icon": {"type": ["string", "null"]},
        "items": {"type": "object"},
    },
    "required": ["type"],
}
_BLUEPRINT = {
    "type": "object",
    "properties": {
        "identifier": {"type": "string"},
        "title": {"type": "string", "minLength": 1, "maxLength": 100},
        "description": {"type": ["string", "null"], "maxLength": 200},
        "icon": {"type": ["string", "null"], "maxLength": 100},
        "schema": {
            "type": "object",
            "properties": {
                "properties": {"type": "object", "additionalProperties": _PROPERTY},
                "required": {"type": "array", "items": {"type": "string"}},
            },
            "required": ["properties"],
            "additionalProperties": False,
        },
        "calculationProperties": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "properties": {"calculation": {"type": "string"}},
                "required": ["calculation", "type"],
            },
        },
        "mirrorProperties": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "properties": {"path": {"type": "string", "pattern": "\\."}},
                "required": ["path"],
            },
        },
        "aggregationProperties": {"type": "object", "additionalProperties": {"type": "object", "required": ["target"]}},
        "relations": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "properties": {
                    **_NAMED,
                    "target": {"type": "string", "minLength": 1},
                    "required": {"type": "boolean"},
                    "many": {"type": "boolean"},
                },
                "required": ["target"],
            },
        },
        "ownership": {
            "type": ["object", "null"],
            "properties": {"type": {"enum": ["Direct", "Inherited"]}, "title": {"type": "string", "maxLength": 100}},
            "required": ["type"],
        },
        "teamInheritance": {"type": ["object", "null"]},
        "changelogDestination": {"type": ["object", "null"]},
    },
    "required": ["identifier", "title", "schema"],
}


_GIVEN = {**_BLUEPRINT, "required": []}


def check_given(definition: Json) -> None:
    """The part of a definition that a client sent, before it is merged with the rest."""
    check_shape(_GIVEN, definition)


def check_blueprint(definition: Json) -> None:
    """`definition` as clients send it. Targets of relations are looked up by the command."""
    check_shape(_BLUEPRINT, definition)
    check_identifier(definition["identifier"], "identifier", longest=100)
    _check_declarations(definition)


def check_shape(schema: Json, definition: Json) -> None:
    """Refuses with every fault at once, each with its path; "body" is the whole."""
    faults: Faults = [
        {"path": ".".join(str(step) for step in error.instance_path) or "body", "message": error.message}
        for error in compile_schema(schema).iter_errors(definition)
    ]
    if faults:
        raise Invalid.of(faults)


def _check_declarations(definition: Json) -> None:
    schema = definition["schema"]
    taken: dict[str, str] = {}
    for group in ("schema.properties", "calculationProperties", "mirrorProperties", "aggregationProperties"):
        declared = schema["properties"] if group == "schema.properties" else definition.get(group) or {}
        for name in declared:
            check_property_key(name, f"{group}.{name}")
            if name in taken:
                raise Invalid.at(f"{group}.{name}", f"the name is taken by {taken[name]}")
            taken[name] = f"{group}.{name}"
    for name, declared in schema["properties"].items():
        _check_property(declared, f"schema.properties.{name}")
    for name in schema.get("required", []):
        if name not in schema["properties"]:
            raise Invalid.at("schema.required", f"{name!r} is not a property of the schema")
    for name, relation in (definition.get("relations") or {}).items():
        check_property_key(name, f"relations.{name}")
        if relation.get("required") and relation.get("many"):
            raise Invalid.at(f"relations.{name}", "a relation to many cannot be required")


def _check_property(declared: Json, path: str) -> None:
    schema = json_schema(declared)
    if _refers(schema):
        # It would be resolved within the whole blueprint, or fetched: neither is what was meant.
        raise Invalid.at(path, "holds a $ref, which is not fetched; write out what it stands for")
    try:
        compile_schema(schema)
    except ValueError as error:
        raise Invalid.at(path, str(error)) from error


def _refers(schema: Any) -> bool:
    if isinstance(schema, dict):
        return not REFERENCES.isdisjoint(schema) or any(_refers(each) for each in schema.values())
    return isinstance(schema, list) and any(_refers(each) for each in schema)
