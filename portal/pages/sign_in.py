from typing import Any

from django.conf import settings
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.views import LoginView
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django_htmx.http import HttpResponseClientRedirect
from redis.exceptions import RedisError

TRIES = 10
WINDOW = 600  # seconds


class SignInRequired(LoginRequiredMiddleware):
    """Every page asks for a sign-in unless it says otherwise; a fragment sends the whole page there."""

    def handle_no_permission(self, request: HttpRequest, view_func: Any) -> HttpResponse:  # type: ignore[override]
        if request.htmx:  # type: ignore[attr-defined]
            # Back to the page that the fragment is on, never to the fragment alone.
            page = request.htmx.current_url_abs_path or "/"  # type: ignore[attr-defined]
            return HttpResponseClientRedirect(reverse(settings.LOGIN_URL, query={"next": page}))
        return super().handle_no_permission(request, view_func)


class SignInForm(AuthenticationForm):
    """Ten wrong passwords from one place for one e-mail address in ten minutes, and it waits there.

    Counted for the e-mail address alone, anyone could lock an administrator out.
    """

    error_messages = AuthenticationForm.error_messages | {  # noqa: RUF012
        "invalid_login": "This e-mail and this password do not belong together. Capital letters matter in the password only.",
    }

    def clean(self) -> dict[str, Any]:
        key = tries_key(str(self.cleaned_data.get("username", "")), client_of(self.request))
        if _count(key) >= TRIES:
            raise ValidationError("Too many tries for this address. Wait ten minutes, then try again.")
        try:
            return super().clean()
        except ValidationError:
            _add(key)
            raise


def tries_key(email: str, client: str) -> str:
    return f"sign-in:{client}:{email.casefold()[:254]}"


def client_of(request: HttpRequest | None) -> str:
    """The network address that asks. Behind HTTPS it is what our proxy saw: the last it wrote, never what was sent."""
    if request is None:
        return ""
    forwarded = request.headers.get("X-Forwarded-For", "") if settings.HTTPS else ""
    return (forwarded.rpartition(",")[2].strip() or request.META.get("REMOTE_ADDR", ""))[:64]


def _count(key: str) -> int:
    try:
        return int(cache.get(key, 0))
    except RedisError:
        return 0  # a lost cache must not lock everybody out


def _add(key: str) -> None:
    try:
        cache.add(key, 0, WINDOW)
        cache.incr(key)
    except (RedisError, ValueError):
        return


class SignIn(LoginView):
    template_name = "pages/sign_in.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True
