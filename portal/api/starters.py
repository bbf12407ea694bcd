from typing import Any

from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.starters.changes import Change
from catalog.starters.commands import starter_import, starter_remove
from catalog.starters.queries import Standing, standing, standings
from catalog.starters.removal import label_of
from portal.api.auth import by_of
from portal.api.selection import flag

Json = dict[str, Any]


@api_view(["GET"])
def starters(request: Request) -> Response:
    return Response({"ok": True, "starters": [_shown(each) for each in standings(by_of(request))]})


@api_view(["GET", "POST", "DELETE"])
def starter(request: Request, identifier: str) -> Response:
    """GET tells what it would change, POST imports it, DELETE takes it out again."""
    by = by_of(request)
    if request.method == "POST":
        told = starter_import(
            identifier, examples=flag(request, "examples"), overwrite=flag(request, "overwrite"), by=by
        )
        return Response({"ok": True, "done": [*map(_change, told.done)], "left": [*map(_change, told.left)]})
    if request.method == "DELETE":
        removed = starter_remove(identifier, by=by)
        left = [{"part": each.label, "why": each.why} for each in removed.left]
        return Response({"ok": True, "gone": [label_of(each) for each in removed.gone], "left": left})
    found = standing(by, identifier)
    return Response({"ok": True, "starter": _shown(found), "changes": [*map(_change, found.changes)]})


def _shown(standing: Standing) -> Json:
    starter = standing.starter
    return {
        "identifier": starter.identifier,
        "title": starter.title,
        "description": starter.description,
        "imported": standing.brought is not None,
    }


def _change(change: Change) -> Json:
    """`new`, `same`, `differs` or `taken`: see catalog/starters/changes.py."""
    return {"kind": change.kind, "blueprint": change.blueprint, "name": change.name, "state": change.word}
