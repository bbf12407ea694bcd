"""Who may run an action, and who may approve its runs.

An action says so in lists of people, roles and teams. A policy in jq would overrule them; until the portal can
ask it, such an action is left to administrators.
"""

from collections.abc import Collection
from typing import Any, Literal

from django.db.models import Q, QuerySet
from django.db.models.functions import Lower

from portal.accounts.models import User
from portal.actions.models import Action
from portal.kit.by import Actor

Json = dict[str, Any]
Part = Literal["execute", "approve"]

ADMIN, MEMBER, MODERATOR = "Admin", "Member", "-moderator"
USUAL: dict[Part, Json] = {
    "execute": {"users": [], "roles": [ADMIN, MEMBER], "teams": [], "ownedByTeam": False, "policy": None},
    "approve": {"users": [], "roles": [ADMIN], "teams": [], "policy": None},
}


def of(action: Action) -> dict[str, Json]:
    """`{"execute", "approve"}`: what was set, and for what was not what is usual."""
    return {part: usual | action.permissions.get(part, {}) for part, usual in USUAL.items()}


def changed(action: Action, changes: Json) -> Json:
    """What is to be kept of the permissions: only the lists that are given change. Null clears one."""
    kept = {part: dict(said) for part, said in action.permissions.items()}
    for part, said in changes.items():
        usual = USUAL[part]  # type: ignore[index]
        cleared = {name: [] if isinstance(usual[name], list) else usual[name] for name in said}
        kept[part] = kept.get(part, {}) | {
            name: cleared[name] if value is None else value for name, value in said.items()
        }
    return kept


def may_run(actor: Actor, action: Action, owners: Collection[str] = ()) -> bool:
    """`owners` are the teams of the entity that it is about. Programs have scopes instead of names on a list."""
    if actor.is_admin or not actor.is_person:
        return True
    said = of(action)["execute"]
    if said["policy"]:
        return False
    owned = bool(said["ownedByTeam"]) and not actor.teams.isdisjoint(owners)
    return owned or _names(said, actor)


def may_approve(actor: Actor, action: Action) -> bool:
    if actor.is_admin:
        return True
    said = of(action)["approve"]
    return actor.is_person and not said["policy"] and _names(said, actor)


def approvers(action: Action) -> QuerySet[User]:
    """The people who may approve its runs."""
    said = of(action)["approve"]
    people = User.objects.filter(is_active=True).order_by("email")
    if said["policy"]:
        return people.filter(role=User.Role.ADMIN)
    if MEMBER in said["roles"]:
        return people
    moderated = [role.removesuffix(MODERATOR) for role in said["roles"] if role.endswith(MODERATOR)]
    named = Q(low__in=[email.lower() for email in said["users"]]) | Q(teams__identifier__in=said["teams"])
    named |= Q(moderates__overlap=moderated)
    if ADMIN in said["roles"]:
        named |= Q(role=User.Role.ADMIN)
    return people.annotate(low=Lower("email")).filter(named).distinct()


def _names(said: Json, actor: Actor) -> bool:
    roles = {MEMBER, *(f"{blueprint}{MODERATOR}" for blueprint in actor.moderates)}
    people = {email.lower() for email in said["users"]}
    return (
        not roles.isdisjoint(said["roles"])
        or actor.email.lower() in people
        or not actor.teams.isdisjoint(said["teams"])
    )
