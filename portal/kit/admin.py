"""What the pages of Django's admin have in common here: they read rows, and write through commands."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from portal.kit.by import By
from portal.kit.errors import PortalError
from portal.kit.forms import refuse


class CommandForm(forms.ModelForm):
    """Leaves judging to the command; what that refused stands at the field it is about."""

    refusal: PortalError | None = None
    paths: dict[str, str] = {}

    def _post_clean(self) -> None:
        if self.refusal:
            refuse(self, self.refusal, self.paths)


class CommandAdmin(admin.ModelAdmin):
    """A subclass says how to `write` (and `erase`): each with one command, by the one who is at the page."""

    form = CommandForm
    noun = ""  # what the audit log calls such a row

    def write(self, by: By, row: Any, form: Any, *, fresh: bool) -> Any:
        raise NotImplementedError

    def erase(self, by: By, row: Any) -> None:
        raise NotImplementedError

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form: Any = super().get_form(request, obj, change=change, **kwargs)
        form.refusal = getattr(request, "refusal", None)
        return form

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return super().changeform_view(request, *args, **kwargs)
        except PortalError as error:
            # Nothing was written: show the form again, with the reason.
            request.refusal = error  # type: ignore[attr-defined]
            return super().changeform_view(request, *args, **kwargs)

    def save_model(self, request: Any, obj: Any, form: Any, change: bool) -> None:
        written = self.write(request.by, obj, form, fresh=not change)
        obj.__dict__.update(written.__dict__)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """The command has done it."""

    def delete_model(self, request: Any, obj: Any) -> None:
        self.erase(request.by, obj)

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        try:
            with transaction.atomic():
                return super().delete_view(request, object_id, extra_context)
        except PortalError as error:
            messages.error(request, error.message)
            return HttpResponseRedirect(self.address("change", object_id))

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """The command says what stands in the way; counting everything beneath could take minutes."""
        return [str(each) for each in objs], {}, set(), []

    def address(self, page: str, *args: Any) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_{page}", args=args)

    # The audit log is the record; a second one would miss what comes through other doors.
    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        pass

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        pass

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        pass

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        row = self.get_object(request, object_id)
        return HttpResponseRedirect(reverse("pages:audit", query={"noun": self.noun, "q": str(row or "")}))


class ReadOnlyAdmin(CommandAdmin):
    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [field.name for field in self.opts.fields if field.name not in (self.exclude or ())]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def each_done(request: HttpRequest, rows: Any, command: Any, done: str) -> None:
    """Runs the command for each of the chosen rows, and says what became of them."""
    count = 0
    for row in rows:
        try:
            command(row)
            count += 1
        except PortalError as error:
            messages.error(request, f"{row}: {error.message}")
    if count:
        messages.success(request, f"{count} {done}.")
