"""Checks values against what a blueprint declares."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import jsonschema_rs
import orjson

from catalog.schema.types import FORMATS, json_schema
from portal.kit.errors import Invalid

Json = dict[str, Any]
Faults = list[dict[str, str]]

LONGEST_MESSAGE = 400


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


class Checker:
    """What a blueprint's schema asks of the properties of its entities, read once."""

    def __init__(self, declared: Json, required: Sequence[str]) -> None:
        self.required = list(required)
        self._schemas = {name: json_schema(definition) for name, definition in declared.items()}
        self._whole = self._schema(self.required)
        self._validator = compile_schema(self._whole)

    def check(self, properties: Json, *, required: Sequence[str] | None = None) -> None:
        """Every fault at once, each with its path. Undeclared keys are allowed. `required`: only these must be there."""
        schema, validator = self._whole, self._validator
        if required is not None and len(required) < len(self.required):
            schema = self._schema(required)
            validator = compile_schema(schema)
        if validator.is_valid(properties):
            return
        faults: Faults = []
        for error in validator.iter_errors(properties):
            where = ".".join(["properties", *(str(step) for step in error.instance_path)])
            faults.append({"path": where, "message": _sentence(error, schema)})
        raise Invalid.of(faults)

    def _schema(self, required: Sequence[str]) -> Json:
        return {"type": "object", "properties": self._schemas, "required": sorted(required)}


def checker_of(schema: Json) -> Checker:
    """The same checker for the same schema, whichever version of whichever blueprint has it."""
    return _checker(orjson.dumps(schema, option=orjson.OPT_SORT_KEYS))


@lru_cache(maxsize=500)
def _checker(schema: bytes) -> Checker:
    read = orjson.loads(schema)
    return Checker(read["properties"], read["required"])


def _sentence(error: jsonschema_rs.ValidationError, schema: Json) -> str:
    if error.schema_path and error.schema_path[-1] == "enum":
        allowed: Any = schema
        for step in error.schema_path:
            allowed = allowed[step]
        return f"{error.instance!r} is not one of {', '.join(str(each) for each in allowed)}"
    return brief(str(error.message))


def brief(message: str) -> str:
    """A fault quotes the value, which may be long."""
    return message if len(message) <= LONGEST_MESSAGE else f"{message[:LONGEST_MESSAGE]}…"


def defaults(declared: Json) -> Json:
    """What an entity has of these properties when nobody says otherwise."""
    return {name: each["default"] for name, each in declared.items() if each.get("default") is not None}


def check_shape(schema: Json, definition: Any, under: str = "") -> None:
    """Refuses with every fault at once, each with its path below `under`; "body" is the whole."""
    faults: Faults = [
        {
            "path": ".".join([*([under] if under else []), *map(str, error.instance_path)]) or "body",
            "message": brief(error.message),
        }
        for error in compile_schema(schema).iter_errors(definition)
    ]
    if faults:
        raise Invalid.of(faults)


def wrong(declared: Json, value: Any) -> str:
    """What is wrong with a value of the property that is declared so, or nothing."""
    schema = json_schema(declared)
    fault = next(compile_schema(schema).iter_errors(value), None)
    return _sentence(fault, schema) if fault else ""
