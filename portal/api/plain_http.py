from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from portal.api.envelope import insecure


class RefusePlainHttp:
    """Where the portal is reached by https, /v1 refuses plain HTTP and never redirects: a redirect turns POST into GET."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if settings.HTTPS and not request.is_secure() and request.path.startswith("/v1"):
            return insecure(request)
        return self.get_response(request)
