from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from portal.kit.admin import ReadOnlyAdmin
from portal.kit.by import By
from portal.sidebars.commands import folder_delete, page_delete
from portal.sidebars.models import Item


@admin.register(Item)
class ItemAdmin(ReadOnlyAdmin):
    """Pages and folders are made over the API; here they are looked at and deleted."""

    noun = "page"
    list_display = ("identifier", "kind", "parent", "after", "updated_by", "updated_at")
    list_filter = ("kind",)
    search_fields = ("identifier",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def erase(self, by: By, row: Item) -> None:
        folder_delete(row, by=by) if row.kind == Item.Kind.FOLDER else page_delete(row, by=by)
