"""The page behind an invitation's link: whoever holds it sets a name and a password, once."""

from typing import Any

from django import forms
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.password_validation import validate_password
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from portal.accounts.commands import invitation_accept, invited
from portal.accounts.models import User
from portal.accounts.queries import actor_of_user
from portal.kit.answers import go
from portal.kit.by import By


class InvitationForm(forms.Form):
    name = forms.CharField(max_length=100, label="Your name", widget=forms.TextInput(attrs={"autocomplete": "name"}))
    password = forms.CharField(
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="Ten characters or more.",
    )

    def __init__(self, data: Any, user: User) -> None:
        super().__init__(data, initial={"name": user.name})
        self.user = user

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        validate_password(password, self.user)
        return password


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, secret: str) -> HttpResponse:
    user = invited(secret)
    form = InvitationForm(request.POST or None, user)
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        # Who holds the link is the one it was made for.
        by = By(actor_of_user(user), "page", request.trace)  # type: ignore[attr-defined]
        joined = invitation_accept(secret, name=said["name"], password=said["password"], by=by)
        login(request, joined, backend="django.contrib.auth.backends.ModelBackend")
        return go(request, reverse("pages:home"), say=f"Welcome, {joined}.")
    context = {"form": form, "invited": user}
    return render(request, "pages/invitation.html", context, status=422 if request.method == "POST" else 200)
