"""A schema with its example. `shown` is for answers, `sent` for bodies."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True)
class Shape:
    """A JSON Schema (2020-12) and a value that satisfies it. One with a name is a component, referred to by it."""

    schema: Json
    example: Any
    name: str = ""
    parts: tuple["Shape", ...] = ()

    def json(self) -> Json:
        return {"$ref": f"#/components/schemas/{self.name}"} if self.name else self.schema

    def about(self, text: str) -> "Shape":
        """The same with other words, for one of its uses."""
        return Shape(self.json() | {"description": text}, self.example, parts=(self,))

    def like(self, example: Any) -> "Shape":
        """The same with another example."""
        return replace(self, example=example)

    def named(self) -> Iterator["Shape"]:
        """All components that it is made of, itself included."""
        if self.name:
            yield self
        for part in self.parts:
            yield from part.named()


def text(example: str, about: str = "", **words: Any) -> Shape:
    return Shape(_described("string", about) | words, example)


def whole(example: int, about: str = "", **words: Any) -> Shape:
    return Shape(_described("integer", about) | words, example)


def number(example: float, about: str = "", **words: Any) -> Shape:
    return Shape(_described("number", about) | words, example)


def flag(example: bool, about: str = "") -> Shape:
    return Shape(_described("boolean", about), example)


def instant(about: str = "", example: str = "2026-02-03T15:40:00.000Z") -> Shape:
    return text(example, about, format="date-time")


def choice(choices: Iterable[str], about: str = "", example: str = "") -> Shape:
    known = list(choices)
    return Shape(_described("string", about) | {"enum": known}, example or known[0])


def always(value: Any) -> Shape:
    return Shape({"const": value}, value)


def anything(example: Any, about: str = "") -> Shape:
    return Shape({"description": about} if about else {}, example)


def free(example: Json, about: str = "") -> Shape:
    """An object with keys of the client's own."""
    return Shape(_described("object", about) | {"additionalProperties": True}, example)


def by_key(shape: Shape, key: str, about: str = "") -> Shape:
    schema = _described("object", about) | {"additionalProperties": shape.json()}
    return Shape(schema, {key: shape.example}, parts=(shape,))


def listed(shape: Shape, about: str = "", **words: Any) -> Shape:
    schema = _described("array", about) | {"items": shape.json()} | words
    return Shape(schema, [shape.example], parts=(shape,))


def null(shape: Shape) -> Shape:
    """That, or null."""
    kind, known = shape.schema.get("type"), shape.schema.get("enum")
    if not isinstance(kind, str) or shape.name:
        return either(shape, Shape({"type": "null"}, None))
    choices = {"enum": [*known, None]} if known else {}
    return replace(shape, schema=shape.schema | {"type": [kind, "null"]} | choices)


def either(*shapes: Shape, about: str = "") -> Shape:
    """Any of them; the first makes the example."""
    schema: Json = {"anyOf": [each.json() for each in shapes]}
    return Shape(schema | ({"description": about} if about else {}), shapes[0].example, parts=shapes)


def shown(fields: Mapping[str, Shape], *, optional: str = "", name: str = "", about: str = "") -> Shape:
    """An object of an answer: all fields are there, but the optional ones."""
    return _object(fields, [each for each in fields if each not in optional.split()], name, about)


def sent(fields: Mapping[str, Shape], *, needed: str = "", name: str = "", about: str = "") -> Shape:
    """An object of a body: each field may be left out, but the needed ones."""
    return _object(fields, needed.split(), name, about)


def opened(shape: Shape) -> Shape:
    """The same object, with keys beside those that are named."""
    return replace(shape, schema=shape.schema | {"additionalProperties": True})


def _object(fields: Mapping[str, Shape], required: list[str], name: str, about: str) -> Shape:
    schema = _described("object", about) | {"properties": {key: each.json() for key, each in fields.items()}}
    if required:
        schema["required"] = required
    return Shape(schema, {key: each.example for key, each in fields.items()}, name, tuple(fields.values()))


def _described(kind: str, about: str) -> Json:
    return {"type": kind, "description": about} if about else {"type": kind}
