"""What upper apps do when an entity changes or goes, or a part of its blueprint gets another name, whichever door it was.
All run inside the write's transaction.

They may refuse with a Conflict; then nothing is written.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from portal.kit.by import By
from portal.kit.errors import Conflict

if TYPE_CHECKING:
    from catalog.models import Blueprint, Entity
    from catalog.schema.renames import Rename

Json = dict[str, Any]
Change = Callable[["Entity", Json, By], None]
Deletion = Callable[[Sequence["Entity"], By], None]
Renaming = Callable[["Rename", By], None]
Going = Callable[["Blueprint", By], None]


class Holds(Conflict):
    """Of what was to be deleted, those with these keys stay; it says why, and is true of each of them."""

    def __init__(self, message: str, keys: Iterable[int | None], *, code: str, **details: Any) -> None:
        super().__init__(message, code=code, **details)
        self.keys = frozenset(keys)


_changes: list[tuple[frozenset[str], Change]] = []
_deletions: list[Deletion] = []
_renamings: list[Renaming] = []
_goings: list[Going] = []


def after_change(follow: Change, *blueprints: str) -> None:
    """`follow(entity, before, by)` is called with an entity of these blueprints, of all without any, as it is now and its
    facts as they were."""
    _changes.append((frozenset(blueprints), follow))


def before_deletion(follow: Deletion) -> None:
    """`follow(entities, by)` is called with the rows held, before any of them goes."""
    _deletions.append(follow)


def after_rename(follow: Renaming) -> None:
    """`follow(rename, by)` rewrites whatever its app keeps that speaks of the old name."""
    _renamings.append(follow)


def before_blueprint_deletion(follow: Going) -> None:
    """`follow(blueprint, by)` is called when nothing speaks against it any more."""
    _goings.append(follow)


def blueprint_going(blueprint: "Blueprint", by: By) -> None:
    for follow in _goings:
        follow(blueprint, by)


def changed(entity: "Entity", before: Json, by: By) -> None:
    for blueprints, follow in _changes:
        if not blueprints or entity.blueprint.identifier in blueprints:
            follow(entity, before, by)


def deleting(entities: "Sequence[Entity]", by: By) -> None:
    for follow in _deletions:
        follow(entities, by)


def renamed(rename: "Rename", by: By) -> None:
    for follow in _renamings:
        follow(rename, by)
