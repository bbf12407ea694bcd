from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html

from deployments.environments.models import Environment, Sweep, Template
from portal.kit.admin import ReadOnlyAdmin


@admin.register(Environment)
class EnvironmentAdmin(ReadOnlyAdmin):
    """To look things up; its own page extends it and tears it down."""

    noun = "environment"
    list_display = ("name", "template", "state", "owner_name", "team", "expires_at", "last_error", "page")
    list_filter = ("state", "template", "phase")
    list_select_related = ("template",)
    search_fields = ("name", "owner_name", "reason", "public_id")
    ordering = ("-id",)
    show_full_result_count = False

    @admin.display(description="page")
    def page(self, environment: Environment) -> str:
        return format_html('<a href="{}">Open</a>', environment.get_absolute_url())


@admin.register(Template)
class TemplateAdmin(ReadOnlyAdmin):
    """What can be asked for. It is changed on its own page, which tries it first; its secret is shown nowhere."""

    noun = "environment_template"
    list_display = ("title", "identifier", "provider", "enabled", "default_ttl", "hard_cap", "page")
    list_filter = ("provider", "enabled")
    search_fields = ("title", "identifier")
    exclude = ("secret",)

    @admin.display(description="page")
    def page(self, template: Template) -> str:
        return format_html('<a href="{}">Edit</a>', self.view_on_site(template))

    def view_on_site(self, obj: Template) -> str:
        return reverse("environments:template_edit", args=[obj.identifier])


@admin.register(Sweep)
class SweepAdmin(ReadOnlyAdmin):
    """Passes that the brake held. They are let go on the page Orphans and brake."""

    noun = "sweep"
    list_display = ("at", "kind", "state", "reason", "decided_by", "decided_at")
    list_filter = ("state", "kind")
    ordering = ("-id",)
