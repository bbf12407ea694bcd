from typing import Any

from django.contrib import admin

from portal.audit.models import Delivery, Event
from portal.audit.outbox import delivery_retry
from portal.kit.admin import ReadOnlyAdmin, each_done


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    """Kept as they were written. The audit page shows the same, with what changed."""

    list_display = ("at", "name", "title", "actor_name", "door")
    list_filter = ("noun", "door")
    search_fields = ("title", "name", "actor_name")
    ordering = ("-id",)
    show_full_result_count = False


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    list_display = ("event", "subscriber", "state", "attempts", "due_at", "last_error")
    list_filter = ("state", "subscriber")
    list_select_related = ("event",)
    ordering = ("-id",)
    show_full_result_count = False
    actions = ("send_again",)

    @admin.action(description="Send the chosen parked deliveries again")
    def send_again(self, request: Any, rows: Any) -> None:
        parked = rows.filter(state=Delivery.State.PARKED)
        each_done(request, parked, lambda row: delivery_retry(row, by=request.by), "will be sent again")
