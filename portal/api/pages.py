from typing import Any

from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from portal.accounts.policy import require
from portal.api.auth import by_of
from portal.api.bodies import object_of
from portal.api.selection import flag
from portal.kit.clock import iso
from portal.kit.errors import Missing
from portal.sidebars import permissions, queries
from portal.sidebars.commands import (
    folder_create,
    folder_delete,
    folder_update,
    page_create,
    page_delete,
    page_permit,
    page_update,
    widget_delete,
    widget_update,
)
from portal.sidebars.models import SIDEBAR, Item

Json = dict[str, Any]


@api_view(["GET", "POST"])
def pages(request: Request) -> Response:
    by = by_of(request)
    if request.method == "POST":
        return Response({"ok": True, "page": page_json(page_create(object_of(request), by=by))}, status=201)
    compact = flag(request, "compact")
    shown = [page_json(each, compact=compact) for each in queries.pages(by)]
    return Response({"ok": True, "pages": shown})


@api_view(["GET", "PUT", "PATCH", "DELETE"])
def page(request: Request, identifier: str) -> Response:
    by = by_of(request)
    found = queries.page(by, identifier)
    if request.method == "DELETE":
        page_delete(found, by=by)
        return Response({"ok": True})
    if request.method != "GET":
        found = page_update(found, object_of(request), partial=request.method == "PATCH", by=by)
    return Response({"ok": True, "page": page_json(found)})


@api_view(["PATCH", "DELETE"])
def widget(request: Request, identifier: str, widget: str) -> Response:
    by = by_of(request)
    found = queries.page(by, identifier)
    if request.method == "DELETE":
        widget_delete(found, widget, by=by)
        return Response({"ok": True})
    widget_update(found, widget, object_of(request), by=by)
    return Response({"ok": True, "identifier": widget})


@api_view(["GET", "PATCH"])
def permission(request: Request, identifier: str) -> Response:
    by = by_of(request)
    found = queries.page(by, identifier)
    if request.method == "PATCH":
        found = page_permit(found, object_of(request), by=by)
    return Response({"ok": True, "permissions": permissions.of(found)})


@api_view(["GET"])
def sidebar(request: Request, name: str) -> Response:
    """Its folders and pages in order, a folder before what is in it."""
    items = queries.sidebar(by_of(request))
    _check(name)
    return Response({"ok": True, "sidebar": {"identifier": SIDEBAR, "items": [item_json(each) for each in items]}})


@api_view(["POST"])
def folders(request: Request, name: str) -> Response:
    by = by_of(request)
    require(by, "page.write")
    _check(name)
    made = folder_create(object_of(request), by=by)
    return Response({"ok": True, "folder": folder_json(made)}, status=201)


@api_view(["PATCH", "DELETE"])
def folder(request: Request, name: str, identifier: str) -> Response:
    by = by_of(request)
    found = queries.folder(by, identifier)
    _check(name)
    if request.method == "DELETE":
        folder_delete(found, by=by)
        return Response({"ok": True})
    return Response({"ok": True, "folder": folder_json(folder_update(found, object_of(request), by=by))})


def _check(name: str) -> None:
    if name != SIDEBAR:
        raise Missing(f'Sidebar with identifier "{name}" was not found; there is one, {SIDEBAR}.')


def page_json(page: Item, *, compact: bool = False) -> Json:
    """What was sent, with who and when; `compact` leaves out what it shows."""
    shown = page.as_sent
    if compact:
        shown = {name: value for name, value in shown.items() if name not in ("widgets", "pageFilters")}
    return shown | {"sidebar": SIDEBAR} | _meta(page)


def folder_json(folder: Item) -> Json:
    return folder.as_sent | {"sidebar": SIDEBAR} | _meta(folder)


def item_json(item: Item) -> Json:
    """How the sidebar shows it."""
    shown = {name: item.as_sent[name] for name in ("type", "icon", "blueprint", "locked") if name in item.as_sent}
    place = {name: item.as_sent[name] for name in ("parent", "after") if name in item.as_sent}
    named = {"identifier": item.identifier, "title": str(item), "sidebar": SIDEBAR, "sidebarType": item.kind}
    return named | shown | place | _meta(item)


def _meta(item: Item) -> Json:
    return {
        "createdAt": iso(item.created_at),
        "createdBy": item.created_by,
        "updatedAt": iso(item.updated_at),
        "updatedBy": item.updated_by,
    }
