"""Where in an answer a value stands: `$.checks[0]["a b"].name`. No wildcards, no filters: one path, one value."""

import re
from typing import Any

LONGEST = 300
MISSING = object()

_STEP = re.compile(r'\.([A-Za-z_][\w-]*)|\[(\d{1,6})\]|\["([^"\]\\]{1,100})"\]')


def steps(path: str) -> list[str | int] | None:
    """None for what is no path."""
    if not path.startswith("$") or len(path) > LONGEST:
        return None
    found: list[str | int] = []
    at = 1
    while at < len(path):
        step = _STEP.match(path, at)
        if step is None:
            return None
        found.append(int(step[2]) if step[2] is not None else step[1] or step[3])
        at = step.end()
    return found


def value_at(data: Any, path: str) -> Any:
    """MISSING where nothing stands there."""
    for step in steps(path) or []:
        if isinstance(step, int):
            if not isinstance(data, list) or step >= len(data):
                return MISSING
        elif not isinstance(data, dict) or step not in data:
            return MISSING
        data = data[step]
    return data
