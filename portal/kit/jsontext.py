"""JSON that people and programs send: what can be stored and read back, and where in a text a part of it stands."""

import json
import re
from collections.abc import Iterator
from typing import Any

import orjson

from portal.kit.errors import Invalid

DEEPEST = 64
# What comes back from jsonb as a whole number has to fit 64 bits, signed, for most clients to read it.
GREATEST = 2**63

# No U+0000, and no half of a character.
_UNHELD = re.compile("[\x00\ud800-\udfff]")

Steps = tuple[str | int, ...]


def read(text: str, path: str = "body") -> Any:
    """What it says. Raises Invalid at `path`, with the line and column where it is not JSON."""
    try:
        data = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise Invalid.at(path, f"line {error.lineno}, column {error.colno}: this is not JSON: {error.msg}") from error
    checked(data, path)
    return data


def read_object(text: str, path: str = "body") -> dict[str, Any]:
    """The same, of an object."""
    data = read(text, path)
    if not isinstance(data, dict):
        raise Invalid.at(path, "must be an object: { … }")
    return data


def checked(data: Any, path: str = "body") -> None:
    """Level by level, without recursion: depth is what an attacker chooses."""
    level, depth = [data], 0
    while level:
        if depth > DEEPEST:
            raise Invalid.at(path, f"is nested more than {DEEPEST} levels deep")
        inner: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                inner += value.keys()
                inner += value.values()
            elif isinstance(value, list):
                inner += value
            else:
                _check_plain(value, path)
        level, depth = inner, depth + 1


def storable(value: Any, depth: int = DEEPEST) -> Any:
    """As much as can be stored of what others say, who are not to be refused: what cannot be is marked, or becomes words."""
    if isinstance(value, str):
        return storable_text(value)
    if isinstance(value, dict | list):
        if not depth:
            return "…"
        if isinstance(value, list):
            return [storable(each, depth - 1) for each in value]
        return {storable_text(str(name)): storable(each, depth - 1) for name, each in value.items()}
    return (
        str(value) if isinstance(value, int | float) and not abs(value) < GREATEST else value
    )  # NaN is less than nothing


def storable_text(text: str) -> str:
    return _UNHELD.sub("\N{REPLACEMENT CHARACTER}", text)


def line_of(text: str, path: str) -> int | None:
    """The line, from 1, on which the value at `path` ("0.entity.identifier") begins; of as much of it as is there."""
    places = {".".join(map(str, steps)): at for steps, at in _places(text, 0, ())}
    steps = path.split(".") if path else []
    while steps and ".".join(steps) not in places:
        steps.pop()
    at = places.get(".".join(steps))
    return None if at is None else text.count("\n", 0, at) + 1


def _places(text: str, at: int, steps: Steps) -> Iterator[tuple[Steps, int]]:
    """Each value of a text that is JSON, with where it begins."""
    at = _skip(text, at)
    yield steps, at
    if text[at : at + 1] not in ("{", "["):
        return
    is_object, number = text[at] == "{", 0
    at = _skip(text, at + 1)
    while text[at] not in "}]":
        name: str | int = number
        if is_object:
            name, at = _DECODER.raw_decode(text, at)
            at = _skip(text, at) + 1  # the colon
        yield from _places(text, at, (*steps, name))
        _, at = _DECODER.raw_decode(text, _skip(text, at))
        at, number = _skip(text, at), number + 1
        at = _skip(text, at + 1) if text[at] == "," else at


_DECODER = json.JSONDecoder()


def _skip(text: str, at: int) -> int:
    while text[at : at + 1] in {" ", "\n", "\r", "\t"}:
        at += 1
    return at


def _check_plain(value: Any, path: str) -> None:
    if isinstance(value, str):
        if "\0" in value:
            raise Invalid.at(path, "holds the character U+0000, which cannot be stored")
    elif isinstance(value, int | float) and abs(value) >= GREATEST:
        raise Invalid.at(path, f"holds the number {value}, which is beyond 64 bits; send it as a text")
