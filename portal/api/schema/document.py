"""The whole description, as OpenAPI 3.1 has it."""

from functools import cache

from django.conf import settings
from django.urls import reverse

from portal.api.schema.operation import Operation, as_json
from portal.api.schema.operations import groups
from portal.api.schema.shapes import Json

ABOUT = """\
`/v1` speaks JSON and UTF-8, whatever the headers ask for. Routes named in camelCase fields are those of the commercial
portal's public API; those with snake_case fields are our own.

**Sign in** with `Authorization: Bearer <token>`: a CI token (`pcl_…`) as it stands, or one got from
`/v1/auth/access_token` for a client id and secret. Each token has scopes; `admin` holds all.

**Errors** are `{"ok": false, "error": code, "message": sentence, "details": {…}}`. Besides what each route lists, any may
answer 400 (a body that broke off, a host name that is not the portal's), 404 (no such route), 405 (not with this method),
411 (a body without a length, where the server needs one), 500 and 503. Every answer has an `X-Trace-Id`, which the logs
and the audit log know.

**Identifiers** may hold slashes. What stands after the first `/entities/` is the entity's identifier, so it needs no
escaping.

**Limits**: 1 MiB a body, 64 levels deep, whole numbers within 64 bits, no character U+0000.\
"""


@cache
def document() -> Json:
    """Built once a process: nothing in it depends on data."""
    found = groups()
    return {
        "openapi": "3.1.0",
        "info": {"title": "Portcullis", "version": settings.VERSION, "description": ABOUT},
        "externalDocs": {"url": settings.BASE_URL + reverse("api_docs:index"), "description": "The same as pages"},
        "servers": [{"url": settings.BASE_URL}],
        "tags": [{"name": each.title, "description": each.about} for each in found],
        "paths": _paths(),
        "components": {
            "schemas": _schemas([each for group in found for each in group.operations]),
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A CI token, or an access token from /v1/auth/access_token.",
                }
            },
        },
    }


def _paths() -> Json:
    paths: Json = {}
    for group in groups():
        for each in group.operations:
            paths.setdefault(each.address, {})[each.method.lower()] = as_json(each, group)
    return paths


def _schemas(operations: list[Operation]) -> Json:
    """Components by name. Two of one name would hide each other."""
    found: dict[str, Json] = {}
    shapes = [shape for each in operations for shape in each.shapes]
    for named in (component for shape in shapes for component in shape.named()):
        if found.setdefault(named.name, named.schema) != named.schema:
            raise ValueError(f"two shapes are called {named.name}")
    return {name: found[name] for name in sorted(found)}
