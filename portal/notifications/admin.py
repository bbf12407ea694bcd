from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from portal.kit.admin import ReadOnlyAdmin
from portal.kit.by import By
from portal.notifications.commands import route_delete
from portal.notifications.models import Route, SlackThread


@admin.register(Route)
class RouteAdmin(ReadOnlyAdmin):
    """Routes are made and tried at Notifications; here they are looked at and deleted."""

    noun = "route"
    list_display = ("name", "to", "enabled", "dry", "updated_by", "updated_at")
    list_filter = ("to", "enabled", "dry")
    search_fields = ("name",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def erase(self, by: By, row: Route) -> None:
        route_delete(row, by=by)


@admin.register(SlackThread)
class SlackThreadAdmin(ReadOnlyAdmin):
    """The first messages of threads: what Slack knows, kept to find them again."""

    list_display = ("key", "target", "at", "closed_at", "folded")
    search_fields = ("key",)
    ordering = ("-id",)
    show_full_result_count = False
