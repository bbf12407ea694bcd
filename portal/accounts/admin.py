from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.widgets import FilteredSelectMultiple
from django.contrib.auth.password_validation import validate_password
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from portal.accounts.commands import (
    credential_create,
    credential_permit,
    credential_revoke,
    team_create,
    team_update,
    user_create,
    user_invite,
    user_update,
)
from portal.accounts.models import SCOPES, Credential, Organization, Secret, Team, User
from portal.accounts.organization import organization_update, secret_create, secret_delete, secret_update
from portal.kit.admin import CommandAdmin, CommandForm, each_done
from portal.kit.by import By
from portal.kit.errors import Invalid, PortalError


class UserForm(CommandForm):
    password = forms.CharField(
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="Left empty, it stays as it is; for somebody new you get a link by which they choose one.",
    )

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        if password:
            validate_password(password, self.instance)
        return password


@admin.register(User)
class UserAdmin(CommandAdmin):
    noun = "user"
    form = UserForm
    fields = ("email", "name", "role", "is_active", "timezone", "moderates", "password")
    list_display = ("email", "name", "role", "status", "created_at")
    list_filter = ("role", "is_active", "teams")
    search_fields = ("email", "name")
    ordering = ("email",)
    actions = ("invite",)

    def response_add(self, request: Any, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        if obj.has_usable_password():
            return super().response_add(request, obj, post_url_continue)
        return self._links(request, [obj])

    @admin.action(description="Make links that let the chosen people in")
    def invite(self, request: Any, rows: Any) -> HttpResponse | None:
        try:
            return self._links(request, rows)
        except PortalError as error:
            messages.error(request, error.message)
            return None

    @transaction.atomic
    def _links(self, request: Any, people: Any) -> HttpResponse:
        """The one answer that holds the links."""
        made = [(each, user_invite(each.email, by=request.by)[1]) for each in people]
        links = [(each, settings.BASE_URL + reverse("pages:invitation", args=[secret])) for each, secret in made]
        context = self.admin_site.each_context(request) | {
            "title": "Invitations",
            "opts": self.opts,
            "links": links,
            "list_url": self.address("changelist"),
        }
        response = TemplateResponse(request, "admin/accounts/user/invitation.html", context)
        response["Cache-Control"] = "no-store"
        return response

    def write(self, by: By, row: User, form: Any, *, fresh: bool) -> User:
        data = dict(form.cleaned_data)
        password = data.pop("password")
        if not fresh:
            return user_update(row, data, password=password, by=by)
        user = user_create(data["email"], data["name"], password=password or None, role=data["role"], by=by)
        rest = {name: data[name] for name in ("is_active", "timezone", "moderates")}
        return user_update(user, rest, by=by)


@admin.register(Organization)
class OrganizationAdmin(CommandAdmin):
    noun = "organization"
    fields = ("name",)
    list_display = ("name",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return not Organization.objects.exists()

    def write(self, by: By, row: Organization, form: Any, *, fresh: bool) -> Organization:
        return organization_update({"name": form.cleaned_data["name"]}, by=by)


class SecretForm(CommandForm):
    value = forms.CharField(
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text="Kept encrypted, and never shown again. Left empty, it stays as it is.",
    )


@admin.register(Secret)
class SecretAdmin(CommandAdmin):
    noun = "secret"
    form = SecretForm
    fields = ("name", "description", "value")
    list_display = ("name", "description", "updated_at")
    search_fields = ("name", "description")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("name",) if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_change_permission(request, obj)

    def erase(self, by: By, row: Secret) -> None:
        secret_delete(row.name, by=by)

    def write(self, by: By, row: Secret, form: Any, *, fresh: bool) -> Secret:
        data = form.cleaned_data
        if not fresh:
            return secret_update(row.name, value=data["value"] or None, description=data["description"], by=by)
        if not data["value"]:
            raise Invalid.at("value", "a secret has a value")
        return secret_create(data["name"], data["value"], description=data["description"], by=by)


class TeamForm(CommandForm):
    members = forms.ModelMultipleChoiceField(
        User.objects.order_by("name", "email"),
        required=False,
        widget=FilteredSelectMultiple("people", is_stacked=False),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["members"] = list(self.instance.members.all())


@admin.register(Team)
class TeamAdmin(CommandAdmin):
    noun = "team"
    form = TeamForm
    fields = ("identifier", "title", "members")
    list_display = ("identifier", "title", "people")
    search_fields = ("identifier", "title")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("members")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("identifier",) if obj else ()

    @admin.display(description="people")
    def people(self, team: Team) -> str:
        return ", ".join(sorted(str(user) for user in team.members.all()))

    def write(self, by: By, row: Team, form: Any, *, fresh: bool) -> Team:
        data = form.cleaned_data
        members = list(data["members"])
        if fresh:
            return team_create(data["identifier"], data["title"], members=members, by=by)
        return team_update(row, title=data["title"], members=members, by=by)


class CredentialForm(CommandForm):
    scopes = forms.MultipleChoiceField(
        choices=[(scope, f"{scope}: {meaning}") for scope, meaning in SCOPES.items()],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose what it may do; without any scope it may do nothing."},
    )


@admin.register(Credential)
class CredentialAdmin(CommandAdmin):
    """A credential is made and revoked, never changed: whoever holds it knows what it may do."""

    noun = "credential"
    form = CredentialForm
    list_display = ("name", "kind", "user", "may", "created_at", "last_used_at", "revoked_at")
    list_select_related = ("user",)
    list_filter = ("kind", ("revoked_at", admin.EmptyFieldListFilter))
    search_fields = ("name",)
    actions = ("revoke", "let_make_services", "keep_from_making_services")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        if obj is None:
            return ("name", "kind", "user", "scopes", "creates_services")
        return (
            "name",
            "kind",
            "user",
            "client_id",
            "may",
            "creates_services",
            "created_at",
            "last_used_at",
            "revoked_at",
        )

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description="may")
    def may(self, credential: Credential) -> str:
        return ", ".join(credential.scopes)

    def write(self, by: By, row: Credential, form: Any, *, fresh: bool) -> Credential:
        data = form.cleaned_data
        credential, form.secret = credential_create(
            data["name"],
            kind=data["kind"],
            scopes=data["scopes"],
            user=data["user"],
            creates_services=data["creates_services"],
            by=by,
        )
        return credential

    def save_model(self, request: Any, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        request.secret = form.secret

    def response_add(self, request: Any, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        """The one answer that holds the secret; nothing keeps it, not even the session."""
        context = self.admin_site.each_context(request) | {
            "title": f"{obj.name} is made",
            "opts": self.opts,
            "credential": obj,
            "secret": request.secret,
            "list_url": self.address("changelist"),
        }
        response = TemplateResponse(request, "admin/accounts/credential/secret.html", context)
        response["Cache-Control"] = "no-store"
        return response

    @admin.action(description="Let the chosen make unknown services by reporting them")
    def let_make_services(self, request: Any, rows: Any) -> None:
        self._permit(request, rows, True, "let: services that they report are made")

    @admin.action(description="Keep unknown services of the chosen in the inbox")
    def keep_from_making_services(self, request: Any, rows: Any) -> None:
        self._permit(request, rows, False, "changed: unknown services wait in the inbox")

    def _permit(self, request: Any, rows: Any, creates_services: bool, done: str) -> None:
        each_done(
            request, rows, lambda row: credential_permit(row, creates_services=creates_services, by=request.by), done
        )

    @admin.action(description="Revoke the chosen credentials")
    def revoke(self, request: Any, rows: Any) -> None:
        each_done(
            request, rows, lambda row: credential_revoke(row, by=request.by), "revoked: they stop working at once"
        )
