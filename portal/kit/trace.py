"""One id for all that a request does: on its events, in its answer, in the log."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from portal.kit.ids import uuid7


class TraceMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.trace = uuid7()  # type: ignore[attr-defined]
        response = self.get_response(request)
        response["X-Trace-Id"] = request.trace.hex  # type: ignore[attr-defined]
        return response
