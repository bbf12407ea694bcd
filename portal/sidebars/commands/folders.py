from typing import Any

from django.db import transaction

from catalog.schema.validate import check_shape
from portal.accounts.policy import require
from portal.audit.record import record
from portal.kit.by import By
from portal.kit.errors import Conflict, Missing
from portal.kit.ids import random_text
from portal.sidebars.commands.places import check_name, close_gap, hold_tree, put, save
from portal.sidebars.models import Item
from portal.sidebars.shapes import FOLDER

Json = dict[str, Any]


@transaction.atomic
def folder_create(body: Json, *, by: By) -> Item:
    """`{"title", "identifier", "parent", "after"}`; without an identifier the portal makes one."""
    require(by, "page.write")
    said = _said(body)
    check_shape(FOLDER, said)
    hold_tree()
    folder = Item(kind=Item.Kind.FOLDER, created_by=by.actor.name)
    folder.identifier = said.get("identifier") or "folder_" + random_text(12)
    check_name(folder.identifier)
    folder.definition = {"identifier": folder.identifier, "title": said["title"]}
    put(folder, said.get("parent", ""), said.get("after", ""))
    save(folder, by)
    record("folder.created", folder.noun(), by=by, after=folder.facts())
    return folder


@transaction.atomic
def folder_update(folder: Item, body: Json, *, by: By) -> Item:
    """What is not given stays; null takes a folder out of its parent, or from behind another item."""
    require(by, "page.write")
    hold_tree()
    folder = _held(folder)
    whole = folder.as_sent | body
    said = _said(whole)
    check_shape(FOLDER, said)
    before = folder.facts()
    check_name(said["identifier"])
    renamed = folder.identifier
    folder.identifier = said["identifier"]
    folder.definition = {"identifier": folder.identifier, "title": said["title"]}
    put(folder, said.get("parent", ""), said.get("after", ""))
    if folder.facts() == before:
        return folder
    save(folder, by)
    if renamed != folder.identifier:
        Item.objects.filter(after=renamed).update(after=folder.identifier)
    record("folder.updated", folder.noun(), by=by, before=before, after=folder.facts())
    return folder


@transaction.atomic
def folder_delete(folder: Item, *, by: By) -> None:
    """Refused while something is in it."""
    require(by, "page.write")
    hold_tree()
    folder = _held(folder)
    inside = folder.items.count()
    if inside:
        raise Conflict(
            f"The folder “{folder}” holds {inside} pages and folders; move or delete them first.",
            code="has_dependents",
            items=list(folder.items.values_list("identifier", flat=True)[:100]),
        )
    close_gap(folder)
    record("folder.deleted", folder.noun(), by=by, before=folder.facts())
    folder.delete()


def _said(body: Json) -> Json:
    """Null is the same as absent; the meta of an answer that is sent back is ours."""
    ours = {"createdAt", "createdBy", "updatedAt", "updatedBy", "sidebarType"}
    return {name: value for name, value in body.items() if value is not None and name not in ours}


def _held(folder: Item) -> Item:
    found = Item.objects.select_for_update(of=("self",)).select_related("parent").filter(pk=folder.pk).first()
    if found is None:
        raise Missing(f'Folder with identifier "{folder.identifier}" was not found')
    return found
