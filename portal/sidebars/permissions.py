"""Who may see a page, and who may change it. A folder is everybody's."""

from typing import Any, Literal

from portal.kit.by import Actor
from portal.sidebars.models import Item

Json = dict[str, Any]
Part = Literal["read", "update"]

ADMIN, MEMBER, MODERATOR = "Admin", "Member", "-moderator"
USUAL: dict[Part, Json] = {
    "read": {"users": [], "roles": [ADMIN, MEMBER], "teams": []},
    "update": {"users": [], "roles": [ADMIN], "teams": []},
}


def of(item: Item) -> dict[str, Json]:
    return {part: usual | item.permissions.get(part, {}) for part, usual in USUAL.items()}


def changed(item: Item, changes: Json) -> Json:
    """Only the lists that are given are replaced; null empties one."""
    kept = {part: dict(said) for part, said in item.permissions.items()}
    for part, said in changes.items():
        kept[part] = kept.get(part, {}) | {name: value or [] for name, value in said.items()}
    return kept


def may(actor: Actor, part: Part, item: Item) -> bool:
    """Programs have scopes instead of names on a list."""
    if actor.is_admin or not actor.is_person:
        return True
    if item.kind == Item.Kind.FOLDER:
        return part == "read"
    said = of(item)[part]
    roles = {MEMBER, *(f"{blueprint}{MODERATOR}" for blueprint in actor.moderates)}
    named = {email.lower() for email in said["users"]}
    return (
        not roles.isdisjoint(said["roles"]) or actor.email.lower() in named or not actor.teams.isdisjoint(said["teams"])
    )
