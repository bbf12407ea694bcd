"""What people set of who may do what with a blueprint's entities, and what holds where they set nothing."""

from dataclasses import dataclass
from typing import Any

from catalog.models import Blueprint
from portal.kit.by import Actor

Json = dict[str, Any]

WRITES = ("register", "update", "unregister")
DEEDS = ("read", *WRITES)
GROUPS = ("updateProperties", "updateRelations")
LISTS = ("users", "roles", "teams")
# Parts of an entity that are no property of its blueprint, and are granted as if they were.
META = ("$identifier", "$title", "$icon", "$team")
ADMIN, MEMBER = "Admin", "Member"


def moderator_of(blueprint: str) -> str:
    return f"{blueprint}-moderator"


@dataclass(frozen=True)
class Grant:
    """Any of its parts is enough; administrators and the blueprint's moderators need none of them."""

    users: frozenset[str]
    roles: frozenset[str]
    teams: frozenset[str]
    owned_by_team: bool
    policy: Json | None

    @classmethod
    def of(cls, block: Json) -> "Grant":
        users = frozenset(each.casefold() for each in block["users"])
        roles, teams = frozenset(block["roles"]), frozenset(block["teams"])
        return cls(users, roles, teams, block["ownedByTeam"], block.get("policy"))

    def holds(self, actor: Actor) -> bool:
        """Whatever the entity. Under a policy to be a member is not enough."""
        if (actor.email or actor.name).casefold() in self.users or not self.teams.isdisjoint(actor.teams):
            return True
        if any(moderator_of(each) in self.roles for each in actor.moderates):
            return True
        return MEMBER in self.roles and not self.policy


def blocks(blueprint: Blueprint) -> Json:
    """Each deed's block as /v1 shows it. Nobody set who reads: every member may. Owners may write."""
    own = blueprint.permissions or {}
    keepers = [ADMIN, moderator_of(blueprint.identifier)]
    basic: Json = {"users": [], "roles": keepers, "teams": [], "ownedByTeam": False}
    shown: Json = {"read": basic | own["read"] if "read" in own else basic | {"roles": [*keepers, MEMBER]}}
    shown |= {deed: basic | {"ownedByTeam": True} | own.get(deed, {}) for deed in WRITES}
    for group in GROUPS:
        if own.get(group):
            shown[group] = {name: basic | block for name, block in own[group].items()}
    return shown


def merged(own: Json, changes: Json) -> Json:
    """What is set once `changes` are too. Null takes away: a whole deed, a part of a group, a policy."""
    result = dict(own)
    for deed, block in changes.items():
        if block is None:
            result.pop(deed, None)
        elif deed in GROUPS:
            group = result.get(deed, {})
            parts = {name: _merged(group.get(name), each) for name, each in block.items() if each is not None}
            result[deed] = {name: each for name, each in (group | parts).items() if block.get(name, {}) is not None}
        else:
            result[deed] = _merged(result.get(deed), block)
    return {deed: block for deed, block in result.items() if block or deed not in GROUPS}


def _merged(own: Json | None, block: Json) -> Json:
    both = (own or {}) | block
    return {key: value for key, value in both.items() if value is not None}


@dataclass(frozen=True)
class Grants:
    read: Grant
    register: Grant
    update: Grant
    unregister: Grant
    properties: dict[str, Grant]
    relations: dict[str, Grant]

    @classmethod
    def of(cls, blueprint: Blueprint) -> "Grants":
        shown = blocks(blueprint)
        read, register, update, unregister = (Grant.of(shown[deed]) for deed in DEEDS)
        properties, relations = (
            {name: Grant.of(block) for name, block in shown.get(group, {}).items()} for group in GROUPS
        )
        return cls(read, register, update, unregister, properties, relations)

    @property
    def parts(self) -> list[Grant]:
        return [*self.properties.values(), *self.relations.values()]

    @property
    def writing(self) -> list[Grant]:
        return [self.register, self.update, self.unregister, *self.parts]
