"""What the catalog does when a person or a team changes, so that its entities of them are in step.

All run inside the change's own transaction.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from portal.kit.by import By

if TYPE_CHECKING:
    from portal.accounts.models import Team, User


@dataclass(frozen=True)
class Mirror:
    """`was` is the e-mail address before; `members` are those whose teams have changed.

    The entity of a team that is gone goes too, unless it went first (the bool).
    """

    user_saved: "Callable[[User, str, By], None]"
    user_gone: "Callable[[User, By], None]"
    team_saved: "Callable[[Team, Collection[User], By], None]"
    team_gone: "Callable[[Team, Collection[User], bool, By], None]"


_mirrors: list[Mirror] = []


def mirror(follow: Mirror) -> None:
    _mirrors.append(follow)


def user_saved(user: "User", was: str, by: By) -> None:
    for each in _mirrors:
        each.user_saved(user, was, by)


def user_gone(user: "User", by: By) -> None:
    for each in _mirrors:
        each.user_gone(user, by)


def team_saved(team: "Team", members: "Collection[User]", by: By) -> None:
    for each in _mirrors:
        each.team_saved(team, members, by)


def team_gone(team: "Team", members: "Collection[User]", mirrored: bool, by: By) -> None:
    for each in _mirrors:
        each.team_gone(team, members, mirrored, by)
