"""The organisation, its secrets, and the programs that have a client id."""

from typing import Any

from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from portal.accounts import queries
from portal.accounts.commands import credential_rename, credential_revoke, credential_rotate
from portal.accounts.models import Credential, Organization, Secret
from portal.accounts.organization import NAME, organization_update, secret_create, secret_delete, secret_update
from portal.accounts.policy import require
from portal.api.auth import by_of
from portal.api.bodies import object_of
from portal.api.selection import listed
from portal.kit.clock import iso
from portal.kit.errors import Invalid

Json = dict[str, Any]

COLOURS = ("blue", "red")


@api_view(["GET", "PUT", "PATCH"])
def organization(request: Request) -> Response:
    """No feature flags: the clients that ask then do their work themselves. PUT sets everything, PATCH what is given."""
    by = by_of(request)
    if request.method == "GET":
        return Response({"ok": True, "organization": _organization(queries.organization())})
    require(by, "account.write")
    body = object_of(request)
    changes = _changes(body)
    if request.method == "PUT":
        if "name" not in body:
            raise Invalid.at("name", "is required")
        changes = {"settings": {}, "announcement": None} | changes
    elif "settings" in changes:
        changes["settings"] = queries.organization().settings | changes["settings"]
    changed = organization_update(changes, by=by)
    return Response({"ok": True, "organization": _organization(changed)})


def _organization(found: Organization) -> Json:
    shown: Json = {
        "id": "org_portcullis",
        "name": found.name,
        "settings": found.settings,
        "featureFlags": [],
        "isBlocked": False,
    }
    return shown | ({"announcement": found.announcement} if found.announcement else {})


def _changes(body: Json) -> Json:
    changes: Json = {key: body[key] for key in ("name", "settings", "announcement") if key in body}
    if "name" in changes:
        _text(changes, "name", "name", most=100)
    settings = changes.get("settings", {})
    if not isinstance(settings, dict):
        raise Invalid.at("settings", "must be an object")
    if settings.get("portalTitle") is not None:
        _text(settings, "portalTitle", "settings.portalTitle", most=30)
    if changes.get("announcement") is not None:
        _check_announcement(changes["announcement"])
    return changes


def _check_announcement(said: Any) -> None:
    if not isinstance(said, dict):
        raise Invalid.at("announcement", "must be an object")
    _text(said, "content", "announcement.content", most=300)
    if said.get("link") is not None:
        _text(said, "link", "announcement.link", most=300)
        if not said["link"].startswith(("https://", "http://")):
            raise Invalid.at("announcement.link", "must be a web address")
    if said.get("color", "blue") not in COLOURS:
        raise Invalid.at("announcement.color", f"must be one of {', '.join(COLOURS)}")


@api_view(["GET", "POST"])
def secrets(request: Request) -> Response:
    """Values go in and never come out."""
    by = by_of(request)
    require(by, "account.write")
    if request.method == "GET":
        return Response({"ok": True, "secrets": [_secret(each) for each in queries.secrets()]})
    body = object_of(request)
    name = body.get("secretName")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise Invalid.at("secretName", "holds 1 to 100 of A-Z a-z 0-9 _ -")
    value = _text(body, "secretValue", "secretValue", most=100_000)
    made = secret_create(name, value, description=_description(body) or "", by=by)
    return Response({"ok": True, "secret": _secret(made)}, status=201)


@api_view(["GET", "PATCH", "DELETE"])
def secret(request: Request, name: str) -> Response:
    by = by_of(request)
    require(by, "account.write")
    if request.method == "GET":
        return Response({"ok": True, "secret": _secret(queries.secret(name))})
    if request.method == "DELETE":
        secret_delete(name, by=by)
        return Response({"ok": True})
    body = object_of(request)
    value = _text(body, "secretValue", "secretValue", most=100_000) if "secretValue" in body else None
    return Response(
        {"ok": True, "secret": _secret(secret_update(name, value=value, description=_description(body), by=by))}
    )


def _secret(found: Secret) -> Json:
    return {
        "secretName": found.name,
        "description": found.description,
        "createdAt": iso(found.created_at),
        "updatedAt": iso(found.updated_at),
    }


def _description(body: Json) -> str | None:
    value = body.get("description")
    if value is not None and (not isinstance(value, str) or len(value) > 200):
        raise Invalid.at("description", "must be a text of at most 200 characters")
    return value


def _text(body: Json, key: str, path: str, *, most: int) -> str:
    value = body.get(key)
    if not isinstance(value, str) or not 1 <= len(value) <= most:
        raise Invalid.at(path, f"must be a text of 1 to {most} characters")
    return value


@api_view(["GET"])
def apps(request: Request) -> Response:
    require(by_of(request), "account.write")
    fields = listed(request, "fields")
    shown = [_app(each) for each in queries.apps()]
    chosen = [{key: value for key, value in each.items() if not fields or key in fields} for each in shown]
    return Response({"ok": True, "apps": chosen})


@api_view(["PUT", "DELETE"])
def app(request: Request, client_id: str) -> Response:
    """PUT names it anew; DELETE revokes it."""
    by = by_of(request)
    require(by, "account.write")
    found = queries.app(client_id)
    if request.method == "DELETE":
        credential_revoke(found, by=by)
        return Response({"ok": True})
    name = _text(object_of(request), "name", "name", most=100)
    return Response({"ok": True, "app": _app(credential_rename(found, name, by=by))})


@api_view(["POST"])
def app_secret(request: Request, client_id: str) -> Response:
    """The one answer that holds the new secret."""
    by = by_of(request)
    require(by, "account.write")
    rotated, new = credential_rotate(queries.app(client_id), by=by)
    return Response({"ok": True, "app": _app(rotated) | {"secret": new}})


def _app(found: Credential) -> Json:
    return {"id": found.client_id, "name": found.name, "enabled": True, "createdAt": iso(found.created_at)}
