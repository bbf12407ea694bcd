"""The organisation's secrets: names and who changed them; values go in and never come out."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal.accounts import queries
from portal.accounts.models import Secret
from portal.accounts.organization import NAME, secret_create, secret_delete, secret_update
from portal.accounts.policy import require
from portal.accounts.viewer import by_of
from portal.kit.answers import go
from portal.kit.by import By
from portal.kit.errors import PortalError
from portal.kit.forms import refuse

LARGEST = 100_000
USES = {
    "action-signing": "Signs the calls of actions and automations to their webhooks.",
    "changelog-signing": "Signs the changes of blueprints that are sent to an address.",
}


class SecretForm(forms.Form):
    name = forms.RegexField(
        NAME,
        max_length=100,
        error_messages={"invalid": "1 to 100 of A-Z a-z 0-9 _ and -."},
        help_text="It stays as it is.",
    )
    description = forms.CharField(max_length=200, required=False)
    value = forms.CharField(
        max_length=LARGEST,
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text="Kept encrypted, and never shown again.",
    )

    def __init__(self, posted: Any, secret: Secret | None, name: str = "") -> None:
        self.secret = secret
        super().__init__(posted, initial={"description": secret.description} if secret else {"name": name})
        if secret:
            del self.fields["name"]
            self.fields["value"].label = "New value"
            self.fields["value"].help_text = "Kept encrypted, and never shown again. Left empty, it stays as it is."
        else:
            self.fields["value"].required = True

    def save(self, by: By) -> Secret | None:
        data = self.cleaned_data
        try:
            if self.secret:
                value = data["value"] or None
                return secret_update(self.secret.name, value=value, description=data["description"], by=by)
            return secret_create(data["name"], data["value"], description=data["description"], by=by)
        except PortalError as error:
            refuse(self, error)
            return None


@require_safe
def secrets(request: HttpRequest) -> HttpResponse:
    require(by_of(request), "account.write")
    rows = [_row(each) for each in queries.secrets()]
    return render(request, "pages/secrets.html", {"rows": rows, "new_url": reverse("pages:secret_new")})


@require_http_methods(["GET", "HEAD", "POST"])
def secret_new(request: HttpRequest) -> HttpResponse:
    return _edited(request, None)


@require_http_methods(["GET", "HEAD", "POST"])
def secret(request: HttpRequest, name: str) -> HttpResponse:
    require(by_of(request), "account.write")
    return _edited(request, queries.secret(name))


@require_POST
def secret_removal(request: HttpRequest, name: str) -> HttpResponse:
    secret_delete(name, by=by_of(request))
    return go(request, reverse("pages:secrets"), say=f"The secret {name} is deleted.")


def _edited(request: HttpRequest, found: Secret | None) -> HttpResponse:
    by = by_of(request)
    require(by, "account.write")
    form = SecretForm(request.POST or None, found, request.GET.get("name", "")[:100])
    if request.method == "POST" and form.is_valid():
        saved = form.save(by)
        if saved is not None:
            return go(request, reverse("pages:secrets"), say=f"The secret {saved} is saved.")
    context = {"form": form, "secret": _row(found) if found else None, "list_url": reverse("pages:secrets")}
    return render(request, "pages/secret_form.html", context, status=422 if request.method == "POST" else 200)


def _row(found: Secret) -> dict[str, Any]:
    return {
        "name": found.name,
        "description": found.description or USES.get(found.name, ""),
        "updated_at": found.updated_at,
        "updated_by": found.updated_by,
        "url": reverse("pages:secret", args=[found.name]),
        "delete_url": reverse("pages:secret_removal", args=[found.name]),
    }
