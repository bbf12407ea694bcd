"""Answers to what went wrong outside any view: JSON under /v1, a page elsewhere."""

import sys
from collections.abc import Callable

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string

from portal.api import envelope
from portal.kit.errors import PortalError

PAGES = {
    400: ("bad_request", "Bad request", "The request could not be read.", "Go back and try again."),
    403: ("forbidden", "Not allowed", "You may not do this.", "Ask an administrator, or sign in as somebody else."),
    404: ("not_found", "Not found", "There is nothing at this address.", "Check the link, or search for it above."),
    500: ("internal_error", "Our mistake", "Something went wrong on our side.", "Try again. If it stays, tell an administrator the trace."),
    503: (
        "unavailable",
        "Back in a moment",
        "The portal cannot reach its database.",
        "Nothing was written. Try again shortly.",
    ),
}  # fmt: skip


def answer(request: HttpRequest, status: int, message: str = "") -> HttpResponse:
    code, heading, what, advice = PAGES[status]
    headers = {"Retry-After": "2"} if status == 503 else None
    if request.path.startswith("/v1"):
        return JsonResponse(envelope.body(code, message or f"{what} {advice}"), status=status, headers=headers)
    trace = getattr(request, "trace", None)
    context = {"status": status, "heading": heading, "what": message or what, "advice": advice, "trace": trace}
    # Rendered without the request: its context would ask the database.
    return HttpResponse(render_to_string("pages/error.html", context), status=status, headers=headers)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer(request, 400)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer(request, 403, str(exception))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer(request, 404)


def server_error(request: HttpRequest) -> HttpResponse:
    lost = isinstance(sys.exc_info()[1], OperationalError | InterfaceError)
    return answer(request, 503 if lost else 500)


class PortalErrors:
    """A refused or unknown thing is a page with the sentence of its error; an invalid form is the view's own matter."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, PortalError):
            return None
        return answer(request, error.status if error.status in PAGES else 400, error.message)
