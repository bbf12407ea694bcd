from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_POST

from locks import queries, rules
from locks.commands import lock_release, lock_rule_delete, lock_rule_update
from locks.forms import LockForm
from locks.models import Lock, LockRule
from portal.kit.admin import ReadOnlyAdmin, each_done
from portal.kit.by import By
from portal.kit.clock import database_now
from portal.kit.errors import Conflict


@admin.register(Lock)
class LockAdmin(ReadOnlyAdmin):
    """Taken and released here as anywhere else; a row is never edited, never deleted."""

    noun = "lock"
    list_display = ("covers", "reason", "holder_name", "expires_at", "released_at")
    list_filter = (("released_at", admin.EmptyFieldListFilter), "scope_kind", "kind", "effect")
    search_fields = ("service_identifier", "environment_identifier", "reason", "holder_name")
    ordering = ("-id",)
    show_full_result_count = False
    exclude = ("holder_key", "service", "environment")
    actions = ("release",)
    change_form_template = "admin/locks/lock/lock.html"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return True

    def get_urls(self) -> list[Any]:
        release = self.admin_site.admin_view(self.release_view)
        return [path("<int:pk>/release/", release, name="locks_lock_release"), *super().get_urls()]

    def add_view(self, request: Any, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        form = LockForm(request.POST or None, by=request.by)
        taken = None
        if request.method == "POST" and form.is_valid():
            try:
                lock = form.take(steal=bool(request.POST.get("steal")))
            except Conflict as conflict:
                lock, taken = None, conflict.message
            if lock:
                messages.success(request, f"Locked {lock.covers}.")
                return HttpResponseRedirect(self.address("change", lock.pk))
        context = self.admin_site.each_context(request) | {
            "title": "Take a lock",
            "opts": self.opts,
            "form": form,
            "taken": taken,
        }
        status = 422 if form.errors or taken else 200
        return TemplateResponse(request, "admin/locks/lock/add.html", context, status=status)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        lock = self.get_object(request, object_id)
        more = {"may_release": bool(lock and lock.is_active(database_now()))}
        return super().change_view(request, object_id, form_url, (extra_context or {}) | more)

    @method_decorator(require_POST)
    def release_view(self, request: Any, pk: int) -> HttpResponse:
        lock = queries.lock_by_key(request.by, pk)
        lock_release(lock, reason=request.POST.get("reason", ""), by=request.by)
        messages.success(request, f"Released {lock.covers}.")
        return HttpResponseRedirect(self.address("change", pk))

    @admin.action(description="Release the chosen locks")
    def release(self, request: Any, rows: Any) -> None:
        each_done(request, rows, lambda row: lock_release(row, by=request.by), "released")


@admin.register(LockRule)
class LockRuleAdmin(ReadOnlyAdmin):
    """Made and changed on the pages under Locks, with their preview; deleted here too. Every way is one command."""

    noun = "lock_rule"
    list_display = ("name", "on", "scope", "effect", "dry_run", "enabled")
    list_filter = ("enabled", "dry_run", "scope", "effect")
    search_fields = ("name",)
    ordering = ("name",)
    actions = ("enable", "disable")
    exclude = ("version",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return True

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        return HttpResponseRedirect(reverse("locks:rule_new"))

    def view_on_site(self, obj: LockRule) -> str:
        return obj.get_absolute_url()

    def erase(self, by: By, row: LockRule) -> None:
        lock_rule_delete(row, by=by)

    def delete_queryset(self, request: Any, queryset: Any) -> None:
        each_done(request, queryset, lambda row: lock_rule_delete(row, by=request.by), "deleted")

    @admin.action(description="Switch the chosen rules on, as they were")
    def enable(self, request: Any, rows: Any) -> None:
        self._switch(request, rows, True)

    @admin.action(description="Switch the chosen rules off")
    def disable(self, request: Any, rows: Any) -> None:
        self._switch(request, rows, False)

    def _switch(self, request: Any, rows: Any, on: bool) -> None:
        def command(row: LockRule) -> None:
            lock_rule_update(row, rules.parse({"enabled": on}, base=row), by=request.by)

        each_done(request, rows, command, "switched on" if on else "switched off")
