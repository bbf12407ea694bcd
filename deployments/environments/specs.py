"""What a template says, checked when it is saved; and the inputs of who asks for one."""

import json
from typing import Any

from catalog.schema.definition import refers
from catalog.schema.types import json_schema
from catalog.schema.validate import check_shape, compile_schema, defaults
from deployments.environments.models import Template
from portal.kit.errors import Invalid

Json = dict[str, Any]

MOST_STEPS = 30
LONGEST_TIMEOUT = 3600  # seconds
LARGEST_INPUTS = 16 * 1024

STEP: Json = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 100},
        "timeout": {"type": "integer", "minimum": 1, "maximum": LONGEST_TIMEOUT},
    },
    "required": ["name"],
}
STEPS: Json = {"type": "array", "items": STEP, "maxItems": MOST_STEPS}
SPEC: Json = {
    "type": "object",
    "properties": {
        "provision": STEPS | {"minItems": 1},
        "sleep": STEPS,
        "wake": STEPS,
        "teardown": STEPS | {"minItems": 1},
        "verify": STEP,
    },
    "required": ["provision", "teardown", "verify"],
}


def check_spec(spec: Any) -> Json:
    """Its shape. What a provider needs beside, the provider checks. One without a verification can never be torn down."""
    check_shape(SPEC, spec, "spec")
    for phase in ("provision", "sleep", "wake", "teardown"):
        names = [each["name"] for each in spec.get(phase) or []]
        twice = next((each for each in names if names.count(each) > 1), None)
        if twice:
            raise Invalid.at(f"spec.{phase}", f"has two steps called “{twice}”")
    if bool(spec.get("sleep")) != bool(spec.get("wake")):
        raise Invalid.at("spec.wake", "sleep and wake come together, or not at all")
    found: Json = spec
    return found


def check_declared(inputs: Any) -> Json:
    """`{"properties": {name: definition}, "required": [name]}`, as a blueprint declares properties."""
    if not inputs:
        return {}
    shape = {
        "type": "object",
        "properties": {
            "properties": {"type": "object", "additionalProperties": {"type": "object"}, "maxProperties": 50},
            "required": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["properties"],
        "additionalProperties": False,
    }
    check_shape(shape, inputs, "inputs")
    for name, definition in inputs["properties"].items():
        if refers(definition):
            raise Invalid.at(f"inputs.properties.{name}", "holds a $ref, which is not fetched")
        try:
            compile_schema(json_schema(definition))
        except (ValueError, KeyError, TypeError) as error:
            raise Invalid.at(f"inputs.properties.{name}", str(error)) from error
    unknown = sorted(set(inputs.get("required") or []) - inputs["properties"].keys())
    if unknown:
        raise Invalid.at("inputs.required", f"“{unknown[0]}” is no input")
    return {"properties": inputs["properties"], "required": inputs.get("required") or []}


def given_inputs(declared: Json, given: Any) -> Json:
    """With the defaults of what was not given. Raises Invalid with every fault; what nobody declared is one."""
    if not isinstance(given, dict):
        raise Invalid.at("inputs", "must be an object")
    properties = declared.get("properties") or {}
    whole = defaults(properties) | {name: value for name, value in given.items() if value is not None}
    schema = {
        "type": "object",
        "properties": {name: json_schema(definition) for name, definition in properties.items()},
        "required": sorted(declared.get("required") or []),
        "additionalProperties": False,
    }
    check_shape(schema, whole, "inputs")
    if len(json.dumps(whole)) > LARGEST_INPUTS:
        raise Invalid.at("inputs", "are larger than 16 KiB")
    return whole


def named(template: Template) -> list[str]:
    """Its inputs, those that are required first: JSON in the database forgets in which order they were declared."""
    required = template.inputs.get("required") or []
    return sorted(template.inputs.get("properties") or {}, key=lambda name: (name not in required, name))
