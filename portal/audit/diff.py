"""What changed between two sets of facts, for people."""

import json
from typing import Any

Facts = dict[str, Any]

LONGEST = 600
DEPTH = 2


def diff(before: Facts, after: Facts) -> list[Facts]:
    """The facts that changed, each by its path; what was not there, or is no more, is None."""
    old, new = _flat(before), _flat(after)
    changed = [name for name in dict.fromkeys([*new, *old]) if old.get(name) != new.get(name)]
    return [{"name": name, "before": _cut(old.get(name)), "after": _cut(new.get(name))} for name in changed]


def _flat(facts: Facts, path: str = "", depth: int = DEPTH) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in facts.items():
        if isinstance(value, dict) and depth:
            found |= _flat(value, f"{path}{name}.", depth - 1)
        elif value not in (None, "", [], {}):
            found[f"{path}{name}"] = _text(value)
    return found


def _text(value: object) -> str:
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return ", ".join(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _cut(text: str | None) -> str | None:
    return f"{text[:LONGEST]}… ({len(text):,} characters)" if text and len(text) > LONGEST else text
