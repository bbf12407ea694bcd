from typing import Any

from django.db import transaction

from catalog.models import Blueprint
from catalog.schema.validate import check_shape
from portal.accounts.policy import require
from portal.audit.record import record
from portal.kit.by import By
from portal.kit.errors import Conflict, Invalid, Missing
from portal.sidebars import permissions
from portal.sidebars.commands.places import check_name, close_gap, hold_tree, put, save
from portal.sidebars.models import HOME, Item
from portal.sidebars.shapes import PAGE, PERMISSIONS, WIDGET
from portal.sidebars.widgets import changed, removed

Json = dict[str, Any]

OURS = {"createdAt", "createdBy", "updatedAt", "updatedBy", "id", "sidebar", "protected"}
PLACE = {"parent", "after"}


@transaction.atomic
def page_create(body: Json, *, by: By) -> Item:
    """Kept as it is sent. Raises Invalid with the path of each fault, Missing, Conflict for a taken identifier."""
    require(by, "page.write")
    hold_tree()
    page = Item(kind=Item.Kind.PAGE, created_by=by.actor.name)
    _fill(page, body)
    save(page, by)
    record("page.created", page.noun(), by=by, after=page.facts())
    return page


@transaction.atomic
def page_update(page: Item, body: Json, *, partial: bool = False, by: By) -> Item:
    """Sets the whole page, or the keys that are given when `partial`; null takes one away."""
    _require_update(page, by)
    hold_tree()
    page = _held(page)
    before, name = page.facts(), page.identifier
    _fill(page, page.as_sent | body if partial else {"identifier": name} | body)
    if page.facts() == before:
        return page
    save(page, by)
    if page.identifier != name:
        Item.objects.filter(after=name).update(after=page.identifier)
    record("page.updated", page.noun(), by=by, before=before, after=page.facts())
    return page


@transaction.atomic
def page_permit(page: Item, changes: Json, *, by: By) -> Item:
    """Who may see and change it: only the lists that are given are replaced."""
    require(by, "page.write")
    check_shape(PERMISSIONS, changes)
    page = _held(page)
    before = page.facts()
    page.permissions = permissions.changed(page, changes)
    if page.facts() == before:
        return page
    save(page, by)
    record("page.updated", page.noun(), by=by, before=before, after=page.facts())
    return page


@transaction.atomic
def page_delete(page: Item, *, by: By) -> None:
    """What stood behind it stands behind the one before it. The home page stays."""
    require(by, "page.write")
    hold_tree()
    page = _held(page)
    if page.identifier == HOME:
        raise Conflict("The home page comes with the portal and stays; it can be changed.", code="protected")
    close_gap(page)
    record("page.deleted", page.noun(), by=by, before=page.facts())
    page.delete()


@transaction.atomic
def widget_update(page: Item, widget: str, body: Json, *, by: By) -> Item:
    """Sets what is given of a widget, wherever in the page it stands."""
    check_shape(WIDGET, body)
    return _rewritten(page, widget, lambda widgets: changed(widgets, widget, body), by)


@transaction.atomic
def widget_delete(page: Item, widget: str, *, by: By) -> Item:
    return _rewritten(page, widget, lambda widgets: removed(widgets, widget), by)


def _rewritten(page: Item, widget: str, rewrite: Any, by: By) -> Item:
    _require_update(page, by)
    page = _held(page)
    before = page.facts()
    widgets = rewrite(page.definition.get("widgets") or [])
    if widgets is None:
        raise Missing(f'Widget with identifier "{widget}" was not found')
    page.definition = page.definition | {"widgets": widgets}
    if page.facts() == before:
        return page
    save(page, by)
    record("page.updated", page.noun(), by=by, before=before, after=page.facts())
    return page


def _require_update(page: Item, by: By) -> None:
    if not (by.actor.is_person and permissions.may(by.actor, "update", page)):
        require(by, "page.write")


def _held(page: Item) -> Item:
    found = Item.objects.select_for_update(of=("self",)).select_related("parent").filter(pk=page.pk).first()
    if found is None:
        raise Missing(f'Page with identifier "{page.identifier}" was not found')
    return found


def _fill(page: Item, body: Json) -> None:
    said = {name: value for name, value in body.items() if value is not None and name not in OURS}
    check_shape(PAGE, said)
    _check_type(page, said)
    _check_blueprint(said)
    page.identifier = said["identifier"]
    page.definition = {name: value for name, value in said.items() if name not in PLACE}
    put(page, said.get("parent", ""), said.get("after", ""))


def _check_type(page: Item, said: Json) -> None:
    check_name(said["identifier"])
    if page.pk and said["type"] != page.definition["type"]:
        raise Invalid.at("type", f"stays what it is: {page.definition['type']}")
    if (said["type"] == "home") != (said["identifier"] == HOME):
        raise Invalid.at("type", f"home is the type of the page {HOME}, and of no other")


def _check_blueprint(said: Json) -> None:
    needed = said["type"] in ("blueprint-entities", "entity")
    if needed and not said.get("blueprint"):
        raise Invalid.at("blueprint", f"is required for a page of the type {said['type']}")
    if said.get("blueprint") and not Blueprint.objects.filter(identifier=said["blueprint"]).exists():
        raise Missing(
            f'Blueprint with identifier "{said["blueprint"]}" was not found',
            errors=[{"path": "blueprint", "message": f"there is no blueprint {said['blueprint']}"}],
        )
