"""What the doors have in common."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

DONE, REFUSED, WHY, HELD = "yes", "-", "why", "held"
PLACE = {"service": "checkout", "environment": "production"}
REASON = "debugging the payment retries"


@dataclass(frozen=True)
class Who:
    """Somebody at a door: as `user` where people come in, with his `token` where programs do. One of them may lack."""

    actor: Any
    token: str = ""
    user: Any = None


@dataclass(frozen=True)
class Door:
    """`ask(who, how, what)` answers DONE, REFUSED, WHY (a reason is missing) or HELD (somebody else's); `how` is one of
    `deeds`, and `what` the row that is there already. `name` is what the audit log calls the door.

    `only` those get anywhere here, if it names any; `enough` of the table's columns to ask for, where asking is dear.
    """

    name: str
    deeds: Mapping[str, Any]
    ask: Callable[[Who, Any, Any], str]
    for_people: bool = False
    only: frozenset[str] = frozenset()
    enough: frozenset[str] = frozenset()

    def asked_by(self, name: str, who: Who) -> bool:
        return bool(who.user if self.for_people else who.token) and name in (self.enough or {name})


def filled(how: Any, what: Any) -> Any:
    """`{id}`, `{pk}` and `{edition}` in a deed stand for those of the row, FENCE for its fence."""
    if isinstance(how, str):
        for name, attribute in (("{id}", "public_id"), ("{pk}", "pk"), ("{edition}", "edition")):
            how = how.replace(name, str(getattr(what, attribute, "")))
        return how
    if isinstance(how, dict):
        return {name: filled(value, what) for name, value in how.items()}
    if isinstance(how, list | tuple):
        return [filled(each, what) for each in how]
    return what.fence if how is FENCE else how


FENCE = object()
