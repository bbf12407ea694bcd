"""What only people's pages need: /v1 knows tokens, but no sessions, forms, messages or time zones, and CI waits for it."""

from typing import Any

from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware
from django_htmx.middleware import HtmxMiddleware

from portal.accounts.zone import ViewerZone
from portal.pages.sign_in import SignInRequired


class _OnPages:
    get_response: Any

    def __call__(self, request: HttpRequest) -> Any:
        return self.get_response(request) if _is_api(request) else super().__call__(request)  # type: ignore[misc]


class _OnViews(_OnPages):
    def process_view(self, request: HttpRequest, *of_view: Any) -> HttpResponseBase | None:
        return None if _is_api(request) else super().process_view(request, *of_view)  # type: ignore[misc]


class Sessions(_OnPages, SessionMiddleware): ...


class Csrf(_OnViews, CsrfViewMiddleware): ...  # type: ignore[misc]


class Authentication(_OnPages, AuthenticationMiddleware): ...


class Messages(_OnPages, MessageMiddleware): ...


class Htmx(_OnPages, HtmxMiddleware): ...


class SignIn(_OnViews, SignInRequired): ...


class Zone(_OnViews, ViewerZone): ...  # type: ignore[misc]


def _is_api(request: HttpRequest) -> bool:
    return request.path_info.startswith("/v1/")
