"""What a page shows and what is typed into it is in the viewer's time zone; inside everything is UTC."""

from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.http import HttpRequest, HttpResponse
from django.utils import timezone


class ViewerZone:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with timezone.override(None):
            return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> None:
        """Only where people sign in: programs at /v1 have no time zone."""
        if getattr(view, "login_required", True) and request.user.is_authenticated:
            try:
                timezone.activate(ZoneInfo(request.user.timezone))
            except ZoneInfoNotFoundError:
                return  # no longer in the time zone database: UTC
