from catalog.views.bulk import bulk_deletion, bulk_edit, undo
from catalog.views.cells import cell
from catalog.views.changelog import changelog, changelog_again, changelog_trial
from catalog.views.details import entity_detail
from catalog.views.edits import entity_deletion, entity_edit, entity_new
from catalog.views.lists import entity_list, home, view_removal, views
from catalog.views.permissions import permissions

__all__ = [
    "bulk_deletion",
    "bulk_edit",
    "cell",
    "changelog",
    "changelog_again",
    "changelog_trial",
    "entity_deletion",
    "entity_detail",
    "entity_edit",
    "entity_list",
    "entity_new",
    "home",
    "permissions",
    "undo",
    "view_removal",
    "views",
]
