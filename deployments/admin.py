from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from deployments.commands import (
    hook_create,
    hook_delete,
    hook_update,
    log_source_create,
    log_source_delete,
    log_source_update,
)
from deployments.models import Hook, LogSource
from deployments.presets import PRESETS
from portal.kit.admin import CommandAdmin, CommandForm
from portal.kit.by import By


def _presets() -> SafeString:
    """Each preset with what it takes, and from which properties."""
    rows = (
        (preset.title, "; ".join(f"{name} = {text.splitlines()[0] if text else ''}" for name, text in preset.parameters.items()))
        for preset in PRESETS.values()
    )  # fmt: skip
    intro = "One a line, name = text, only where it differs. {{ name }} stands for a property of the deployment config, its service or its environment."
    return format_html("{}<ul>{}</ul>", intro, format_html_join("", "<li><b>{}</b>: {}</li>", rows))


class SourceForm(CommandForm):
    preset = forms.ChoiceField(
        choices=[("", "none: by a template"), *((name, preset.title) for name, preset in PRESETS.items())],
        required=False,
    )
    template = forms.CharField(
        required=False,
        max_length=2000,
        widget=forms.TextInput(attrs={"size": 100}),
        help_text="Instead of a preset: an address such as https://logs.example/?q={{ logIndex }}&from={{ since_ms }}&to={{ until_ms }}. "
        "Beside properties there are service, environment, version, commit, since, until, since_ms and until_ms.",
    )
    parameters = forms.CharField(required=False, strip=False, widget=forms.Textarea(attrs={"rows": 6, "cols": 100}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["parameters"].help_text = _presets()
        given = self.instance.parameters or {}
        self.initial["parameters"] = "\n".join(f"{name} = {_one_line(text)}" for name, text in given.items())

    def clean_parameters(self) -> dict[str, str]:
        return {name: text.replace("\\n", "\n") for name, text in _pairs(self.cleaned_data["parameters"]).items()}


def _pairs(lines: str) -> dict[str, str]:
    """One `name = text` a line."""
    told = [each for each in lines.splitlines() if each.strip()]
    odd = next((each for each in told if "=" not in each), None)
    if odd is not None:
        raise forms.ValidationError(f"“{odd[:60]}” is not of the form name = text.")
    pairs = (each.split("=", 1) for each in told)
    return {name.strip(): text.strip() for name, text in pairs}


def _one_line(text: str) -> str:
    return text.replace("\n", "\\n")


@admin.register(LogSource)
class LogSourceAdmin(CommandAdmin):
    """Where logs, errors, sessions and traces are; switched off rather than deleted, for an upgrade brings a preset back."""

    noun = "log_source"
    form = SourceForm
    fields = ("name", "kind", "preset", "template", "parameters", "icon", "is_on")
    list_display = ("name", "kind", "preset", "is_on")
    list_filter = ("kind", "is_on")
    search_fields = ("name", "preset")
    ordering = ("id",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_change_permission(request, obj)

    def erase(self, by: By, row: LogSource) -> None:
        log_source_delete(row, by=by)

    def write(self, by: By, row: LogSource, form: Any, *, fresh: bool) -> LogSource:
        if fresh:
            return log_source_create(dict(form.cleaned_data), by=by)
        return log_source_update(LogSource.objects.get(pk=row.pk), dict(form.cleaned_data), by=by)


class HookForm(CommandForm):
    workflows = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "cols": 80}),
        help_text="GitHub's workflow runs name no environment. One a line: name of the workflow = environment. Others are ignored.",
    )
    value = forms.CharField(
        label="secret",
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text="Of 16 characters or more; enter the same at the sender. Kept encrypted, never shown again; left empty, it stays.",
    )
    paths = {"secret": "value"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = self.instance.workflows or {}
        self.initial["workflows"] = "\n".join(f"{name} = {place}" for name, place in known.items())

    def clean_workflows(self) -> dict[str, str]:
        return _pairs(self.cleaned_data["workflows"])


@admin.register(Hook)
class HookAdmin(CommandAdmin):
    """Its address is shown on the page Hooks, under the ingest log."""

    noun = "hook"
    form = HookForm
    fields = ("name", "kind", "value", "enabled", "creates_services", "workflows")
    list_display = ("name", "kind", "enabled", "creates_services", "created_at")
    search_fields = ("name",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_change_permission(request, obj)

    def erase(self, by: By, row: Hook) -> None:
        hook_delete(row, by=by)

    def write(self, by: By, row: Hook, form: Any, *, fresh: bool) -> Hook:
        wished = dict(form.cleaned_data)
        secret = wished.pop("value")
        return hook_create(wished, secret=secret, by=by) if fresh else hook_update(row, wished, secret=secret, by=by)
