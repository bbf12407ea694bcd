"""What a report says that nothing reads. It is told and not refused: clients of the commercial portal send more, and a
deployment that has happened must not be lost for a word. Only where a field is left out and something is written almost
like it, the report would say something else than was meant: that `reports.check_names` refuses.

Read anew from the kept body, so nothing is stored of it.
"""

from collections.abc import Collection, Iterator
from difflib import get_close_matches
from typing import Any

from deployments.reports import CHANGE_TEXTS, CI, OTHERS, TEXTS

Json = dict[str, Any]

MOST = 20
LONGEST = 60
REPORT = TEXTS.keys() | OTHERS
# Read by some doors only: who makes an unknown service names its repository, and a report may have a key.
BESIDE = frozenset(("repository", "idempotency_key"))
COMMIT = frozenset((*CHANGE_TEXTS, "parents", "committed_at", "patch_id"))
INSTANCE = frozenset(("name", "region", "status", "version", "commit"))


def leftovers(body: Any) -> list[Json]:
    """`{path, message, nearest}` of each field that is not known, twenty at most; `nearest` is None where none is alike."""
    found: list[Json] = []
    if isinstance(body, dict):
        for path, name, known in _unknown(body):
            if len(found) == MOST:
                break
            found.append(_told(path, name, known))
    return found


def _unknown(body: Json) -> Iterator[tuple[str, str, Collection[str]]]:
    """Where it stands, what it is called, and what is known there."""
    for name in sorted(body.keys() - REPORT - BESIDE):
        yield "", name, REPORT
    for key, known in (("ci", CI), ("changes", COMMIT), ("history", COMMIT), ("instances", INSTANCE)):
        given = body.get(key)
        parts = enumerate(given) if isinstance(given, list) else [(None, given)]
        for position, part in parts:
            if isinstance(part, dict):
                for name in sorted(part.keys() - known):
                    yield f"{key}." if position is None else f"{key}.{position}.", name, known


def _told(path: str, name: str, known: Collection[str]) -> Json:
    nearest = next(iter(get_close_matches(name.casefold()[:LONGEST], sorted(known), n=1, cutoff=0.6)), None)
    hint = f"Did you mean “{nearest}”? " if nearest else ""
    message = f"“{name[:LONGEST]}” is not known and was left out. {hint}What is to be kept as it is belongs in “extra”."
    return {"path": f"{path}{name[:LONGEST]}", "message": message, "nearest": nearest}
