"""Values that hold `{{ jq }}`, as definitions of actions do, filled in with what started the run.

A text that is one expression becomes its value, of whatever type; within a longer text the value is written out. Keys may
be expressions: one that gives null takes its pair away, `{{ spreadValue() }}` is replaced by the pairs of its value.
"""

import json
from collections.abc import Iterator
from typing import Any

from portal.kit import jq
from portal.kit.errors import Invalid

Json = dict[str, Any]

SPREAD = "spreadValue()"


def fill(tree: Any, given: Json) -> Any:
    """Raises Invalid for an expression that has no value."""
    programs = sorted(set(_programs(tree)) - {SPREAD})
    [row] = jq.evaluate(programs, [given])
    for program, outcome in zip(programs, row, strict=True):
        if outcome.error:
            raise Invalid.at(f"{{{{ {program} }}}}", outcome.error)
    return _filled(tree, {program: outcome.value for program, outcome in zip(programs, row, strict=True)})


def _programs(tree: Any) -> Iterator[str]:
    if isinstance(tree, str):
        yield from (part for part, is_program in _parts(tree) if is_program)
    elif isinstance(tree, list):
        for each in tree:
            yield from _programs(each)
    elif isinstance(tree, dict):
        for key, value in tree.items():
            yield from _programs(key)
            yield from _programs(value)


def _filled(tree: Any, values: Json) -> Any:
    if isinstance(tree, str):
        return _text(tree, values)
    if isinstance(tree, list):
        return [_filled(each, values) for each in tree]
    return dict(_pairs(tree, values)) if isinstance(tree, dict) else tree


def _pairs(tree: Json, values: Json) -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        filled = _filled(value, values)
        if [part for part, is_program in _parts(key) if is_program] == [SPREAD]:
            if not isinstance(filled, dict):
                raise Invalid.at(key, "has nothing to spread: its value is no object")
            yield from filled.items()
        elif (name := _text(key, values)) is not None:
            yield _written(name), filled


def _text(text: str, values: Json) -> Any:
    parts = [(part, is_program) for part, is_program in _parts(text) if part]
    if len(parts) == 1 and parts[0][1]:
        return values[parts[0][0]]
    return "".join(_written(values[part]) if is_program else part for part, is_program in parts)


def _written(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _parts(text: str) -> Iterator[tuple[str, bool]]:
    """Plain text and programs, in their order; of a program True."""
    at = 0
    while (start := text.find("{{", at)) >= 0 and (end := _end(text, start + 2)) >= 0:
        yield text[at:start], False
        yield text[start + 2 : end].strip(), True
        at = end + 2
    yield text[at:], False


def _end(text: str, at: int) -> int:
    """Where the `}}` stands that ends the program: in no literal, and not where an object of jq ends. -1: nowhere."""
    depth, quote = 0, ""
    while at < len(text):
        here = text[at]
        if quote:
            at += here == "\\"
            quote = "" if here == quote else quote
        elif here in "\"'":
            quote = here
        elif depth == 0 and text[at : at + 2] == "}}":
            return at
        else:
            depth += (here == "{") - (here == "}")
        at += 1
    return -1
