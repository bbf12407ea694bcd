"""Fields that nobody reads and that look like one that is read: a typing error that would be lost in silence."""

import difflib
from collections.abc import Collection, Mapping
from typing import Any

from portal.kit.errors import Invalid

ALIKE = 0.85


def check_spelling(
    body: Mapping[str, Any], known: Collection[str], *, path: str = "", meant: Mapping[str, str] | None = None
) -> None:
    """Invalid for each field that is not among the known but is written almost as one of those that are left out.

    What is like none of them is let be: clients may send more than is read. `meant` maps what others call a field.
    """
    odd = [name for name in body if name not in known and isinstance(name, str)]
    if not odd:
        return
    left = {_plain(name): name for name in known if name not in body}
    left |= {_plain(other): name for other, name in (meant or {}).items() if name not in body}
    faults = [
        {"path": f"{path}{name}", "message": f"is no field; did you mean {left[like]}?"}
        for name in odd
        if (like := _like(_plain(name), left))
    ]
    if faults:
        raise Invalid.of(faults)


def _plain(name: str) -> str:
    """`finishedAt`, `finished-at` and `finished_at` are one name in three ways of writing."""
    return name[:100].replace("_", "").replace("-", "").casefold()


def _like(name: str, left: Collection[str]) -> str:
    return next(iter(difflib.get_close_matches(name, left, 1, ALIKE)), "")
