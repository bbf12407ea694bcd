"""A blueprint that holds what not everybody may see, and who asks for it."""

from django.test import Client

from catalog import queries
from catalog.commands import permissions_update
from portal.accounts.commands import credential_create
from tests.conftest import SETUP, V1

VAULT = {
    "identifier": "vault",
    "title": "Vault",
    "schema": {
        "properties": {
            "tier": {"type": "string"},
            "keeper": {"type": "string", "format": "user"},
            "note": {"type": "string"},
        },
        "required": [],
    },
    "relations": {"guards": {"target": "service", "many": True, "required": False}},
    "ownership": {"type": "Direct"},
}
ONLY_ADMINS = {"read": {"roles": ["Admin"]}} | {
    deed: {"ownedByTeam": False} for deed in ("register", "update", "unregister")
}


def allow(changes, blueprint="vault"):
    return permissions_update(queries.blueprint(blueprint), changes, by=SETUP)


def token_of(user, *scopes):
    name = f"{user.name} {len(scopes)} {user.credentials.count()}"
    wished = list(scopes) or ["catalog:read", "catalog:write", "admin"]
    return V1(credential_create(name, kind="ci", scopes=wished, user=user, by=SETUP)[1])


def browser_of(user):
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


def listed(program):
    return [each["identifier"] for each in program.get("blueprints/vault/entities").json["entities"]]


def on_page(user):
    html = browser_of(user).get("/catalog/vault/entities").content.decode()
    return [name for name in ("pearl", "ruby") if f"/catalog/vault/entities/{name}" in html]


BOTH = ["pearl", "ruby"]
ALL = {"combinator": "and", "rules": []}
QUERY = {"combinator": "and", "rules": [{"property": "keeper", "operator": "=", "value": "{{.user.email}}"}]}
CLOSED = {deed: {"ownedByTeam": False} for deed in ("register", "update", "unregister")}


def make(name, **more):
    from portal.accounts.commands import user_create

    return user_create(f"{name}@example.org", name.title(), password=None, by=SETUP, **more)
