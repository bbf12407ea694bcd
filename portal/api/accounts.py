from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.urls import reverse
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import queries as catalog
from portal.accounts import queries
from portal.accounts.commands import (
    personal_credential_rotate,
    team_create,
    team_delete,
    team_update,
    user_delete,
    user_invite,
    user_join,
    user_update,
)
from portal.accounts.models import Team, User
from portal.accounts.policy import require
from portal.api.auth import by_of
from portal.api.bodies import object_of
from portal.api.selection import listed
from portal.kit.clock import iso
from portal.kit.errors import Conflict, Invalid

Json = dict[str, Any]


@api_view(["GET"])
def users(request: Request) -> Response:
    require(by_of(request), "catalog.read")
    fields = listed(request, "fields")
    return Response({"ok": True, "users": [_chosen(_user(each), fields) for each in queries.users()]})


@api_view(["POST"])
def invitation(request: Request) -> Response:
    """The link is answered to who invites, to hand it over: the portal itself sends no mail."""
    by = by_of(request)
    require(by, "account.write")
    invitee = object_of(request).get("invitee")
    if not isinstance(invitee, dict):
        raise Invalid.at("invitee", 'must be an object such as {"email": "dana@example.org"}')
    email = _email(invitee, "invitee.email")
    role, moderates = _roles(invitee, "invitee.roles") or (User.Role.MEMBER, [])
    with transaction.atomic():
        user, secret = user_invite(email, role=role, teams=_names(invitee, "teams", "invitee.teams"), by=by)
        if moderates:
            user_update(user, {"moderates": moderates}, by=by)
    return Response({"ok": True, "invitation": {"url": invitation_url(secret), "email": user.email}})


@api_view(["GET", "PATCH", "DELETE"])
def user(request: Request, email: str) -> Response:
    """PATCH sets roles, teams and status, of these what is given. Nobody changes his own status."""
    by = by_of(request)
    if request.method == "GET":
        require(by, "catalog.read")
        return Response({"ok": True, "user": _chosen(_user(queries.user(email)), listed(request, "fields"))})
    require(by, "account.write")
    found = queries.user(email)
    if request.method == "DELETE":
        user_delete(found, by=by)
        return Response({"ok": True})
    body = object_of(request)
    changes = _changes(body)
    teams = _names(body, "teams", "teams")
    if changes.get("is_active") is not None and by.actor.key == f"user:{found.pk}":
        raise Conflict("Nobody changes the status of his own account.", code="own_account")
    with transaction.atomic():
        if changes:
            user_update(found, changes, by=by)
        if teams is not None:
            user_join(found, teams=teams, by=by)
    shown = _user(queries.user(email))
    return Response({"ok": True, "user": shown} | shown)


@api_view(["POST"])
def personal_credentials(request: Request, email: str) -> Response:
    """A new secret for somebody's own credentials; the old one ends now."""
    by = by_of(request)
    require(by, "account.write")
    credential, secret = personal_credential_rotate(queries.user(email), by=by)
    return Response({"ok": True, "credentials": {"clientId": credential.client_id, "clientSecret": secret}})


@api_view(["GET", "POST"])
def teams(request: Request) -> Response:
    by = by_of(request)
    if request.method == "GET":
        require(by, "catalog.read")
        fields = listed(request, "fields")
        return Response({"ok": True, "teams": [_team(each, fields) for each in queries.teams()]})
    require(by, "account.write")
    body = object_of(request)
    name = _name(body)
    made = team_create(name, name, description=_text(body, "description") or "", members=_members(body) or [], by=by)
    return Response({"ok": True, "team": _written(made)}, status=201)


@api_view(["GET", "PUT", "PATCH", "DELETE"])
def team(request: Request, name: str) -> Response:
    """PUT sets everything, PATCH what is given. The name is the identifier: entities name their team by it."""
    by = by_of(request)
    if request.method == "GET":
        require(by, "catalog.read")
        return Response({"ok": True, "team": _team(queries.team(name), listed(request, "fields"))})
    require(by, "account.write")
    found = queries.team(name)
    if request.method == "DELETE":
        team_delete(found, by=by)
        return Response({"ok": True})
    body, whole = object_of(request), request.method == "PUT"
    if body.get("name", found.identifier) not in (found.identifier, found.title):
        raise Invalid.at("name", "a team keeps its name: entities name their team by it")
    members, description = _members(body), _text(body, "description")
    changed = team_update(
        found,
        title=found.title,
        description=(description or "") if whole or description is not None else None,
        members=(members or []) if whole else members,
        by=by,
    )
    return Response({"ok": True, "team": _written(changed)})


def invitation_url(secret: str) -> str:
    return settings.BASE_URL + reverse("pages:invitation", args=[secret])


def _user(user: User) -> Json:
    first, _, last = user.name.partition(" ")
    return {
        "id": f"user_{user.pk}",
        "email": user.email,
        "firstName": first,
        "lastName": last,
        "status": user.status.upper(),
        "type": "SERVICE_ACCOUNT" if user.is_service else "STANDARD",
        "providers": ["portcullis"],
        "roles": [{"name": "Admin" if user.role == User.Role.ADMIN else "Member"}]
        + [{"name": f"{each}-moderator"} for each in user.moderates],
        "teams": [{"name": team.identifier} for team in user.teams.all()],
        "createdAt": iso(user.created_at),
    }


def _chosen(whole: Json, fields: list[str]) -> Json:
    """`fields` chooses parts, as `email` or `teams.name`."""
    chosen = {each.partition(".")[0] for each in fields}
    return {key: value for key, value in whole.items() if not chosen or key in chosen}


def _changes(body: Json) -> Json:
    changes: Json = {}
    roles = _roles(body, "roles")
    if roles:
        changes["role"], changes["moderates"] = roles
    status = body.get("status")
    if status is not None:
        if str(status).upper() not in ("ACTIVE", "DISABLED"):
            raise Invalid.at("status", "must be ACTIVE or DISABLED; the others come about by inviting")
        changes["is_active"] = str(status).upper() == "ACTIVE"
    return changes


def _roles(body: Json, path: str) -> tuple[str, list[str]] | None:
    """The role, and the blueprints that are moderated. None when nobody speaks of them."""
    names = _names(body, "roles", path)
    if names is None:
        return None
    if not names:
        raise Invalid.at(path, "must name a role: Admin, Member, or a blueprint's and “-moderator”")
    known = set(catalog.blueprints_known())
    moderates = []
    for place, name in enumerate(names):
        blueprint = name.removesuffix("-moderator")
        if name in ("Admin", "Member"):
            continue
        if blueprint == name or blueprint not in known:
            raise Invalid.at(f"{path}.{place}", f"there is no role {name}")
        moderates.append(blueprint)
    return (User.Role.ADMIN if "Admin" in names else User.Role.MEMBER), sorted(set(moderates))


def _names(body: Json, key: str, path: str) -> list[str] | None:
    names = body.get(key)
    if names is not None and (not isinstance(names, list) or not all(isinstance(each, str) for each in names)):
        raise Invalid.at(path, "must be a list of texts")
    return names


def _email(body: Json, path: str) -> str:
    email = body.get("email")
    try:
        validate_email(email if isinstance(email, str) else "")
    except ValidationError as wrong:
        raise Invalid.at(path, "must be an e-mail address") from wrong
    return str(email)


def _team(team: Team, fields: list[str]) -> Json:
    """`fields` chooses parts, as `name` or `users.email`; people are objects here."""
    whole = {
        "name": team.identifier,
        "description": team.description,
        "provider": "portcullis",
        "users": [{"email": each.email} for each in team.members.all()],
    }
    return _chosen(whole, fields)


def _written(team: Team) -> Json:
    """After a write people are plain addresses: the clients that write read them so."""
    emails = sorted(team.members.values_list("email", flat=True))
    return {"name": team.identifier, "description": team.description, "provider": "portcullis", "users": emails}


def _name(body: Json) -> str:
    name = _text(body, "name")
    if not name or len(name) > 100:
        raise Invalid.at("name", "must be a text of 1 to 100 characters")
    return name


def _text(body: Json, key: str) -> str | None:
    value = body.get(key)
    if value is not None and not isinstance(value, str):
        raise Invalid.at(key, "must be a text")
    return value


def _members(body: Json) -> list[User] | None:
    """None when nobody speaks of them."""
    emails = body.get("users")
    if emails is None:
        return None
    if not isinstance(emails, list) or not all(isinstance(each, str) for each in emails):
        raise Invalid.at("users", "must be a list of e-mail addresses")
    found = queries.users_named(emails)
    for place, email in enumerate(emails):
        if email.lower() not in found:
            raise Invalid.at(f"users.{place}", f"there is nobody with the address {email}")
    return list(found.values())
