from django.db.models import QuerySet

from portal.accounts.policy import require
from portal.kit.by import By
from portal.kit.errors import Missing
from portal.sidebars import permissions
from portal.sidebars.models import HOME, Item
from portal.sidebars.order import ordered


def kept() -> QuerySet[Item]:
    """What anybody has put into the sidebar. Most portals have nothing there, and every page asks."""
    return Item.objects.exclude(identifier=HOME)


def sidebar(by: By) -> list[Item]:
    """What stands in it and the viewer may see, in order; a folder before what is in it."""
    return [each for each in ordered(_readable(by)) if each.is_listed]


def pages(by: By) -> list[Item]:
    """All pages, those outside the sidebar too."""
    return [each for each in _readable(by) if each.kind == Item.Kind.PAGE]


def page(by: By, identifier: str) -> Item:
    return _named(by, Item.Kind.PAGE, identifier)


def folder(by: By, identifier: str) -> Item:
    return _named(by, Item.Kind.FOLDER, identifier)


def _readable(by: By) -> list[Item]:
    require(by, "page.read")
    rows = Item.objects.select_related("parent").order_by("id")
    return [each for each in rows if permissions.may(by.actor, "read", each)]


def _named(by: By, kind: str, identifier: str) -> Item:
    require(by, "page.read")
    found = Item.objects.select_related("parent").filter(kind=kind, identifier=identifier).first()
    if found is None or not permissions.may(by.actor, "read", found):
        raise Missing(f'{kind.capitalize()} with identifier "{identifier}" was not found')
    return found
