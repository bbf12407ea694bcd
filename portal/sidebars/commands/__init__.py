from portal.sidebars.commands.folders import folder_create, folder_delete, folder_update
from portal.sidebars.commands.pages import (
    page_create,
    page_delete,
    page_permit,
    page_update,
    widget_delete,
    widget_update,
)

__all__ = [
    "folder_create",
    "folder_delete",
    "folder_update",
    "page_create",
    "page_delete",
    "page_permit",
    "page_update",
    "widget_delete",
    "widget_update",
]
