"""Where an item stands: in which folder, behind which other item."""

from django.db import IntegrityError, transaction
from django.utils import timezone

from catalog.schema.identifiers import check_identifier
from portal.kit.by import By
from portal.kit.errors import Conflict, Invalid, Missing
from portal.kit.locking import advisory_lock
from portal.sidebars.models import SIDEBAR, Item

DEEPEST = 3
LONGEST = 200


def check_name(identifier: str) -> None:
    check_identifier(identifier, "identifier", longest=LONGEST, also="=$")
    if "/" in identifier or "\\" in identifier:
        raise Invalid.at("identifier", "may not hold a slash")


def hold_tree() -> None:
    """One at a time moves items: two moves that are right by themselves may make a circle together."""
    advisory_lock("sidebar", SIDEBAR)


def put(item: Item, parent: str, after: str) -> None:
    """Raises Missing or Invalid with the path of the fault; the tree is held."""
    folder = _folder(parent) if parent else None
    if item.pk and folder != item.parent:
        close_gap(item)
    item.parent = folder
    _check_depth(item)
    item.after = after
    if after:
        _check_after(item)


def close_gap(item: Item) -> None:
    """Those behind an item that goes stand behind the one before it."""
    Item.objects.filter(after=item.identifier).exclude(pk=item.pk).update(after=item.after)


def save(item: Item, by: By) -> None:
    item.updated_at, item.updated_by = timezone.now(), by.actor.name
    try:
        with transaction.atomic():
            item.save()
    except IntegrityError as taken:
        raise Conflict(
            f'A page or folder with identifier "{item.identifier}" already exists', code="identifier_taken"
        ) from taken


def _folder(identifier: str) -> Item:
    found = Item.objects.filter(kind=Item.Kind.FOLDER, identifier=identifier).first()
    if found is None:
        raise Missing(
            f'Folder with identifier "{identifier}" was not found',
            errors=[{"path": "parent", "message": f"there is no folder {identifier}"}],
        )
    return found


def _check_depth(item: Item) -> None:
    above, folder = 0, item.parent
    while folder:
        if folder.pk == item.pk:
            raise Invalid.at("parent", "would put the folder into itself")
        above, folder = above + 1, folder.parent
    if item.kind == Item.Kind.FOLDER and above + _height(item) > DEEPEST:
        raise Invalid.at("parent", f"folders go {DEEPEST} deep")


def _height(folder: Item) -> int:
    """Of the folders from this one down."""
    level, height = [folder.pk], 1
    while level := list(Item.objects.filter(parent__in=level, kind=Item.Kind.FOLDER).values_list("pk", flat=True)):
        height += 1
    return height


def _check_after(item: Item) -> None:
    before = Item.objects.filter(identifier=item.after).first()
    if before is None:
        raise Missing(
            f'Page or folder with identifier "{item.after}" was not found',
            errors=[{"path": "after", "message": f"there is no page or folder {item.after}"}],
        )
    if before.parent_id != (item.parent.pk if item.parent else None):
        raise Invalid.at("after", f"“{item.after}” stands in another folder")
    seen = {item.identifier}
    while before is not None:
        if before.identifier in seen:
            raise Invalid.at("after", "would put the items behind each other in a circle")
        seen.add(before.identifier)
        before = Item.objects.filter(identifier=before.after).first() if before.after else None
