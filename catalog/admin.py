from typing import Any

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html

from catalog import compute, kinds, queries
from catalog.commands import (
    Trial,
    blueprint_create,
    blueprint_delete,
    blueprint_try,
    blueprint_update,
    index_add,
    index_remove,
)
from catalog.forms import FormEditor, JsonEditor
from catalog.models import Blueprint, Entity, IndexedProperty, SelfCheck, Timer
from catalog.search import indexes
from catalog.tables import cells
from portal.kit.admin import CommandAdmin, ReadOnlyAdmin
from portal.kit.by import By
from portal.kit.errors import Conflict, PortalError


@admin.register(Blueprint)
class BlueprintAdmin(CommandAdmin):
    noun = "blueprint"
    list_display = ("title", "identifier", "description", "properties_count", "updated_at", "updated_by")
    search_fields = ("title", "identifier")

    @admin.display(description="properties")
    def properties_count(self, blueprint: Blueprint) -> int:
        return len(blueprint.properties)

    def has_delete_permission(self, request: HttpRequest, obj: Blueprint | None = None) -> bool:
        return bool(obj and not kinds.kind(obj.identifier) and self.has_change_permission(request, obj))

    def erase(self, by: By, row: Blueprint) -> None:
        blueprint_delete(row, by=by)

    def changeform_view(
        self, request: Any, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The editor instead of a form of columns; asks before a change that would lose data."""
        blueprint = self._blueprint(request, object_id)
        kind = JsonEditor if request.GET.get("mode") == "json" else FormEditor
        editor = kind(request.POST or None, blueprint, list(queries.blueprints(request.by)))
        losses: list[queries.Loss] = []
        if request.method == "POST" and editor.is_valid():
            try:
                definition = editor.definition()
                _check_fresh(blueprint, request.POST.get("seen"))
                if blueprint and "try" in request.POST:
                    return self._show(
                        request, editor, blueprint, [], blueprint_try(blueprint, definition, by=request.by)
                    )
                losses = queries.losses(blueprint, definition) if blueprint else []
                if not losses or request.POST.get("confirm") == _fingerprint(losses):
                    return self._saved(request, _write(blueprint, definition, request.by))
            except PortalError as error:
                editor.refuse(error)
        return self._show(request, editor, blueprint, losses)

    def _blueprint(self, request: HttpRequest, object_id: str | None) -> Blueprint | None:
        if object_id is None:
            return None
        found: Blueprint | None = self.get_object(request, object_id)
        if found is None:
            raise Http404
        return found

    def _saved(self, request: HttpRequest, blueprint: Blueprint) -> HttpResponse:
        messages.success(request, f"The blueprint {blueprint.title} is saved.")
        return HttpResponseRedirect(self.address("change", blueprint.pk))

    def _show(
        self,
        request: HttpRequest,
        editor: Any,
        blueprint: Blueprint | None,
        losses: list[queries.Loss],
        tried: Trial | None = None,
    ) -> HttpResponse:
        context = self.admin_site.each_context(request) | {
            "title": blueprint.title if blueprint else "New blueprint",
            "opts": self.opts,
            "original": blueprint,
            "editor": editor,
            "is_json": isinstance(editor, JsonEditor),
            "losses": losses,
            "refused": request.method == "POST" and tried is None and not losses,
            "tried": _shown(tried) if tried else None,
            "faults": _faults(blueprint) if blueprint and request.method == "GET" else [],
            "confirm": _fingerprint(losses),
            "seen": request.POST.get("seen") or _seen(blueprint),
            "may_delete": self.has_delete_permission(request, blueprint),
            "list_url": reverse("catalog:entity_list", args=[blueprint.identifier]) if blueprint else None,
        }
        status = 422 if request.method == "POST" and tried is None else 200
        return TemplateResponse(request, editor.template, context, status=status)


def _write(blueprint: Blueprint | None, definition: Any, by: By) -> Blueprint:
    return blueprint_update(blueprint, definition, by=by) if blueprint else blueprint_create(definition, by=by)


def _shown(trial: Trial) -> dict[str, Any]:
    rows = [
        {
            "name": row.name,
            "title": row.definition.get("title") or row.name,
            "values": [(cells.value(row.definition, value), error) for value, error in row.values],
        }
        for row in trial.rows
    ]
    return {"entities": trial.entities, "rows": rows}


def _faults(blueprint: Blueprint) -> list[dict[str, Any]]:
    """By calculation, what is said against it and of which entities."""
    found: dict[str, dict[str, Any]] = {}
    for each in compute.faults(blueprint):
        told = found.setdefault(each.name, {"name": each.name, "message": each.message, "entities": []})
        told["entities"].append(each.entity)
    return list(found.values())


def _seen(blueprint: Blueprint | None) -> str:
    return blueprint.updated_at.isoformat() if blueprint else ""


def _check_fresh(blueprint: Blueprint | None, seen: str | None) -> None:
    if blueprint and seen and seen != _seen(blueprint):
        raise Conflict(
            f"{blueprint.updated_by} has changed this blueprint meanwhile. Reload, then do your change again."
        )


def _fingerprint(losses: list[queries.Loss]) -> str:
    return "|".join(sorted(loss.what for loss in losses))


@admin.register(Entity)
class EntityAdmin(ReadOnlyAdmin):
    """To look things up; entities are written by pipelines and integrations."""

    noun = "entity"
    list_display = ("identifier", "title", "blueprint", "team", "updated_at", "page")
    list_filter = ("blueprint",)
    list_select_related = ("blueprint",)
    search_fields = ("identifier", "title")
    ordering = ("blueprint", "identifier")
    show_full_result_count = False

    @admin.display(description="page")
    def page(self, entity: Entity) -> str:
        return format_html('<a href="{}">Open</a>', self.view_on_site(entity))

    def view_on_site(self, obj: Entity) -> str:
        return reverse("catalog:entity_detail", args=[obj.blueprint.identifier, obj.identifier])


@admin.register(SelfCheck)
class SelfCheckAdmin(ReadOnlyAdmin):
    """Every night the portal computes all anew. What was wrong is mended, and a mistake of the portal: please report it."""

    noun = "self-check"
    list_display = ("at", "looked", "wrong")
    ordering = ("-at",)


@admin.register(Timer)
class TimerAdmin(ReadOnlyAdmin):
    """What runs, and what has run out, by the entity's key. To look things up: a timer is set by its entity."""

    noun = "timer"
    list_display = ("property", "value", "entity", "due_at", "expired_at")
    ordering = ("-due_at", "-id")
    show_full_result_count = False


@admin.register(IndexedProperty)
class IndexedPropertyAdmin(CommandAdmin):
    """What lists of large blueprints are quickly sorted, bounded and grouped by. A worker builds and drops."""

    noun = "index"
    fields = ("blueprint", "property")
    list_display = ("property", "blueprint", "state", "for_views", "created_at")
    list_filter = ("blueprint",)
    list_select_related = ("blueprint",)

    @admin.display(description="state")
    def state(self, row: IndexedProperty) -> str:
        return indexes.state(row.blueprint, row.property)

    def has_change_permission(self, request: HttpRequest, obj: IndexedProperty | None = None) -> bool:
        return obj is None and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: IndexedProperty | None = None) -> bool:
        return obj is not None and super().has_change_permission(request, obj)

    def write(self, by: By, row: IndexedProperty, form: Any, *, fresh: bool) -> IndexedProperty:
        return index_add(form.cleaned_data["blueprint"], form.cleaned_data["property"], by=by)

    def erase(self, by: By, row: IndexedProperty) -> None:
        index_remove(row, by=by)
