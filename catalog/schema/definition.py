"""Checks a blueprint's definition against the contract, as far as it can be told from the definition alone."""

from collections.abc import Iterator
from typing import Any

from catalog.schema.identifiers import check_identifier, check_property_key
from catalog.schema.shapes import BLUEPRINT, MEASURES, PROPERTY, SPECS, formats_of
from catalog.schema.types import json_schema
from catalog.schema.validate import brief, check_shape, compile_schema, wrong
from portal.kit.errors import Invalid

Json = dict[str, Any]

REFERENCES = {"$ref", "$dynamicRef", "$recursiveRef"}
GROUPS = ("schema.properties", "calculationProperties", "mirrorProperties", "aggregationProperties")
BOUNDS = (("minLength", "maxLength"), ("minimum", "maximum"), ("minItems", "maxItems"))


def check_given(definition: Json) -> None:
    """The part of a definition that a client sent, before it is merged with the rest."""
    check_shape({**BLUEPRINT, "required": []}, definition)


def check_blueprint(definition: Json, *, under: str = "") -> None:
    """`definition` as clients send it. What it says of other blueprints is looked up by the command."""
    check_shape(BLUEPRINT, definition, under)
    check_identifier(definition["identifier"], "identifier", longest=100)
    _check_names(definition)
    for name, declared in definition["schema"]["properties"].items():
        _check_property(declared, f"schema.properties.{name}")
    for name, declared in (definition.get("aggregationProperties") or {}).items():
        _check_measure(declared["calculationSpec"], f"aggregationProperties.{name}.calculationSpec")
    for name, relation in (definition.get("relations") or {}).items():
        if relation.get("required") and relation.get("many"):
            raise Invalid.at(f"relations.{name}", "a relation to many cannot be required")


def group_of(definition: Json, group: str) -> Json:
    """The declarations of one of GROUPS, or the relations."""
    found: Json = definition["schema"]["properties"] if group == GROUPS[0] else definition.get(group) or {}
    return found


def timers_of(schema: Json) -> set[str]:
    """Which properties of a blueprint's schema are timers."""
    return {name for name, declared in schema["properties"].items() if declared.get("format") == "timer"}


def _check_names(definition: Json) -> None:
    taken: dict[str, str] = {}
    for group in GROUPS:
        for name in group_of(definition, group):
            check_property_key(name, f"{group}.{name}")
            if name in taken:
                raise Invalid.at(f"{group}.{name}", f"the name is taken by {taken[name]}")
            taken[name] = f"{group}.{name}"
    for name in definition.get("relations") or {}:
        check_property_key(name, f"relations.{name}")
    schema = definition["schema"]
    for name in schema.get("required", []):
        if name not in schema["properties"]:
            raise Invalid.at("schema.required", f"{name!r} is not a property of the schema")


def _check_property(declared: Json, path: str) -> None:
    _check_kind(declared, path)
    schema = json_schema(declared)
    if refers(schema):
        # It would be resolved within the whole blueprint, or fetched: neither is what was meant.
        raise Invalid.at(path, "holds a $ref, which is not fetched; write out what it stands for")
    try:
        compile_schema(schema)
    except ValueError as error:
        raise Invalid.at(path, brief(str(error))) from error
    for least, most in BOUNDS:
        if least in declared and most in declared and declared[least] > declared[most]:
            raise Invalid.at(f"{path}.{least}", f"is more than {most}; no value could be right")
    if declared.get("default") is not None and (fault := wrong(declared, declared["default"])):
        raise Invalid.at(f"{path}.default", f"is not a value of the property: {fault}")


def _check_kind(declared: Json, path: str) -> None:
    """Format, spec and enum go with some types only."""
    kind, form, spec = declared["type"], declared.get("format"), declared.get("spec")
    if form is not None and form not in formats_of(kind):
        hint = "; a list says it of its items" if kind == "array" else ""
        raise Invalid.at(f"{path}.format", f"{form!r} does not go with the type {kind!r}{hint}")
    if spec is not None and kind not in SPECS[spec]:
        raise Invalid.at(f"{path}.spec", f"{spec!r} goes with the type {' or '.join(SPECS[spec])}")
    if "specAuthentication" in declared and spec != "embedded-url":
        raise Invalid.at(f"{path}.specAuthentication", "goes with the spec 'embedded-url' only")
    for number, value in enumerate(declared.get("enum") or []):
        if kind in ("string", "number") and isinstance(value, str) != (kind == "string"):
            raise Invalid.at(f"{path}.enum.{number}", f"{value!r} is not a {kind}")
    items = declared.get("items")
    if kind == "array" and items and isinstance(items.get("type"), str):
        _check_items(items, f"{path}.items")


def _check_items(items: Json, path: str) -> None:
    check_shape(PROPERTY, items, path)
    _check_kind(items, path)


def _check_measure(spec: Json, path: str) -> None:
    """What an aggregation counts: which function goes with what, and what else it needs."""
    by, function = spec["calculationBy"], spec["func"]
    needs = MEASURES[by].get(function)
    if needs is None:
        raise Invalid.at(f"{path}.func", f"{function!r} is not one of {', '.join(MEASURES[by])}, by {by}")
    allowed = {"calculationBy", "func", *needs, *(["measureTimeBy"] if "averageOf" in needs else [])}
    for name in needs:
        if name not in spec:
            raise Invalid.at(f"{path}.{name}", f"{function!r} by {by} needs it")
    for name in sorted(spec.keys() - allowed):
        raise Invalid.at(f"{path}.{name}", f"does not go with {function!r} by {by}")


def refers(schema: Any) -> bool:
    return any(not REFERENCES.isdisjoint(each) for each in _objects(schema))


def _objects(schema: Any) -> Iterator[Json]:
    if isinstance(schema, dict):
        yield schema
    for each in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else []:
        yield from _objects(each)
