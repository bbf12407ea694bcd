"""What an action asks of those who run it: its inputs as they are declared, and as they are given."""

from typing import Any

from catalog.schema.definition import refers
from catalog.schema.types import json_schema
from catalog.schema.validate import check_shape, compile_schema
from portal.kit.errors import Invalid

Json = dict[str, Any]

ENTITY: Json = {
    "type": ["string", "object"],
    "properties": {"identifier": {"type": "string"}, "title": {"type": ["string", "null"]}},
    "if": {"type": "object"},
    "then": {"required": ["identifier"]},
}


def check_input(definition: Json, declared: Json, path: str) -> None:
    for name in definition.get("dependsOn") or []:
        if name not in declared:
            raise Invalid.at(f"{path}.dependsOn", f"{name!r} is not an input of this action")
    if refers(definition):
        raise Invalid.at(path, "holds a $ref, which is not fetched; write out what it stands for")
    for part, where in ((definition, path), (definition.get("items") or {}, f"{path}.items")):
        if part.get("format") == "entity" and not part.get("blueprint"):
            raise Invalid.at(f"{where}.blueprint", "is required for an input of the format entity")
    try:
        schema = value_schema(definition)
        compile_schema(schema)
    except (ValueError, KeyError, TypeError) as error:
        raise Invalid.at(path, str(error)) from error
    default = definition.get("default")
    if default is not None and not is_computed(default) and not _is_template(default):
        check_shape(schema, default, f"{path}.default")


def check_given(declared: Json, required: Any, given: Json) -> None:
    """Raises Invalid with every fault of the inputs that were given. Those that nobody declared are allowed.

    What jq would have to say (a required list, an enum) is not asked here.
    """
    schema = {
        "type": "object",
        "properties": {name: value_schema(definition) for name, definition in declared.items()},
        "required": sorted(required) if isinstance(required, list) else [],
    }
    check_shape(schema, {name: value for name, value in given.items() if value is not None}, "properties")


def with_defaults(declared: Json, given: Json) -> Json:
    """What is given, and for what is not its default, where that is a plain value."""
    defaults = {
        name: definition["default"]
        for name, definition in declared.items()
        if definition.get("default") is not None and not is_computed(definition["default"])
    }
    return defaults | {name: value for name, value in given.items() if value is not None}


def entities_in(declared: Json, given: Json) -> list[tuple[str, str, str]]:
    """(path, blueprint, identifier) of each entity that the inputs name."""
    found = []
    for name, definition in declared.items():
        value, several = given.get(name), definition.get("type") == "array"
        named = (definition.get("items") or {}) if several else definition
        if named.get("format") == "entity" and value is not None:
            for place, each in enumerate(value if several else [value]):
                path = f"properties.{name}.{place}" if several else f"properties.{name}"
                found.append((path, named["blueprint"], each["identifier"] if isinstance(each, dict) else each))
    return found


def value_schema(definition: Json) -> Json:
    """What a value must satisfy, as far as it is not computed."""
    plain = {word: value for word, value in definition.items() if not is_computed(value)}
    if plain.get("format") == "entity" and plain.get("type", "string") == "string":
        return ENTITY
    if plain.get("type") == "array" and isinstance(plain.get("items"), dict):
        items = value_schema(plain.pop("items"))
        return {**json_schema(plain), "items": items}
    schema: Json = json_schema(plain)
    return schema


def is_computed(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == {"jqQuery"}


def _is_template(value: Any) -> bool:
    return isinstance(value, str) and "{{" in value
