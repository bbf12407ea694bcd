"""YAML that others wrote, read within bounds: every scalar is the text that was written, so that `1.10` stays `1.10`,
`no` stays `no` and `2024-01-01` is no date. Aliases count for what they stand for.
"""

from collections.abc import Iterator
from typing import Any

import yaml
from yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent, NodeEvent, ScalarEvent

from portal.kit.errors import Invalid

MOST_BYTES = 900_000
MOST_NODES = 50_000
MOST_DOCUMENTS = 500
DEEPEST = 30


class _Loader(yaml.SafeLoader):
    """Knows of no types but null, and of the merging of mappings (`<<`)."""

    yaml_implicit_resolvers = {
        first: [pair for pair in pairs if pair[0].endswith((":null", ":merge"))]
        for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def read(text: str) -> list[Any]:
    """The documents, made of dicts, lists, texts and None. Raises Invalid with the line of what is wrong."""
    if len(text.encode(errors="replace")) > MOST_BYTES:
        raise Invalid.at("text", f"holds more than {MOST_BYTES // 1000} kB")
    if "\0" in text:
        raise Invalid.at("text", "holds the character U+0000")
    try:
        _check(yaml.parse(text, Loader=_Loader))
        return [_plain(each) for each in yaml.load_all(text, Loader=_Loader) if each is not None]
    except yaml.YAMLError as wrong:
        raise Invalid.at(_place(wrong), _said(wrong)) from wrong
    except (ValueError, RecursionError) as wrong:
        raise Invalid.at("text", f"is not YAML that can be read: {str(wrong)[:200]}") from wrong


def _check(events: Iterator[Any]) -> None:
    """Before anything is built: how many nodes there are when each alias is written out, and how deep they lie."""
    sizes: dict[str, int] = {}
    open_: list[tuple[str | None, int]] = []  # anchors of the collections that are open, and the count at their start
    count = documents = 0
    for event in events:
        documents += isinstance(event, yaml.DocumentStartEvent)
        line = event.start_mark.line + 1 if event.start_mark else 0
        if isinstance(event, AliasEvent):
            if event.anchor not in sizes:
                raise Invalid.at(f"line {line}", f"the alias *{event.anchor} stands for nothing that is complete")
            count += sizes[event.anchor]
        elif isinstance(event, NodeEvent):
            count += 1
        if isinstance(event, CollectionStartEvent):
            open_.append((event.anchor, count - 1))
        elif isinstance(event, ScalarEvent) and event.anchor:
            sizes[event.anchor] = 1
        elif isinstance(event, CollectionEndEvent):
            anchor, before = open_.pop()
            if anchor:
                sizes[anchor] = count - before
        if count > MOST_NODES:
            raise Invalid.at(f"line {line}", f"with its aliases it has more than {MOST_NODES:,} values")
        if len(open_) > DEEPEST:
            raise Invalid.at(f"line {line}", f"is nested more than {DEEPEST} deep")
        if documents > MOST_DOCUMENTS:
            raise Invalid.at(f"line {line}", f"there are more than {MOST_DOCUMENTS} documents")


def _plain(value: Any) -> Any:
    """Tags such as !!timestamp and !!set make other things; here they are refused."""
    if isinstance(value, dict):
        if not all(isinstance(each, str) for each in value):
            raise ValueError("a key is not a text")
        return {_whole(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if value is None or isinstance(value, str):
        return value and _whole(value)
    raise ValueError(f"a value of the type {type(value).__name__}, by a tag")


def _whole(text: str) -> str:
    """An escape such as "\\0" makes what no database keeps, "\\uD800" what no answer can be made of."""
    odd = next((each for each in text if each == "\0" or "\ud800" <= each <= "\udfff"), None)
    if odd is not None:
        raise ValueError(f"a text holds U+{ord(odd):04X}, which cannot be stored")
    return text


def _place(wrong: yaml.YAMLError) -> str:
    mark = getattr(wrong, "problem_mark", None)
    return f"line {mark.line + 1}" if mark else "text"


def _said(wrong: yaml.YAMLError) -> str:
    return str(getattr(wrong, "problem", None) or wrong).splitlines()[0][:200]
