from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from portal.actions.commands import action_create, action_delete, action_replace
from portal.actions.models import Action, Run
from portal.kit.admin import CommandAdmin, CommandForm, ReadOnlyAdmin
from portal.kit.by import By


class ActionForm(CommandForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["definition"] = self.instance.as_sent


@admin.register(Action)
class ActionAdmin(CommandAdmin):
    """The definition as the API takes it."""

    noun = "action"
    form = ActionForm
    fields = ("definition", "permissions", "created_by", "updated_by", "fault", "fault_at", "paused", "paused_at")
    readonly_fields = ("permissions", "created_by", "updated_by", "fault", "fault_at", "paused", "paused_at")
    list_display = (
        "identifier",
        "title",
        "blueprint",
        "operation",
        "updated_by",
        "updated_at",
        "fault_at",
        "paused_at",
    )
    search_fields = ("identifier", "definition")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def write(self, by: By, row: Action, form: Any, *, fresh: bool) -> Action:
        definition = form.cleaned_data["definition"]
        return action_create(definition, by=by) if fresh else action_replace(row, definition, by=by)

    def erase(self, by: By, row: Action) -> None:
        action_delete(row, by=by)


@admin.register(Run)
class RunAdmin(ReadOnlyAdmin):
    """Runs are reported on by those who do their work; nothing is edited here."""

    noun = "run"
    list_display = ("public_id", "title", "status", "created_by", "created_at", "ended_at")
    list_filter = ("status", "source")
    search_fields = ("public_id", "external_id", "created_by", "entity")
    ordering = ("-id",)
    show_full_result_count = False
