from typing import Any

from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from portal.accounts import queries
from portal.accounts.commands import team_create, team_delete, team_update
from portal.accounts.models import Team, User
from portal.accounts.policy import require
from portal.api.auth import by_of
from portal.api.bodies import object_of
from portal.api.selection import listed
from portal.kit.clock import iso
from portal.kit.errors import Invalid

Json = dict[str, Any]


@api_view(["GET"])
def users(request: Request) -> Response:
    require(by_of(request), "catalog.read")
    return Response({"ok": True, "users": [_user(each) for each in queries.users()]})


@api_view(["GET"])
def user(request: Request, email: str) -> Response:
    require(by_of(request), "catalog.read")
    return Response({"ok": True, "user": _user(queries.user(email))})


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


def _user(user: User) -> Json:
    first, _, last = user.name.partition(" ")
    return {
        "email": user.email,
        "firstName": first,
        "lastName": last,
        "status": "ACTIVE" if user.is_active else "DISABLED",
        "roles": [{"name": "Admin" if user.role == User.Role.ADMIN else "Member"}]
        + [{"name": f"{each}-moderator"} for each in user.moderates],
        "teams": [{"name": team.identifier} for team in user.teams.all()],
        "createdAt": iso(user.created_at),
    }


def _team(team: Team, fields: list[str]) -> Json:
    """`fields` chooses parts, as `name` or `users.email`; people are objects here."""
    whole = {
        "name": team.identifier,
        "description": team.description,
        "provider": "portcullis",
        "users": [{"email": each.email} for each in team.members.all()],
    }
    chosen = {each.partition(".")[0] for each in fields}
    return {key: value for key, value in whole.items() if not chosen or key in chosen}


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


@api_view(["GET"])
def organization(request: Request) -> Response:
    """One organisation an installation. No feature flags: the clients that ask then do their work themselves."""
    by_of(request)
    return Response(
        {
            "ok": True,
            "organization": {"id": "org_portcullis", "name": "Portcullis", "featureFlags": [], "isBlocked": False},
        }
    )
