"""The kinds `_user` and `_team`: people and teams as entities, which anybody may extend with properties and relations.

What is an account's own is written by the commands of the accounts alone, whichever door it came through.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from catalog import compute, hooks, kinds
from catalog.commands import entity_delete, entity_store
from catalog.models import Blueprint, Entity
from catalog.wishes import Wish
from portal.accounts import hooks as accounts
from portal.accounts import queries as people
from portal.accounts.commands import (
    team_create,
    team_delete,
    team_update,
    user_create,
    user_delete,
    user_join,
    user_update,
)
from portal.accounts.models import Team, User
from portal.kit.by import By, system, trusted
from portal.kit.errors import Conflict, Invalid, Missing

Json = dict[str, Any]

USER = {
    "identifier": "_user",
    "title": "User",
    "icon": "User",
    "description": "People with an account here. The identifier is the e-mail address.",
    "schema": {
        "properties": {
            "status": {
                "type": "string",
                "title": "Status",
                "enum": ["Active", "Invited", "Staged", "Disabled"],
                "enumColors": {"Active": "green", "Invited": "blue", "Staged": "lightGray", "Disabled": "red"},
            },
            "port_role": {"type": "string", "title": "Role", "enum": ["Admin", "Moderator", "Member"]},
            "port_type": {"type": "string", "title": "Type", "enum": ["Standard", "Service Account"]},
            "moderated_blueprints": {
                "type": "array",
                "title": "Moderated blueprints",
                "items": {"type": "string", "format": "blueprints"},
            },
        },
        "required": [],
    },
    "relations": {},
    "ownership": {"type": "Direct", "title": "Teams"},
}
TEAM = {
    "identifier": "_team",
    "title": "Team",
    "icon": "Team",
    "description": "Groups of people that own things.",
    "schema": {"properties": {"description": {"type": "string", "title": "Description"}}, "required": []},
    "relations": {},
}
ACCOUNT = frozenset(USER["schema"]["properties"])  # type: ignore[index]


def register() -> None:
    kinds.register(kinds.Kind(USER, write=user_write))
    kinds.register(kinds.Kind(TEAM, write=team_write))
    hooks.before_deletion(deleting)
    accounts.mirror(accounts.Mirror(user_saved, user_gone, team_saved, team_gone))


# From accounts to entities.


def user_saved(user: User, was: str, by: By) -> None:
    teams = tuple(sorted(user.teams.values_list("identifier", flat=True)))
    moderates = sorted(user.moderates)
    role = "Admin" if user.role == User.Role.ADMIN else "Moderator" if moderates else "Member"
    values = {
        "status": user.status,
        "port_role": role,
        "port_type": user.kind_title,
        "moderated_blueprints": moderates or None,
    }
    rename = user.email if was and was != user.email else ""
    _store("_user", was or user.email, by, rename=rename, title=user.name, team=teams, properties=values)


def user_gone(user: User, by: By) -> None:
    _remove("_user", user.email, by)


def team_saved(team: Team, members: Collection[User], by: By) -> None:
    _store("_team", team.identifier, by, title=team.title, properties={"description": team.description or None})
    _teams_of(members)


def team_gone(team: Team, members: Collection[User], mirrored: bool, by: By) -> None:
    if mirrored:
        _remove("_team", team.identifier, by)
    _teams_of(members)


def _store(blueprint: str, identifier: str, by: By, *, rename: str = "", **values: Any) -> None:
    """The account's own event tells of it: its noun names the entity."""
    given = frozenset(values)
    wish = Wish(blueprint, identifier, "merge", rename=rename, given=given, **values)
    entity_store(wish, by=trusted(by), event=False, checked=False)


def _remove(blueprint: str, identifier: str, by: By) -> None:
    found = _entity(blueprint, identifier)
    if found:
        entity_delete(found, by=trusted(by))


def _entity(blueprint: str, identifier: str) -> Entity | None:
    rows = Entity.objects.filter(blueprint__identifier=blueprint, identifier=identifier)
    return rows.select_related("blueprint").first()


def _teams_of(members: Iterable[User]) -> None:
    """Two queries and one write, however many people there are."""
    users = User.objects.filter(pk__in=[each.pk for each in members]).prefetch_related("teams")
    teams = {each.email: sorted(team.identifier for team in each.teams.all()) for each in users}
    entities = list(Entity.objects.filter(blueprint__identifier="_user", identifier__in=teams))
    for entity in entities:
        entity.team = teams[entity.identifier]
    Entity.objects.bulk_update(entities, ["team"], batch_size=500)
    compute.altered([each.pk for each in entities], ["$team"])


@transaction.atomic
def install(**_: Any) -> None:
    """Makes the entities of the people and teams that were here before their blueprints were."""
    by = system("setup")
    kept = Entity.objects.filter(blueprint__identifier__in=["_user", "_team"]).values("identifier")
    for team in Team.objects.exclude(identifier__in=kept):
        team_saved(team, [], by)
    for user in User.objects.exclude(email__in=kept):
        user_saved(user, "", by)


# From entities to accounts.


def user_write(wish: Wish, by: By) -> Entity | None:
    """The account first, which brings its entity along; then what of the wish is the entity's own."""
    known = User.objects.filter(email__iexact=wish.identifier).first()
    _check_mode(wish, known is not None)
    changes = _account(wish)
    if known is None:
        known = _made(wish, changes, by)
    elif _differs(known, changes):
        known = user_update(known, changes, by=by)
    if "team" in wish.given:
        user_join(known, teams=list(wish.team), by=by)
    return _own(wish, known.email, ACCOUNT, by)


def _made(wish: Wish, changes: Json, by: By) -> User:
    try:
        validate_email(wish.identifier)
    except ValidationError as wrong:
        raise Invalid.at("identifier", "must be an e-mail address") from wrong
    role = changes.pop("role", User.Role.MEMBER)
    user = user_create(wish.identifier, changes.pop("name", ""), password=None, role=role, by=by)
    return user_update(user, changes, by=by) if changes else user


def _account(wish: Wish) -> Json:
    """The fields of an account that the wish gives."""
    given = {name: value for name, value in wish.properties.items() if value is not None}
    changes: Json = {"name": wish.title} if "title" in wish.given and wish.title else {}
    changes |= {"email": wish.rename} if wish.rename else {}
    if "port_role" in given:
        changes["role"] = User.Role.ADMIN if given["port_role"] == "Admin" else User.Role.MEMBER
    if "moderated_blueprints" in given:
        changes["moderates"] = _blueprints(given["moderated_blueprints"])
    if "status" in given:
        if given["status"] not in USER["schema"]["properties"]["status"]["enum"]:  # type: ignore[index]
            raise Invalid.at("properties.status", "must be Active, Invited, Staged or Disabled")
        changes["is_active"] = given["status"] != "Disabled"
    if "port_role" in given and given["port_role"] not in ("Admin", "Moderator", "Member"):
        raise Invalid.at("properties.port_role", "must be Admin, Moderator or Member")
    return changes


def _blueprints(names: Any) -> list[str]:
    if not isinstance(names, list):
        raise Invalid.at("properties.moderated_blueprints", "must be a list of blueprints' identifiers")
    known = set(Blueprint.objects.values_list("identifier", flat=True))
    for place, name in enumerate(names):
        if name not in known:
            raise Invalid.at(f"properties.moderated_blueprints.{place}", f"there is no blueprint {name}")
    return sorted(set(names))


def _differs(user: User, changes: Json) -> bool:
    return any(getattr(user, name) != value for name, value in changes.items())


def team_write(wish: Wish, by: By) -> Entity | None:
    known = Team.objects.filter(identifier=wish.identifier).first()
    _check_mode(wish, known is not None)
    if wish.rename:
        raise Invalid.at("identifier", "a team keeps its name: entities name their team by it")
    description = wish.properties.get("description")
    if description is not None and not isinstance(description, str):
        raise Invalid.at("properties.description", "must be a text")
    title = wish.title or (known.title if known else wish.identifier)
    if known is None:
        if not wish.identifier:
            raise Invalid.at("identifier", "name the team")
        team_create(wish.identifier, title, description=description or "", members=[], by=by)
    elif (title, description) != (known.title, None) and (title, description or "") != (known.title, known.description):
        team_update(known, title=title, description=description, members=None, by=by)
    return _own(wish, wish.identifier, frozenset({"description"}), by)


def _check_mode(wish: Wish, known: bool) -> None:
    if known and wish.mode == "create":
        raise Conflict(f'Entity with identifier "{wish.identifier}" already exists', code="identifier_taken")
    if not known and wish.mode in {"replace", "patch"}:
        raise Missing(f'Entity with identifier "{wish.identifier}" was not found', nearest=[])


def _own(wish: Wish, identifier: str, account: frozenset[str], by: By) -> Entity:
    """Stores what people added to the kind. An override takes away only that, never what the account says."""
    found = _entity(wish.blueprint, identifier)
    assert found is not None
    own = {name: value for name, value in wish.properties.items() if name not in account}
    if not wish.merges:
        own = {name: None for name in found.properties if name not in account} | own
    given = wish.given & {"icon", "properties", "relations"}
    if not (own or wish.relations or "icon" in given):
        return found
    rest = Wish(
        wish.blueprint,
        identifier,
        "patch",
        icon=wish.icon,
        properties=own,
        relations=wish.relations,
        given=given,
        create_missing=wish.create_missing,
    )
    return entity_store(rest, by=by)


def deleting(entities: Sequence[Entity], by: By) -> None:
    """With the entity goes the account."""
    for entity in entities:
        if entity.blueprint.identifier == "_user":
            user = people.users().filter(email=entity.identifier).first()
            if user:
                user_delete(user, mirrored=False, by=by)
        elif entity.blueprint.identifier == "_team":
            team = people.teams().filter(identifier=entity.identifier).first()
            if team:
                team_delete(team, mirrored=False, by=by)
