"""What others sent, as people and logs may see it: without the values whose names say that they are secrets."""

import re
from typing import Any

HIDDEN = "•••"
_SECRET = re.compile(r"(?i)token|secret|passw|authorization|api.?key|private.?key|credential|cookie|^decision$")


def masked(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: HIDDEN if each and _SECRET.search(name) else masked(each) for name, each in value.items()}
    return [masked(each) for each in value] if isinstance(value, list) else value
