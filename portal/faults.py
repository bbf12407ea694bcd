"""Answers to what went wrong outside any view: JSON under /v1, a page elsewhere."""

import sys
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string

from portal.api import envelope
from portal.kit.database import cannot_hold, is_lost
from portal.kit.errors import PortalError

CODES = {
    400: ("bad_request", "The request could not be read."),
    403: ("forbidden", "You may not do this."),
    404: ("not_found", "There is nothing at this address."),
    409: ("conflict", "It contradicts what is there."),
    422: ("invalid_request", "Something in the request is wrong."),
    500: ("internal_error", "The portal made a mistake. It is in its log, under this trace."),
    503: ("unavailable", "The portal cannot reach its database. Nothing was written; try again shortly."),
}


def answer(request: HttpRequest, status: int, message: str = "") -> HttpResponse:
    code, what = CODES[status]
    headers = {"Retry-After": "2"} if status == 503 else None
    if request.path.startswith("/v1"):
        return JsonResponse(envelope.body(code, message or what), status=status, headers=headers)
    trace = getattr(request, "trace", None)
    context = {"status": status, "message": message, "trace": trace.hex if trace else ""}
    # Rendered without the request: its context would ask the database.
    return HttpResponse(render_to_string("pages/error.html", context), status=status, headers=headers)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer(request, 400)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer(request, 403, str(exception))


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    return answer(request, 403, "The form was open for too long, or came from elsewhere. Nothing was changed.")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer(request, 404)


def server_error(request: HttpRequest) -> HttpResponse:
    error = sys.exc_info()[1]
    if cannot_hold(error):
        return answer(request, 400, "A value is too long, too large or malformed. Nothing was changed.")
    return answer(request, 503 if is_lost(error) else 500)


class RefuseNul:
    """PostgreSQL has no such character, so no name holds it; here it is refused once for all look-ups."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if "\0" in request.path or "%00" in request.META.get("QUERY_STRING", ""):
            status = 422 if request.path.startswith("/v1") else 400
            return answer(request, status, "The address holds the character U+0000, which no name can hold.")
        return self.get_response(request)


class PortalErrors:
    """A refused or unknown thing is a page with the sentence of its error; an invalid form is the view's own matter."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, PortalError):
            return None
        return answer(request, error.status if error.status in CODES else 400, error.message)
