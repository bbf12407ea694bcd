"""The description as people read it: fields in rows, a command to paste, words to search."""

import json
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from portal.api.schema.operation import Group, Operation
from portal.api.schema.parameters import Parameter
from portal.api.schema.shapes import Json

COMPONENT = "#/components/schemas/"
BOUNDS = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {}",
    "maxItems": "at most {}",
    "pattern": "like {}",
    "default": "{} when left out",
}


@dataclass(frozen=True)
class Row:
    """A field: `kind` in words, of which some are names of components."""

    name: str
    kind: Sequence[tuple[str, bool]]
    about: str
    bounds: str
    needed: bool


def parameter_row(parameter: Parameter) -> Row:
    schema = parameter.shape.json()
    return Row(parameter.name, list(kind(schema)), str(schema.get("description", "")), bounds(schema), parameter.needed)


def rows(schema: Json, within: str = "") -> Iterator[Row]:
    """The fields of an object, with those of the objects in it; components are named and not unfolded."""
    for name, field in (schema.get("properties") or {}).items():
        path = f"{within}{name}"
        needed = name in (schema.get("required") or [])
        yield Row(path, list(kind(field)), str(field.get("description", "")), bounds(field), needed)
        inner, end = innermost(field)
        yield from rows(inner, f"{path}{end}.")


def innermost(schema: Json) -> tuple[Json, str]:
    """What is in it, whatever lists and alternatives are around, and how a path is written to there."""
    if "items" in schema:
        inner, end = innermost(schema["items"])
        return inner, f"[]{end}"
    if isinstance(schema.get("additionalProperties"), dict):
        inner, end = innermost(schema["additionalProperties"])
        return inner, f".*{end}"
    for each in schema.get("anyOf", []):
        inner, end = innermost(each)
        if "properties" in inner:
            return inner, end
    return schema, ""


def kind(schema: Json) -> Iterator[tuple[str, bool]]:
    """Its type in words; the names of components are marked."""
    if "$ref" in schema:
        yield schema["$ref"].removeprefix(COMPONENT), True
    elif "const" in schema:
        yield json.dumps(schema["const"]), False
    elif "enum" in schema:
        yield " | ".join(json.dumps(each) for each in schema["enum"]), False
    elif "anyOf" in schema:
        for number, each in enumerate(schema["anyOf"]):
            yield from [(" or ", False)] if number else []
            yield from kind(each)
    elif "items" in schema:
        yield "array of ", False
        yield from kind(schema["items"])
    elif isinstance(schema.get("additionalProperties"), dict):
        yield "object of ", False
        yield from kind(schema["additionalProperties"])
    else:
        yield _plain(schema), False


def _plain(schema: Json) -> str:
    types = schema.get("type", "anything")
    words = " or ".join(types) if isinstance(types, list) else str(types)
    return f"{words} ({schema['format']})" if "format" in schema else words


def bounds(schema: Json) -> str:
    return ", ".join(words.format(schema[name]) for name, words in BOUNDS.items() if name in schema)


def pretty(example: object) -> str:
    return json.dumps(example, indent=2, ensure_ascii=False)


def curl(operation: Operation) -> str:
    """The example as a command, in bash."""
    path, asked = operation.address, {}
    for each in operation.all_parameters:
        if each.place == "path":
            path = path.replace(f"{{{each.name}}}", quote(str(each.shape.example), safe=""))
        elif each.place == "query" and each.needed:
            asked[each.name] = each.shape.example
    url = f'"$PORTCULLIS_URL{path}{"?" + urlencode(asked) if asked else ""}"'
    parts = [f"curl -sS {url}"]
    if operation.method != ("POST" if operation.body else "GET"):
        parts.append(f"-X {operation.method}")
    if operation.needs is not None:
        parts.append('-H "Authorization: Bearer $TOKEN"')
    if operation.body:
        sent = json.dumps(operation.body.example, ensure_ascii=False)
        parts += ["-H 'Content-Type: application/json'", f"-d {shlex.quote(sent)}"]
    return " \\\n  ".join(parts)


def matches(operation: Operation, group: Group, words: str) -> bool:
    """Whether every word stands somewhere in it."""
    fields = (operation.body.schema.get("properties") or {}) if operation.body else {}
    names = [each.name for each in operation.parameters] + list(fields)
    told = [
        group.title,
        operation.name,
        operation.method,
        operation.address,
        operation.summary,
        operation.about,
        *names,
    ]
    text = " ".join(told).casefold()
    return all(word in text for word in words.casefold().split())
